//! `dragoman schema WHAT`. Out: a JSON Schema, for editors and programs.

use clap::{Args, ValueEnum};
use serde_json::Value;

use super::{Console, Exit};
use crate::config::{self, Record};
use crate::dialect;
use crate::event::CloudEvent;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dragoman schema config > routes.schema.json     and `#:schema ./routes.schema.json` at the head of routes.toml
  dragoman schema dialect > dialect.schema.json
  dragoman schema problem                         what `dragoman check --format json` prints, a line each")]
pub(super) struct Arguments {
    what: What,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum What {
    /// routes.toml
    Config,
    /// Dialect files
    Dialect,
    /// Events, as webhooks and the journal have them
    Event,
    /// What `dragoman check --format json` prints
    Problem,
}

pub(super) fn run(arguments: &Arguments, console: &mut Console) -> Exit {
    let schema: Value = match arguments.what {
        What::Config => config::schema(),
        What::Dialect => dialect::file_schema(),
        What::Event => schemars::schema_for!(CloudEvent).into(),
        What::Problem => schemars::schema_for!(Record).into(),
    };
    console.data(&format_args!("{schema:#}\n"));
    Exit::Fine
}
