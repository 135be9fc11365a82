//! `dragoman journal`. In: the journal of a config, and what is to become of it. Out: backups, proofs, a shorter file, the
//! same journal in Redis.

mod backup;
mod copy;
mod running;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::admin::Failure;
use super::settings::ConfigArguments;
use super::{Console, Exit};
use crate::config::{Config, JournalSettings};
use crate::journal::{JournalError, JournalFile};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dragoman journal backup /backups/monday.journal          of a gateway that runs, or of one that does not
  dragoman journal verify /backups/monday.journal
  dragoman journal restore /backups/monday.journal         the gateway must be stopped; --force replaces a journal
  dragoman journal compact                                 the gateway must be stopped
  dragoman journal copy --from embedded:data/journal --to redis://127.0.0.1:6379/0

A backup holds the messages: keep it where only those may read who may read them.")]
pub(super) struct Arguments {
    #[command(flatten)]
    config: ConfigArguments,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Writes a consistent copy of the journal, and verifies it
    Backup(backup::Backup),
    /// Puts a backup in the place of the journal
    Restore(backup::Restore),
    /// Reads a journal or a backup and says whether it holds together
    Verify(Verify),
    /// Gives back what the file does not need any more
    Compact,
    /// Copies an embedded journal, or a backup, into Redis
    Copy(copy::Arguments),
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dragoman journal verify                                  the journal of routes.toml; the gateway must be stopped
  dragoman journal verify /backups/monday.journal")]
struct Verify {
    /// A backup; without it the journal of the config
    file: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments, console: &mut Console) -> Exit {
    // What needs no config does not ask for one.
    if let Command::Verify(Verify { file: Some(file) }) = &arguments.command {
        return end(verify(file, console), console);
    }
    if let Command::Copy(copy) = &arguments.command
        && copy.names_both()
    {
        return end(copy::run(copy, None, console), console);
    }
    let loaded = match arguments.config.load(&[], console) {
        Ok(loaded) => loaded,
        Err(exit) => return exit,
    };
    let config = &loaded.config;
    let done = match &arguments.command {
        Command::Backup(backup) => backup::back_up(backup, config, console),
        Command::Restore(restore) => backup::restore(restore, config, console),
        Command::Verify(_) => own_file(config).and_then(|path| verify(path, console)),
        Command::Compact => own_file(config).and_then(|path| compact(path, console)),
        Command::Copy(copy) => copy::run(copy, Some(config), console),
    };
    end(done, console)
}

fn end(done: Result<(), Failure>, console: &mut Console) -> Exit {
    match done {
        Ok(()) => Exit::Fine,
        Err(failure) => {
            console.error(&failure);
            Exit::Failed
        }
    }
}

/// The file of the config's journal.
fn own_file(config: &Config) -> Result<&Path, Failure> {
    match &config.journal {
        JournalSettings::Embedded { path, .. } => Ok(path),
        JournalSettings::Redis(settings) => Err(format!(
            "the journal of this config is in {}: back it up, verify it and give its memory back with the means of Redis",
            settings.redis
        )),
    }
}

/// A file that no gateway may have open.
fn open_alone(path: &Path) -> Result<JournalFile, Failure> {
    if JournalFile::is_in_use(path) {
        return Err(format!("{} is in use; stop the gateway first", path.display()));
    }
    open(path)
}

fn open(path: &Path) -> Result<JournalFile, Failure> {
    JournalFile::open(path).map_err(words)
}

fn words(error: JournalError) -> Failure {
    match error {
        JournalError::Unavailable(why) | JournalError::Unreadable(why) => why,
        JournalError::Full | JournalError::Bound { .. } => error.to_string(),
    }
}

/// Reads all of a file; says what it holds, or what is wrong with it.
fn verify(path: &Path, console: &mut Console) -> Result<(), Failure> {
    let found = open_alone(path)?.verify().map_err(words)?;
    for fault in &found.words {
        console.talk(&format_args!("{}: {fault}\n", path.display()));
    }
    if found.faults > 0 {
        return Err(format!("{} has {} contradictions; restore a backup", path.display(), found.faults));
    }
    console.data(&format_args!(
        "{}: {} conversations, {} events of {} bytes, {} documents, {} ids: all fits\n",
        path.display(),
        found.conversations,
        found.events,
        found.bytes,
        found.documents,
        found.ids
    ));
    Ok(())
}

fn compact(path: &Path, console: &mut Console) -> Result<(), Failure> {
    let compacted = open_alone(path)?.compact().map_err(words)?;
    let (before, after) = (compacted.before, compacted.after);
    console.data(&format_args!("{}: {before} bytes before, {after} after\n", path.display()));
    Ok(())
}
