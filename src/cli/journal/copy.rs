//! The same journal in Redis. In: an embedded journal or a backup, and a Redis. Out: all of it there, compared at the end.

use std::path::PathBuf;

use clap::Args;

use super::{Failure, open_alone, words};
use crate::cli::Console;
use crate::config::{Config, JournalSettings};
use crate::journal::{Copied, Keep, RedisJournal, RedisJournalSettings, copy};
use crate::redis::parse_url;

#[derive(Debug, Args)]
#[command(
    after_help = "Events keep their ids, sequence numbers, times and origin keys; documents and the id map come along. What was told
lately (for `replay`) does not. The source wins: run it before a gateway uses that Redis, as often as you like; the last
time with the gateway stopped, then start the replicas. An interrupted copy goes on when it is run again.

Examples:
  dragoman journal copy --from embedded:data/journal --to redis://127.0.0.1:6379/0
  dragoman journal copy --from embedded:/backups/monday.journal -c replicas.toml     to the Redis of that config"
)]
pub struct Arguments {
    /// `embedded:` and the path of a journal that no gateway uses, or of a backup
    #[arg(long, value_name = "SOURCE", value_parser = source)]
    from: PathBuf,
    /// A Redis; without it that of the config, with its prefix and its password
    #[arg(long, value_name = "URL")]
    to: Option<String>,
}

impl Arguments {
    /// Whether no config is needed.
    pub fn names_both(&self) -> bool {
        self.to.is_some()
    }
}

fn source(text: &str) -> Result<PathBuf, String> {
    let path = text.strip_prefix("embedded:").filter(|path| !path.is_empty());
    path.map(PathBuf::from).ok_or_else(|| "wanted embedded:PATH, as in embedded:data/journal".to_owned())
}

pub fn run(arguments: &Arguments, config: Option<&Config>, console: &mut Console) -> Result<(), Failure> {
    let settings = match (&arguments.to, config.map(|config| &config.journal)) {
        (Some(url), _) => {
            let hold = std::time::Duration::from_secs(30);
            RedisJournalSettings { redis: parse_url(url)?, keep: Keep::default(), hold }
        }
        (None, Some(JournalSettings::Redis(settings))) => (**settings).clone(),
        (None, _) => return Err("the journal of this config is not in Redis: give one with --to".to_owned()),
    };
    let from = open_alone(&arguments.from)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let copied = runtime.block_on(async {
        let to = RedisJournal::open(settings).await.map_err(words)?;
        let mut progress = |copied: &Copied| console.talk(&format_args!("{copied}\n"));
        copy(&from, &to, &mut progress).await.map_err(words)
    })?;
    console.data(&format_args!("copied and compared: {copied}\n"));
    Ok(())
}
