//! The frames of one direction, or the bodies of one place: their shapes as written, compiled for reading and writing.

use std::sync::Arc;

use crate::event::{EventKind, Field, Fields, Value};
use crate::fault::Fault;

use super::buttons::Grid;
use super::model::{Audience, EventPattern};
use super::problem::Problem;
use super::read::{Reader, Tried};
use super::shape::Node;
use super::table::Scalar;
use super::write::{Unwritable, Writer};

/// A frame as its file describes it.
#[derive(Debug, Clone)]
pub struct Frame {
    pub id: String,
    /// Which events it is about; `None` for bodies that are no events.
    pub pattern: Option<EventPattern>,
    pub shape: Node,
    /// Shapes that are read too.
    pub also: Vec<Alternative>,
    /// Whether it is written for the events that it is about. One that is not is read, and written where another frame
    /// names it in `before` or `then`.
    pub written: bool,
    /// For the very socket that said it, and for nobody else.
    pub to_origin: bool,
    pub to_sender: bool,
    pub to_receiver: bool,
    /// Sent once when the socket opens.
    pub on_open: bool,
    /// It alone confirms what was sent, and tells nothing of it but the id that it got.
    pub confirms: bool,
    /// Facts that the frame implies and does not say.
    pub set: Vec<(Field, Scalar)>,
    pub when: Option<Guard>,
    /// Frames that are written before it.
    pub before: Vec<String>,
    /// Frames that are written after it.
    pub then: Vec<String>,
    /// The dialect's words for a missing field; an empty text counts as missing where there are words.
    pub required: Vec<(Field, Arc<str>)>,
    /// The dialect's words for a field that cannot be read.
    pub invalid: Vec<(Field, Arc<str>)>,
    pub need: Option<Need>,
    /// Which fault is named first.
    pub order: Vec<Field>,
    /// Where it stands in its file, in bytes.
    pub offset: usize,
}

/// A shape that is read and never written.
#[derive(Debug, Clone)]
pub struct Alternative {
    pub shape: Node,
    /// Members that must be missing.
    pub absent: Vec<String>,
}

/// One field that is there, or equals a constant.
#[derive(Debug, Clone, PartialEq)]
pub struct Guard {
    pub field: Field,
    pub is: Option<Scalar>,
}

impl Guard {
    pub fn holds(&self, fields: &Fields<'_>) -> bool {
        match (&self.is, fields.get(self.field)) {
            (None, found) => found.is_some(),
            (Some(constant), Some(value)) => constant.is(value),
            (Some(constant), None) => *constant == Scalar::Null,
        }
    }
}

/// One of these fields must be there.
#[derive(Debug, Clone)]
pub struct Need {
    pub any: Vec<Field>,
    pub text: Arc<str>,
    /// Only one of them may be written; both are read, so that nobody's caption is lost.
    pub exclusive: bool,
    /// The dialect's words where more than one is read and that is refused.
    pub both: Option<Arc<str>>,
}

impl Frame {
    /// What it needs before it says anything: the first of those fields of which one must be there, where none is.
    pub fn lacks(&self, fields: &Fields<'_>) -> Option<Field> {
        let need = self.need.as_ref().filter(|need| !need.any.iter().any(|field| fields.has(*field)))?;
        need.any.first().copied()
    }

    /// A frame that is just its shape.
    pub fn plain(id: impl Into<String>, pattern: Option<EventPattern>, shape: Node, offset: usize) -> Self {
        Frame {
            id: id.into(),
            pattern,
            shape,
            also: Vec::new(),
            written: true,
            to_origin: false,
            to_sender: true,
            to_receiver: true,
            on_open: false,
            confirms: false,
            set: Vec::new(),
            when: None,
            before: Vec::new(),
            then: Vec::new(),
            required: Vec::new(),
            invalid: Vec::new(),
            need: None,
            order: Vec::new(),
            offset,
        }
    }

    /// Whether it is written for such an event.
    pub fn is_about(&self, kind: Option<EventKind>) -> bool {
        match (self.pattern, kind) {
            _ if !self.written => false,
            (None, _) => true,
            (Some(pattern), Some(kind)) => pattern.matches(kind),
            (Some(_), None) => false,
        }
    }

    /// Whether it tells one socket that what it said was taken, and tells nobody else anything.
    pub fn is_answer(&self) -> bool {
        self.to_origin && !self.to_sender && !self.to_receiver
    }

    /// Whether it is the sender's alone: no news to anybody else.
    pub fn is_copy(&self) -> bool {
        !self.to_receiver
    }

