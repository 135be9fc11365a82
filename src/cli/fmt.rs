//! `dragoman fmt`. In: routes.toml, or other TOML files. Out: the same files in one layout, each replaced whole; or the names
//! of those that have another.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;

use super::{Console, Exit};
use crate::config::{self, Unformattable};

/// The largest file that is read, in bytes.
const LARGEST: u64 = 4 * 1024 * 1024;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dragoman fmt                             routes.toml here
  dragoman fmt routes.toml dialects/*.toml
  dragoman fmt --check routes.toml         in CI: names what has another layout, and ends with 1
  dragoman fmt - < routes.toml             to standard output

Settings, comments and their order stay; texts are never touched. A file is replaced whole or not at all. Exit codes: 0 all
have the layout, 1 --check found some that have not or a file cannot be written, 2 wrong usage, 78 one is not TOML.")]
pub(super) struct Arguments {
    /// Changes nothing, and names the files that would be changed
    #[arg(long)]
    check: bool,
    /// The files; `-` is standard input
    #[arg(value_name = "FILES", default_value = config::DEFAULT_FILE)]
    files: Vec<PathBuf>,
}

pub(super) fn run(arguments: &Arguments, console: &mut Console) -> Exit {
    let mut worst = Exit::Fine;
    for file in &arguments.files {
        let exit = one(file, arguments.check, console);
        // What is wrong with one keeps no other from its layout.
        if exit.code() > worst.code() {
            worst = exit;
        }
    }
    worst
}

fn one(file: &Path, check: bool, console: &mut Console) -> Exit {
    let is_input = file.as_os_str() == "-";
    let name = file.display();
    let text = match if is_input { std::io::read_to_string(std::io::stdin()) } else { read(file) } {
        Ok(text) => text,
        Err(error) => {
            console.error(&format_args!("{name}: {error}"));
            return Exit::Usage;
        }
    };
    let formatted = match config::format(&text) {
        Ok(formatted) => formatted,
        Err(Unformattable::Syntax { message, at }) => {
            let line = text.get(..at).unwrap_or(&text).matches('\n').count() + 1;
            console.error(&format_args!("{name}:{line}: {message}"));
            return Exit::Config;
        }
        Err(Unformattable::Meaning) => {
            console
                .error(&format_args!("{name} is left as it is: its layout would mean something else, which is a bug"));
            return Exit::Failed;
        }
    };
    if check {
        if formatted == text {
            return Exit::Fine;
        }
        console.data(&format_args!("{name}\n"));
        return Exit::Failed;
    }
    if is_input {
        console.data(&formatted);
        return Exit::Fine;
    }
    if formatted == text {
        return Exit::Fine;
    }
    match replace(file, &formatted) {
        Ok(()) => {
            console.talk(&format_args!("{name}\n"));
            Exit::Fine
        }
        Err(error) => {
            console.error(&format_args!("{name}: {error}"));
            Exit::Failed
        }
    }
}

fn read(file: &Path) -> std::io::Result<String> {
    if std::fs::metadata(file)?.len() > LARGEST {
        return Err(std::io::Error::other("larger than 4 MiB"));
    }
    std::fs::read_to_string(file)
}

/// Writes beside the file and puts that in its place: who reads meanwhile reads the one or the other. A link stays a link,
/// and the permissions stay.
fn replace(file: &Path, text: &str) -> std::io::Result<()> {
    let file = file.canonicalize()?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let beside = file.with_file_name(format!(".{name}.{}", std::process::id()));
    let written = write(&beside, &file, text).and_then(|()| std::fs::rename(&beside, &file));
    if written.is_err() {
        // It may not be there; the error of the writing is the one to tell.
        drop(std::fs::remove_file(&beside));
    }
    written
}

fn write(beside: &Path, file: &Path, text: &str) -> std::io::Result<()> {
    let mut new = std::fs::File::create_new(beside)?;
    new.set_permissions(std::fs::metadata(file)?.permissions())?;
    new.write_all(text.as_bytes())?;
    new.sync_all()
}
