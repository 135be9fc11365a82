//! One shape, compiled for reading: which constants decide that a frame is of it, and which places fill which fields.

use std::sync::Arc;

use crate::event::{EventKind, Field, Fields, MessageKind};
use crate::fault::{Fault, Reason};

use super::super::capture::Captured;
use super::super::codec::Codec;
use super::super::frame::{Frame, FrameSet, Nested};
use super::super::hole::{Hole, Mark};
use super::super::problem::Problem;
use super::super::shape::{Node, TemplatePiece};
use super::super::table::Scalar;
use super::bind::{self, Bind, Order};
use super::tree::KeyTree;
use super::{Bound, derive};

/// A shape of one frame.
#[derive(Debug)]
pub struct Candidate {
    /// Which frame of the set.
    pub frame: usize,
    constants: Vec<(usize, Scalar)>,
    absent: Vec<usize>,
    binds: Vec<Bind>,
    orders: Vec<Order>,
}

impl Candidate {
    pub fn compile(frame: usize, shape: &Node, absent: &[String], tree: &mut KeyTree, nested: &mut Nested<'_>) -> Self {
        let root = tree.root();
        let mut candidate =
            Candidate { frame, constants: Vec::new(), absent: Vec::new(), binds: Vec::new(), orders: Vec::new() };
        candidate.add(shape, root, tree, nested);
        candidate.absent = absent.iter().map(|key| tree.child(root, key)).collect();
        candidate
    }

    fn add(&mut self, node: &Node, at: usize, tree: &mut KeyTree, nested: &mut Nested<'_>) {
        match node {
            Node::Object(members) => {
                for member in members {
                    let child = tree.child(at, &member.key);
                    self.add(&member.node, child, tree, nested);
                }
            }
            Node::Literal(scalar) => self.constants.push((at, scalar.clone())),
            Node::Array(items) => self.add_array(items, at, tree, nested),
            // Fractions are written; a reader has no use for them as discriminators.
            Node::Float(_) => {}
            Node::Hole(hole) => {
                if let Some(field) = hole.field.filter(|_| hole.is_read()) {
                    if hole.is_raw() {
                        tree.keep_raw(at);
                    }
                    self.binds.push(Bind::Scalar { at, field, hole: hole.clone() });
                }
            }
            Node::Template(pieces) => self.add_template(pieces, at),
            Node::Each { list, shape } => {
                tree.keep_raw(at);
                if let Some(shape) = nested(shape) {
                    self.binds.push(Bind::List { at, field: *list, shape });
                }
            }
            Node::Keyed { list, key, shape } => {
                tree.keep_raw(at);
                if let Some(shape) = nested(shape) {
                    self.binds.push(Bind::Keyed { at, field: *list, key: key.field, shape });
                }
            }
            Node::Order { list, key } => {
                tree.keep_raw(at);
                self.orders.push(Order { at, list: *list, key: key.clone() });
            }
            Node::Embedded(inner) => self.add_embedded(inner, at, nested),
            Node::Record { field, shape, mark } => {
                tree.keep_raw(at);
                if let Some(shape) = nested(shape) {
                    let required = *mark == Mark::Required;
                    self.binds.push(Bind::Record { at, field: *field, shape, required });
                }
            }
        }
    }

    /// An array that is longer than the shape says more than it can take; what has no holes is only written.
    fn add_array(&mut self, items: &[Node], at: usize, tree: &mut KeyTree, nested: &mut Nested<'_>) {
        let mut named = Vec::new();
        items.iter().for_each(|item| item.fields(&mut named));
        let Some(first) = named.first() else { return };
        for (index, item) in items.iter().enumerate() {
            let child = tree.item(at, index);
            self.add(item, child, tree, nested);
        }
        let beyond = tree.item(at, items.len());
        self.binds.push(Bind::Nothing { at: beyond, field: *first });
    }

    /// A text that is JSON itself is a frame in a frame.
    fn add_embedded(&mut self, inner: &Node, at: usize, nested: &mut Nested<'_>) {
        let mut named = Vec::new();
        inner.fields(&mut named);
        let Some(first) = named.first() else { return };
        // One frame has no other that it could be mistaken for.
        if let Ok(shape) = FrameSet::compile(vec![Frame::plain("", None, inner.clone(), 0)], nested) {
            self.binds.push(Bind::Embedded { at, first: *first, shape: Arc::new(shape) });
        }
    }

