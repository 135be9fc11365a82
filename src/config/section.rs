//! A table of the settings read with care: every mistake is noted with its place and reading goes on; at the end the keys
//! that nobody asked for are mistakes too. Bounds and words are those that the table declares.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::node::{Node, Place, Value};
use super::problem::{Code, Report};
use super::unit::{self, Rate};
use crate::auth::Secret;
use crate::declaration::{Kind, Table};
use crate::dialect::suggestion;

/// A value and where it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spanned<T> {
    pub value: T,
    pub place: Place,
}

/// Why a file cannot be read, in words.
pub(super) fn cause(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        std::io::ErrorKind::InvalidData => "it is not UTF-8".to_owned(),
        kind => kind.to_string(),
    }
}

/// The largest file that a `…_file` setting reads, in bytes.
const LARGEST_FILE: u64 = 64 * 1024;

/// A table without keys.
static NOTHING: Table = Table::of(&[]);

pub(super) struct Section<'a> {
    members: &'a [(String, Node)],
    declared: &'static Table,
    place: Place,
    report: &'a Report,
    /// The folder that relative names of `…_file` start from.
    folder: &'a Path,
    asked: RefCell<Vec<&'static str>>,
}

impl<'a> Section<'a> {
    /// The table of a node; anything else is a problem.
    pub fn of(
        node: &'a Node,
        declared: &'static Table,
        what: &str,
        report: &'a Report,
        folder: &'a Path,
    ) -> Option<Self> {
        match &node.value {
            Value::Table(members) => {
                let place = node.place.clone();
                Some(Section { members, declared, place, report, folder, asked: RefCell::default() })
            }
            other => {
                report.error(Code::Type, &node.place, format!("{what} is {}, wanted a table", other.type_name()), None);
                None
            }
        }
    }

    /// Where the table itself stands.
    pub fn place(&self) -> &Place {
        &self.place
    }

