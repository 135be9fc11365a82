//! The same content once: the promises of every store, how much is stored, and that no key loses what another lets go of.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use super::super::{FsStore, promises};
use super::*;

/// Notes in memory.
#[derive(Default)]
struct Remembered(Mutex<BTreeMap<String, String>>);

impl Remembered {
    fn names(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }
}

#[async_trait]
impl Notes for Remembered {
    async fn get(&self, name: &str) -> Result<Option<String>, StoreError> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned())
    }

    async fn put(&self, notes: Vec<(String, Option<String>)>) -> Result<(), StoreError> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, text) in notes {
            match text {
                Some(text) => known.insert(name, text),
                None => known.remove(&name),
            };
        }
        Ok(())
    }

    async fn scan(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<Vec<(String, String)>, StoreError> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |(name, _): &(&String, &String)| {
            name.starts_with(prefix) && after.is_none_or(|after| name.as_str() > after)
        };
        Ok(known.iter().filter(fits).take(limit).map(|(name, text)| (name.clone(), text.clone())).collect())
    }
}

fn open(folder: &Path) -> (Arc<Remembered>, Once) {
    let notes = Arc::new(Remembered::default());
    let once = Once::new(Arc::new(FsStore::open(folder).expect("opens")), Arc::clone(&notes) as _);
    (notes, once)
}

async fn put(store: &dyn Store, key: &str, bytes: &'static [u8]) {
    let mut writing = store.create(&Intended::default()).await.expect("begins");
    writing.write(Bytes::from_static(bytes)).await.expect("writes");
    writing.finish(key).await.expect("finishes");
}

fn files(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).expect("readable").map(|entry| entry.expect("read").path());
    entries.map(|path| if path.is_dir() { files(&path) } else { 1 }).sum()
}

#[tokio::test]
async fn promises_hold() {
    let folder = tempfile::tempdir().expect("a folder");
    promises::hold(Arc::new(open(folder.path()).1)).await;
}

#[tokio::test]
async fn the_last_key_takes_the_content_with_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let (notes, once) = open(folder.path());
    put(&once, "chat/a", b"same").await;
    put(&once, "chat/b", b"same").await;
    put(&once, "chat/c", b"other").await;
    assert_eq!(files(folder.path()), 2);
    once.remove("chat/a").await.expect("removed");
    assert_eq!(once.about("chat/a").await, Err(StoreError::NotFound));
    assert_eq!(once.about("chat/b").await.expect("there").size, 4, "its content is another's too");
    once.remove("chat/b").await.expect("removed");
    assert_eq!(files(folder.path()), 1);
    // Another content under a key lets go of the one before.
    put(&once, "chat/c", b"a third").await;
    assert_eq!(files(folder.path()), 1);
    once.remove("chat/c").await.expect("removed");
    assert_eq!((files(folder.path()), notes.names()), (0, Vec::new()), "nothing is left, and no note of it");
}

#[tokio::test]
async fn what_was_there_before_stays_readable() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_, once) = open(folder.path());
    std::fs::create_dir(folder.path().join("chat")).expect("made");
    std::fs::write(folder.path().join("chat/old"), "old").expect("writable");
    put(&once, "chat/new", b"new").await;
    assert_eq!(once.about("chat/old").await.expect("there").size, 3);
    once.remove("chat/old").await.expect("removed");
    assert_eq!(once.about("chat/old").await, Err(StoreError::NotFound));
}

/// While somebody removes a content, the same bytes come again: they are kept apart, and stay.
#[tokio::test]
async fn a_content_that_is_being_removed_is_not_taken() {
    let folder = tempfile::tempdir().expect("a folder");
    let (notes, once) = open(folder.path());
    put(&once, "chat/a", b"same").await;
    let content = notes.get("key/chat/a").await.expect("read").expect("noted");
    notes.put(vec![(dying(&content), Some(String::new()))]).await.expect("marked");
    put(&once, "chat/b", b"same").await;
    once.remove("chat/a").await.expect("removed");
    assert_eq!(once.about("chat/b").await.expect("there").size, 4);
    once.remove("chat/b").await.expect("removed");
    assert_eq!((files(folder.path()), notes.names()), (0, Vec::new()));
}

/// Its process died in the middle: the next one ends it.
#[tokio::test]
async fn what_was_being_removed_is_ended_by_a_sweep() {
    let folder = tempfile::tempdir().expect("a folder");
    let (notes, once) = open(folder.path());
    put(&once, "chat/a", b"one").await;
    put(&once, "chat/b", b"two").await;
    for key in ["chat/a", "chat/b"] {
        let content = notes.get(&of_key(key)).await.expect("read").expect("noted");
        let mut left = vec![(dying(&content), Some(String::new()))];
        if key == "chat/a" {
            left.extend([(of_key(key), None), (reference(&content, key), None)]);
        }
        notes.put(left).await.expect("as it was left");
    }
    once.sweep().await.expect("swept");
    assert_eq!(files(folder.path()), 1);
    assert_eq!(once.about("chat/b").await.expect("it has a key").size, 3);
    assert!(notes.names().iter().all(|name| !name.starts_with("dying/")));
}
