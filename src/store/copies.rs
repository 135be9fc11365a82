//! A store with copies: the primary decides, others get the same as soon as they can. In: chunks, given to all at once; a
//! copy that is late or fails is let go. Out: a finished object in the primary, and a durable note of every copy that is
//! not there yet.

use std::future::Future;
use std::ops::Range;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::{join, join_all};
use futures_util::stream::BoxStream;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::metrics;

use super::several::{first_that_has, probe_all, sweep_all};
use super::{About, Intended, Listed, Named, Object, Presigned, Store, StoreError, Writing};

/// How long each copy may hold up one upload beyond its primary, all steps of the upload together.
const PATIENCE: Duration = Duration::from_secs(5);

/// What another store is to have as the primary has it: the object, or nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Debt {
    pub key: String,
    /// The name of the primary.
    pub from: Arc<str>,
    /// The name of the other.
    pub to: Arc<str>,
    /// Whether the primary is known to have nothing there any more.
    pub removed: bool,
}

/// Who remembers what copies are to be made, and sees to it that they are.
#[async_trait]
pub trait Ledger: Send + Sync + 'static {
    /// Notes copies of an object that is about to be finished. Resolves once that is durable; nothing is done about them
    /// before `due` says so, or this process is gone.
    async fn owe(&self, debts: &[Debt]) -> Result<(), StoreError>;

    /// These are there, or are not to be.
    async fn settle(&self, debts: &[Debt]);

    /// These can be made now.
    fn due(&self, debts: &[Debt]);
}

/// A primary and its copies.
pub struct Copied {
    /// The primary first.
    stores: Vec<Named>,
    ledger: Arc<dyn Ledger>,
    patience: Duration,
}

impl Copied {
    pub fn new(primary: Named, copies: Vec<Named>, ledger: Arc<dyn Ledger>) -> Self {
        Copied { stores: std::iter::once(primary).chain(copies).collect(), ledger, patience: PATIENCE }
    }

    fn primary(&self) -> &Named {
        &self.stores[0]
    }

    fn debts(&self, key: &str, removed: bool) -> Vec<Debt> {
        let (from, copies) = (&self.primary().name, &self.stores[1..]);
        let debt = |copy: &Named| Debt { key: key.to_owned(), from: from.clone(), to: copy.name.clone(), removed };
        copies.iter().map(debt).collect()
    }
}

#[async_trait]
impl Store for Copied {
    async fn create(&self, intended: &Intended) -> Result<Box<dyn Writing>, StoreError> {
        let mut copies: Vec<Copy> =
            self.stores[1..].iter().map(|named| Copy::new(named.clone(), self.patience)).collect();
        let done = Done::default();
        let beginning = join_all(copies.iter_mut().map(|copy| copy.begin(intended, &done)));
        let (begun, _) = join(done.after(self.primary().store.create(intended)), beginning).await;
        let primary = begun.map_err(|error| self.primary().noted(error))?;
        let debts = self.debts("", false);
        Ok(Box::new(CopiedWriting {
            name: self.primary().clone(),
            primary,
            copies,
            debts,
            ledger: Arc::clone(&self.ledger),
        }))
    }

    async fn read(&self, key: &str, range: Option<Range<u64>>) -> Result<Object, StoreError> {
        first_that_has(&self.stores, |store| store.read(key, range.clone())).await
    }

    async fn about(&self, key: &str) -> Result<About, StoreError> {
        first_that_has(&self.stores, |store| store.about(key)).await
    }

    async fn remove(&self, key: &str) -> Result<(), StoreError> {
        self.primary().store.remove(key).await.map_err(|error| self.primary().noted(error))?;
        let removals = self.stores[1..].iter().map(|copy| timeout(self.patience, copy.store.remove(key)));
        let removed = join_all(removals).await;
        let (gone, left): (Vec<_>, Vec<_>) =
            self.debts(key, true).into_iter().zip(removed).partition(|(_, removed)| matches!(removed, Ok(Ok(()))));
        let only = |debts: Vec<(Debt, _)>| debts.into_iter().map(|(debt, _)| debt).collect::<Vec<_>>();
        self.ledger.settle(&only(gone)).await;
        let left = only(left);
        if left.is_empty() {
            return Ok(());
        }
        self.ledger.owe(&left).await?;
        self.ledger.due(&left);
        Ok(())
    }

