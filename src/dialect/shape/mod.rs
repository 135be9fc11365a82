//! A shape as a tree: the JSON sample of a dialect file with its holes resolved and its named shapes put in place.
//! In: the text and what its names mean. Out: a tree, or every mistake with its place.

mod parse;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::event::{Field, IdForm, Resource};

use super::codec::Codec;
use super::hole::{Hole, Mark, StandIn};
use super::table::{EnumTable, Scalar};
use super::url_end::UrlEnd;

pub use parse::parse;

#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    Object(Vec<Member>),
    /// An array whose elements are told apart by their place.
    Array(Vec<Node>),
    Literal(Scalar),
    /// A number that is no integer.
    Float(String),
    Hole(Hole),
    /// Text around one or more holes.
    Template(Vec<TemplatePiece>),
    /// An array of records, each in the named shape.
    Each {
        list: Field,
        shape: String,
    },
    /// An object with one member for each record: its key is a field of the record.
    Keyed {
        list: Field,
        key: Key,
        shape: String,
    },
    /// One field of each record: the order of a list whose records stand elsewhere.
    Order {
        list: Field,
        key: Key,
    },
    /// A text that is JSON itself.
    Embedded(Box<Node>),
    /// One record in the named shape.
    Record {
        field: Field,
        shape: String,
        mark: Mark,
    },
}

/// The field of a record that stands for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    pub field: Field,
    pub codec: Codec,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    pub key: String,
    pub node: Node,
}

#[derive(Debug, Clone, PartialEq)]
pub enum TemplatePiece {
    Text(String),
    Hole(Hole),
}

/// What names in shapes mean: the dialect's id forms, enums and named shapes.
pub struct Names<'a> {
    pub ids: &'a dyn Fn(Resource) -> IdForm,
    pub enums: &'a [Arc<EnumTable>],
    pub url_ends: &'a [Arc<UrlEnd>],
    /// Names of the file's own for codecs, as its options chose them.
    pub codecs: &'a [(String, super::codec::Codec)],
    /// Name, text and where the text starts in the source.
    pub shapes: &'a [NamedText],
}

/// A named shape as written.
#[derive(Debug, Clone)]
pub struct NamedText {
    pub name: String,
    /// `None` for a union of other shapes.
    pub text: Option<String>,
    pub offset: usize,
}

impl Node {
    /// Every hole of this shape, those of templates included.
    #[cfg(test)]
    pub fn holes<'a>(&'a self, found: &mut Vec<&'a Hole>) {
        match self {
            Node::Object(members) => members.iter().for_each(|member| member.node.holes(found)),
            Node::Array(items) => items.iter().for_each(|item| item.holes(found)),
            Node::Hole(hole) => found.push(hole),
            Node::Template(pieces) => {
                for piece in pieces {
                    if let TemplatePiece::Hole(hole) = piece {
                        found.push(hole);
                    }
                }
            }
            Node::Embedded(inner) => inner.holes(found),
            Node::Literal(_)
            | Node::Float(_)
            | Node::Each { .. }
            | Node::Keyed { .. }
            | Node::Order { .. }
            | Node::Record { .. } => {}
        }
    }

    /// Every field that this shape names.
    pub fn fields(&self, found: &mut Vec<Field>) {
        match self {
            Node::Object(members) => members.iter().for_each(|member| member.node.fields(found)),
            Node::Array(items) => items.iter().for_each(|item| item.fields(found)),
            Node::Literal(_) | Node::Float(_) => {}
            Node::Hole(hole) => hole.fields(found),
            Node::Template(pieces) => {
                for piece in pieces {
                    if let TemplatePiece::Hole(hole) = piece {
                        hole.fields(found);
                    }
                }
            }
            Node::Embedded(inner) => inner.fields(found),
            Node::Each { list, .. } | Node::Keyed { list, .. } | Node::Order { list, .. } => found.push(*list),
            Node::Record { field, .. } => found.push(*field),
        }
    }
}

impl Hole {
    fn fields(&self, found: &mut Vec<Field>) {
        found.extend(self.field);
        if let Mark::Fallback(field, _) = &self.mark {
            found.push(*field);
        }
    }

    /// What stands in for an absent value, if a literal does.
    pub fn stand_in(&self) -> Option<&StandIn> {
        match &self.mark {
            Mark::StandIn(literal) => Some(literal),
            Mark::Required | Mark::Optional | Mark::Fallback(..) => None,
        }
    }
}
