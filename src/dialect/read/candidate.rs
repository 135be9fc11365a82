//! One shape, compiled for reading: which constants decide that a frame is of it, and which places fill which fields.

use std::sync::Arc;

use serde_json::value::RawValue;

use crate::event::{EventKind, Field, Fields, MessageKind, Value};
use crate::fault::{Fault, Reason};

use super::super::capture::Captured;
use super::super::codec::Codec;
use super::super::frame::{Frame, FrameSet, Nested};
use super::super::hole::{Hole, Mark};
use super::super::problem::Problem;
use super::super::shape::{Node, TemplatePiece};
use super::super::table::Scalar;
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
}

#[derive(Debug)]
enum Bind {
    Scalar {
        at: usize,
        field: Field,
        hole: Hole,
    },
    /// Text between a fixed beginning and a fixed end.
    Between {
        at: usize,
        field: Field,
        hole: Hole,
        before: String,
        after: String,
    },
    List {
        at: usize,
        field: Field,
        shape: Arc<FrameSet>,
    },
    Record {
        at: usize,
        field: Field,
        shape: Arc<FrameSet>,
        required: bool,
    },
}

impl Candidate {
    pub fn compile(frame: usize, shape: &Node, absent: &[String], tree: &mut KeyTree, nested: &mut Nested<'_>) -> Self {
        let root = tree.root();
        let mut candidate = Candidate { frame, constants: Vec::new(), absent: Vec::new(), binds: Vec::new() };
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
            // Constant arrays and fractions are written; a reader has no use for them as discriminators.
            Node::Array(_) | Node::Float(_) => {}
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
            Node::Record { field, shape, mark } => {
                tree.keep_raw(at);
                if let Some(shape) = nested(shape) {
                    let required = *mark == Mark::Required;
                    self.binds.push(Bind::Record { at, field: *field, shape, required });
                }
            }
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

    /// Where a field's value stands, and how it is written there.
    pub fn places(&self, field: Field) -> impl Iterator<Item = (usize, &Codec)> {
        self.binds.iter().filter_map(move |bind| match bind {
            Bind::Scalar { at, field: named, hole } if *named == field => Some((*at, &hole.codec)),
            _ => None,
        })
    }

    /// Fills the fields; of several faults the one that the frame's order names first.
    pub fn bind<'a>(&'a self, captures: &[Captured<'a>], frame: &'a Frame) -> Bound<'a> {
        let mut fields = Fields::with_capacity(self.binds.len() + frame.set.len());
        let mut kind = None;
        let mut faults = Faults { frame, first: None };
        for (place, bind) in self.binds.iter().enumerate() {
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
        self.unfall(&mut fields);
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

impl Bind {
    /// A table that writes several kinds alike (`is_audio` is false for all but sound) leaves open which it is: among those
    /// the file itself decides.
    fn refined(&self, found: MessageKind, fields: &Fields<'_>) -> MessageKind {
        let Bind::Scalar { hole: Hole { codec: Codec::Enum(table), .. }, .. } = self else { return found };
        if !found.is_file() || !table.is_ambiguous(found.as_str()) {
            return found;
        }
        let by_file = derive::kind_of_file(fields);
        if table.writes_alike(found.as_str(), by_file.as_str()) { by_file } else { found }
    }
}

type BindResult<'a> = Result<Option<(Field, Value<'a>)>, (Field, Reason)>;

impl Bind {
    #[inline]
    fn read<'a>(&'a self, captures: &[Captured<'a>], frame: &Frame) -> BindResult<'a> {
        match self {
            Bind::Scalar { at, field, hole } => read_scalar(&captures[*at], *field, hole, frame),
            Bind::Between { at, field, hole, before, after } => match &captures[*at] {
                Captured::Text(text) => {
                    let inner = text.strip_prefix(before.as_str()).and_then(|text| text.strip_suffix(after.as_str()));
                    let inner = inner.ok_or((*field, Reason::Invalid))?;
                    let inner = Captured::Text(inner.to_owned().into());
                    let found = read_scalar(&inner, *field, hole, frame)?;
                    Ok(found.map(|(field, value)| (field, value.into_owned())))
                }
                other => read_scalar(other, *field, hole, frame),
            },
            Bind::List { at, field, shape } => match &captures[*at] {
                Captured::Raw(text) => read_list(text, *field, shape).map(Some),
                _ => Err((*field, Reason::Missing)),
            },
            Bind::Record { at, field, shape, required } => match &captures[*at] {
                Captured::Raw(text) => match shape.read(text) {
                    Ok(read) => Ok(Some((*field, Value::List(vec![read.fields])))),
                    Err(_) => Err((*field, Reason::Invalid)),
                },
                _ if *required => Err((*field, Reason::Missing)),
                _ => Ok(None),
            },
        }
    }
}

#[inline]
fn read_scalar<'a>(captured: &Captured<'a>, field: Field, hole: &'a Hole, frame: &Frame) -> BindResult<'a> {
    let has_words = || frame.required.iter().any(|(named, _)| *named == field);
    if captured.is_absent() {
        return if hole.may_be_absent() && !has_words() { Ok(None) } else { Err((field, Reason::Missing)) };
    }
    match hole.codec.read(captured) {
        Ok(value) if value.as_text() == Some("") => {
            if hole.empty_is_absent() {
                Ok(None)
            } else if has_words() {
                Err((field, Reason::Missing))
            } else {
                Ok(Some((field, value)))
            }
        }
        Ok(value) => Ok(Some((field, value))),
        Err(_) if hole.empty_is_absent() && *captured == Captured::Text("".into()) => Ok(None),
        Err(_) => Err((field, Reason::Invalid)),
    }
}

/// Members that are of no known shape are passed over: a server may know kinds that we do not.
fn read_list<'a>(text: &'a str, field: Field, shape: &'a FrameSet) -> Result<(Field, Value<'a>), (Field, Reason)> {
    let items: Vec<&'a RawValue> = serde_json::from_str(text).map_err(|_| (field, Reason::Invalid))?;
    let mut records = Vec::with_capacity(items.len());
    for item in items {
        match shape.read(item.get()) {
            Ok(read) => records.push(read.fields),
            Err(fault) if fault.reason == Reason::UnknownAction => {}
            Err(_) => return Err((field, Reason::Invalid)),
        }
    }
    Ok((field, Value::List(records)))
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

impl Bind {
    fn place(&self) -> usize {
        match self {
            Bind::Scalar { at, .. } | Bind::Between { at, .. } | Bind::List { at, .. } | Bind::Record { at, .. } => *at,
        }
    }

    fn is_required(&self) -> bool {
        match self {
            Bind::Scalar { hole, .. } | Bind::Between { hole, .. } => !hole.may_be_absent(),
            Bind::List { .. } => true,
            Bind::Record { required, .. } => *required,
        }
    }

    /// Whether a frame that fills `others` surely fills this one too.
    fn is_implied_by(&self, others: &[Bind]) -> bool {
        let same = others.iter().find(|other| other.place() == self.place());
        match (self, same) {
            (_, None) => !self.is_required(),
            (Bind::Scalar { hole: mine, .. }, Some(Bind::Scalar { hole: theirs, .. })) => {
                mine.codec == theirs.codec && (mine.may_be_absent() || !theirs.may_be_absent())
            }
            (_, Some(_)) => false,
        }
    }
}
