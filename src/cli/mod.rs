//! The command line, a file per command. In: arguments. Out: data on standard output, talk on standard error, and an exit
//! code: 0 fine, 1 failed, 2 wrong usage, 78 wrong config.

mod admin;
mod check;
mod chosen;
mod completions;
mod console;
mod demo;
mod dialects;
mod explain;
mod fmt;
mod healthcheck;
mod journal;
mod reload;
mod said;
mod schema;
mod serve;
mod settings;
#[cfg(test)]
mod tests;
mod token;
mod translate;
mod uploads;
mod version;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

pub use console::Console;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Fine,
    Failed,
    Usage,
    /// EX_CONFIG of sysexits: a supervisor need not try again.
    Config,
}

impl Exit {
    pub const fn code(self) -> u8 {
        match self {
            Exit::Fine => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Config => 78,
        }
    }
}

/// A protocol-translating gateway for chat: clients keep the chat API they were written for, backends keep theirs.
#[derive(Debug, Parser)]
#[command(name = "dragoman", version = version::SHORT, long_version = version::long(), propagate_version = true, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  dragoman demo                                     five dialects in one conversation, for a first look
  dragoman serve                                    routes.toml here, or the built-in default
  dragoman check                                    every mistake of routes.toml, or what it comes to
  dragoman check -c /etc/dragoman/routes.toml
  dragoman explain --route staff < frame.json       what becomes of a frame, and why
  dragoman fmt --check                              whether routes.toml has the one layout
  dragoman healthcheck                              whether the gateway here is ready, for containers
  dragoman schema config > routes.schema.json       for editors, which complete and check by it
  dragoman journal backup /backups/monday.journal   of a gateway that runs, or of its file
  dragoman uploads verify                           each upload is there, and nothing else
  dragoman token --route staff --sub ann --role staff --department reception
  dragoman completions bash > ~/.local/share/bash-completion/completions/dragoman

Exit codes: 0 fine, 1 failed, 2 wrong usage, 78 wrong config.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the gateway
    Serve(serve::Arguments),
    /// Lets five clients of five dialects talk in one conversation, and leaves nothing behind
    Demo(demo::Arguments),
    /// Checks a config: prints every problem at once, or what it comes to
    Check(check::Arguments),
    /// Says one frame of a dialect in another, and what is lost
    Translate(translate::Arguments),
    /// Shows the way of one frame or call over a route: its shape, the event, what the other side gets
    Explain(explain::Arguments),
    /// Lays out routes.toml and dialect files, comments kept
    Fmt(fmt::Arguments),
    /// Lists dialects, prints their files, schemas and losses
    Dialects(dialects::Arguments),
    /// Asks a gateway that runs whether clients should come
    Healthcheck(healthcheck::Arguments),
    /// Prints a JSON Schema: of routes.toml, of dialect files, of events, of problems
    Schema(schema::Arguments),
    /// Backs up, restores, verifies, compacts and copies the journal
    Journal(journal::Arguments),
    /// Lists uploads, removes what is not needed any more, verifies that all are there
    Uploads(uploads::Arguments),
    /// Prints a token that a route takes, for trying things
    Token(Box<token::Arguments>),
    /// Prints a completion script for a shell
    Completions(completions::Arguments),
}

/// The command line of this process.
pub fn main() -> ExitCode {
    ExitCode::from(run(std::env::args_os(), &mut Console::of_process()).code())
}

/// Runs one command line; the first argument is the program's name.
pub fn run(arguments: impl IntoIterator<Item = OsString>, console: &mut Console) -> Exit {
    match Cli::try_parse_from(arguments) {
        Ok(cli) => match cli.command {
            Command::Serve(arguments) => serve::run(&arguments, console),
            Command::Demo(arguments) => demo::run(&arguments, console),
            Command::Check(arguments) => check::run(&arguments, console),
            Command::Translate(arguments) => translate::run(&arguments, console),
            Command::Explain(arguments) => explain::run(&arguments, console),
            Command::Fmt(arguments) => fmt::run(&arguments, console),
            Command::Dialects(arguments) => dialects::run(&arguments, console),
            Command::Healthcheck(arguments) => healthcheck::run(&arguments, console),
            Command::Schema(arguments) => schema::run(&arguments, console),
            Command::Journal(arguments) => journal::run(&arguments, console),
            Command::Uploads(arguments) => uploads::run(&arguments, console),
            Command::Token(arguments) => token::run(&arguments, console),
            Command::Completions(arguments) => completions::run(&arguments, &mut Cli::command(), console),
        },
        Err(error) if error.use_stderr() => {
            console.talk(&error.render());
            Exit::Usage
        }
        // `--help` and `--version` were asked for: they are data.
        Err(error) => {
            console.data(&error.render());
            Exit::Fine
        }
    }
}
