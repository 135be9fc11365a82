//! How the parts of the config that holds are. In: the journal, the relay, the stores, upstreams and published keys. Out: a line for each, when
//! somebody asks. A store is not asked more often than every few seconds, whoever asks.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;
use tokio::time::{Instant, timeout};

use crate::admin::{self, Part};
use crate::journal::Journal;
use crate::keyset::KeySets;
use crate::relay::Relay;
use crate::store::Store;
use crate::upstream::Upstream;

use super::ground::Ground;
use super::parts::Parts;

/// How long a part may take to say how it is.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long what a store said holds.
const HOLDS: Duration = Duration::from_secs(10);

pub struct Health {
    journal: Arc<dyn Journal>,
    relay: Arc<dyn Relay>,
    keys: Arc<KeySets>,
    of_config: Mutex<OfConfig>,
}

/// What a reload changes.
#[derive(Clone, Default)]
struct OfConfig {
    stores: BTreeMap<String, Arc<KnownStore>>,
    upstreams: BTreeMap<String, Upstream>,
}

struct KnownStore {
    store: Arc<dyn Store>,
    /// When it was asked last, and what was wrong then.
    said: tokio::sync::Mutex<Option<(Instant, Option<String>)>>,
}

impl KnownStore {
    async fn wrong(&self) -> Option<String> {
        // Who asks while another waits for the answer gets the same one.
        let mut said = self.said.lock().await;
        if let Some((at, wrong)) = &*said
            && at.elapsed() < HOLDS
        {
            return wrong.clone();
        }
        let wrong = within(async { self.store.healthy().await.map_err(|error| error.to_string()) }).await;
        *said = Some((Instant::now(), wrong.clone()));
        wrong
    }
}

/// What is wrong; a part that does not answer in time is.
async fn within(asking: impl Future<Output = Result<(), String>>) -> Option<String> {
    match timeout(PATIENCE, asking).await {
        Ok(answer) => answer.err(),
        Err(_) => Some(format!("no answer within {} s", PATIENCE.as_secs())),
    }
}

impl Health {
    pub fn of(parts: &Parts, ground: &Ground) -> Arc<Self> {
        let (journal, relay) = (Arc::clone(&ground.journal), Arc::clone(&ground.relay));
        let health = Arc::new(Health { journal, relay, keys: Arc::clone(&ground.keys), of_config: Mutex::default() });
        health.replace(parts);
        health
    }

    /// Another config holds.
    pub fn replace(&self, parts: &Parts) {
        let known =
            |store: &Arc<dyn Store>| KnownStore { store: Arc::clone(store), said: tokio::sync::Mutex::default() };
        let of_config = OfConfig {
            stores: parts.stores.iter().map(|(name, store)| (name.clone(), Arc::new(known(store)))).collect(),
            upstreams: parts.upstreams.iter().map(|(name, open)| (name.clone(), open.upstream.clone())).collect(),
        };
        *self.of_config.lock().unwrap_or_else(PoisonError::into_inner) = of_config;
    }
}

#[async_trait]
impl admin::Parts for Health {
    async fn parts(&self) -> Vec<Part> {
        let OfConfig { stores, upstreams } = self.of_config.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let journal = within(async { self.journal.healthy().await.map_err(|error| error.to_string()) });
        let relay = within(async { self.relay.healthy().await.map_err(|error| error.to_string()) });
        let asked = join_all(stores.values().map(|store| store.wrong()));
        let (journal, relay, asked) = tokio::join!(journal, relay, asked);
        let part = |group, name: &str, wrong| Part { group, name: name.to_owned(), wrong };
        let mut parts = vec![part("journal", "", journal), part("relay", "", relay)];
        parts.extend(stores.keys().zip(asked).map(|(name, wrong)| part("stores", name, wrong)));
        parts.extend(upstreams.iter().map(|(name, upstream)| part("upstreams", name, away(upstream))));
        parts.extend(self.keys.all().iter().map(|set| part("keys", set.name(), set.wrong())));
        parts
    }
}

/// Which endpoints of an upstream are given no requests, as its health checks and calls found.
fn away(upstream: &Upstream) -> Option<String> {
    let away: Vec<String> = upstream.endpoints_away();
    (!away.is_empty()).then(|| format!("away: {}", away.join(", ")))
}
