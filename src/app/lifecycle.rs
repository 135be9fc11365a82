//! The uploads of a config, for who keeps house and for operators. In: a config and its opened parts, or a config alone.
//! Out: what knows every upload and every store.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::{Config, JournalSettings};
use crate::journal::{EmbeddedJournal, Journal, RedisJournal};
use crate::media::Unfinished;
use crate::media::lifecycle::{Keeping, Lifecycle};
use crate::store::Store;
use crate::store::s3::Memory;
use crate::tasks::Tasks;

use super::StartError;
use super::ground::Ground;
use super::parts::Parts;
use super::stores::{self, Means};

/// Of a gateway that runs.
pub(super) fn of(parts: &Parts, ground: &Ground) -> Lifecycle {
    let keeping = keeping(&parts.config, &parts.stores);
    Lifecycle::new(Arc::clone(&ground.journal), ground.unfinished.clone(), keeping)
}

/// Without a gateway: the journal must not be one that another process has open.
pub async fn open(config: &Config) -> Result<(Lifecycle, Arc<dyn Journal>), StartError> {
    let journal: Arc<dyn Journal> = match &config.journal {
        JournalSettings::Embedded { path, keep } => Arc::new(EmbeddedJournal::open_with(path, *keep)?),
        JournalSettings::Redis(settings) => Arc::new(RedisJournal::open((**settings).clone()).await?),
    };
    let stores = stores::open_all(config, Means { memory: &Memory::default(), tasks: &Tasks::new() }, &journal)?;
    let lifecycle =
        Lifecycle::new(Arc::clone(&journal), Unfinished::new(Arc::clone(&journal)), keeping(config, &stores));
    Ok((lifecycle, journal))
}

fn keeping(config: &Config, stores: &BTreeMap<String, Arc<dyn Store>>) -> BTreeMap<String, Keeping> {
    let keeping = stores.iter().map(|(name, store)| {
        let retention = config.retention.get(name).copied().unwrap_or_default();
        (name.clone(), Keeping { store: Arc::clone(store), retention })
    });
    keeping.collect()
}
