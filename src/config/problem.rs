//! What is wrong with a config: where, what, and what would do. In: places found while reading. Out: text for people,
//! every problem with file:line:column, the line itself and a mark below it. Secrets in such a line are masked.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, Severity, SourceCode};

pub use super::code::Code;
use super::node::Place;
use crate::dialect;

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub code: Code,
    pub place: Place,
    pub message: String,
    /// What would do instead.
    pub help: Option<String>,
    /// Whether the config can be used all the same.
    pub warning: bool,
    /// Another file that this is about: its name, its text and the bytes at fault.
    pub elsewhere: Option<(String, Arc<str>, Range<usize>)>,
}

/// Collects problems while reading goes on.
#[derive(Debug, Default)]
pub(super) struct Report {
    problems: RefCell<Vec<Problem>>,
    files: RefCell<BTreeSet<PathBuf>>,
}

impl Report {
    pub fn error(&self, code: Code, place: &Place, message: impl Into<String>, help: Option<String>) {
        self.add(Problem {
            code,
            place: place.clone(),
            message: message.into(),
            help,
            warning: false,
            elsewhere: None,
        });
    }

    pub fn warning(&self, code: Code, place: &Place, message: impl Into<String>, help: Option<String>) {
        self.add(Problem { code, place: place.clone(), message: message.into(), help, warning: true, elsewhere: None });
    }

    /// Notes that a file was read, or should have been.
    pub fn reads(&self, file: &Path) {
        self.files.borrow_mut().insert(file.to_owned());
    }

    pub fn files(&self) -> BTreeSet<PathBuf> {
        self.files.borrow().clone()
    }

    pub fn add(&self, problem: Problem) {
        self.problems.borrow_mut().push(problem);
    }

    /// How many there are so far.
    pub fn len(&self) -> usize {
        self.problems.borrow().len()
    }

    /// All of them, in order of place, each once.
    pub fn into_list(self) -> Vec<Problem> {
        let mut list = self.problems.into_inner();
        list.sort_by(|left, right| (&left.place, left.code).cmp(&(&right.place, right.code)));
        list.dedup();
        list
    }
}

/// The problems of one config, with the text that they point into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems {
    /// The file as the operator named it.
    pub name: String,
    /// Its text, secrets masked.
    pub text: Arc<str>,
    pub list: Vec<Problem>,
}

impl Problems {
    pub fn errors(&self) -> usize {
        self.list.iter().filter(|problem| !problem.warning).count()
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// For people; with colours for a terminal.
    pub fn render(&self, colour: bool) -> String {
        let theme = if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let handler = GraphicalReportHandler::new_themed(theme).with_width(110).with_links(false).with_context_lines(1);
        let mut out = String::new();
        for problem in &self.list {
            // Writing to a String cannot fail.
            let _ = handler.render_report(&mut out, &Shown::new(self, problem));
            out.push('\n');
        }
        let warnings = self.list.len() - self.errors();
        out.push_str(&format!("{}: {}, {}\n", self.name, count(self.errors(), "error"), count(warnings, "warning")));
        out
    }
}

/// Mistakes of a dialect file, looked at by itself.
impl From<dialect::Problems> for Problems {
    fn from(problems: dialect::Problems) -> Self {
        let list = problems.list.into_iter().map(|problem| Problem {
            code: Code::Dialect,
            // What has no place is about what was chosen of the file.
            place: if problem.span.end <= 1 { Place::Default } else { Place::at(problem.span) },
            message: problem.message,
            help: problem.help,
            warning: false,
            elsewhere: None,
        });
        Problems { name: problems.source, list: list.collect(), text: problems.text.into() }
    }
}

impl std::fmt::Display for Problems {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.render(false))
    }
}

impl std::error::Error for Problems {}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// A problem dressed for miette.
#[derive(Debug)]
struct Shown<'a> {
    problem: &'a Problem,
    message: String,
    source: WholeLines,
    span: Option<Range<usize>>,
}

/// Shows all of a line where miette would show what is at fault only.
#[derive(Debug)]
struct WholeLines(NamedSource<String>);

impl SourceCode for WholeLines {
    fn read_span<'a>(
        &'a self,
        span: &miette::SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn miette::SpanContents<'a> + 'a>, miette::MietteError> {
        // The header asks for the mark alone, to say where it stands.
        if (before, after) == (0, 0) {
            return self.0.read_span(span, 0, 0);
        }
        let text = self.0.inner().as_bytes();
        let start = span.offset().min(text.len());
        let end = (start + span.len()).min(text.len());
        let first = text[..start].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let last = text[end..].iter().position(|byte| *byte == b'\n').map_or(text.len(), |at| end + at);
        self.0.read_span(&(first, last - first).into(), 0, 0)
    }
}

impl Problem {
    /// The file that it is shown in, its text and the bytes at fault, of which there are none for what stands elsewhere.
    pub(super) fn shown_in<'a>(&'a self, problems: &'a Problems) -> (&'a str, &'a str, Option<Range<usize>>) {
        match (&self.elsewhere, &self.place) {
            (Some((name, text, span)), _) => (name, text, Some(first_line(text, span.clone()))),
            (None, Place::File { start, end }) => {
                (&problems.name, &problems.text, Some(first_line(&problems.text, *start..*end)))
            }
            (None, Place::Environment(_) | Place::Flag(_) | Place::Default) => (&problems.name, &problems.text, None),
        }
    }

    /// The message, with what was set where that is not in a file.
    pub(super) fn words(&self) -> String {
        match &self.place {
            Place::Environment(variable) => format!("environment variable {variable}: {}", self.message),
            Place::Flag(path) => format!("flag --{}: {}", path.replace(['.', '_'], "-"), self.message),
            Place::File { .. } | Place::Default => self.message.clone(),
        }
    }
}

impl<'a> Shown<'a> {
    fn new(problems: &Problems, problem: &'a Problem) -> Self {
        let (name, text, span) = problem.shown_in(problems);
        let source = WholeLines(NamedSource::new(name, text.to_owned()));
        Shown { problem, message: problem.words(), source, span }
    }
}

/// Only the first line of what is at fault: a whole table would bury the message.
fn first_line(text: &str, span: Range<usize>) -> Range<usize> {
    let start = span.start.min(text.len());
    let end = span.end.clamp(start, text.len());
    let line = text.as_bytes()[start..end].iter().position(|byte| *byte == b'\n').unwrap_or(end - start);
    match line {
        // At the end of a line there is nothing to mark: the letter before it will do.
        0 => {
            text[..start].char_indices().next_back().filter(|(_, letter)| *letter != '\n').map_or(start, |(at, _)| at)
                ..start
        }
        line => start..start + line,
    }
}

impl std::fmt::Display for Shown<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Shown<'_> {}

impl miette::Diagnostic for Shown<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        Some(Box::new(self.problem.code.as_str()))
    }

    fn severity(&self) -> Option<Severity> {
        Some(if self.problem.warning { Severity::Warning } else { Severity::Error })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        self.problem.help.as_ref().map(|help| Box::new(help) as Box<dyn std::fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.span.as_ref().map(|_| &self.source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let span = self.span.clone()?;
        Some(Box::new(std::iter::once(LabeledSpan::underline(span))))
    }
}
