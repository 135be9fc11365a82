//! Which keys of a store have which content, in the journal, for a store that has each content once. In: notes. Out: the same,
//! durable, and shared by all replicas.

use std::sync::Arc;

use async_trait::async_trait;

use crate::journal::{Collection, Journal, JournalError, Put};
use crate::store::{Notes, StoreError};

/// Notes of one store.
pub struct Contents {
    journal: Arc<dyn Journal>,
    /// Before every name: whose they are.
    prefix: String,
}

impl Contents {
    pub fn of(store: &str, journal: Arc<dyn Journal>) -> Self {
        Contents { journal, prefix: format!("{store}\u{1f}") }
    }

    fn named(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }
}

fn away(error: JournalError) -> StoreError {
    StoreError::Unavailable(format!("what it has cannot be noted: {error}"))
}

#[async_trait]
impl Notes for Contents {
    async fn get(&self, name: &str) -> Result<Option<String>, StoreError> {
        let found = self.journal.get(Collection::Contents, &self.named(name)).await.map_err(away)?;
        Ok(found.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    async fn put(&self, notes: Vec<(String, Option<String>)>) -> Result<(), StoreError> {
        let put = |(name, text): (String, Option<String>)| Put {
            collection: Collection::Contents,
            key: self.named(&name),
            value: text.map(String::into_bytes),
        };
        self.journal.put(notes.into_iter().map(put).collect()).await.map_err(away)
    }

    async fn scan(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<Vec<(String, String)>, StoreError> {
        let after = after.map(|after| self.named(after));
        let found = self.journal.scan(Collection::Contents, &self.named(prefix), after.as_deref(), limit).await;
        let own = |(name, bytes): (String, Vec<u8>)| {
            let name = name.strip_prefix(&self.prefix)?.to_owned();
            Some((name, String::from_utf8_lossy(&bytes).into_owned()))
        };
        Ok(found.map_err(away)?.into_iter().filter_map(own).collect())
    }
}