    /// What the primary has.
    fn list(&self, folder: &str, after: Option<&str>) -> BoxStream<'static, Result<Listed, StoreError>> {
        self.primary().store.list(folder, after)
    }

    async fn presign(&self, wanted: Presigned<'_>) -> Result<Option<String>, StoreError> {
        self.primary().store.presign(wanted).await
    }

    async fn sweep(&self) -> Result<usize, StoreError> {
        sweep_all(&self.stores).await
    }

    /// The primary's: without a copy uploads go on.
    async fn healthy(&self) -> Result<(), StoreError> {
        self.primary().store.healthy().await.map_err(|error| self.primary().noted(error))
    }

    async fn probe(&self) -> Result<Vec<String>, StoreError> {
        probe_all(&self.stores).await
    }
}

/// The moment from which copies hold up an upload: the primary has done its part of a step.
#[derive(Default)]
struct Done {
    told: CancellationToken,
    at: OnceLock<Instant>,
}

impl Done {
    /// The same, which is told of when it is over.
    async fn after<T>(&self, primary: impl Future<Output = T>) -> T {
        let result = primary.await;
        let _ = self.at.set(Instant::now());
        self.told.cancel();
        result
    }

    /// Resolves when a copy has used up its patience since then.
    async fn too_long(&self, patience: Duration) {
        self.told.cancelled().await;
        sleep(patience).await;
    }

    fn held_up(&self) -> Duration {
        self.at.get().map_or(Duration::ZERO, Instant::elapsed)
    }
}

/// A copy on its way.
struct Copy {
    named: Named,
    /// Gone once it failed or was late.
    writing: Option<Box<dyn Writing>>,
    /// How long it may still hold up the upload.
    patience: Duration,
}

impl Copy {
    fn new(named: Named, patience: Duration) -> Self {
        Copy { named, writing: None, patience }
    }

    async fn begin(&mut self, intended: &Intended, done: &Done) {
        let store = Arc::clone(&self.named.store);
        self.writing = self.in_time(store.create(intended), done).await;
    }

    async fn write(&mut self, chunk: Bytes, done: &Done) {
        let Some(mut writing) = self.writing.take() else { return };
        let written = async {
            writing.write(chunk).await?;
            Ok(writing)
        };
        self.writing = self.in_time(written, done).await;
    }

    /// Whether it is there now.
    async fn finish(&mut self, key: &str, done: &Done) -> bool {
        let Some(writing) = self.writing.take() else { return false };
        self.in_time(writing.finish(key), done).await.is_some()
    }

    /// The outcome of a step; `None`: it failed or was late.
    async fn in_time<T>(&mut self, step: impl Future<Output = Result<T, StoreError>>, done: &Done) -> Option<T> {
        let outcome = tokio::select! {
            outcome = step => outcome,
            () = done.too_long(self.patience) => {
                Err(StoreError::Unavailable("it holds up the upload".to_owned()))
            }
        };
        self.patience = self.patience.saturating_sub(done.held_up());
        outcome.inspect_err(|error| tracing::warn!(store = %self.named.name, %error, "a copy is made later")).ok()
    }
}

struct CopiedWriting {
    /// The primary.
    name: Named,
    primary: Box<dyn Writing>,
    copies: Vec<Copy>,
    /// One for each copy; their key is not known yet.
    debts: Vec<Debt>,
    ledger: Arc<dyn Ledger>,
}

#[async_trait]
impl Writing for CopiedWriting {
    async fn write(&mut self, chunk: Bytes) -> Result<(), StoreError> {
        let done = Done::default();
        let copying = join_all(self.copies.iter_mut().map(|copy| copy.write(chunk.clone(), &done)));
        let (written, _) = join(done.after(self.primary.write(chunk.clone())), copying).await;
        written.map_err(|error| self.name.noted(error))
    }

    async fn finish(self: Box<Self>, key: &str) -> Result<(), StoreError> {
        let CopiedWriting { name, primary, mut copies, mut debts, ledger } = *self;
        for debt in &mut debts {
            key.clone_into(&mut debt.key);
        }
        // Before the object is there: a process that dies in between leaves a note of what may be missing.
        ledger.owe(&debts).await?;
        let done = Done::default();
        if let Err(error) = done.after(primary.finish(key)).await {
            drop(copies);
            ledger.settle(&debts).await;
            return Err(name.noted(error));
        }
        // Only now: a copy without its primary would be nobody's.
        let finished = join_all(copies.iter_mut().map(|copy| copy.finish(key, &done))).await;
        let (there, left): (Vec<_>, Vec<_>) = debts.into_iter().zip(finished).partition(|(_, finished)| *finished);
        let only = |debts: Vec<(Debt, _)>| debts.into_iter().map(|(debt, _)| debt).collect::<Vec<_>>();
        let there = only(there);
        there.iter().for_each(|debt| metrics::count_copy(&debt.to, "at_once"));
        ledger.settle(&there).await;
        ledger.due(&only(left));
        Ok(())
    }
}

#[cfg(test)]
mod tests;
