//! The stores of a config. In: their settings, and those of the config before. Out: open stores; what did not change is
//! kept.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::{Config, StoreSettings};
use crate::journal::Journal;
use crate::media::Contents;
use crate::store::s3::Memory;
use crate::store::{FsStore, Measured, Once, S3Store, Store, StoreError};
use crate::tasks::Tasks;

use super::StartError;
use super::ground::Ground;
use super::parts::Parts;

/// What stores work with.
#[derive(Clone, Copy)]
pub struct Means<'a> {
    pub memory: &'a Memory,
    pub tasks: &'a Tasks,
}

/// Opens every store that is new. At the start of the process it removes what unfinished uploads had left; later there
/// may be some on their way.
pub async fn open(
    config: &Config,
    ground: &Ground,
    before: Option<&Parts>,
) -> Result<BTreeMap<String, Arc<dyn Store>>, StartError> {
    let means = Means { memory: &ground.memory, tasks: &ground.tasks };
    let mut stores = BTreeMap::new();
    for (name, settings) in &config.stores {
        let once = config.once.contains(name);
        let is_same = |before: &&Parts| {
            before.config.stores.get(name) == Some(settings) && before.config.once.contains(name) == once
        };
        let same = before.filter(is_same);
        if let Some(known) = same.and_then(|before| before.stores.get(name)) {
            stores.insert(name.clone(), Arc::clone(known));
            continue;
        }
        let store = with_contents(config, name, open_one(name, settings, means)?, &ground.journal);
        if before.is_none() {
            match settings {
                StoreSettings::Fs { .. } => swept(name, store.sweep().await)?,
                // A bucket may be slow, or away: neither keeps the gateway from starting.
                StoreSettings::S3 { .. } => sweep_beside(name.clone(), Arc::clone(&store), &ground.tasks),
            }
        }
        stores.insert(name.clone(), store);
    }
    Ok(stores)
}

/// Opens every store, and leaves what is in it as it is.
pub fn open_all(
    config: &Config,
    means: Means<'_>,
    journal: &Arc<dyn Journal>,
) -> Result<BTreeMap<String, Arc<dyn Store>>, StartError> {
    let opened = config.stores.iter().map(|(name, settings)| {
        let store = open_one(name, settings, means)?;
        Ok((name.clone(), with_contents(config, name, store, journal)))
    });
    opened.collect()
}

/// The store, or what keeps each content in it once.
fn with_contents(config: &Config, name: &str, store: Arc<dyn Store>, journal: &Arc<dyn Journal>) -> Arc<dyn Store> {
    if !config.once.contains(name) {
        return store;
    }
    Arc::new(Once::new(store, Arc::new(Contents::of(name, Arc::clone(journal)))))
}

fn open_one(name: &str, settings: &StoreSettings, means: Means<'_>) -> Result<Arc<dyn Store>, StartError> {
    let opened: Result<Arc<dyn Store>, StoreError> = match settings {
        StoreSettings::Fs { root, .. } => FsStore::open(root).map(|store| Arc::new(store) as _),
        StoreSettings::S3 { settings, .. } => {
            let opened = S3Store::open((**settings).clone(), means.memory.clone(), means.tasks);
            opened.map(|store| Arc::new(store) as _)
        }
    };
    let opened = opened.map_err(|error| format!("the store `{name}`: {error}"))?;
    Ok(Arc::new(Measured::new(name, opened)))
}

fn sweep_beside(name: String, store: Arc<dyn Store>, tasks: &Tasks) {
    let stopping = tasks.stopping();
    tasks.spawn(async move {
        let done = tokio::select! {
            done = store.sweep() => swept(&name, done),
            () = stopping.cancelled() => Ok(()),
        };
        if let Err(error) = done {
            tracing::warn!(store = name, %error, "what unfinished uploads had left is not removed");
        }
    });
}

fn swept(name: &str, done: Result<usize, StoreError>) -> Result<(), StoreError> {
    let swept = done?;
    if swept > 0 {
        tracing::info!(store = name, swept, "removed what unfinished uploads had left");
    }
    Ok(())
}
