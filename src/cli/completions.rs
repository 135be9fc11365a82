//! `dragoman completions SHELL`. Out: a script that the shell sources.

use clap::Args;
use clap_complete::Shell;

use super::{Console, Exit};

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  dragoman completions zsh > ~/.zfunc/_dragoman")]
pub(super) struct Arguments {
    shell: Shell,
}

pub(super) fn run(arguments: &Arguments, command: &mut clap::Command, console: &mut Console) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, command, "dragoman", &mut script);
    console.data(&String::from_utf8_lossy(&script));
    Exit::Fine
}
