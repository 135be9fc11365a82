//! `dragoman check`. Out: tables of routes, upstreams, webhooks and deliveries, and what is lost on routes to upstreams; or
//! every problem of the config at once.

mod connect;
mod endpoints;
mod keys;
mod losses;
mod stores;
mod tables;
#[cfg(test)]
mod tests;

use clap::{Args, ValueEnum};

use super::settings::ConfigArguments;
use super::{Console, Exit};
use crate::config::Problems;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dragoman check
  dragoman check -c staging.toml && systemctl reload dragoman
  dragoman check --deny-warnings                           in CI: what is unsafe fails too
  dragoman check --format json | jq -r '\"\\(.file):\\(.line): \\(.code)\"'
  dragoman check --connect                                 whether Redis, stores and all that is called can be reached
  DRAGOMAN_SERVER__LISTEN=0.0.0.0:8080 dragoman check      what would be wrong with that

Exit codes: 0 it can be used (there may be warnings), 1 --connect found what cannot, 2 wrong usage, 78 it has errors, or
with --deny-warnings warnings. `[check] allow = [\"any_origin\"]` allows a warning by its code; docs/configuration.md says
what each code means. With --format json each problem is a line of standard output (schemas/problem.schema.json).")]
pub(super) struct Arguments {
    #[command(flatten)]
    config: ConfigArguments,
    /// Also try every store, ask Redis what it promises, fetch the keys of identity providers, and connect to upstreams,
    /// webhooks and deliveries
    #[arg(long)]
    connect: bool,
    /// End with 78 for warnings too
    #[arg(long)]
    deny_warnings: bool,
    /// For people, or a JSON object for each problem
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

pub(super) fn run(arguments: &Arguments, console: &mut Console) -> Exit {
    let loaded = match arguments.config.read(&[]) {
        Ok(loaded) => loaded,
        Err(problems) => {
            show(&problems, arguments.format, console);
            return Exit::Config;
        }
    };
    if loaded.is_default {
        console.talk(&ConfigArguments::TAKES_DEFAULT);
    }
    show(&loaded.warnings, arguments.format, console);
    if loaded.tests > 0 {
        let hold = if loaded.tests == 1 { "test of the config holds" } else { "tests of the config hold" };
        console.talk(&format_args!("{} {hold}\n", loaded.tests));
    }
    if arguments.format == Format::Text {
        console.data(&tables::all(&loaded.config));
        console.data(&losses::tables(&loaded.config));
    }
    if arguments.deny_warnings && !loaded.warnings.is_empty() {
        return Exit::Config;
    }
    if arguments.connect { connect::run(&loaded.config, console) } else { Exit::Fine }
}

fn show(problems: &Problems, format: Format, console: &mut Console) {
    match format {
        Format::Text if problems.is_empty() => {}
        Format::Text => console.talk(&problems.render(console.colour())),
        Format::Json => {
            for record in problems.records() {
                // Plain data; what cannot be written does not exist.
                console.data(&format_args!("{}\n", serde_json::to_string(&record).unwrap_or_default()));
            }
        }
    }
}
