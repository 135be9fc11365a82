//! What stays while configs come and go: the address, the journal, the relay, the hub. In: the first config. Out: what
//! every later one is built over, or which of its keys need a restart.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, PoisonError};

use crate::auth::Secret;
use crate::config::{Config, JournalSettings};
use crate::hub::Hub;
use crate::journal::{EmbeddedJournal, Journal};
use crate::relay::{MemoryRelay, Relay};
use crate::tasks::Tasks;

use super::{StartError, keys};

pub struct Ground {
    pub address: SocketAddr,
    pub journal: Arc<dyn Journal>,
    pub relay: Arc<dyn Relay>,
    pub hub: Hub,
    /// What the tokens of visitors are signed with.
    pub visitors: Secret,
    pub tasks: Tasks,
    /// Open sockets by the name of their route, whichever config they came with.
    open: Mutex<HashMap<Arc<str>, Arc<AtomicUsize>>>,
}

impl Ground {
    pub async fn open(config: &Config, address: SocketAddr) -> Result<Self, StartError> {
        let tasks = Tasks::new();
        let JournalSettings::Embedded { path, .. } = &config.journal;
        let journal: Arc<dyn Journal> = Arc::new(EmbeddedJournal::open(path)?);
        let relay: Arc<dyn Relay> = Arc::new(MemoryRelay::new());
        let visitors = keys::visitors(&path.with_extension("key"))?;
        let hub = Hub::open(Arc::clone(&journal), Arc::clone(&relay), &tasks);
        Ok(Ground { address, journal, relay, hub, visitors, tasks, open: Mutex::default() })
    }

    /// The count of a route's open sockets.
    pub fn open_sockets(&self, route: &Arc<str>) -> Arc<AtomicUsize> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(open.entry(Arc::clone(route)).or_default())
    }
}

/// The keys in which two configs differ that only a restart can change.
pub fn needs_restart(before: &Config, after: &Config) -> Vec<&'static str> {
    let differences = [
        ("server.listen", before.server.listen != after.server.listen),
        ("server.admin", before.server.admin != after.server.admin),
        ("journal", before.journal != after.journal),
        ("relay", before.relay != after.relay),
    ];
    differences.into_iter().filter(|(_, differs)| *differs).map(|(key, _)| key).collect()
}
