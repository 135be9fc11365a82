//! A TOML table read with care: every mistake is noted with its place and reading goes on; at the end the keys that
//! nobody asked for are mistakes too. Bounds and words are those that the table declares.

use std::cell::RefCell;
use std::ops::Range;

use toml_edit::{Item, TableLike, Value};

use super::super::problem::{Problem, suggestion};
use super::words;
use crate::declaration::{Kind, Table};

/// Mistakes found so far.
#[derive(Debug, Default)]
pub struct Report {
    problems: RefCell<Vec<Problem>>,
}

impl Report {
    pub fn add(&self, span: Range<usize>, message: impl Into<String>, help: Option<String>) {
        self.problems.borrow_mut().push(Problem { span, message: message.into(), help });
    }

    pub fn extend(&self, problems: Vec<Problem>) {
        self.problems.borrow_mut().extend(problems);
    }

    /// All of them, in order of place, each once.
    pub fn into_list(self) -> Vec<Problem> {
        let mut list = self.problems.into_inner();
        list.sort_by_key(|problem| problem.span.start);
        list.dedup();
        list
    }
}

/// A text with its place; `offset` is where its first letter stands.
#[derive(Debug, Clone)]
pub struct Text {
    pub value: String,
    pub span: Range<usize>,
    pub offset: usize,
}

/// A table without keys.
static NOTHING: Table = Table::of(&[]);

pub struct Section<'a> {
    table: &'a dyn TableLike,
    declared: &'static Table,
    source: &'a str,
    report: &'a Report,
    span: Range<usize>,
    asked: RefCell<Vec<&'a str>>,
}

impl<'a> Section<'a> {
    pub fn new(
        table: &'a dyn TableLike,
        declared: &'static Table,
        span: Range<usize>,
        source: &'a str,
        report: &'a Report,
    ) -> Self {
        Section { table, declared, source, report, span, asked: RefCell::default() }
    }

