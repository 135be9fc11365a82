//! A shape's tree flattened for writing: as much as can be known beforehand becomes literal text.

use std::sync::Arc;

use crate::event::Field;

use super::super::frame::{FrameSet, Nested};
use super::super::hole::{Hole, Mark};
use super::super::json;
use super::super::shape::{Key, Member, Node, TemplatePiece};

#[derive(Debug)]
pub enum Piece {
    Text(Box<str>),
    /// A comma, unless the object has just begun: what stands before may have been left out.
    Comma,
    Hole(Hole),
    /// A member that is left out when its value is absent; `key` is `"key":`.
    Member {
        key: Box<str>,
        hole: Hole,
    },
    Template(Vec<TemplatePiece>),
    Each {
        list: Field,
        shape: Arc<FrameSet>,
    },
    /// One member for each record.
    Keyed {
        list: Field,
        key: Key,
        shape: Arc<FrameSet>,
    },
    /// One scalar for each record.
    Order {
        list: Field,
        key: Key,
    },
    /// A text that is JSON itself.
    Embedded(Box<[Piece]>),
    /// `key` is there where the whole member may be left out.
    Record {
        key: Option<Box<str>>,
        field: Field,
        shape: Arc<FrameSet>,
        mark: Mark,
    },
}

pub fn compile(shape: &Node, nested: &mut Nested<'_>) -> Box<[Piece]> {
    let mut compiler = Compiler { pieces: Vec::new(), text: String::new() };
    compiler.node(shape, nested);
    compiler.flush();
    compiler.pieces.into_boxed_slice()
}

struct Compiler {
    pieces: Vec<Piece>,
    /// Literal text that is not yet a piece.
    text: String,
}

impl Compiler {
    fn flush(&mut self) {
        if !self.text.is_empty() {
            self.pieces.push(Piece::Text(std::mem::take(&mut self.text).into_boxed_str()));
        }
    }

    fn push(&mut self, piece: Piece) {
        self.flush();
        self.pieces.push(piece);
    }

    fn node(&mut self, node: &Node, nested: &mut Nested<'_>) {
        match node {
            Node::Object(members) => self.object(members, nested),
            Node::Array(items) => {
                self.text.push('[');
                for (at, item) in items.iter().enumerate() {
                    match item {
                        // The last, as nothing may come after it.
                        Node::Hole(hole) if hole.may_be_omitted() => {
                            self.push(Piece::Member { key: "".into(), hole: hole.clone() });
                        }
                        _ => {
                            if at > 0 {
                                self.text.push(',');
                            }
                            self.node(item, nested);
                        }
                    }
                }
                self.text.push(']');
            }
            Node::Literal(scalar) => scalar.write(&mut self.text),
            Node::Float(number) => self.text.push_str(number),
            Node::Hole(hole) => self.push(Piece::Hole(hole.clone())),
            Node::Template(pieces) => self.push(Piece::Template(pieces.clone())),
            Node::Each { list, shape } => {
                if let Some(shape) = nested(shape) {
                    self.push(Piece::Each { list: *list, shape });
                }
            }
            Node::Keyed { list, key, shape } => {
                if let Some(shape) = nested(shape) {
                    self.push(Piece::Keyed { list: *list, key: key.clone(), shape });
                }
            }
            Node::Order { list, key } => self.push(Piece::Order { list: *list, key: key.clone() }),
            Node::Embedded(inner) => self.push(Piece::Embedded(compile(inner, nested))),
            Node::Record { field, shape, mark } => {
                if let Some(shape) = nested(shape) {
                    self.push(Piece::Record { key: None, field: *field, shape, mark: mark.clone() });
                }
            }
        }
    }

    fn object(&mut self, members: &[Member], nested: &mut Nested<'_>) {
        self.text.push('{');
        // Whether some member before this one is always written.
        let mut preceded = false;
        for (at, member) in members.iter().enumerate() {
            let mut key = String::new();
            json::write_string(&member.key, &mut key);
            key.push(':');
            match &member.node {
                Node::Hole(hole) if hole.may_be_omitted() => {
                    if hole.field.is_some() {
                        self.push(Piece::Member { key: key.into_boxed_str(), hole: hole.clone() });
                    }
                    continue;
                }
                Node::Record { field, shape, mark: Mark::Optional } => {
                    if let Some(shape) = nested(shape) {
                        let key = Some(key.into_boxed_str());
                        self.push(Piece::Record { key, field: *field, shape, mark: Mark::Optional });
                    }
                    continue;
                }
                _ => {}
            }
            match (preceded, at) {
                (true, _) => self.text.push(','),
                (false, 0) => {}
                (false, _) => self.push(Piece::Comma),
            }
            preceded = true;
            self.text.push_str(&key);
            self.node(&member.node, nested);
        }
        self.text.push('}');
    }
}
