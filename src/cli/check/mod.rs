//! `dragoman check`. Out: the table of routes and what is lost on those to upstreams; or every problem of the config at
//! once.

mod connect;
mod losses;
mod stores;

use clap::{Args, ValueEnum};

use super::settings::ConfigArguments;
use super::{Console, Exit};
use crate::auth::Auth;
use crate::config::{Config, Problems, Route, Target, Uploads};
use crate::placement::Rules;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  dragoman check
  dragoman check -c staging.toml && systemctl reload dragoman
  dragoman check --deny-warnings                           in CI: what is unsafe fails too
  dragoman check --format json | jq -r '\"\\(.file):\\(.line): \\(.code)\"'
  dragoman check --connect                                 whether Redis and the stores can be used
  DRAGOMAN_SERVER__LISTEN=0.0.0.0:8080 dragoman check      what would be wrong with that

Exit codes: 0 it can be used (there may be warnings), 1 --connect found what cannot, 2 wrong usage, 78 it has errors, or
with --deny-warnings warnings. `[check] allow = [\"any_origin\"]` allows a warning by its code; docs/configuration.md says
what each code means. With --format json each problem is a line of standard output (schemas/problem.schema.json).")]
pub(super) struct Arguments {
    #[command(flatten)]
    config: ConfigArguments,
    /// Also try every store, and ask the Redis of the journal what it promises
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
        console.talk(&format_args!("{} tests of the config hold\n", loaded.tests));
    }
    if arguments.format == Format::Text {
        console.data(&table(&loaded.config));
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

/// The routes, a line each.
fn table(config: &Config) -> String {
    let head = ["ROUTE", "DIALECT", "WHERE", "TO", "AUTH", "UPLOADS"].map(str::to_owned);
    let rows: Vec<[String; 6]> =
        std::iter::once(head).chain(config.routes.iter().map(|route| row(config, route))).collect();
    columns(&rows)
}

/// Rows as lines, each column as wide as its widest cell.
fn columns<const COLUMNS: usize>(rows: &[[String; COLUMNS]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..COLUMNS).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

fn row(config: &Config, route: &Route) -> [String; 6] {
    let listen = config.server.listen;
    let place = match &route.host {
        Some(host) => format!("{host}{}", route.prefix),
        None => format!("{listen}{}", route.prefix),
    };
    let target = match &route.target {
        Target::Hub => "hub".to_owned(),
        Target::Upstream(name) => match config.upstreams.get(name) {
            Some(upstream) => format!("{name} ({})", upstream.dialect.name),
            None => name.clone(),
        },
    };
    let auth = match &route.auth {
        Auth::Jwt(settings) => format!("jwt {}", settings.algorithm.as_str()),
        Auth::Tokens(tokens) => format!("{} tokens", tokens.len()),
        Auth::Upstream => "upstream".to_owned(),
        Auth::None { .. } => "none".to_owned(),
    };
    let uploads = match &route.uploads {
        Some(Uploads::Placed(rules)) => places(rules),
        Some(Uploads::Through) => "upstream".to_owned(),
        None => "-".to_owned(),
    };
    [route.name.to_string(), route.dialect.name.to_string(), place, target, auth, uploads]
}

/// Where uploads go, each place once, that of the last resort first.
fn places(rules: &Rules) -> String {
    let mut places: Vec<String> = Vec::new();
    for place in rules.0.iter().rev().map(|rule| rule.to.to_string()) {
        if !places.contains(&place) {
            places.push(place);
        }
    }
    places.join(", ")
}
