//! `dragoman dialects`. Out: the built-in dialects, one of their files, their JSON Schemas, the loss matrix.

use clap::{Args, Subcommand};

use super::{Console, Exit};
use crate::dialect::{Dialect, builtin, loss, schema, suggestion};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dragoman dialects                        the built-in dialects
  dragoman dialects show NAME > acme.toml   to begin one of your own
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
    /// Prints the JSON Schemas of all a dialect says, one object by place
    Schema { name: String },
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
            None => unknown(name, console),
        },
        What::Schema { name } => match builtin::find(name) {
            Some(dialect) => {
                let schemas: serde_json::Map<_, _> = schema::of_dialect(&dialect).into_iter().collect();
                console.data(&format_args!("{:#}\n", serde_json::Value::Object(schemas)));
                Exit::Fine
            }
            None => unknown(name, console),
        },
        What::Matrix => {
            let all: Vec<&Dialect> = builtin::all().iter().map(AsRef::as_ref).collect();
            console.data(&loss::matrix(&all));
            Exit::Fine
        }
    }
}

fn list() -> String {
    let all = builtin::all();
    let width = all.iter().map(|dialect| dialect.name.len()).max().unwrap_or(0);
    all.iter().map(|dialect| format!("{:width$}  {}\n", dialect.name, dialect.summary)).collect()
}

/// A name that is no built-in dialect.
pub(super) fn unknown(name: &str, console: &mut Console) -> Exit {
    let help = suggestion(name, builtin::names()).map(|help| format!("; {help}")).unwrap_or_default();
    console.error(&format_args!("no dialect is called `{name}`{help}"));
    Exit::Usage
}
