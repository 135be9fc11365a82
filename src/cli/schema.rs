//! `dragoman schema WHAT`. Out: a JSON Schema, for editors and programs.

use clap::{Args, ValueEnum};

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
    let schema = match arguments.what {
        What::Config => Ok(config::schema()),
        What::Dialect => Ok(dialect::file_schema()),
        // As it is written, its members have the order of the file in the repository.
        What::Event => serde_json::to_value(schemars::schema_for!(CloudEvent)),
        What::Problem => serde_json::to_value(schemars::schema_for!(Record)),
    };
    let schema = match schema {
        Ok(schema) => schema,
        Err(error) => {
            console.error(&error);
            return Exit::Failed;
        }
    };
    console.data(&format_args!("{schema:#}\n"));
    Exit::Fine
}
