//! Credentials that are not good any more, although they have not ended. In: what an operator revokes, and what a token says
//! of itself. Out: whether it is revoked, at each use and, for who has a socket open, the moment that it is; kept in the
//! journal, so that all replicas know it and a restart does.

mod list;
mod record;
mod standing;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::journal::{Collection, Journal, JournalError, Put};
use crate::metrics;

use list::List;

pub use record::{Kind, Revocation, Wanted, digest};
pub use standing::Standing;

/// Revocations at a time.
const MOST: usize = 10_000;
/// How often it is looked whether another replica revoked something: within this and a moment its sockets are closed.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often those that are over are removed.
const CLEAN_EVERY: u32 = 60;
/// What is read of the journal at a time.
const PAGE: usize = 1_000;

/// Before the keys of revocations in the journal, and the key of what changes with them.
const ENTRIES: &str = "entry/";
const VERSION: &str = "version";

/// What is revoked, here and in every process that has the same journal.
pub struct Revocations {
    journal: Arc<dyn Journal>,
    list: watch::Sender<Arc<List>>,
    /// What the journal said when the list was read.
    version: Mutex<Option<Vec<u8>>>,
}

/// Why nothing was revoked.
#[derive(Debug, thiserror::Error)]
pub enum RevokeError {
    #[error(
        "{MOST} are revoked already: restore some, or say `until` when tokens would end, so that they leave by themselves"
    )]
    Full,
    #[error("{0}")]
    Journal(#[from] JournalError),
}

impl Revocations {
    /// Reads what is revoked.
    pub async fn open(journal: Arc<dyn Journal>) -> Result<Self, JournalError> {
        let revocations = Revocations { journal, list: watch::Sender::new(Arc::default()), version: Mutex::default() };
        revocations.read().await?;
        Ok(revocations)
    }

    /// Revokes; whoever shows it from now on is refused, everywhere within seconds.
    pub async fn revoke(&self, revocation: Revocation) -> Result<(), RevokeError> {
        let id = revocation.id();
        let list = Arc::clone(&self.list.borrow());
        if list.len() >= MOST && !list.has(&id) {
            return Err(RevokeError::Full);
        }
        let value = serde_json::to_vec(&revocation).map_err(|error| JournalError::Unreadable(error.to_string()))?;
        self.put(vec![(id, Some(value))]).await?;
        Ok(())
    }

    /// Takes a revocation back; whether there was one.
    pub async fn restore(&self, id: &str) -> Result<bool, JournalError> {
        let is_known = self.list.borrow().has(id);
        if is_known {
            self.put(vec![(id.to_owned(), None)]).await?;
        }
        Ok(is_known)
    }

    /// All, by their ids.
    pub fn all(&self) -> Vec<Revocation> {
        self.list.borrow().all().cloned().collect()
    }

    /// Hears of other replicas, and removes what is over, until told to stop.
    pub async fn keep(&self, stop: CancellationToken) {
        let mut looks = interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut is_away = false;
        for look in 1_u32.. {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = looks.tick() => {}
            }
            let looked = match look % CLEAN_EVERY {
                0 => self.clean().await,
                _ if self.journal.is_shared() => self.look().await,
                _ => Ok(()),
            };
            if let (Err(error), false) = (&looked, is_away) {
                tracing::warn!(%error, "what other replicas revoke is not known now; what was known is");
            }
            is_away = looked.is_err();
        }
    }

    /// Reads again what another replica changed.
    async fn look(&self) -> Result<(), JournalError> {
        let version = self.journal.get(Collection::Revoked, VERSION).await?;
        let is_same = *self.version.lock().unwrap_or_else(PoisonError::into_inner) == version;
        if is_same { Ok(()) } else { self.read().await }
    }

    async fn clean(&self) -> Result<(), JournalError> {
        let over: Vec<(String, Option<Vec<u8>>)> = self.list.borrow().over().map(|id| (id.to_owned(), None)).collect();
        if over.is_empty() { self.look().await } else { self.put(over).await }
    }

    async fn put(&self, entries: Vec<(String, Option<Vec<u8>>)>) -> Result<(), JournalError> {
        let entry = |(id, value)| Put { collection: Collection::Revoked, key: format!("{ENTRIES}{id}"), value };
        let mut documents: Vec<Put> = entries.into_iter().map(entry).collect();
        // JSON, as all documents are.
        let version = format!("\"{}\"", Uuid::new_v4().simple()).into_bytes();
        documents.push(Put { collection: Collection::Revoked, key: VERSION.to_owned(), value: Some(version) });
        self.journal.put(documents).await?;
        self.read().await
    }

    async fn read(&self) -> Result<(), JournalError> {
        // First: what is written meanwhile is read by the next look.
        let version = self.journal.get(Collection::Revoked, VERSION).await?;
        let mut found = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let page = self.journal.scan(Collection::Revoked, ENTRIES, after.as_deref(), PAGE).await?;
            let is_last = page.len() < PAGE;
            after = page.last().map(|(key, _)| key.clone());
            for (key, value) in page {
                match serde_json::from_slice::<Revocation>(&value) {
                    Ok(revocation) => found.push(revocation),
                    Err(error) => tracing::error!(key, %error, "a revocation of another version is not known here"),
                }
            }
            if is_last {
                break;
            }
        }
        let list = List::of(found);
        metrics::show_revocations(list.len());
        self.list.send_replace(Arc::new(list));
        *self.version.lock().unwrap_or_else(PoisonError::into_inner) = version;
        Ok(())
    }
}
