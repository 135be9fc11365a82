//! Keeping house while the gateway runs: what crashes left goes at the start and then once an hour, and with it what
//! stores keep no longer. One replica at a time does it.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::journal::Journal;

use super::super::unfinished::{SAID_EVERY, Unfinished};
use super::gc::GcOptions;
use super::record::Record;
use super::{Lifecycle, Records, Stopped};

/// Between two rounds.
const ROUND: Duration = Duration::from_secs(60 * 60);
/// What a replica holds that does a round; for as long as it lasts at most.
const CLAIM: &str = "uploads to remove";

/// The uploads of the config that holds now.
#[derive(Clone)]
pub struct Current(Arc<RwLock<Arc<Lifecycle>>>);

impl Current {
    pub fn new(lifecycle: Lifecycle) -> Self {
        Current(Arc::new(RwLock::new(Arc::new(lifecycle))))
    }

    pub fn get(&self) -> Arc<Lifecycle> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Of another config.
    pub fn replace(&self, lifecycle: Lifecycle) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(lifecycle);
    }
}

/// Keeps house until it is told to stop.
pub async fn keep(current: Current, journal: Arc<dyn Journal>, unfinished: Unfinished, stop: CancellationToken) {
    let holder = Uuid::new_v4();
    let mut since_round = ROUND;
    loop {
        if let Err(fault) = unfinished.alive().await {
            tracing::warn!(%fault, "the journal did not hear that this process takes uploads");
        }
        if since_round >= ROUND {
            since_round = Duration::ZERO;
            // Kept for a whole round: whoever comes next in this hour finds it done.
            match journal.claim(CLAIM, holder, ROUND - SAID_EVERY).await {
                Ok(true) => round(&current.get()).await,
                Ok(false) => {}
                Err(error) => tracing::warn!(%error, "old uploads were not looked for"),
            }
        }
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(SAID_EVERY) => since_round += SAID_EVERY,
        }
    }
    // Best effort: it ends by itself.
    let _ = journal.disclaim(CLAIM, holder).await;
}

async fn round(lifecycle: &Lifecycle) {
    let (records, mut heard) = Records::channel();
    let options = GcOptions { apply: true, ..GcOptions::default() };
    let listening = async {
        while let Some(record) = heard.recv().await {
            match record {
                Record::Removal { store, reason, detail: Some(detail), .. } => {
                    tracing::warn!(store, reason, detail, "an upload could not be removed");
                }
                Record::Summary(summary) if summary.removals > 0 => {
                    tracing::info!(removed = summary.removals, bytes = summary.bytes, "uploads were removed");
                }
                _ => {}
            }
        }
    };
    let work = async move { lifecycle.collect(&options, &records).await };
    if let (Err(Stopped::Failed(fault)), ()) = tokio::join!(work, listening) {
        tracing::warn!(%fault, "not all old uploads were looked at");
    }
}
