//! The store in a folder: the promises of every store, and what is its own: links, sweeping, which errors mean no room.

use std::os::unix::fs::symlink;
use std::sync::Arc;

use super::super::promises;
use super::*;

fn unfinished(root: &Path) -> usize {
    std::fs::read_dir(root.join(UNFINISHED)).expect("readable").count()
}

#[tokio::test]
async fn promises_hold() {
    let folder = tempfile::tempdir().expect("a folder");
    promises::hold(Arc::new(FsStore::open(folder.path()).expect("opens"))).await;
    assert_eq!(unfinished(folder.path()), 0, "nothing is left of what was cut");
}

#[tokio::test]
async fn a_link_out_of_the_root_is_not_followed() {
    let folder = tempfile::tempdir().expect("a folder");
    let (outside, root) = (folder.path().join("outside"), folder.path().join("root"));
    std::fs::create_dir(&outside).expect("made");
    std::fs::write(outside.join("secret"), "x").expect("writable");
    let store = FsStore::open(&root).expect("opens");
    symlink(outside.join("secret"), root.join("link")).expect("linked");
    symlink(&outside, root.join("folder")).expect("linked");
    for key in ["link", "folder/secret"] {
        assert!(matches!(store.read(key, None).await.map(|_| ()), Err(StoreError::NotFound)), "{key} is read");
        store.remove(key).await.expect("nothing of ours is there");
    }
    for key in ["folder/new", "folder/secret", "folder/deep/er/new"] {
        let mut writing = store.create(&Intended::default()).await.expect("begins");
        writing.write(Bytes::from_static(b"y")).await.expect("writes");
        assert!(matches!(writing.finish(key).await, Err(StoreError::Key)), "{key} is written");
    }
    let left: Vec<_> =
        std::fs::read_dir(&outside).expect("readable").map(|entry| entry.expect("read").path()).collect();
    assert_eq!(left, [outside.join("secret")]);
    assert_eq!(std::fs::read(outside.join("secret")).expect("readable"), b"x");
    assert_eq!(unfinished(&root), 0);
}

#[tokio::test]
async fn an_object_is_no_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = FsStore::open(folder.path()).expect("opens");
    store.create(&Intended::default()).await.expect("begins").finish("object").await.expect("finishes");
    let below = store.create(&Intended::default()).await.expect("begins").finish("object/below").await;
    assert!(matches!(below, Err(StoreError::Key)));
    assert!(matches!(store.read("object/below", None).await.map(|_| ()), Err(StoreError::NotFound)));
}

#[tokio::test]
async fn what_a_crash_left_is_swept_and_what_is_being_written_is_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = FsStore::open(folder.path()).expect("opens");
    let mut writing = store.create(&Intended::default()).await.expect("begins");
    writing.write(Bytes::from_static(b"half")).await.expect("writes");
    std::fs::write(folder.path().join(UNFINISHED).join("left"), "of a process that is gone").expect("writable");
    let other = FsStore::open(folder.path()).expect("opens");
    assert_eq!(other.sweep().await.expect("sweeps"), 1);
    assert_eq!(other.sweep().await.expect("sweeps"), 0);
    writing.finish("a").await.expect("finishes all the same");
    assert_eq!(store.read("a", None).await.expect("there").about.size, 4);
}

#[tokio::test]
async fn no_key_reaches_what_is_unfinished() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = FsStore::open(folder.path()).expect("opens");
    for key in [UNFINISHED, ".unfinished/x"] {
        assert!(matches!(store.read(key, None).await.map(|_| ()), Err(StoreError::Key)));
    }
    let only_begins_so = store.create(&Intended::default()).await.expect("begins").finish(".unfinished-business").await;
    assert!(only_begins_so.is_ok());
}

#[test]
fn no_room_is_told_apart() {
    use std::io::ErrorKind::{PermissionDenied, QuotaExceeded, StorageFull, TimedOut};
    assert!(matches!(failed(&StorageFull.into()), StoreError::Full));
    assert!(matches!(failed(&QuotaExceeded.into()), StoreError::Full));
    assert!(matches!(
        failed(&PermissionDenied.into()),
        StoreError::Misconfigured { mistake: Mistake::NotPermitted, .. }
    ));
    assert!(matches!(failed(&TimedOut.into()), StoreError::Unavailable(_)));
}
