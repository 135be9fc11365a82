//! Images that are stripped or written anew. In: a byte that says which, and a file. What is left has nothing more to lose.

use bytes::Bytes;
use dragoman::images::{How, ImageSettings, Images, Otherwise};
use tokio::runtime::Runtime;

const LARGEST: u64 = 1 << 20;

pub fn treated(data: &[u8]) {
    let Some((pick, file)) = data.split_first() else { return };
    let how = if pick % 2 == 0 { How::Strip } else { How::Reencode };
    let Some(once) = treat(how, Bytes::copy_from_slice(file)) else { return };
    match how {
        How::Strip => {
            assert!(once.len() <= file.len() + 64, "{} bytes became {}", file.len(), once.len());
            // Of what was broken in the middle the whole parts stay, which may be no image.
            let again = treat(how, once.clone());
            assert!(again.is_none_or(|twice| twice == once), "something was left");
        }
        How::Reencode => assert!(once.len() as u64 <= LARGEST),
    }
}

fn treat(how: How, image: Bytes) -> Option<Bytes> {
    thread_local! {
        static RUNTIME: Runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    }
    let settings =
        ImageSettings { how, up_to: LARGEST, pixels: 250_000, at_once: 1, quality: 85, otherwise: Otherwise::Refuse };
    let images = Images::new(settings);
    RUNTIME.with(|runtime| {
        runtime.block_on(async {
            let place = images.place().await.expect("a place");
            let (place, made) = images.treat(place, image).await;
            assert!(place.is_some(), "{:?}", made.err());
            made.ok()
        })
    })
}