    pub fn is_for(&self, audience: Audience) -> bool {
        match audience {
            Audience::Origin => self.to_origin || self.to_sender,
            Audience::Sender => self.to_sender,
            Audience::Receiver => self.to_receiver,
        }
    }
}

/// What reading found.
#[derive(Debug, Clone, PartialEq)]
pub struct Read<'a> {
    /// Which frame of the set it is.
    pub frame: usize,
    pub fields: Fields<'a>,
}

/// The frames of one direction.
#[derive(Debug, Default)]
pub struct FrameSet {
    pub frames: Vec<Frame>,
    pub reader: Reader,
    pub writer: Writer,
    /// Whether any of them says its number.
    pub is_numbered: bool,
    /// How a grid of buttons in them reads; `None` where they name no grid.
    pub grid: Option<Arc<Grid>>,
}

/// Finds the compiled form of a named shape.
pub type Nested<'a> = dyn FnMut(&str) -> Option<Arc<FrameSet>> + 'a;

impl FrameSet {
    /// Compiles frames; problems are overlaps that no constant, absence or order decides.
    pub fn compile(frames: Vec<Frame>, nested: &mut Nested<'_>) -> Result<Self, Vec<Problem>> {
        let reader = Reader::compile(&frames, nested)?;
        let writer = Writer::compile(&frames, nested);
        let mut named = Vec::new();
        frames.iter().for_each(|frame| frame.shape.fields(&mut named));
        Ok(FrameSet { is_numbered: named.contains(&Field::FrameNumber), frames, reader, writer, grid: None })
    }

    /// Decodes one frame.
    pub fn read<'a>(&'a self, text: &'a str) -> Result<Read<'a>, Fault> {
        let mut read = self.reader.read(text, &self.frames)?;
        if let Some(grid) = &self.grid {
            grid.note(&mut read.fields);
        }
        Ok(read)
    }

    /// What became of each shape that this could be of; a fault where it is not even JSON.
    pub fn try_all(&self, text: &str) -> Result<Vec<Tried>, Fault> {
        self.reader.try_all(text, &self.frames)
    }

    /// The same frame, byte for byte, with other values in the places of these fields; a field that is not there stays
    /// away.
    pub fn splice(&self, text: &str, changes: &[(Field, Value<'_>)]) -> Result<String, Fault> {
        self.reader.splice(text, &self.frames, changes)
    }

    /// Encodes for one audience: the first frame that fits, then what follows it.
    pub fn write(&self, fields: &Fields<'_>, audience: Audience) -> Result<Vec<String>, Unwritable> {
        self.writer.write(fields, audience, &self.frames)
    }

    /// The same, and which frame it was.
    pub fn write_with_frame(
        &self,
        fields: &Fields<'_>,
        audience: Audience,
    ) -> Result<(usize, Vec<String>), Unwritable> {
        self.writer.write_with_frame(fields, audience, &self.frames)
    }

    /// The facts that a frame tells, those of the frames that follow it included.
    pub fn told(&self, at: usize) -> Vec<Field> {
        let Some(frame) = self.frames.get(at) else { return Vec::new() };
        let named = frame.before.iter().chain(&frame.then);
        let beside = named.filter_map(|name| self.frames.iter().find(|other| other.id == *name));
        let mut told = Vec::new();
        for frame in std::iter::once(frame).chain(beside.filter(|frame| !frame.is_answer())) {
            frame.shape.fields(&mut told);
            told.extend(frame.set.iter().map(|(field, _)| *field));
        }
        told.sort_unstable();
        told.dedup();
        told
    }

    /// Whether the records of a list can be about such an event.
    pub fn lists(&self, list: Field, kind: EventKind) -> bool {
        (0..self.frames.len())
            .flat_map(|at| self.writer.nested(at))
            .any(|(field, records)| field == list && records.frames.iter().any(|frame| frame.is_about(Some(kind))))
    }

    /// The frame by which one socket learns that what it said, which is no message, was taken; where the dialect has one.
    pub fn answer(&self, fields: &Fields<'_>) -> Option<String> {
        self.writer.answer(fields, &self.frames)
    }

    /// Whether a frame is sent when a socket opens.
    pub fn greets(&self) -> bool {
        self.frames.iter().any(|frame| frame.on_open)
    }

    /// The frame sent when a socket opens, if there is one and it can be written.
    pub fn greeting(&self, fields: &Fields<'_>) -> Option<String> {
        let at = self.frames.iter().position(|frame| frame.on_open)?;
        let mut out = String::new();
        self.writer.write_frame(at, fields, &mut out).ok().map(|()| out)
    }

    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }
}
