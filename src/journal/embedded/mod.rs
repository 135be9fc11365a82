//! The journal in one file, for one process. In: writes, queued to one thread that commits them in groups. Out: each
//! confirmed after its group is on disk. Reads go beside the writer, on the state of the last commit.

mod ages;
mod backup;
mod compaction;
mod export;
mod file;
mod ids;
mod keeper;
mod medium;
mod readers;
mod reads;
mod records;
mod retention;
mod tables;
mod told;
mod upgrade;
mod verify;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{broadcast, mpsc, oneshot};

use crate::event::{Announced, Audience, Event, IdForm, Missed, Place, Topic};

use super::{Append, Collection, Journal, JournalError, Keep, Namespace, Put, Recorded, Span};
pub use compaction::Compacted;
pub use file::{JournalFile, move_file};
use medium::Medium;
pub use verify::Verified;
use writer::Write;

/// Writes that may wait for the writer. Beyond that the journal is busy, and says so.
const QUEUE: usize = 8_192;

/// Events that a follower may be behind.
const FOLLOW: usize = 65_536;

/// The journal of one process.
pub struct EmbeddedJournal {
    medium: Arc<Medium>,
    /// Gone once the journal is closed.
    writes: Mutex<Option<mpsc::Sender<Write>>>,
    threads: Mutex<Option<Threads>>,
    /// Whether backups end at once.
    stops: Arc<AtomicBool>,
    /// Held while a backup is made.
    backing_up: Arc<tokio::sync::Mutex<()>>,
    committed: broadcast::Sender<Announced>,
}

/// What runs beside those who ask.
struct Threads {
    writer: JoinHandle<()>,
    keeper: JoinHandle<()>,
    /// The keeper ends once this is gone.
    keeping: std::sync::mpsc::Sender<()>,
}

impl EmbeddedJournal {
    /// Opens the file, or makes it, and keeps everything. A file that another process has open, or of another version, is
    /// refused.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        EmbeddedJournal::open_with(path, Keep::default())
    }

    /// The same, and lets go of what is not to be kept. A file of which half is free is compacted first.
    pub fn open_with(path: &Path, keep: Keep) -> Result<Self, JournalError> {
        let medium = Medium::file(path)?;
        if let Some(Compacted { before, after }) = medium.compact_if_worth_it()? {
            tracing::info!(before, after, "the journal's file was compacted");
        }
        EmbeddedJournal::on(medium, keep)
    }

    fn on(medium: Medium, keep: Keep) -> Result<Self, JournalError> {
        let medium = Arc::new(medium);
        let (writes, queue) = mpsc::channel(QUEUE);
        let (committed, _) = broadcast::channel(FOLLOW);
        let (writer_medium, writer_committed) = (Arc::clone(&medium), committed.clone());
        let writer = thread("journal", move || writer::run(&writer_medium, queue, &writer_committed))?;
        let (keeping, stop) = std::sync::mpsc::channel();
        let keeper_medium = Arc::clone(&medium);
        let keeper = thread("journal keeper", move || keeper::run(&keeper_medium, keep, &stop))?;
        let threads = Threads { writer, keeper, keeping };
        Ok(EmbeddedJournal {
            medium,
            writes: Mutex::new(Some(writes)),
            threads: Mutex::new(Some(threads)),
            stops: Arc::default(),
            backing_up: Arc::default(),
            committed,
        })
    }

    /// Queues a write now. The future waits until it is durable; dropping it does not take the write back.
    fn write<T: Send + 'static>(
        &self,
        make: impl FnOnce(oneshot::Sender<Result<T, JournalError>>) -> Write,
    ) -> BoxFuture<'static, Result<T, JournalError>> {
        let (answer, durable) = oneshot::channel();
        let queued = match self.writes.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            None => Err(closed()),
            Some(writes) => writes.try_send(make(answer)).map_err(|error| match error {
                TrySendError::Full(_) => JournalError::Unavailable(format!("{QUEUE} writes wait already")),
                TrySendError::Closed(_) => closed(),
            }),
        };
        Box::pin(async move {
            queued?;
            durable.await.unwrap_or_else(|_| Err(closed()))
        })
    }
}

