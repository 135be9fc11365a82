//! The journal in one file, for one process. In: writes, queued to one thread that commits them in groups. Out: each
//! confirmed after its group is on disk. Reads go beside the writer, on the state of the last commit.

mod ids;
mod reads;
mod tables;
mod writer;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use redb::Database;
use tokio::sync::{broadcast, mpsc, oneshot};

use crate::event::{Event, IdForm};

use super::{Append, Collection, Journal, JournalError, Namespace, Put, Recorded, Span};
use writer::Write;

/// Writes that may wait for the writer. Beyond that the journal is busy, and says so.
const QUEUE: usize = 8_192;

/// Events that a follower may be behind.
const FOLLOW: usize = 65_536;

/// The journal of one process.
pub struct EmbeddedJournal {
    database: Arc<Database>,
    /// Gone once the journal is closed.
    writes: Mutex<Option<mpsc::Sender<Write>>>,
    writer: Mutex<Option<std::thread::JoinHandle<()>>>,
    committed: broadcast::Sender<Arc<Event>>,
}

impl EmbeddedJournal {
    /// Opens the file, or makes it. A file that another process has open, or of another version, is refused.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| tables::error(redb::Error::Io(error)))?;
        }
        let database = Database::create(path).map_err(|error| match error {
            redb::DatabaseError::DatabaseAlreadyOpen => {
                JournalError::Unavailable(format!("{} is open in another process", path.display()))
            }
            other => tables::error(other),
        })?;
        writer::prepare(&database)?;
        let database = Arc::new(database);
        let (writes, queue) = mpsc::channel(QUEUE);
        let (committed, _) = broadcast::channel(FOLLOW);
        let (thread_database, thread_committed) = (Arc::clone(&database), committed.clone());
        let writer = std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || writer::run(&thread_database, queue, &thread_committed))
            .map_err(|error| JournalError::Unavailable(error.to_string()))?;
        Ok(EmbeddedJournal { database, writes: Mutex::new(Some(writes)), writer: Mutex::new(Some(writer)), committed })
    }

    /// Queues a write and waits until it is durable.
    async fn write<T>(
        &self,
        make: impl FnOnce(oneshot::Sender<Result<T, JournalError>>) -> Write,
    ) -> Result<T, JournalError> {
        let (answer, durable) = oneshot::channel();
        {
            let writes = self.writes.lock().unwrap_or_else(PoisonError::into_inner);
            let sender = writes.as_ref().ok_or_else(|| JournalError::Unavailable("closed".to_owned()))?;
            sender.try_send(make(answer)).map_err(|error| JournalError::Unavailable(error.to_string()))?;
        }
        durable.await.unwrap_or_else(|_| Err(JournalError::Unavailable("closed".to_owned())))
    }
}

#[async_trait]
impl Journal for EmbeddedJournal {
    async fn append(&self, append: Append) -> Result<Recorded, JournalError> {
        self.write(|answer| Write::Append(Box::new(append), answer)).await
    }

    async fn amend(&self, event: Event, documents: Vec<Put>) -> Result<Arc<Event>, JournalError> {
        self.write(|answer| Write::Amend(Box::new(event), documents, answer)).await
    }

    async fn read(&self, conversation: &str, span: Span) -> Result<Vec<Arc<Event>>, JournalError> {
        reads::span(&self.database, conversation, span)
    }

    async fn event(&self, id: &str) -> Result<Option<Arc<Event>>, JournalError> {
        reads::event(&self.database, id)
    }

    async fn put(&self, documents: Vec<Put>) -> Result<(), JournalError> {
        self.write(|answer| Write::Put(documents, answer)).await
    }

    async fn get(&self, collection: Collection, key: &str) -> Result<Option<Vec<u8>>, JournalError> {
        reads::document(&self.database, collection, key)
    }

    async fn scan(
        &self,
        collection: Collection,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Vec<u8>)>, JournalError> {
        reads::scan(&self.database, collection, prefix, after, limit)
    }

    async fn native(&self, namespace: &Namespace, canonical: &str, form: IdForm) -> Result<String, JournalError> {
        if let Some(known) = reads::native(&self.database, namespace, canonical)? {
            return Ok(known);
        }
        let (namespace, canonical) = (namespace.clone(), canonical.to_owned());
        self.write(|answer| Write::Native { namespace, canonical, form, answer }).await
    }

    async fn canonical(&self, namespace: &Namespace, native: &str) -> Result<Option<String>, JournalError> {
        reads::canonical(&self.database, namespace, native)
    }

    async fn bind(&self, namespace: &Namespace, canonical: &str, native: &str) -> Result<(), JournalError> {
        let (namespace, canonical, native) = (namespace.clone(), canonical.to_owned(), native.to_owned());
        self.write(|answer| Write::Bind { namespace, canonical, native, answer }).await
    }

    fn follow(&self) -> broadcast::Receiver<Arc<Event>> {
        self.committed.subscribe()
    }

    async fn healthy(&self) -> Result<(), JournalError> {
        match self.writes.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            Some(writes) if !writes.is_closed() => Ok(()),
            _ => Err(JournalError::Unavailable("closed".to_owned())),
        }
    }

    async fn close(&self) {
        drop(self.writes.lock().unwrap_or_else(PoisonError::into_inner).take());
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(writer) = writer {
            // The thread ends after what was queued; joining it must not hold up the others meanwhile.
            let _ = tokio::task::spawn_blocking(move || writer.join()).await;
        }
    }
}

#[cfg(test)]
mod tests;
