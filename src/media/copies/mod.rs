//! Copies of uploads that are still to be made. In: notes of what a store with copies owes. Out: the same in the journal,
//! so that no restart forgets it; and every copy made from its primary as soon as its store takes it.

mod make;
mod round;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::directory::document;
use crate::event::Timestamp;
use crate::journal::{Collection, Journal, JournalError, Put};
use crate::store::{Debt, Ledger, Store, StoreError};
use crate::tasks::Tasks;

/// Makes copies. Cloning it copies nothing.
#[derive(Clone)]
pub struct Copier(Arc<Inner>);

struct Inner {
    journal: Arc<dyn Journal>,
    /// Those of the config that holds now, by name.
    stores: RwLock<BTreeMap<String, Arc<dyn Store>>>,
    state: Mutex<State>,
    wake: Notify,
}

/// What this process knows beside the journal.
#[derive(Default)]
struct State {
    /// Noted by uploads that are not finished yet.
    unfinished: BTreeSet<String>,
    /// Noted by uploads that are.
    due: BTreeSet<String>,
    /// Stores that failed: until when they are left alone, and how often in a row.
    paused: BTreeMap<String, Pause>,
}

#[derive(Debug, Clone, Copy)]
struct Pause {
    until: Instant,
    failures: u32,
}

/// A debt as the journal keeps it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Note {
    key: String,
    from: String,
    to: String,
    #[serde(default)]
    removed: bool,
    since: Timestamp,
}

impl Copier {
    /// Begins with what an earlier process left, once there are stores.
    pub fn start(journal: Arc<dyn Journal>, tasks: &Tasks) -> Self {
        let inner = Inner { journal, stores: RwLock::default(), state: Mutex::default(), wake: Notify::new() };
        let copier = Copier(Arc::new(inner));
        let (running, stop) = (copier.clone(), tasks.stopping());
        tasks.spawn(async move {
            tokio::select! {
                () = running.run() => {}
                () = stop.cancelled() => {}
            }
        });
        copier
    }

    /// The stores that copies are made from and to, in place of those before.
    pub fn serve(&self, stores: BTreeMap<String, Arc<dyn Store>>) {
        *self.0.stores.write().unwrap_or_else(PoisonError::into_inner) = stores;
        // A store may have been mended by the change.
        self.state().paused.clear();
        self.0.wake.notify_one();
    }

    fn store(&self, name: &str) -> Option<Arc<dyn Store>> {
        self.0.stores.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Each change is whole before anything could panic.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The names of notes are out of the journal.
    async fn forget(&self, names: Vec<String>) -> Result<(), JournalError> {
        if names.is_empty() {
            return Ok(());
        }
        let puts = names.iter().map(|name| Put { collection: Collection::Copies, key: name.clone(), value: None });
        self.0.journal.put(puts.collect()).await?;
        let mut state = self.state();
        for name in &names {
            state.unfinished.remove(name);
            state.due.remove(name);
        }
        Ok(())
    }
}

/// What the note of a debt is called in the journal. The separator is in no name of a store that TOML can say in letters.
fn name_of(debt: &Debt) -> String {
    format!("{}\u{1f}{}", debt.to, debt.key)
}

#[async_trait]
impl Ledger for Copier {
    async fn owe(&self, debts: &[Debt]) -> Result<(), StoreError> {
        self.state().unfinished.extend(debts.iter().map(name_of));
        let note = |debt: &Debt| Note {
            key: debt.key.clone(),
            from: debt.from.to_string(),
            to: debt.to.to_string(),
            removed: debt.removed,
            since: Timestamp::now(),
        };
        let puts = debts.iter().filter_map(|debt| document(Collection::Copies, &name_of(debt), &note(debt))).collect();
        self.0.journal.put(puts).await.map_err(|error| {
            let mut state = self.state();
            debts.iter().for_each(|debt| {
                state.unfinished.remove(&name_of(debt));
            });
            StoreError::Unavailable(format!("copies cannot be noted: {error}"))
        })
    }

    async fn settle(&self, debts: &[Debt]) {
        // What stays noted is found to be there already, or not to be wanted, when its turn comes.
        if let Err(error) = self.forget(debts.iter().map(name_of).collect()).await {
            tracing::info!(%error, "notes of copies stay in the journal for now");
            self.due(debts);
        }
    }

    fn due(&self, debts: &[Debt]) {
        if debts.is_empty() {
            return;
        }
        let mut state = self.state();
        for name in debts.iter().map(name_of) {
            state.unfinished.remove(&name);
            state.due.insert(name);
        }
        drop(state);
        self.0.wake.notify_one();
    }
}

#[cfg(test)]
mod tests;
