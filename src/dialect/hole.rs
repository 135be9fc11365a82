//! The text between braces. In: `sent_at:rfc3339_s|null` and the like. Out: which field, how it is written, and what
//! stands in for it.

use crate::event::{Field, FieldType};

use super::codec::{Codec, Fidelity};
use super::table::Scalar;

/// A place for one scalar, or for JSON carried unread.
#[derive(Debug, Clone, PartialEq)]
pub struct Hole {
    /// `None`: anything is read, nothing is kept.
    pub field: Option<Field>,
    pub codec: Codec,
    pub mark: Mark,
    /// Written, never read.
    pub write_only: bool,
}

/// What an absent value means.
#[derive(Debug, Clone, PartialEq)]
pub enum Mark {
    Required,
    /// The member is left out.
    Optional,
    StandIn(StandIn),
    /// Another field is written.
    Fallback(Field, Codec),
}

/// A literal in place of an absent value.
#[derive(Debug, Clone, PartialEq)]
pub enum StandIn {
    Scalar(Scalar),
    EmptyList,
    EmptyObject,
}

/// What stands between two braces, before names are looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inside<'a> {
    /// `path[:codec][?|alt]`
    Scalar { path: &'a str, codec: Option<&'a str>, mark: WrittenMark<'a>, write_only: bool },
    /// `path as shape`, `. as shape`; `. as shape:text` for JSON inside a text
    As { path: &'a str, shape: &'a str, codec: Option<&'a str>, mark: WrittenMark<'a> },
    /// `each list as shape`, `each list by field as shape`, `each list by field`
    Each { list: &'a str, by: Option<&'a str>, shape: Option<&'a str> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WrittenMark<'a> {
    Required,
    Optional,
    Alternative(&'a str),
}

/// Splits what stands between two braces.
pub fn split(text: &str) -> Inside<'_> {
    let (text, mark) = match text.split_once('|') {
        Some((text, alternative)) => (text, WrittenMark::Alternative(alternative.trim())),
        None => match text.strip_suffix('?') {
            Some(text) => (text, WrittenMark::Optional),
            None => (text, WrittenMark::Required),
        },
    };
    let text = text.trim();
    if let Some(rest) = text.strip_prefix("each ") {
        let (list, shape) = parted(rest, " as ");
        let (list, by) = parted(list, " by ");
        return Inside::Each { list, by, shape };
    }
    if let (path, Some(shape)) = parted(text, " as ") {
        let (shape, codec) = parted(shape, ":");
        return Inside::As { path, shape, codec, mark };
    }
    let (text, write_only) = match text.strip_prefix('=') {
        Some(text) => (text, true),
        None => (text, false),
    };
    let (path, codec) = parted(text, ":");
    Inside::Scalar { path, codec, mark, write_only }
}

/// What stands before a word, and what after it, if it is there.
fn parted<'a>(text: &'a str, word: &str) -> (&'a str, Option<&'a str>) {
    match text.split_once(word) {
        Some((left, right)) => (left.trim(), Some(right.trim())),
        None => (text.trim(), None),
    }
}

/// The literal that an alternative spells, if it spells one: `null`, `''`, `'text'`, `true`, `0`, `[]`, `{}`.
pub fn literal(text: &str) -> Option<StandIn> {
    let scalar = match text {
        "[]" => return Some(StandIn::EmptyList),
        "{}" => return Some(StandIn::EmptyObject),
        "null" => Scalar::Null,
        "true" => Scalar::Boolean(true),
        "false" => Scalar::Boolean(false),
        _ => match text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
            Some(inner) => Scalar::Text(inner.to_owned()),
            None => Scalar::Integer(text.parse().ok()?),
        },
    };
    Some(StandIn::Scalar(scalar))
}

impl Hole {
    /// Whether a frame without a value here is still of this shape.
    pub fn may_be_absent(&self) -> bool {
        self.field.is_none() || !self.is_read() || !matches!(self.mark, Mark::Required | Mark::Fallback(..))
    }

    /// Whether reading looks here.
    pub fn is_read(&self) -> bool {
        self.field.is_some() && !self.write_only && self.codec.fidelity() != Fidelity::WriteOnly
    }

    /// Whether an absent value leaves the whole member out.
    pub fn may_be_omitted(&self) -> bool {
        match (&self.field, &self.mark) {
            (_, Mark::Optional) => true,
            (None, mark) => !matches!(mark, Mark::StandIn(_)),
            (Some(_), _) => false,
        }
    }

    /// Whether `""` reads as absent.
    pub fn empty_is_absent(&self) -> bool {
        matches!(&self.mark, Mark::StandIn(StandIn::Scalar(Scalar::Text(text))) if text.is_empty())
    }

    /// Whether the bytes in this place are kept as they are.
    pub fn is_raw(&self) -> bool {
        self.is_read() && self.field.is_some_and(|field| field.field_type() == FieldType::Json)
    }
}
