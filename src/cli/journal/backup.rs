//! Backups. In: the journal of a config and a file. Out: the one in the other, verified, whole or not at all.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::{Failure, open, open_alone, own_file, running, verify, words};
use crate::cli::Console;
use crate::cli::admin::Admin;
use crate::config::Config;
use crate::journal::{JournalFile, move_file};

#[derive(Debug, Args)]
#[command(
    after_help = "A gateway that runs is asked for the copy over its admin address; it goes on meanwhile. It writes
<path>.backup beside the journal, which is then moved to FILE: run this as a user who may read the journal's folder.

Examples:
  dragoman journal backup /backups/monday.journal
  dragoman journal backup /backups/monday.journal --admin 127.0.0.1:9191"
)]
pub struct Backup {
    /// Where the copy goes
    file: PathBuf,
    /// Replaces a file that is there
    #[arg(long)]
    force: bool,
    /// Where the gateway's admin listener is, in place of the config's address
    #[arg(long, value_name = "ADDRESS")]
    admin: Option<SocketAddr>,
}

#[derive(Debug, Args)]
#[command(after_help = "The gateway must be stopped. A journal that is replaced stays beside it as <path>.replaced.

Examples:
  dragoman journal restore /backups/monday.journal
  dragoman journal restore /backups/monday.journal --force")]
pub struct Restore {
    /// What `dragoman journal backup` wrote
    file: PathBuf,
    /// Replaces a journal that is there
    #[arg(long)]
    force: bool,
}

pub fn back_up(arguments: &Backup, config: &Config, console: &mut Console) -> Result<(), Failure> {
    let (path, file) = (own_file(config)?, &arguments.file);
    if file.exists() && !arguments.force {
        return Err(format!("{} is there already; --force replaces it", file.display()));
    }
    if JournalFile::is_in_use(path) {
        let copy = running::back_up(&Admin::of(&config.server, arguments.admin)?)?;
        move_file(&copy, file).map_err(words)?;
    } else {
        open(path)?.back_up(file).map_err(words)?;
    }
    verify(file, console)
}

pub fn restore(arguments: &Restore, config: &Config, console: &mut Console) -> Result<(), Failure> {
    let path = own_file(config)?;
    if JournalFile::is_in_use(path) {
        return Err(format!("{} is in use; stop the gateway first", path.display()));
    }
    if path.exists() && !arguments.force {
        let path = path.display();
        return Err(format!("{path} is there already; --force replaces it, and keeps it as {path}.replaced"));
    }
    verify(&arguments.file, console)?;
    if let Some(replaced) = open_alone(&arguments.file)?.restore(path).map_err(words)? {
        console.talk(&format_args!("what was there is {} now\n", replaced.display()));
    }
    console.data(&format_args!("restored {}\n", path.display()));
    Ok(())
}
