//! A store with copies: the promises of every store; what a copy that fails, hangs or is slow does to an upload; and what
//! is noted of it.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use super::super::{FsStore, promises};
use super::*;

/// What is noted, in memory.
#[derive(Default)]
struct Notes {
    owed: Mutex<Vec<Debt>>,
    due: Mutex<Vec<Debt>>,
    is_away: bool,
}

impl Notes {
    fn owed(&self) -> Vec<Debt> {
        self.owed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn due(&self) -> Vec<Debt> {
        self.due.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Ledger for Notes {
    async fn owe(&self, debts: &[Debt]) -> Result<(), StoreError> {
        if self.is_away {
            return Err(StoreError::Unavailable("the journal is away".to_owned()));
        }
        self.owed.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(debts);
        Ok(())
    }

    async fn settle(&self, debts: &[Debt]) {
        self.owed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|owed| !debts.iter().any(|debt| debt.key == owed.key && debt.to == owed.to));
    }

    fn due(&self, debts: &[Debt]) {
        self.due.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(debts);
    }
}

/// At which step a store hangs for ever, or fails.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Trouble {
    HangsAtCreate,
    HangsAtWrite,
    HangsAtFinish,
    FailsAtCreate,
    FailsAtWrite,
    FailsAtFinish,
}

struct Troubled(FsStore, Trouble);

struct TroubledWriting(Box<dyn Writing>, Trouble);

fn failure() -> StoreError {
    StoreError::Unavailable("as the test wants it".to_owned())
}

#[async_trait]
impl Store for Troubled {
    async fn create(&self, intended: &Intended) -> Result<Box<dyn Writing>, StoreError> {
        match self.1 {
            Trouble::HangsAtCreate => std::future::pending().await,
            Trouble::FailsAtCreate => Err(failure()),
            _ => Ok(Box::new(TroubledWriting(self.0.create(intended).await?, self.1))),
        }
    }

    async fn read(&self, key: &str, range: Option<Range<u64>>) -> Result<Object, StoreError> {
        self.0.read(key, range).await
    }

    async fn about(&self, key: &str) -> Result<About, StoreError> {
        self.0.about(key).await
    }

    async fn remove(&self, _key: &str) -> Result<(), StoreError> {
        Err(failure())
    }

    fn list(&self, folder: &str, after: Option<&str>) -> BoxStream<'static, Result<Listed, StoreError>> {
        self.0.list(folder, after)
    }

    async fn sweep(&self) -> Result<usize, StoreError> {
        self.0.sweep().await
    }

    async fn healthy(&self) -> Result<(), StoreError> {
        Err(failure())
    }

    async fn probe(&self) -> Result<Vec<String>, StoreError> {
        Err(failure())
    }
}

#[async_trait]
impl Writing for TroubledWriting {
    async fn write(&mut self, chunk: Bytes) -> Result<(), StoreError> {
        match self.1 {
            Trouble::HangsAtWrite => std::future::pending().await,
            Trouble::FailsAtWrite => Err(failure()),
            _ => self.0.write(chunk).await,
        }
    }

    async fn finish(self: Box<Self>, key: &str) -> Result<(), StoreError> {
        match self.1 {
            Trouble::HangsAtFinish => std::future::pending().await,
            Trouble::FailsAtFinish => Err(failure()),
            _ => self.0.finish(key).await,
        }
    }
}

fn fs(folder: &Path, name: &str) -> FsStore {
    FsStore::open(folder.join(name)).expect("opens")
}

fn named(name: &str, store: impl Store) -> Named {
    Named { name: Arc::from(name), store: Arc::new(store) }
}

async fn put(store: &dyn Store, key: &str, chunks: usize) -> Result<(), StoreError> {
    let mut writing = store.create(&Intended::default()).await?;
    for _ in 0..chunks {
        writing.write(Bytes::from(vec![7; 1_000])).await?;
    }
    writing.finish(key).await
}

