//! Several stores as one: the promises of every store, and that a file is in all of them or in none.

use std::path::Path;

use super::super::{FsStore, promises};
use super::*;

fn stores(folder: &Path, names: &[&str]) -> Vec<Named> {
    let open = |name: &&str| Named {
        name: Arc::from(*name),
        store: Arc::new(FsStore::open(folder.join(name)).expect("opens")),
    };
    names.iter().map(open).collect()
}

fn files(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).expect("readable").map(|entry| entry.expect("read").path());
    entries.map(|path| if path.is_dir() { files(&path) } else { 1 }).sum()
}

#[tokio::test]
async fn promises_hold() {
    let folder = tempfile::tempdir().expect("a folder");
    promises::hold(Arc::new(Several::new(stores(folder.path(), &["a", "b", "c"])))).await;
}

#[tokio::test]
async fn a_file_is_in_all_or_in_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let several = Several::new(stores(folder.path(), &["a", "b"]));
    let mut writing = several.create(&Intended::default()).await.expect("begins");
    writing.write(Bytes::from_static(b"0123")).await.expect("writes");
    writing.finish("chat/x").await.expect("finishes");
    for store in ["a", "b"] {
        assert_eq!(std::fs::read(folder.path().join(store).join("chat/x")).expect("there"), b"0123");
    }
    several.remove("chat/x").await.expect("removes");
    assert_eq!(files(folder.path()), 0);

    // The second cannot finish: a file is where its folder would be.
    std::fs::write(folder.path().join("b/chat/in-the-way"), "").expect("writable");
    let mut writing = several.create(&Intended::default()).await.expect("begins");
    writing.write(Bytes::from_static(b"0123")).await.expect("writes");
    assert!(writing.finish("chat/in-the-way/x").await.is_err());
    assert_eq!(files(folder.path()), 1, "only what was in the way");
}

#[tokio::test]
async fn what_one_store_cannot_give_another_does() {
    let folder = tempfile::tempdir().expect("a folder");
    let several = Several::new(stores(folder.path(), &["a", "b"]));
    std::fs::write(folder.path().join("b/only-there"), "x").expect("writable");
    assert_eq!(several.read("only-there", None).await.expect("found").about.size, 1);
    assert_eq!(several.about("only-there").await.expect("found").size, 1);
    assert_eq!(several.about("nowhere").await, Err(StoreError::NotFound));
}
