//! A backend as it is deployed: it acknowledges what it took to the one socket that said it, then tells the message to all.
//! Where the message is lost on the way, the acknowledgment is what there is.

use super::unconfirmed;
use crate::client::{Heard, Outcome};
use crate::pair::scene::{Scene, Staging};

const BACKEND: &str = "frontdesk@deployed";

async fn scene(from: &'static str, staging: Staging) -> Scene {
    let upstream = "confirm_within = \"2s\"".to_owned();
    Scene::set_as(from, BACKEND, &Staging { upstream, ..staging }).await
}

async fn words_and_files(from: &'static str) {
    let mut scene = scene(from, Staging::default()).await;
    for text in ["yes", "yes", "no"] {
        scene.client.send_text(text).await;
        assert_eq!(scene.client.outcome().await, Outcome::Confirmed { body: text.to_owned() });
        assert_eq!(scene.backend.taken().await.body, text);
    }
    scene.backend.say("welcome").await;
    // Of all that the backend says beside its messages nothing comes through as words.
    assert_eq!(scene.client.hears().await, Heard::Text("welcome".to_owned()));
    assert_eq!(unconfirmed(&scene).await, 0.0);
    // What a browser calls video/quicktime is refused there under this name.
    let film = [b"\0\0\0\x14ftypqt  ".as_slice(), &[0; 64]].concat();
    scene.client.say_file("tour.mov", "video/quicktime", &film, "").await.expect("accepted");
    assert_eq!(scene.backend.taken().await.file.as_deref(), Some(film.as_slice()));
    assert_eq!(scene.backend.complaints(), Vec::<String>::new());
}

#[tokio::test]
async fn words_and_files_of_a_visitor() {
    words_and_files("andromedia").await;
}

#[tokio::test]
async fn words_and_files_of_a_user() {
    words_and_files("licomed").await;
}

#[tokio::test]
async fn what_is_acknowledged_and_never_told_was_taken() {
    let mut scene = scene("licomed", Staging { echo_off: true, ..Staging::default() }).await;
    for text in ["one", "two"] {
        scene.client.send_text(text).await;
    }
    for text in ["one", "two"] {
        assert_eq!(scene.backend.taken().await.body, text);
        assert_eq!(scene.client.outcome().await, Outcome::Confirmed { body: text.to_owned() });
    }
    assert_eq!(unconfirmed(&scene).await, 0.0);
    scene.backend.say("still here").await;
    assert_eq!(scene.client.hears().await, Heard::Text("still here".to_owned()));
}