#[tokio::test]
async fn promises_hold() {
    let folder = tempfile::tempdir().expect("a folder");
    let notes = Arc::new(Notes::default());
    let copies = vec![named("b", fs(folder.path(), "b"))];
    let store = Copied::new(named("a", fs(folder.path(), "a")), copies, Arc::clone(&notes) as _);
    promises::hold(Arc::new(store)).await;
    assert_eq!((notes.owed(), notes.due()), (Vec::new(), Vec::new()), "each copy was made at once");
}

/// Whatever a copy does, the upload is whole in the primary within the patience, and the copy is noted.
#[tokio::test(start_paused = true)]
async fn a_copy_in_trouble_is_made_later() {
    use Trouble::*;
    for trouble in [HangsAtCreate, HangsAtWrite, HangsAtFinish, FailsAtCreate, FailsAtWrite, FailsAtFinish] {
        let folder = tempfile::tempdir().expect("a folder");
        let notes = Arc::new(Notes::default());
        let copies = vec![named("b", Troubled(fs(folder.path(), "b"), trouble)), named("c", fs(folder.path(), "c"))];
        let store = Copied::new(named("a", fs(folder.path(), "a")), copies, Arc::clone(&notes) as _);
        let began = Instant::now();
        put(&store, "x", 20).await.unwrap_or_else(|error| panic!("{trouble:?}: {error}"));
        assert!(began.elapsed() <= PATIENCE + Duration::from_millis(100), "{trouble:?}: {:?}", began.elapsed());
        for whole in ["a", "c"] {
            let size = std::fs::metadata(folder.path().join(whole).join("x")).expect("there").len();
            assert_eq!(size, 20_000, "{trouble:?}");
        }
        assert!(!folder.path().join("b/x").exists(), "{trouble:?}");
        let owed = Debt { key: "x".to_owned(), from: "a".into(), to: "b".into(), removed: false };
        assert_eq!((notes.owed(), notes.due()), (vec![owed.clone()], vec![owed]), "{trouble:?}");
        assert!(store.healthy().await.is_ok(), "without a copy uploads go on");
    }
}

#[tokio::test(start_paused = true)]
async fn a_primary_in_trouble_leaves_nothing() {
    use Trouble::*;
    for trouble in [FailsAtCreate, FailsAtWrite, FailsAtFinish] {
        let folder = tempfile::tempdir().expect("a folder");
        let notes = Arc::new(Notes::default());
        let copies = vec![named("b", fs(folder.path(), "b"))];
        let primary = named("a", Troubled(fs(folder.path(), "a"), trouble));
        let store = Copied::new(primary, copies, Arc::clone(&notes) as _);
        let error = put(&store, "x", 20).await.expect_err("refused");
        assert!(error.to_string().contains("a: as the test wants it"), "{error}");
        assert!(!folder.path().join("b/x").exists(), "{trouble:?}");
        assert_eq!((notes.owed(), notes.due()), (Vec::new(), Vec::new()), "{trouble:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_noted_is_not_taken() {
    let folder = tempfile::tempdir().expect("a folder");
    let notes = Notes { is_away: true, ..Notes::default() };
    let copies = vec![named("b", fs(folder.path(), "b"))];
    let store = Copied::new(named("a", fs(folder.path(), "a")), copies, Arc::new(notes));
    assert!(put(&store, "x", 1).await.is_err());
    assert!(!folder.path().join("a/x").exists() && !folder.path().join("b/x").exists());
}

#[tokio::test]
async fn what_a_copy_does_not_remove_is_noted() {
    let folder = tempfile::tempdir().expect("a folder");
    let notes = Arc::new(Notes::default());
    let copies = vec![named("b", Troubled(fs(folder.path(), "b"), Trouble::FailsAtCreate))];
    let store = Copied::new(named("a", fs(folder.path(), "a")), copies, Arc::clone(&notes) as _);
    std::fs::write(folder.path().join("a/x"), "1").expect("writable");
    std::fs::write(folder.path().join("b/x"), "1").expect("writable");
    store.remove("x").await.expect("removed where it counts");
    assert!(!folder.path().join("a/x").exists());
    let left = Debt { key: "x".to_owned(), from: "a".into(), to: "b".into(), removed: true };
    assert_eq!(notes.due(), [left]);
}