    /// Only a template with one hole can be read: what stands between its ends.
    fn add_template(&mut self, pieces: &[TemplatePiece], at: usize) {
        let mut holes = pieces.iter().filter_map(|piece| match piece {
            TemplatePiece::Hole(hole) => Some(hole),
            TemplatePiece::Text(_) => None,
        });
        let (Some(hole), None) = (holes.next(), holes.next()) else { return };
        let Some(field) = hole.field.filter(|_| hole.is_read()) else { return };
        let text_of = |piece: Option<&TemplatePiece>| match piece {
            Some(TemplatePiece::Text(text)) => text.clone(),
            _ => String::new(),
        };
        let (before, after) = (text_of(pieces.first()), text_of(pieces.last()));
        self.binds.push(Bind::Between { at, field, hole: hole.clone(), before, after });
    }

    /// Whether the constants and absences decide for this shape.
    #[inline]
    pub fn agrees(&self, captures: &[Captured<'_>]) -> bool {
        self.constants.iter().all(|(at, scalar)| scalar.matches(&captures[*at]))
            && self.absent.iter().all(|at| captures[*at] == Captured::Missing)
            && matches!(captures.first(), Some(Captured::Object))
    }

    /// The constants and the absences that decide.
    pub fn discriminators(&self) -> (&[(usize, Scalar)], &[usize]) {
        (&self.constants, &self.absent)
    }

    /// Where a field's value stands, and how it is written there.
    pub fn places(&self, field: Field) -> impl Iterator<Item = (usize, &Codec)> {
        self.binds.iter().filter_map(move |bind| match bind {
            Bind::Scalar { at, field: named, hole } if *named == field => Some((*at, &hole.codec)),
            _ => None,
        })
    }

    /// The texts that are JSON themselves, and the shape of each.
    pub fn embedded(&self) -> impl Iterator<Item = (usize, &FrameSet)> {
        self.binds.iter().filter_map(|bind| match bind {
            Bind::Embedded { at, shape, .. } => Some((*at, &**shape)),
            _ => None,
        })
    }

    /// Fills the fields; of several faults the one that the frame's order names first.
    pub fn bind<'a>(&'a self, captures: &[Captured<'a>], frame: &'a Frame) -> Bound<'a> {
        let mut fields = Fields::with_capacity(self.binds.len() + frame.set.len());
        let mut kind = None;
        let mut faults = Faults { frame, first: None };
        let mut more = Vec::new();
        for (place, bind) in self.binds.iter().enumerate() {
            if let Bind::Embedded { at, first, shape } = bind {
                match bind::read_embedded(&captures[*at], *first, shape) {
                    Ok(inner) => {
                        kind = kind.or(inner.message_kind().map(|found| (found, bind)));
                        for (field, value) in inner.iter().filter(|(field, _)| !fields.has(*field)) {
                            more.push((field, value.clone()));
                        }
                        more.drain(..).for_each(|(field, value)| fields.push(field, value));
                    }
                    Err((field, reason)) => faults.add(place, field, reason),
                }
                continue;
            }
            match bind.read(captures, frame) {
                Ok(None) => {}
                Ok(Some((Field::Kind, value))) => match value.as_text().and_then(MessageKind::parse) {
                    Some(found) => kind = Some((found, bind)),
                    None => faults.add(place, Field::Kind, Reason::Invalid),
                },
                // Two places may say the same; the first that is filled counts.
                Ok(Some((field, _))) if fields.has(field) => {}
                Ok(Some((field, value))) => fields.push(field, value),
                Err((field, reason)) => faults.add(place, field, reason),
            }
        }
        if let Some(fault) = faults.first {
            return Err(fault.1);
        }
        if let Some(need) = &frame.need
            && !need.any.iter().any(|field| is_given(&fields, *field))
        {
            let fault = Fault { words: Some(Arc::clone(&need.text)), ..Fault::new(Reason::Missing) };
            return Err(match need.any.first() {
                Some(field) => fault.at(*field),
                None => fault,
            });
        }
        if let Some(need) = &frame.need
            && let Some(words) = &need.both
            && need.any.iter().filter(|field| is_given(&fields, **field)).count() > 1
        {
            let fault = Fault { words: Some(Arc::clone(words)), ..Fault::new(Reason::Invalid) };
            return Err(match need.any.last() {
                Some(field) => fault.at(*field),
                None => fault,
            });
        }
        self.unfall(&mut fields);
        for order in &self.orders {
            order.apply(captures, &mut fields);
        }
        for (field, scalar) in &frame.set {
            if let Some(value) = scalar.value() {
                fields.set(*field, value);
            }
        }
        let kind = kind.map(|(found, bind)| EventKind::Message(bind.refined(found, &fields)));
        if let Some(pattern) = frame.pattern {
            let said = kind.filter(|kind| pattern.matches(*kind));
            fields.set_kind(said.unwrap_or_else(|| derive::event_kind(pattern, &fields)));
        } else if let Some(kind) = kind {
            fields.set_kind(kind);
        }
        Ok(fields)
    }
}

