//! What a store lists that has each content once. In: the keys that are noted, and what the store has beside them. Out: all
//! in the order of their keys.

use std::collections::VecDeque;

use futures_util::stream::{BoxStream, Peekable, StreamExt, unfold};

use super::{FOLDER, Listed, Once, PAGE, StoreError, of_key};

type Listing = BoxStream<'static, Result<Listed, StoreError>>;

pub(super) fn list(once: Once, folder: &str, after: Option<&str>) -> Listing {
    let inner = once.store.list(folder, after).filter(|listed| {
        let own = !matches!(listed, Ok(listed) if listed.key.starts_with(FOLDER));
        std::future::ready(own)
    });
    let noted = noted(once, folder, after);
    unfold((inner.boxed().peekable(), noted.peekable()), next).boxed()
}

/// The smaller of both; a key that is in both is the noted one's.
async fn next(
    (mut inner, mut noted): (Peekable<Listing>, Peekable<Listing>),
) -> Option<(Result<Listed, StoreError>, (Peekable<Listing>, Peekable<Listing>))> {
    let key = |listed: &Result<Listed, StoreError>| listed.as_ref().ok().map(|listed| listed.key.clone());
    let first = std::pin::Pin::new(&mut inner).peek().await.map(key);
    let second = std::pin::Pin::new(&mut noted).peek().await.map(key);
    let item = match (first, second) {
        (Some(Some(first)), Some(Some(second))) if first == second => {
            inner.next().await;
            noted.next().await
        }
        (Some(Some(first)), Some(Some(second))) if first > second => noted.next().await,
        // Failures come first.
        (Some(Some(_)), Some(None)) | (None, Some(_)) => noted.next().await,
        (Some(_), _) => inner.next().await,
        (None, None) => None,
    };
    item.map(|item| (item, (inner, noted)))
}

/// The noted keys in a folder, page by page.
fn noted(once: Once, folder: &str, after: Option<&str>) -> Listing {
    let folder = match folder {
        "" => String::new(),
        folder => format!("{}/", folder.trim_end_matches('/')),
    };
    let state = (once, of_key(&folder), after.map(of_key), VecDeque::new(), false);
    unfold(state, |(once, prefix, mut after, mut page, mut over)| async move {
        loop {
            if let Some((key, content)) = page.pop_front() {
                let key: String = key;
                let listed = match once.store.about(&format!("{FOLDER}{content}")).await {
                    Ok(about) => Ok(Listed { key, about }),
                    // Removed meanwhile.
                    Err(StoreError::NotFound) => continue,
                    Err(error) => Err(error),
                };
                return Some((listed, (once, prefix, after, page, over)));
            }
            if over {
                return None;
            }
            match once.notes.scan(&prefix, after.as_deref(), PAGE).await {
                Ok(notes) => {
                    over = notes.len() < PAGE;
                    after = notes.last().map(|(name, _)| name.clone()).or(after);
                    let own =
                        |(name, content): (String, String)| Some((name.strip_prefix("key/")?.to_owned(), content));
                    page = notes.into_iter().filter_map(own).collect();
                }
                Err(error) => return Some((Err(error), (once, prefix, after, page, true))),
            }
        }
    })
    .boxed()
}
