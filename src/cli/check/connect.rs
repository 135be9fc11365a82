//! `dragoman check --connect`: what the config names is asked how far it can be relied on. In: a config. Out: what there
//! is to say of it; whether it could be reached.

use crate::cli::{Console, Exit};
use crate::config::{Config, JournalSettings};
use crate::journal::RedisJournal;

/// Asks the journal's Redis; an embedded journal is a file, of which nothing is to be asked.
pub fn run(config: &Config, console: &mut Console) -> Exit {
    let JournalSettings::Redis(settings) = &config.journal else { return Exit::Fine };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            console.talk(&format!("error: {error}\n"));
            return Exit::Failed;
        }
    };
    match runtime.block_on(RedisJournal::inspect(settings)) {
        Ok(doubts) => {
            for doubt in &doubts {
                console.talk(&format!("warning: {}: {doubt}\n", settings.redis));
            }
            if doubts.is_empty() {
                console.talk(&format!("{}: a confirmed message is on its disk\n", settings.redis));
            }
            Exit::Fine
        }
        Err(error) => {
            console.talk(&format!("error: {}: {error}\n", settings.redis));
            Exit::Failed
        }
    }
}
