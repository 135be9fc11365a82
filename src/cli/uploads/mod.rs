//! `dragoman uploads`. In: a config, and what is wanted of its uploads. Out: records on standard output, progress on
//! standard error; exit code 1 where something is wrong.

mod running;
mod shown;

use std::net::SocketAddr;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;

use super::admin::{Admin, Failure};
use super::settings::ConfigArguments;
use super::{Console, Exit};
use crate::app;
use crate::config::{Config, JournalSettings, duration};
use crate::journal::JournalFile;
use crate::media::lifecycle::{Expiry, GcOptions, Lifecycle, ListOptions, Records, Stopped, VerifyOptions};

use shown::Shown;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dragoman uploads list                                all of them, oldest first
  dragoman uploads list --store bucket --format json | jq -r .handle
  dragoman uploads gc                                  what the stores' retention would remove
  dragoman uploads gc --apply
  dragoman uploads gc --older-than 90d --store local
  dragoman uploads gc --unknown                        with files in the stores that no upload names
  dragoman uploads verify --content                    reads every file

A gateway that runs on an embedded journal is asked over its admin address; it goes on meanwhile. Else the journal and the
stores of the config are opened here.")]
pub(super) struct Arguments {
    #[command(flatten)]
    config: ConfigArguments,
    /// Where the gateway's admin listener is, in place of the config's address
    #[arg(long, value_name = "ADDRESS", global = true)]
    admin: Option<SocketAddr>,
    /// How records are written
    #[arg(long, value_enum, default_value_t = Format::Text, global = true)]
    format: Format,
    /// Only of this store of the config
    #[arg(long, value_name = "NAME", global = true)]
    store: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For reading
    Text,
    /// A JSON object a line
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lists uploads: store, key, size, age, conversation, handle
    List,
    /// Removes files that are too old, that no message named, or that a crash left; only says which, without --apply
    Gc(Gc),
    /// Compares: each upload is there with its size, each file in the stores is of an upload
    Verify(Verify),
}

#[derive(Debug, Args)]
struct Gc {
    /// Really removes them
    #[arg(long)]
    apply: bool,
    /// Files uploaded longer ago than this go, in place of what `retention` of the stores says
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    older_than: Option<Duration>,
    /// Files that no message named within this go, in place of what `retention` of the stores says
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    unused_for: Option<Duration>,
    /// Files that no upload names, and that are older than an hour, go too. Not where others use the folder or bucket
    #[arg(long)]
    unknown: bool,
}

#[derive(Debug, Args)]
struct Verify {
    /// Reads every file and compares its SHA-256
    #[arg(long)]
    content: bool,
}

/// What is asked for, whoever does it.
enum Wanted {
    List(ListOptions),
    Gc(GcOptions),
    Verify(VerifyOptions),
}

pub(super) fn run(arguments: &Arguments, console: &mut Console) -> Exit {
    let loaded = match arguments.config.load(&[], console) {
        Ok(loaded) => loaded,
        Err(exit) => return exit,
    };
    let config = &loaded.config;
    if let Some(store) = arguments.store.as_ref().filter(|store| !config.stores.contains_key(*store)) {
        let known: Vec<&str> = config.stores.keys().map(String::as_str).collect();
        console.error(&format_args!("there is no store `{store}`; the config has: {}", known.join(", ")));
        return Exit::Usage;
    }
    let mut shown = Shown::new(console, arguments.format == Format::Json);
    match carry_out(arguments, config, &mut shown) {
        Ok(()) if shown.is_fine() => Exit::Fine,
        Ok(()) => Exit::Failed,
        Err(failure) => {
            console.error(&failure);
            Exit::Failed
        }
    }
}

fn carry_out(arguments: &Arguments, config: &Config, shown: &mut Shown<'_>) -> Result<(), Failure> {
    let wanted = wanted(arguments);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let is_running = match &config.journal {
        JournalSettings::Embedded { path, .. } => JournalFile::is_in_use(path),
        JournalSettings::Redis(_) => false,
    };
    if !is_running {
        return runtime.block_on(here(config, &wanted, shown));
    }
    let admin = Admin::of(&config.server, arguments.admin)?;
    let asked = runtime.block_on(running::ask(&admin, wanted.path(), wanted.json(), shown));
    asked.map_err(|why| format!("the gateway at {} did not say: {why}", admin.address()))
}

fn wanted(arguments: &Arguments) -> Wanted {
    let store = arguments.store.clone();
    match &arguments.command {
        Command::List => Wanted::List(ListOptions { store }),
        Command::Verify(verify) => Wanted::Verify(VerifyOptions { store, content: verify.content }),
        Command::Gc(gc) => {
            let seconds = |duration: Option<Duration>| duration.map(|duration| duration.as_secs());
            let expiry = Expiry { older_than: seconds(gc.older_than), unused_for: seconds(gc.unused_for) };
            let expiry = (expiry != Expiry::default()).then_some(expiry);
            Wanted::Gc(GcOptions { store, expiry, unknown: gc.unknown, apply: gc.apply })
        }
    }
}

/// Opens journal and stores and does it in this process.
async fn here(config: &Config, wanted: &Wanted, shown: &mut Shown<'_>) -> Result<(), Failure> {
    let (lifecycle, journal) = app::open_uploads(config).await.map_err(|error| error.to_string())?;
    let (records, mut heard) = Records::channel();
    let work = async {
        let done = wanted.carry_out(&lifecycle, &records).await;
        drop(records);
        done
    };
    let listening = async {
        while let Some(record) = heard.recv().await {
            shown.show(&record);
        }
    };
    let (done, ()) = tokio::join!(work, listening);
    journal.close().await;
    match done {
        Ok(()) | Err(Stopped::Unheard) => Ok(()),
        Err(Stopped::Failed(fault)) => Err(fault.to_string()),
    }
}

impl Wanted {
    async fn carry_out(&self, lifecycle: &Lifecycle, records: &Records) -> Result<(), Stopped> {
        match self {
            Wanted::List(options) => lifecycle.list(options.store.as_deref(), records).await,
            Wanted::Gc(options) => lifecycle.collect(options, records).await,
            Wanted::Verify(options) => lifecycle.verify(options, records).await,
        }
    }

    fn path(&self) -> &'static str {
        match self {
            Wanted::List(_) => "/api/uploads/list",
            Wanted::Gc(_) => "/api/uploads/gc",
            Wanted::Verify(_) => "/api/uploads/verify",
        }
    }

    fn json(&self) -> Vec<u8> {
        // Plain data; what cannot be written does not exist.
        fn written(options: &impl Serialize) -> Vec<u8> {
            serde_json::to_vec(options).unwrap_or_default()
        }
        match self {
            Wanted::List(options) => written(options),
            Wanted::Gc(options) => written(options),
            Wanted::Verify(options) => written(options),
        }
    }
}
