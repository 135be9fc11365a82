//! Keys that could be guessed, and so could be wanted twice. In: a key that an operator's template gave. Out: that key, or
//! one like it, that no file has and that nobody else takes meanwhile, in any replica.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use uuid::Uuid;

use crate::fault::{Fault, Reason};
use crate::journal::Journal;
use crate::naming::fault;
use crate::store::{Store, StoreError};
use crate::tasks::Tasks;

use super::{file_name, unfinished};

/// Within which an upload is over. What a process that died had claimed is free after it; until then its names are passed
/// over.
const LIFE: Duration = Duration::from_secs(24 * 60 * 60);
/// Names that are tried; all but the first have 32 random bits.
const TRIES: usize = 8;

/// Who takes which key.
#[derive(Clone)]
pub struct Names {
    journal: Arc<dyn Journal>,
    tasks: Tasks,
    /// Of this process.
    taken: Arc<Mutex<HashSet<String>>>,
}

/// A key that is this upload's until it is dropped; by then there is a file that has it.
pub struct Claim {
    key: String,
    holder: Uuid,
    names: Names,
}

impl Names {
    pub fn new(journal: Arc<dyn Journal>, tasks: Tasks) -> Self {
        Names { journal, tasks, taken: Arc::default() }
    }

    /// The key, or the same with some letters more before the extension, if it is free in all of these stores.
    pub async fn free(&self, stores: &[Arc<dyn Store>], key: &str) -> Result<Claim, Fault> {
        let mut wanted = key.to_owned();
        for _ in 0..TRIES {
            if let Some(claim) = self.claim(&wanted).await?
                && !unfinished::is_noted(&*self.journal, &wanted).await?
                && is_free(stores, &wanted).await?
            {
                return Ok(claim);
            }
            wanted = another(key);
        }
        Err(Fault::new(Reason::Unavailable).detail("no key is free"))
    }

    async fn claim(&self, key: &str) -> Result<Option<Claim>, Fault> {
        if !self.taken().insert(key.to_owned()) {
            return Ok(None);
        }
        // From here on dropping it lets go of the key.
        let claim = Claim { key: key.to_owned(), holder: Uuid::new_v4(), names: self.clone() };
        let is_ours = self.journal.claim(&journaled(key), claim.holder, LIFE).await.map_err(fault)?;
        Ok(is_ours.then_some(claim))
    }

    fn taken(&self) -> MutexGuard<'_, HashSet<String>> {
        // Each change is whole before anything could panic.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Claim {
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.names.taken().remove(&self.key);
        let (journal, key, holder) = (Arc::clone(&self.names.journal), journaled(&self.key), self.holder);
        self.names.tasks.spawn(async move {
            // A journal that is away forgets it by itself, in time.
            let _ = journal.disclaim(&key, holder).await;
        });
    }
}

fn journaled(key: &str) -> String {
    format!("upload/{key}")
}

async fn is_free(stores: &[Arc<dyn Store>], key: &str) -> Result<bool, Fault> {
    for store in stores {
        match store.about(key).await {
            Ok(_) => return Ok(false),
            Err(StoreError::NotFound) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(true)
}

fn another(key: &str) -> String {
    let (folder, name) = key.rsplit_once('/').map_or(("", key), |(folder, name)| (folder, name));
    let (stem, extension) = file_name::split(name);
    let letters: String = Uuid::new_v4().simple().to_string().chars().take(8).collect();
    let name = match extension {
        "" => format!("{stem}-{letters}"),
        extension => format!("{stem}-{letters}.{extension}"),
    };
    if folder.is_empty() { name } else { format!("{folder}/{name}") }
}

#[cfg(test)]
mod tests {
    use crate::backend::Kept;
    use crate::journal::EmbeddedJournal;
    use crate::store::{FsStore, Intended};

    use super::super::Unfinished;
    use super::*;

    #[tokio::test]
    async fn no_two_files_get_one_key() {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = EmbeddedJournal::open(&folder.path().join("journal")).expect("opens");
        let store: Arc<dyn Store> = Arc::new(FsStore::open(folder.path().join("files")).expect("opens"));
        let names = Names::new(Arc::new(journal), Tasks::new());
        let stores = [Arc::clone(&store)];
        let first = names.free(&stores, "chat/7/a.png").await.expect("free");
        assert_eq!(first.key(), "chat/7/a.png");
        let meanwhile = names.free(&stores, "chat/7/a.png").await.expect("another");
        assert!(meanwhile.key().starts_with("chat/7/a-") && meanwhile.key().ends_with(".png"), "{}", meanwhile.key());
        drop(first);
        let again = names.free(&stores, "chat/7/a.png").await.expect("free again");
        assert_eq!(again.key(), "chat/7/a.png", "nothing was written under it");
        let writing = store.create(&Intended::default()).await.expect("begins");
        writing.finish(again.key()).await.expect("finishes");
        drop(again);
        let later = names.free(&stores, "chat/7/a.png").await.expect("another");
        assert_ne!(later.key(), "chat/7/a.png", "a file has it");
    }

    /// A process that died may have told a bucket to finish it: what cleans up after it will remove whatever is there.
    #[tokio::test]
    async fn a_key_that_a_crash_left_a_note_of_is_not_given() {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = EmbeddedJournal::open(&folder.path().join("journal")).expect("opens");
        let journal: Arc<dyn Journal> = Arc::new(journal);
        let died = Unfinished::new(Arc::clone(&journal));
        let kept = Kept { stores: vec!["bucket".to_owned()], key: "chat/7/a.png".to_owned() };
        let note = died.begin(&kept).await.expect("noted");
        let names = Names::new(journal, Tasks::new());
        assert_ne!(names.free(&[], "chat/7/a.png").await.expect("another").key(), "chat/7/a.png");
        died.end(&note).await.expect("over");
        assert_eq!(names.free(&[], "chat/7/a.png").await.expect("free").key(), "chat/7/a.png");
    }
}
