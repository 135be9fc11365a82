//! A mistake in a file somebody wrote: where, what, and what would do. In: byte offsets. Out: line and column.

use std::fmt;
use std::ops::Range;

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Bytes of the source that are at fault.
    pub span: Range<usize>,
    pub message: String,
    /// What would do instead.
    pub help: Option<String>,
}

/// All mistakes of one source.
#[derive(Debug, Clone)]
pub struct Problems {
    /// The file's name as the reader knows it.
    pub source: String,
    pub text: String,
    pub list: Vec<Problem>,
}

impl Problems {
    /// Line and column of an offset, both from 1, the column in characters.
    pub fn position(&self, offset: usize) -> (usize, usize) {
        let before = &self.text.as_bytes()[..offset.min(self.text.len())];
        let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let column = String::from_utf8_lossy(&before[line_start..]).chars().count() + 1;
        (line, column)
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.list.iter().enumerate() {
            let (line, column) = self.position(problem.span.start);
            let separator = if at == 0 { "" } else { "\n" };
            write!(formatter, "{separator}{}:{line}:{column}: {}", self.source, problem.message)?;
            if let Some(help) = &problem.help {
                write!(formatter, "\n  help: {help}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// "did you mean" for a word that is not on the list; the whole list when nothing is near and the list is short.
pub fn suggestion<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let known: Vec<&str> = known.into_iter().collect();
    let near = known.iter().map(|name| (distance(word, name), name)).min();
    match near {
        Some((steps, name)) if steps <= 2.max(word.chars().count() / 3) => Some(format!("did you mean `{name}`?")),
        Some(_) if known.len() <= 40 => Some(format!("known: {}", known.join(", "))),
        Some(_) | None => None,
    }
}

/// Levenshtein distance in characters.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (at, letter) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = at + 1;
        for column in 0..right.len() {
            let substitution = diagonal + usize::from(right[column] != letter);
            diagonal = row[column + 1];
            row[column + 1] = substitution.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}
