//! The tables of a TOML file as data: which keys each has, what each may be, and a sentence about it. In: what the rooms
//! that read such files declare, once. Out: the keys that are known in a table, and a JSON Schema of the file.

mod schema;
mod sentence;

use std::time::Duration;

pub use schema::{Writing, schema};

/// A table of a file.
#[derive(Debug)]
pub struct Table {
    pub keys: &'static [Key],
    /// Every other key, where the keys are names.
    pub others: Option<Others>,
    /// At least one key of each group is there; of keys that belong to one `kind`, there.
    pub one_of: &'static [&'static [&'static str]],
    /// Where tables of several forms may stand: it is this one where one of these keys is there; none: where no other is.
    pub marks: &'static [&'static str],
}

/// Keys that are names, and what stands under each.
#[derive(Debug, Clone, Copy)]
pub struct Others {
    pub names: Option<Words>,
    pub kind: Kind,
}

/// A key of a table.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    pub name: &'static str,
    pub kind: Kind,
    /// A sentence for who writes the file.
    pub about: &'static str,
    pub needed: bool,
    /// The values of the table's `kind` that it belongs to; none: to all.
    pub only: &'static [&'static str],
}

/// What a key may be.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    Text,
    Word(Words),
    Boolean,
    /// Within bounds, both of which are allowed, as in the next three.
    Integer(i64, i64),
    Duration(Duration, Duration),
    /// Bytes.
    Size(u64, u64),
    Rate,
    /// A number from 0 to 1.
    Share,
    /// A text, which may also be in the file that this other key names.
    Secret(&'static str),
    Table(&'static Table),
    List(&'static Kind),
    /// A list of two.
    Pair(&'static Kind),
    Either(&'static [Kind]),
    /// Some of the keys of this table, of which only `id` is needed, and these.
    Part(&'static Table, &'static [Key]),
    /// Changes to a table, and these keys: sections and members of lists of it, each in part.
    Changes(&'static Table, &'static [Key]),
    Any,
}

/// Words of a closed list.
#[derive(Debug, Clone, Copy)]
pub struct Words {
    pub known: fn() -> Vec<String>,
    /// What would do besides, as a regular expression.
    pub pattern: Option<&'static str>,
    /// Under which name a schema has the list, where it is long and used in many places.
    pub name: Option<&'static str>,
}

impl Table {
    pub const fn of(keys: &'static [Key]) -> Self {
        Table { keys, others: None, one_of: &[], marks: &[] }
    }

    /// A table whose keys are any names.
    pub const fn by_name(kind: Kind) -> Self {
        Table { others: Some(Others { names: None, kind }), ..Table::of(&[]) }
    }

    /// A table whose keys are names of a closed list.
    pub const fn by_word(names: Words, kind: Kind) -> Self {
        Table { others: Some(Others { names: Some(names), kind }), ..Table::of(&[]) }
    }

    /// The groups of which one key must be there, where the table's `kind` is this or, without one, always.
    fn groups(&self, kind: Option<&str>) -> impl Iterator<Item = &'static [&'static str]> {
        let only = |name: &str| self.keys.iter().find(|key| key.names().any(|known| known == name)).map(|key| key.only);
        self.one_of.iter().copied().filter(move |group| {
            let only = group.first().and_then(|name| only(name)).unwrap_or_default();
            kind.map_or(only.is_empty(), |kind| only.contains(&kind))
        })
    }

    /// What a key may be; `None` of one that the table does not have.
    pub fn kind_of(&self, name: &str) -> Option<&Kind> {
        let own = self.keys.iter().find(|key| key.names().any(|known| known == name)).map(|key| &key.kind);
        own.or(self.others.as_ref().map(|others| &others.kind))
    }
}

impl Key {
    pub const fn new(name: &'static str, kind: Kind, about: &'static str) -> Self {
        Key { name, kind, about, needed: false, only: &[] }
    }

    /// One without which the table means nothing.
    pub const fn needed(name: &'static str, kind: Kind, about: &'static str) -> Self {
        Key { needed: true, ..Key::new(name, kind, about) }
    }

    pub const fn only(self, kinds: &'static [&'static str]) -> Self {
        Key { only: kinds, ..self }
    }

    /// Its name, and that of the key beside it that names a file.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        let file = match self.kind {
            Kind::Secret(file) => Some(file),
            _ => None,
        };
        std::iter::once(self.name).chain(file)
    }
}

impl Kind {
    /// A text, or a list of texts.
    pub const TEXTS: Kind = Kind::Either(&[Kind::Text, Kind::List(&Kind::Text)]);
    /// A text, a whole number, or true or false.
    pub const SCALAR: Kind = Kind::Either(&[Kind::Text, Kind::Integer(i64::MIN, i64::MAX), Kind::Boolean]);

    /// The table that stands here, of those that may: the first that has its mark, else the last.
    pub fn table(&self, has: &dyn Fn(&str) -> bool) -> Option<&'static Table> {
        match self {
            Kind::Table(table) => Some(table),
            Kind::Either(kinds) => {
                let tables = || kinds.iter().filter_map(|kind| kind.table(has));
                let marked = tables().find(|table| table.marks.iter().any(|mark| has(mark)));
                marked.or_else(|| tables().next_back())
            }
            _ => None,
        }
    }

    /// What a member of the list may be.
    pub fn member(&self) -> Option<&'static Kind> {
        match self {
            Kind::List(member) => Some(member),
            Kind::Either(kinds) => kinds.iter().filter_map(Kind::member).next_back(),
            _ => None,
        }
    }

    /// The words that it may be, alone or in a list.
    pub fn words(&self) -> Option<&Words> {
        match self {
            Kind::Word(words) => Some(words),
            Kind::List(member) => member.words(),
            Kind::Either(kinds) => kinds.iter().find_map(Kind::words),
            _ => None,
        }
    }
}

impl Words {
    pub const fn of(known: fn() -> Vec<String>) -> Self {
        Words { known, pattern: None, name: None }
    }

    /// Whether these are the words of a reader.
    pub fn are<T>(&self, read: &[(&str, T)]) -> bool {
        (self.known)().iter().eq(read.iter().map(|(word, _)| word))
    }
}

/// The words of a table of words and what they stand for.
pub fn words<T>(table: &[(&str, T)]) -> Vec<String> {
    table.iter().map(|(word, _)| (*word).to_owned()).collect()
}
