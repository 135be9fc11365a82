//! `dragoman dialects`. Out: the built-in dialects, one of their files, their JSON Schemas, the loss matrix.

use clap::{Args, Subcommand};

use super::{Console, Exit, chosen};
use crate::dialect::{Dialect, builtin, loss, schema};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dragoman dialects                        the built-in dialects
  dragoman dialects show NAME > acme.toml   to begin one of your own
  dragoman dialects check ./acme.toml      every mistake of it, or what it has
  dragoman dialects schema NAME
  dragoman dialects matrix                 what is lost from each to each")]
pub(super) struct Arguments {
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Lists the built-in dialects
    List,
    /// Prints a dialect's file
    Show { name: String },
    /// Checks a dialect file: prints every mistake at once, or what the dialect has
    Check {
        /// A file, or the name of a built-in dialect; with `@variant` that one, else all variants too
        #[arg(value_name = "DIALECT")]
        name: String,
    },
    /// Prints the JSON Schemas of all a dialect says, one object by place
    Schema {
        /// A built-in dialect, or a file of your own; either with `@variant`
        #[arg(value_name = "DIALECT")]
        name: String,
    },
    /// Prints what is lost from each dialect to each, as Markdown
    Matrix,
}

pub(super) fn run(arguments: &Arguments, console: &mut Console) -> Exit {
    match arguments.what.as_ref().unwrap_or(&What::List) {
        What::List => {
            console.data(&list());
            Exit::Fine
        }
        What::Show { name } => match builtin::text(name) {
            Some(text) => {
                console.data(&text);
                Exit::Fine
            }
            None => chosen::unknown(name, console),
        },
        What::Check { name } => match chosen::proved(name, console) {
            Ok(dialect) => {
                console.data(&summary(&dialect));
                Exit::Fine
            }
            Err(exit) => exit,
        },
        What::Schema { name } => match chosen::dialect(name, console) {
            Ok(dialect) => {
                let schemas: serde_json::Map<_, _> = schema::of_dialect(&dialect).into_iter().collect();
                console.data(&format_args!("{:#}\n", serde_json::Value::Object(schemas)));
                Exit::Fine
            }
            Err(exit) => exit,
        },
        What::Matrix => {
            let all: Vec<&Dialect> = builtin::all().iter().map(AsRef::as_ref).collect();
            let variants = builtin::variants();
            let variants: Vec<&Dialect> = variants.iter().map(AsRef::as_ref).collect();
            console.data(&format_args!("{}{}", loss::matrix(&all), loss::of_variants(&all, &variants)));
            Exit::Fine
        }
    }
}

fn list() -> String {
    let all: Vec<_> = builtin::names().filter_map(builtin::find).collect();
    let width = all.iter().map(|dialect| dialect.name.len()).max().unwrap_or(0);
    all.iter().map(|dialect| format!("{:width$}  {}\n", dialect.name, dialect.summary)).collect()
}

/// What a dialect has, in a line.
fn summary(dialect: &Dialect) -> String {
    let frames: usize =
        dialect.sockets.iter().map(|socket| socket.client.frames.len() + socket.server.frames.len()).sum();
    let count = |number: usize, word: &str| format!("{number} {word}{}", if number == 1 { "" } else { "s" });
    let parts = [
        count(dialect.sockets.len(), "socket"),
        count(frames, "frame"),
        count(dialect.calls.len(), "call"),
        count(dialect.webhooks.len(), "webhook"),
    ];
    format!("{}: {}\n", dialect.name, parts.join(", "))
}
