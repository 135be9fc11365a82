//! Closes the gaps of a relay that can have some. In: word that something told may have been missed. Out: what the journal
//! says was missed, delivered.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::journal::Journal;
use crate::relay::Relay;

/// Before a journal that could not be asked is asked again.
const PAUSE: Duration = Duration::from_millis(100);

/// Runs until told to stop.
pub async fn run(
    journal: Arc<dyn Journal>,
    relay: Arc<dyn Relay>,
    mut gaps: watch::Receiver<u64>,
    stop: CancellationToken,
) {
    let healing = async {
        loop {
            heal(&*journal, &*relay).await;
            if gaps.changed().await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = healing => {}
        () = stop.cancelled() => {}
    }
}

/// Asks and fills until nothing is behind.
async fn heal(journal: &dyn Journal, relay: &dyn Relay) {
    loop {
        let behind = relay.behind().await;
        if behind.topics.is_empty() {
            return;
        }
        match journal.missed(&behind.topics).await {
            Ok(missed) => relay.fill(behind, missed).await,
            Err(error) => {
                drop(behind);
                tracing::debug!(%error, "what was missed cannot be asked for yet");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}