impl Candidate {
    /// Words that only repeat the field that stands in for them were not there when they were written.
    fn unfall(&self, fields: &mut Fields<'_>) {
        for bind in &self.binds {
            if let Bind::Scalar { field, hole: Hole { mark: Mark::Fallback(other, _), .. }, .. } = bind
                && fields.text(*field).is_some()
                && fields.get(*field) == fields.get(*other)
            {
                drop(fields.remove(*field));
            }
        }
    }
}

/// Whether a field is there and says something.
fn is_given(fields: &Fields<'_>, field: Field) -> bool {
    fields.get(field).is_some_and(|value| value.as_text() != Some(""))
}

/// The fault to report: by the frame's order, else by place.
struct Faults<'a> {
    frame: &'a Frame,
    first: Option<(usize, Fault)>,
}

impl Faults<'_> {
    fn add(&mut self, place: usize, field: Field, reason: Reason) {
        let rank = self.frame.order.iter().position(|named| *named == field).unwrap_or(1_000 + place);
        if self.first.as_ref().is_some_and(|(first, _)| *first <= rank) {
            return;
        }
        let list = if reason == Reason::Missing { &self.frame.required } else { &self.frame.invalid };
        let words = list.iter().find(|(named, _)| *named == field).map(|(_, text)| Arc::clone(text));
        self.first = Some((rank, Fault { words, ..Fault::new(reason).at(field) }));
    }
}

/// Shapes that can never be reached: an earlier one with the same constants wants nothing that they do not have.
pub fn unreachable(candidates: &[Candidate], frames: &[Frame]) -> Vec<Problem> {
    let mut problems = Vec::new();
    // What only ever follows another frame may look like a third: it is told apart when written, by being written then.
    let follows = |id: &String| frames.iter().any(|frame| frame.then.contains(id) || frame.before.contains(id));
    for (at, later) in candidates.iter().enumerate() {
        if follows(&frames[later.frame].id) {
            continue;
        }
        let hidden = candidates[..at].iter().find(|earlier| earlier.frame != later.frame && earlier.hides(later));
        if let Some(earlier) = hidden {
            let (first, second) = (&frames[earlier.frame], &frames[later.frame]);
            problems.push(Problem {
                span: second.offset..second.offset + 1,
                message: format!(
                    "frame `{}` is never read: every such frame is of `{}`, which comes first",
                    second.id, first.id
                ),
                help: Some(
                    "tell them apart by a constant, an enum, a member that must be there or one that must be absent"
                        .to_owned(),
                ),
            });
        }
    }
    problems
}

impl Candidate {
    /// Whether everything that `later` takes is taken by this one first.
    fn hides(&self, later: &Candidate) -> bool {
        let constants = self.constants.iter().all(|mine| later.constants.contains(mine));
        let absent = self.absent.iter().all(|at| later.absent.contains(at));
        constants && absent && self.binds.iter().all(|bind| bind.is_implied_by(&later.binds))
    }
}
