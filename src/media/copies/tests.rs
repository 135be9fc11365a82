//! Copies that are owed: made once their store is back, by this process or the next; not made of what is gone.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::timeout;

use crate::journal::EmbeddedJournal;
use crate::store::{Copied, FsStore, Intended, Named};

use super::*;

const PATIENCE: Duration = Duration::from_secs(30);

fn journal(folder: &Path) -> Arc<dyn Journal> {
    Arc::new(EmbeddedJournal::open(&folder.join("journal")).expect("opens"))
}

fn open(folder: &Path, name: &str) -> Arc<dyn Store> {
    Arc::new(FsStore::open(folder.join(name)).expect("opens"))
}

fn stores(folder: &Path) -> BTreeMap<String, Arc<dyn Store>> {
    ["a", "b"].map(|name| (name.to_owned(), open(folder, name))).into()
}

fn copied(stores: &BTreeMap<String, Arc<dyn Store>>, copier: &Copier) -> Copied {
    let named = |name: &str| Named { name: Arc::from(name), store: Arc::clone(&stores[name]) };
    Copied::new(named("a"), vec![named("b")], Arc::new(copier.clone()))
}

async fn put(store: &dyn Store, key: &str, bytes: &'static [u8]) {
    let mut writing = store.create(&Intended::default()).await.expect("begins");
    writing.write(Bytes::from_static(bytes)).await.expect("writes");
    writing.finish(key).await.expect("finishes");
}

async fn owed(journal: &Arc<dyn Journal>) -> usize {
    journal.scan(Collection::Copies, "", None, 100).await.expect("read").len()
}

async fn settled(journal: &Arc<dyn Journal>) {
    let none = async {
        while owed(journal).await > 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, none).await.expect("all copies are made");
}

/// What stands where the copy's folder would be, so that it cannot be written.
fn block(folder: &Path) {
    std::fs::write(folder.join("b/chat"), "in the way").expect("writable");
}

fn unblock(folder: &Path) {
    std::fs::remove_file(folder.join("b/chat")).expect("removed");
}

/// A folder that cannot be opened is no key that is wrong: on Linux a store without permission is Unavailable or not
/// permitted.
#[cfg(unix)]
fn forbid(folder: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    let permissions = std::fs::Permissions::from_mode(mode);
    std::fs::set_permissions(folder.join("b/.unfinished"), permissions).expect("changed");
}

#[tokio::test]
async fn a_copy_at_once_leaves_no_note() {
    let folder = tempfile::tempdir().expect("a folder");
    let (journal, stores) = (journal(folder.path()), stores(folder.path()));
    let copier = Copier::start(Arc::clone(&journal), &Tasks::new());
    put(&copied(&stores, &copier), "chat/x", b"0123").await;
    assert_eq!(std::fs::read(folder.path().join("b/chat/x")).expect("there"), b"0123");
    assert_eq!(owed(&journal).await, 0);
}

/// The process is gone before the copy could be made; the next one makes it.
#[tokio::test]
async fn a_restart_forgets_no_copy() {
    let folder = tempfile::tempdir().expect("a folder");
    let (journal, stores) = (journal(folder.path()), stores(folder.path()));
    let debt = Debt { key: "chat/x".to_owned(), from: "a".into(), to: "b".into(), removed: false };
    let before = Tasks::new();
    // Never served, it makes nothing.
    let copier = Copier::start(Arc::clone(&journal), &before);
    put(&*stores["a"], "chat/x", b"0123").await;
    copier.owe(&[debt]).await.expect("noted");
    before.stop();
    assert_eq!(owed(&journal).await, 1);

    let copier = Copier::start(Arc::clone(&journal), &Tasks::new());
    copier.serve(stores);
    settled(&journal).await;
    assert_eq!(std::fs::read(folder.path().join("b/chat/x")).expect("there"), b"0123");
}

#[tokio::test]
async fn what_is_gone_meanwhile_is_not_copied() {
    let folder = tempfile::tempdir().expect("a folder");
    let (journal, stores) = (journal(folder.path()), stores(folder.path()));
    let copier = Copier::start(Arc::clone(&journal), &Tasks::new());
    put(&*stores["b"], "chat/x", b"left over").await;
    let debt = Debt { key: "chat/x".to_owned(), from: "a".into(), to: "b".into(), removed: true };
    copier.owe(std::slice::from_ref(&debt)).await.expect("noted");
    copier.serve(stores);
    copier.due(&[debt]);
    settled(&journal).await;
    assert!(!folder.path().join("b/chat/x").exists(), "the copy goes as the primary went");
}

#[tokio::test]
async fn a_copy_that_can_never_be_made_is_given_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let (journal, stores) = (journal(folder.path()), stores(folder.path()));
    let copier = Copier::start(Arc::clone(&journal), &Tasks::new());
    block(folder.path());
    copier.serve(stores.clone());
    put(&copied(&stores, &copier), "chat/x", b"0123").await;
    settled(&journal).await;
    unblock(folder.path());
    assert!(folder.path().join("a/chat/x").exists());
}

/// A store without permission to write is tried again until it has it.
#[cfg(unix)]
#[tokio::test]
async fn a_store_that_comes_back_gets_its_copies() {
    let folder = tempfile::tempdir().expect("a folder");
    let (journal, stores) = (journal(folder.path()), stores(folder.path()));
    forbid(folder.path(), 0o500);
    let probe = folder.path().join("b/.unfinished/probe");
    if std::fs::write(&probe, "").is_ok() {
        // Root may write anywhere; then there is nothing to be tried here that the other tests do not.
        std::fs::remove_file(probe).expect("removed");
        std::fs::remove_dir(folder.path().join("b/.unfinished")).expect("removed");
    }
    let copier = Copier::start(Arc::clone(&journal), &Tasks::new());
    copier.serve(stores.clone());
    for key in ["chat/x", "chat/y", "chat/z"] {
        put(&copied(&stores, &copier), key, b"0123").await;
    }
    assert_eq!(owed(&journal).await, 3);
    std::fs::create_dir_all(folder.path().join("b/.unfinished")).expect("made");
    forbid(folder.path(), 0o700);
    settled(&journal).await;
    for key in ["chat/x", "chat/y", "chat/z"] {
        assert_eq!(std::fs::read(folder.path().join("b").join(key)).expect("there"), b"0123");
    }
}