    /// What a key may be. One that is read must be declared: editors would know nothing of it.
    fn kind_of(&self, key: &str) -> Option<&'static Kind> {
        let kind = self.declared.kind_of(key);
        debug_assert!(kind.is_some(), "`{key}` is read and not declared in dialect/file/declared");
        kind
    }

    pub fn report(&self) -> &'a Report {
        self.report
    }

    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    pub fn problem(&self, span: Range<usize>, message: impl Into<String>, help: Option<String>) {
        self.report.add(span, message, help);
    }

    fn item(&self, key: &'a str) -> Option<&'a Item> {
        self.kind_of(key);
        self.asked.borrow_mut().push(key);
        self.table.get(key).filter(|item| !item.is_none())
    }

    /// Where a key's value stands.
    pub fn span_of(&self, key: &str) -> Range<usize> {
        self.table.get(key).and_then(Item::span).unwrap_or_else(|| self.span())
    }

    pub fn has(&self, key: &str) -> bool {
        self.table.get(key).is_some_and(|item| !item.is_none())
    }

    fn wrong_type<T>(&self, key: &str, item: &Item, wanted: &str) -> Option<T> {
        let span = item.span().unwrap_or_else(|| self.span());
        self.problem(span, format!("`{key}` is {}, wanted {wanted}", item.type_name()), None);
        None
    }

    pub fn text(&self, key: &'a str) -> Option<Text> {
        let item = self.item(key)?;
        match item.as_value() {
            Some(Value::String(text)) => Some(self.located(text.value(), item.span())),
            _ => self.wrong_type(key, item, "a text"),
        }
    }

    fn located(&self, value: &str, span: Option<Range<usize>>) -> Text {
        let span = span.unwrap_or_else(|| self.span());
        let written = self.source.get(span.clone()).unwrap_or_default();
        let quotes = if written.starts_with("'''") || written.starts_with("\"\"\"") { 3 } else { 1 };
        let after = written.get(quotes..).unwrap_or_default();
        let newline = if quotes == 1 {
            0
        } else {
            after.len() - after.strip_prefix("\r\n").or(after.strip_prefix('\n')).unwrap_or(after).len()
        };
        Text { value: value.to_owned(), offset: span.start + quotes + newline, span }
    }

    /// A text that must be there.
    pub fn needed_text(&self, key: &'a str) -> Option<Text> {
        if !self.has(key) {
            self.asked.borrow_mut().push(key);
            self.problem(self.span(), format!("`{key}` is missing here"), None);
            return None;
        }
        self.text(key)
    }

    pub fn flag(&self, key: &'a str) -> Option<bool> {
        let item = self.item(key)?;
        item.as_bool().or_else(|| self.wrong_type(key, item, "true or false"))
    }

    pub fn integer(&self, key: &'a str) -> Option<i64> {
        let item = self.item(key)?;
        item.as_integer().or_else(|| self.wrong_type(key, item, "an integer"))
    }

    /// A list of integers.
    pub fn integers(&self, key: &'a str) -> Vec<i64> {
        let Some(item) = self.item(key) else { return Vec::new() };
        let numbers = item.as_array().and_then(|array| array.iter().map(Value::as_integer).collect());
        numbers.or_else(|| self.wrong_type(key, item, "a list of integers")).unwrap_or_default()
    }

    /// One of the words of a closed list; `what` is what they name.
    pub fn word<T: Copy>(&self, key: &'a str, what: &str, known: &[(&str, T)]) -> Option<T> {
        let text = self.text(key)?;
        debug_assert!(
            self.kind_of(key).and_then(Kind::words).is_some_and(|words| words.are(known)),
            "`{key}` has other words than are declared"
        );
        words::one_of(self, &text, what, known)
    }

    /// The same of one that must be there.
    pub fn needed_word<T: Copy>(&self, key: &'a str, what: &str, known: &[(&str, T)]) -> Option<T> {
        match self.has(key) {
            true => self.word(key, what, known),
            false => self.needed_text(key).and(None),
        }
    }

    /// A number within its bounds.
    pub fn number<T: TryFrom<i64>>(&self, key: &'a str) -> Option<T> {
        let Some(Kind::Integer(from, to)) = self.kind_of(key) else {
            debug_assert!(false, "`{key}` is read as a number and not declared as one");
            return None;
        };
        let number = self.integer(key)?;
        if !(from..=to).contains(&&number) {
            let message = format!("`{key}` is {number}, wanted {from} to {to}");
            self.problem(self.span_of(key), message, None);
            return None;
        }
        T::try_from(number).ok()
    }

    /// A list of texts; one text stands for a list of one.
    pub fn texts(&self, key: &'a str) -> Vec<Text> {
        let Some(item) = self.item(key) else { return Vec::new() };
        match item.as_value() {
            Some(Value::String(text)) => vec![self.located(text.value(), item.span())],
            Some(Value::Array(array)) => array
                .iter()
                .filter_map(|value| match value {
                    Value::String(text) => Some(self.located(text.value(), value.span())),
                    other => {
                        let span = other.span().unwrap_or_else(|| self.span());
                        self.problem(span, format!("`{key}` wants texts, this is {}", other.type_name()), None);
                        None
                    }
                })
                .collect(),
            _ => self.wrong_type(key, item, "a list of texts").unwrap_or_default(),
        }
    }

    pub fn section(&self, key: &'a str) -> Option<Section<'a>> {
        let item = self.item(key)?;
        match item.as_table_like() {
            Some(table) => Some(self.within(table, self.kind_of(key), item.span())),
            None => self.wrong_type(key, item, "a table"),
        }
    }

    /// A table below this one, which may be of the kind.
    fn within(&self, table: &'a dyn TableLike, kind: Option<&Kind>, span: Option<Range<usize>>) -> Section<'a> {
        let declared = kind.and_then(|kind| kind.table(&|key| table.contains_key(key)));
        debug_assert!(declared.is_some(), "a table is read and not declared as one");
        let span = span.unwrap_or_else(|| self.span());
        Section::new(table, declared.unwrap_or(&NOTHING), span, self.source, self.report)
    }

    /// An array of tables, written either way; one table stands for an array of one.
    pub fn sections(&self, key: &'a str) -> Vec<Section<'a>> {
        let Some(item) = self.item(key) else { return Vec::new() };
        let kind = self.kind_of(key).and_then(Kind::member);
        if let Some(tables) = item.as_array_of_tables() {
            return tables.iter().map(|table| self.within(table, kind, table.span())).collect();
        }
        if let Some(table) = item.as_table_like() {
            return vec![self.within(table, kind, item.span())];
        }
        let Some(array) = item.as_array() else { return self.wrong_type(key, item, "tables").unwrap_or_default() };
        array
            .iter()
            .filter_map(|value| match value.as_inline_table() {
                Some(table) => Some(self.within(table, kind, value.span())),
                None => {
                    let span = value.span().unwrap_or_else(|| self.span());
                    self.problem(span, format!("`{key}` wants tables, this is {}", value.type_name()), None);
                    None
                }
            })
            .collect()
    }

    /// Every key of this table, for tables whose keys are names.
    pub fn keys(&self) -> Vec<(&'a str, Range<usize>)> {
        let keys: Vec<&'a str> = self.table.iter().map(|(key, _)| key).collect();
        self.asked.borrow_mut().extend(keys.iter().copied());
        keys.into_iter()
            .map(|key| {
                let span = self.table.get_key_value(key).and_then(|(key, _)| key.span());
                (key, span.unwrap_or_else(|| self.span()))
            })
            .collect()
    }

    /// The value as it stands, for values that may have several types.
    pub fn value(&self, key: &'a str) -> Option<&'a Value> {
        self.item(key).and_then(Item::as_value)
    }

    pub fn is_table(&self, key: &str) -> bool {
        self.table.get(key).is_some_and(Item::is_table_like)
    }

    pub fn is_text(&self, key: &str) -> bool {
        self.table.get(key).is_some_and(Item::is_str)
    }

    pub fn is_list(&self, key: &str) -> bool {
        self.table.get(key).is_some_and(Item::is_array)
    }

    /// Notes the keys that nobody asked for.
    pub fn finish(self) {
        let asked = self.asked.into_inner();
        for (key, item) in self.table.iter().filter(|(_, item)| !item.is_none()) {
            if !asked.contains(&key) {
                let span = self.table.get_key_value(key).and_then(|(key, _)| key.span()).or_else(|| item.span());
                let help = suggestion(key, asked.iter().copied());
                self.report.add(span.unwrap_or_else(|| self.span.clone()), format!("unknown key `{key}`"), help);
            }
        }
    }
}