fn thread(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, JournalError> {
    let started = std::thread::Builder::new().name(name.to_owned()).spawn(run);
    started.map_err(|error| JournalError::Unavailable(error.to_string()))
}

fn closed() -> JournalError {
    JournalError::Unavailable("closed".to_owned())
}

#[async_trait]
impl Journal for EmbeddedJournal {
    // Not `async`, so that the event takes its place when this is called, not when the future is first polled.
    fn append<'journal, 'future>(&'journal self, append: Append) -> BoxFuture<'future, Result<Recorded, JournalError>>
    where
        'journal: 'future,
        Self: 'future,
    {
        self.write(|answer| Write::Append(Box::new(append), answer))
    }

    async fn amend(
        &self,
        event: Event,
        documents: Vec<Put>,
        audience: Option<Audience>,
    ) -> Result<Arc<Event>, JournalError> {
        self.write(|answer| Write::Amend { event: Box::new(event), documents, audience, answer }).await
    }

    async fn read(&self, conversation: &str, span: Span) -> Result<Vec<Arc<Event>>, JournalError> {
        self.medium.read(|transaction| reads::span(transaction, conversation, span))
    }

    async fn event(&self, id: &str) -> Result<Option<Arc<Event>>, JournalError> {
        self.medium.read(|transaction| reads::event(transaction, id))
    }

    async fn put(&self, documents: Vec<Put>) -> Result<(), JournalError> {
        self.write(|answer| Write::Put(documents, answer)).await
    }

    async fn get(&self, collection: Collection, key: &str) -> Result<Option<Vec<u8>>, JournalError> {
        self.medium.read(|transaction| reads::document(transaction, collection, key))
    }

    async fn scan(
        &self,
        collection: Collection,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Vec<u8>)>, JournalError> {
        self.medium.read(|transaction| reads::scan(transaction, collection, prefix, after, limit))
    }

    async fn native(&self, namespace: &Namespace, canonical: &str, form: IdForm) -> Result<String, JournalError> {
        if let Some(known) = self.medium.read(|transaction| reads::native(transaction, namespace, canonical))? {
            return Ok(known);
        }
        let (namespace, canonical) = (namespace.clone(), canonical.to_owned());
        self.write(|answer| Write::Native { namespace, canonical, form, answer }).await
    }

    async fn bound(&self, namespace: &Namespace, canonical: &str) -> Result<Option<String>, JournalError> {
        self.medium.read(|transaction| reads::native(transaction, namespace, canonical))
    }

    async fn canonical(&self, namespace: &Namespace, native: &str) -> Result<Option<String>, JournalError> {
        self.medium.read(|transaction| reads::canonical(transaction, namespace, native))
    }

    async fn bind(&self, namespace: &Namespace, canonical: &str, native: &str) -> Result<(), JournalError> {
        let (namespace, canonical, native) = (namespace.clone(), canonical.to_owned(), native.to_owned());
        self.write(|answer| Write::Bind { namespace, canonical, native, answer }).await
    }

    fn follow(&self) -> Option<broadcast::Receiver<Announced>> {
        Some(self.committed.subscribe())
    }

    async fn missed(&self, heard: &[(Topic, Place)]) -> Result<Missed, JournalError> {
        self.medium.read(|transaction| told::missed(transaction, heard, None))
    }

    async fn told(&self, topic: &Topic, after: Place, limit: usize) -> Result<Missed, JournalError> {
        self.medium.read(|transaction| told::missed(transaction, &[(topic.clone(), after)], Some(limit)))
    }

    async fn reserve(&self, topic: &Topic, reader: &str, after: u64) -> Result<(), JournalError> {
        let (topic, reader) = (topic.clone(), reader.to_owned());
        self.write(|answer| Write::Reserve { topic, reader, after, answer }).await
    }

    async fn places(&self, topics: &[Topic]) -> Result<Vec<(Topic, Place)>, JournalError> {
        self.medium.read(|transaction| told::places(transaction, topics))
    }

    async fn healthy(&self) -> Result<(), JournalError> {
        match self.writes.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            Some(writes) if !writes.is_closed() => Ok(()),
            _ => Err(closed()),
        }
    }

    async fn back_up(&self) -> Result<PathBuf, JournalError> {
        let Ok(alone) = Arc::clone(&self.backing_up).try_lock_owned() else {
            return Err(JournalError::Unavailable("a backup is being made already".to_owned()));
        };
        let path = self.medium.path().ok_or_else(closed)?;
        let to = std::path::absolute(backup::beside(path, "backup")).map_err(|error| backup::fault(path, &error))?;
        let (medium, stops) = (Arc::clone(&self.medium), Arc::clone(&self.stops));
        let written = tokio::task::spawn_blocking(move || {
            let _alone = alone;
            medium.read(|transaction| backup::write(transaction, &to, &stops)).map(|()| to)
        });
        written.await.unwrap_or_else(|_| Err(closed()))
    }

    async fn close(&self) {
        self.stops.store(true, Ordering::Relaxed);
        drop(self.writes.lock().unwrap_or_else(PoisonError::into_inner).take());
        let threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Threads { writer, keeper, keeping }) = threads {
            // They end after what was queued and begun; joining them must not hold up the others meanwhile.
            let medium = Arc::clone(&self.medium);
            let _ = tokio::task::spawn_blocking(move || {
                drop(keeping);
                let _ = keeper.join();
                let _ = writer.join();
                medium.close();
            })
            .await;
        }
    }
}

#[cfg(test)]
mod crash;
#[cfg(test)]
mod kept;
#[cfg(test)]
mod tests;
