//! A problem as data, for programs: what `dragoman check --format json` prints, a line each. Described by
//! `schemas/problem.schema.json`, which is derived from these types. Members are added, never renamed or removed.

use schemars::JsonSchema;
use serde::Serialize;

use super::node::Place;
use super::problem::{Problem, Problems};

/// One problem of a config.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(title = "A problem that dragoman check found")]
pub struct Record {
    pub severity: Severity,
    /// Stable; each is described in docs/configuration.md. `config::any_origin`
    pub code: &'static str,
    pub message: String,
    /// What would do instead.
    pub help: Option<String>,
    /// The file that the places below are in: the config, or a dialect that it names.
    pub file: String,
    /// From 1. Absent where what is wrong was not written in a file.
    pub line: Option<usize>,
    /// In characters, from 1.
    pub column: Option<usize>,
    pub end_line: Option<usize>,
    /// In characters, from 1: that of the first character after what is wrong.
    pub end_column: Option<usize>,
    /// The variable of the environment, or the flag, that set what is wrong.
    pub set_by: Option<String>,
}

/// Whether the config can be used all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Error,
    Warning,
}

impl Problems {
    /// All of them as data, in order of their places.
    pub fn records(&self) -> Vec<Record> {
        self.list.iter().map(|problem| self.record(problem)).collect()
    }

    fn record(&self, problem: &Problem) -> Record {
        let (file, text, span) = problem.shown_in(self);
        let start = span.as_ref().map(|span| position(text, span.start));
        let end = span.as_ref().map(|span| position(text, span.end));
        let set_by = match &problem.place {
            Place::Environment(variable) => Some(variable.clone()),
            Place::Flag(path) => Some(format!("--{}", path.replace(['.', '_'], "-"))),
            Place::File { .. } | Place::Default => None,
        };
        Record {
            severity: if problem.warning { Severity::Warning } else { Severity::Error },
            code: problem.code.as_str(),
            message: problem.message.clone(),
            help: problem.help.clone(),
            file: file.to_owned(),
            line: start.map(|(line, _)| line),
            column: start.map(|(_, column)| column),
            end_line: end.map(|(line, _)| line),
            end_column: end.map(|(_, column)| column),
            set_by,
        }
    }
}

/// Line and column of an offset, both from 1.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `schemas/problem.schema.json` is written by this test when `UPDATE_SCHEMAS` is set, and compared otherwise.
    #[test]
    #[allow(clippy::disallowed_methods, reason = "a switch of this test, no setting")]
    fn the_committed_schema_is_that_of_the_types() {
        let text = serde_json::to_string_pretty(&schemars::schema_for!(Record)).expect("serialises") + "\n";
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/problem.schema.json");
        if std::env::var_os("UPDATE_SCHEMAS").is_some() {
            std::fs::write(path, &text).expect("writable");
        }
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert_eq!(committed, text, "{path} is not that of the types; run this test with UPDATE_SCHEMAS=1");
    }

    #[test]
    fn positions_count_characters() {
        for (offset, wanted) in [(0, (1, 1)), (3, (1, 3)), (4, (2, 1)), (5, (2, 2)), (99, (3, 1))] {
            assert_eq!(position("äb\nc\n", offset), wanted, "{offset}");
        }
    }
}