    pub fn report(&self) -> &'a Report {
        self.report
    }

    pub fn has(&self, key: &str) -> bool {
        self.members.iter().any(|(name, _)| name == key)
    }

    /// Where a key stands.
    pub fn key_place(&self, key: &str) -> Place {
        self.members
            .iter()
            .find(|(name, _)| name == key)
            .map_or_else(|| self.place.clone(), |(_, node)| node.key.clone())
    }

    /// A table below this one, which may be of the kind.
    fn below(&self, node: &'a Node, kind: Option<&Kind>, what: &str) -> Option<Section<'a>> {
        let Value::Table(members) = &node.value else {
            return Section::of(node, &NOTHING, what, self.report, self.folder);
        };
        let declared = kind.and_then(|kind| kind.table(&|key| members.iter().any(|(name, _)| name == key)));
        debug_assert!(declared.is_some(), "{what} is read as a table and not declared as one");
        Section::of(node, declared.unwrap_or(&NOTHING), what, self.report, self.folder)
    }

    /// What a key may be. One that is read must be declared: editors would know nothing of it.
    fn kind_of(&self, key: &str) -> Option<&'static Kind> {
        let kind = self.declared.kind_of(key);
        debug_assert!(kind.is_some(), "`{key}` is read and not declared in config/file/declared");
        kind
    }

    pub fn node(&self, key: &'static str) -> Option<&'a Node> {
        self.kind_of(key);
        self.asked.borrow_mut().push(key);
        let node = self.members.iter().find(|(name, _)| name == key).map(|(_, node)| node);
        node.filter(|node| !matches!(node.value, Value::Unset))
    }

    fn wrong<T>(&self, key: &str, node: &Node, wanted: &str) -> Option<T> {
        let message = format!("`{key}` is {}, wanted {wanted}", node.value.type_name());
        self.report.error(Code::Type, &node.place, message, None);
        None
    }

    pub fn missing(&self, key: &str, help: &str) {
        self.report.error(Code::Missing, &self.place, format!("`{key}` is missing here"), Some(help.to_owned()));
    }

    pub fn text(&self, key: &'static str) -> Option<Spanned<String>> {
        let node = self.node(key)?;
        match &node.value {
            Value::Text(text) => Some(Spanned { value: text.clone(), place: node.place.clone() }),
            _ => self.wrong(key, node, "a text"),
        }
    }

    pub fn needed_text(&self, key: &'static str, help: &str) -> Option<Spanned<String>> {
        if !self.has(key) {
            self.missing(key, help);
        }
        let text = self.text(key)?;
        if text.value.trim().is_empty() {
            self.report.error(Code::Value, &text.place, format!("`{key}` is empty"), Some(help.to_owned()));
            return None;
        }
        Some(text)
    }

    /// A text that `parse` understands; its error is the message.
    pub fn parsed<T>(&self, key: &'static str, parse: impl Fn(&str) -> Result<T, String>) -> Option<Spanned<T>> {
        let text = self.text(key)?;
        match parse(&text.value) {
            Ok(value) => Some(Spanned { value, place: text.place }),
            Err(error) => {
                self.report.error(Code::Value, &text.place, format!("`{key}`: {error}"), None);
                None
            }
        }
    }

    /// One of a few words.
    pub fn word<T: Copy>(&self, key: &'static str, words: &[(&str, T)]) -> Option<Spanned<T>> {
        let text = self.text(key)?;
        debug_assert!(
            self.kind_of(key).and_then(Kind::words).is_some_and(|declared| declared.are(words)),
            "`{key}` has other words than are declared"
        );
        match words.iter().find(|(word, _)| *word == text.value) {
            Some((_, value)) => Some(Spanned { value: *value, place: text.place }),
            None => {
                let help = suggestion(&text.value, words.iter().map(|(word, _)| *word));
                self.report.error(Code::Value, &text.place, format!("`{key}` cannot be `{}`", text.value), help);
                None
            }
        }
    }

    pub fn boolean(&self, key: &'static str) -> Option<bool> {
        let node = self.node(key)?;
        match &node.value {
            Value::Boolean(flag) => Some(*flag),
            Value::Text(text) if node.loose && text == "true" => Some(true),
            Value::Text(text) if node.loose && text == "false" => Some(false),
            _ => self.wrong(key, node, "true or false"),
        }
    }

    pub fn integer(&self, key: &'static str) -> Option<i64> {
        let node = self.node(key)?;
        let Some(Kind::Integer(from, to)) = self.kind_of(key) else { return self.undeclared(key) };
        let number = match &node.value {
            Value::Integer(number) => *number,
            Value::Text(text) if node.loose => match text.trim().parse() {
                Ok(number) => number,
                Err(_) => return self.wrong(key, node, "a whole number"),
            },
            _ => return self.wrong(key, node, "a whole number"),
        };
        if (from..=to).contains(&&number) {
            return Some(number);
        }
        self.report.error(Code::Value, &node.place, format!("`{key}` must be from {from} to {to}"), None);
        None
    }

    /// Where a key is read as what it is not declared to be, which the first test that reads it shows.
    fn undeclared<T>(&self, key: &str) -> Option<T> {
        debug_assert!(false, "`{key}` is read as something else than is declared");
        None
    }

    /// A number from 0 to 1.
    pub fn share(&self, key: &'static str) -> Option<f64> {
        const WANTED: &str = "a share from 0 to 1, as in 0.1";
        let Some(Kind::Share) = self.kind_of(key) else { return self.undeclared(key) };
        let node = self.node(key)?;
        let share = match &node.value {
            Value::Float(share) => *share,
            Value::Integer(number @ 0..=1) => f64::from(u8::from(*number == 1)),
            Value::Text(text) if node.loose => match text.trim().parse() {
                Ok(share) => share,
                Err(_) => return self.wrong(key, node, WANTED),
            },
            Value::Integer(_) => f64::NAN,
            _ => return self.wrong(key, node, WANTED),
        };
        if (0.0..=1.0).contains(&share) {
            return Some(share);
        }
        self.report.error(Code::Value, &node.place, format!("`{key}` must be {WANTED}"), None);
        None
    }

    /// Bytes, within bounds.
    pub fn size(&self, key: &'static str) -> Option<u64> {
        let Some(Kind::Size(from, to)) = self.kind_of(key) else { return self.undeclared(key) };
        self.with_unit(key, "a size with its unit, as in \"10MiB\"", |text| {
            let bytes = unit::size(text)?;
            let bounds = || format!("must be from {from} to {to} bytes");
            if (from..=to).contains(&&bytes) { Ok(bytes) } else { Err(bounds()) }
        })
    }

    pub fn duration(&self, key: &'static str) -> Option<Duration> {
        let Some(&Kind::Duration(from, to)) = self.kind_of(key) else { return self.undeclared(key) };
        self.with_unit(key, "a duration with its unit, as in \"30s\"", |text| {
            let duration = unit::duration(text)?;
            let bounds = || format!("must be from {} to {}", unit::shown(from), unit::shown(to));
            if (from..=to).contains(&duration) { Ok(duration) } else { Err(bounds()) }
        })
    }

    pub fn rate(&self, key: &'static str) -> Option<Rate> {
        self.with_unit(key, "a rate with its unit, as in \"20/s\"", unit::rate)
    }

    fn with_unit<T>(&self, key: &'static str, wanted: &str, parse: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        match self.node(key)? {
            Node { value: Value::Text(_), .. } => self.parsed(key, parse).map(|spanned| spanned.value),
            node => self.wrong(key, node, wanted),
        }
    }

    /// A text, or a list of texts.
    pub fn texts(&self, key: &'static str) -> Vec<Spanned<String>> {
        self.node(key).map(|node| self.texts_of(key, node)).unwrap_or_default()
    }

    /// The same for a member that was found otherwise.
    pub fn texts_of(&self, key: &str, node: &Node) -> Vec<Spanned<String>> {
        let members = match &node.value {
            Value::Array(members) => members.as_slice(),
            Value::Text(_) => std::slice::from_ref(node),
            _ => return self.wrong(key, node, "a text or a list of texts").unwrap_or_default(),
        };
        members
            .iter()
            .filter_map(|member| match &member.value {
                Value::Text(text) => Some(Spanned { value: text.clone(), place: member.place.clone() }),
                Value::Unset => None,
                _ => self.wrong(key, member, "a text"),
            })
            .collect()
    }

    /// A secret, written here or in the file that `<key>_file` names.
    pub fn secret(&self, key: &'static str, file_key: &'static str) -> Option<Spanned<Secret>> {
        let written = self.text(key);
        let file = self.text(file_key);
        let secret = match (written, file) {
            (Some(_), Some(file)) => {
                let message = format!("`{key}` and `{file_key}` are both here");
                self.report.error(Code::Conflict, &file.place, message, Some("keep one of them".to_owned()));
                return None;
            }
            (Some(text), None) => text,
            (None, Some(file)) => Spanned { value: self.read(&file)?, place: file.place },
            (None, None) => return None,
        };
        if secret.value.is_empty() {
            self.report.error(Code::Value, &secret.place, format!("`{key}` is empty"), None);
            return None;
        }
        Some(Spanned { value: Secret::new(secret.value), place: secret.place })
    }

    /// What a file holds, without the line end that editors leave.
    fn read(&self, file: &Spanned<String>) -> Option<String> {
        let path = self.path(&file.value);
        self.report.reads(&path);
        let problem = |message: String| {
            self.report.error(Code::File, &file.place, message, None);
            None
        };
        match std::fs::metadata(&path) {
            Ok(metadata) if metadata.len() > LARGEST_FILE => {
                return problem(format!("`{}` is larger than 64 KiB", file.value));
            }
            Ok(_) | Err(_) => {}
        }
        match std::fs::read_to_string(&path) {
            Ok(text) => Some(text.trim_end_matches(['\n', '\r']).to_owned()),
            Err(error) => problem(format!("`{}` cannot be read: {}", file.value, cause(&error))),
        }
    }

    /// A path as written, from the folder of the file.
    pub fn path(&self, written: &str) -> PathBuf {
        self.folder.join(written)
    }

    pub fn section(&self, key: &'static str) -> Option<Section<'a>> {
        self.below(self.node(key)?, self.kind_of(key), &format!("`{key}`"))
    }

    /// The tables of a list of tables.
    pub fn list(&self, key: &'static str) -> Vec<Section<'a>> {
        let Some(node) = self.node(key) else { return Vec::new() };
        let kind = self.kind_of(key).and_then(Kind::member);
        match &node.value {
            Value::Array(members) => {
                members.iter().filter_map(|member| self.below(member, kind, &format!("a member of `{key}`"))).collect()
            }
            _ => self.wrong(key, node, "a list of tables").unwrap_or_default(),
        }
    }

    /// Every member as a table, with its name and where the name stands.
    pub fn sections(&self) -> Vec<(Spanned<String>, Section<'a>)> {
        self.members
            .iter()
            .filter_map(|(name, node)| {
                let section = self.below(node, self.kind_of(name), &format!("`{name}`"))?;
                Some((Spanned { value: name.clone(), place: node.key.clone() }, section))
            })
            .collect()
    }

    /// Whether any member but this one is a table.
    pub fn has_table_beside(&self, key: &str) -> bool {
        self.members.iter().any(|(name, node)| name != key && matches!(node.value, Value::Table(_)))
    }

    /// Every member that nobody asked for so far, with its name; they count as asked for.
    pub fn others(&self) -> Vec<(&'a str, &'a Node)> {
        let asked = self.asked.borrow();
        self.members
            .iter()
            .filter(|(name, _)| !asked.contains(&name.as_str()))
            .map(|(name, node)| (name.as_str(), node))
            .collect()
    }

    /// Keys that nobody asked for are mistakes.
    pub fn finish(self) {
        self.finish_ref();
    }

    /// The same, for a table that somebody else holds.
    pub fn finish_ref(&self) {
        for (name, node) in self.others() {
            self.unknown(name, node, &[]);
        }
    }

    /// Says that a key is not known; `more` are words that would do besides those asked for.
    pub fn unknown(&self, name: &str, node: &Node, more: &[&str]) {
        let asked = self.asked.borrow();
        let known = asked.iter().copied().chain(more.iter().copied());
        let mut known: Vec<&str> = known.collect();
        known.sort_unstable();
        known.dedup();
        self.report.error(
            Code::UnknownKey,
            &node.key,
            format!("`{name}` is not a key of this table"),
            suggestion(name, known),
        );
    }
}
