//! `dragoman check --connect`: what the config names is asked whether it can be used, and how far it can be relied on. In:
//! a config. Out: what there is to say of it; whether all of it can be used.

use crate::cli::{Console, Exit};
use crate::config::{Config, JournalSettings};
use crate::journal::RedisJournal;

use super::{endpoints, keys, stores};

/// Asks Redis (an embedded journal is a file, of which nothing is to be asked), every store and, for its keys, every
/// identity provider; and connects to all that is called.
pub fn run(config: &Config, console: &mut Console) -> Exit {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            console.talk(&format!("error: {error}\n"));
            return Exit::Failed;
        }
    };
    runtime.block_on(async {
        let is_journal_fine = journal(config, console).await;
        let are_stores_fine = stores::all(config, console).await;
        let are_endpoints_fine = endpoints::all(config, console).await;
        let are_keys_fine = keys::all(config, console).await;
        scanners(config, console);
        let is_fine = is_journal_fine && are_stores_fine && are_endpoints_fine && are_keys_fine;
        if is_fine { Exit::Fine } else { Exit::Failed }
    })
}

async fn journal(config: &Config, console: &mut Console) -> bool {
    let JournalSettings::Redis(settings) = &config.journal else { return true };
    match RedisJournal::inspect(settings).await {
        Ok(doubts) => {
            for doubt in &doubts {
                console.talk(&format!("warning: {}: {doubt}\n", settings.redis));
            }
            if doubts.is_empty() {
                console.talk(&format!("{}: a confirmed message is on its disk\n", settings.redis));
            }
            true
        }
        Err(error) => {
            console.talk(&format!("error: {}: {error}\n", settings.redis));
            false
        }
    }
}

/// A question would be a file to scan, and perhaps an alarm.
fn scanners(config: &Config, console: &mut Console) {
    for name in config.scanners.keys() {
        console.talk(&format!("scanners.{name}: not tried\n"));
    }
}
