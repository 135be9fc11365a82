//! What stays while configs come and go: the address, the journal, the relay, the hub. In: the first config. Out: what
//! every later one is built over, or which of its keys need a restart.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, PoisonError};

use crate::auth::{Revocations, Secret};
use crate::config::{Config, JournalSettings, RelaySettings};
use crate::edge::Secured;
use crate::hub::Hub;
use crate::journal::{EmbeddedJournal, Journal, RedisJournal, RedisJournalSettings};
use crate::keyset::KeySets;
use crate::media::{Copier, Names, Unfinished};
use crate::relay::{MemoryRelay, RedisRelay, Relay};
use crate::store::s3::Memory;
use crate::tasks::Tasks;

use super::{StartError, keys};

/// What is offered to clients, the preferred one first.
const ALPN: &[&[u8]] = &[b"h2", b"http/1.1"];

pub struct Ground {
    pub address: SocketAddr,
    /// What the listener shows, where it speaks TLS.
    pub tls: Option<Arc<Secured>>,
    pub journal: Arc<dyn Journal>,
    pub relay: Arc<dyn Relay>,
    pub hub: Hub,
    /// Who may use a key of a file that somebody could guess.
    pub names: Names,
    /// Makes copies of uploads that are still to be made.
    pub copier: Copier,
    /// Uploads that this process is about to finish.
    pub unfinished: Unfinished,
    /// What the tokens of identity providers are checked with.
    pub keys: Arc<KeySets>,
    /// Credentials that are not good any more.
    pub revocations: Arc<Revocations>,
    /// What the tokens of visitors are signed with.
    pub visitors: Secret,
    /// What uploads to buckets may hold of it.
    pub memory: Memory,
    pub tasks: Tasks,
    /// Open sockets by the name of their route, whichever config they came with.
    open: Mutex<HashMap<Arc<str>, Arc<AtomicUsize>>>,
}

impl Ground {
    pub async fn open(config: &Config, address: SocketAddr) -> Result<Self, StartError> {
        let tasks = Tasks::new();
        let tls = config.server.tls.clone().map(|tls| Secured::open("clients", tls, ALPN)).transpose()?.map(Arc::new);
        let journal: Arc<dyn Journal> = match &config.journal {
            JournalSettings::Embedded { path, keep } => Arc::new(EmbeddedJournal::open_with(path, *keep)?),
            JournalSettings::Redis(settings) => Arc::new(in_redis(settings).await?),
        };
        let relay: Arc<dyn Relay> = match &config.relay {
            RelaySettings::Memory => Arc::new(MemoryRelay::new()),
            RelaySettings::Redis(settings) => {
                let relay = RedisRelay::open((**settings).clone(), &tasks);
                relay.ready(settings.redis.connect_timeout).await?;
                Arc::new(relay)
            }
        };
        let visitors = match (&config.server.visitor_secret, &config.journal) {
            (Some(secret), _) => secret.clone(),
            (None, JournalSettings::Embedded { path, .. }) => keys::visitors(&path.with_extension("key"))?,
            (None, JournalSettings::Redis(_)) => return Err("`visitor_secret` of [server] is missing".into()),
        };
        let revocations = Arc::new(Revocations::open(Arc::clone(&journal)).await?);
        let (known, stopping) = (Arc::clone(&revocations), tasks.stopping());
        tasks.spawn(async move { known.keep(stopping).await });
        let unfinished = Unfinished::new(Arc::clone(&journal));
        unfinished.alive().await?;
        let hub = Hub::open(Arc::clone(&journal), Arc::clone(&relay), &tasks);
        let copier = Copier::start(Arc::clone(&journal), &tasks);
        let names = Names::new(Arc::clone(&journal), tasks.clone());
        Ok(Ground {
            address,
            tls,
            journal,
            relay,
            hub,
            names,
            copier,
            unfinished,
            keys: Arc::new(KeySets::new(tasks.clone())),
            revocations,
            visitors,
            memory: Memory::default(),
            tasks,
            open: Mutex::default(),
        })
    }

    /// The address as a URL, without a slash at the end.
    pub fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// The count of a route's open sockets.
    pub fn open_sockets(&self, route: &Arc<str>) -> Arc<AtomicUsize> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(open.entry(Arc::clone(route)).or_default())
    }
}

/// Looks at the files of a listener while it is served.
pub fn watch(tls: Option<&Arc<Secured>>, tasks: &Tasks) {
    if let Some(tls) = tls.cloned() {
        let stopping = tasks.stopping();
        tasks.spawn(async move { tls.watch(stopping).await });
    }
}

/// The journal in Redis, and a word about what its server does not promise.
async fn in_redis(settings: &RedisJournalSettings) -> Result<RedisJournal, StartError> {
    let journal = RedisJournal::open(settings.clone()).await?;
    for doubt in journal.doubts().await {
        tracing::warn!(redis = %settings.redis, doubt);
    }
    Ok(journal)
}

/// The keys in which two configs differ that only a restart can change.
pub fn needs_restart(before: &Config, after: &Config) -> Vec<&'static str> {
    let differences = [
        ("server.listen", before.server.listen != after.server.listen),
        ("server.tls", before.server.tls != after.server.tls),
        ("server.admin", before.server.admin != after.server.admin),
        ("server.admin_tls", before.server.admin_tls != after.server.admin_tls),
        ("server.visitor_secret", before.server.visitor_secret != after.server.visitor_secret),
        ("journal", before.journal != after.journal),
        ("relay", before.relay != after.relay),
        ("log.format", before.log.format != after.log.format),
        ("tracing", before.tracing != after.tracing),
    ];
    differences.into_iter().filter(|(_, differs)| *differs).map(|(key, _)| key).collect()
}
