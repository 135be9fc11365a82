//! Encoding: a shape is literal pieces and holes, written one after the other into one buffer. In: fields. Out: the
//! frame, byte-shaped as the dialect documents it, or the field that it needs and does not have.

mod pieces;

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use crate::event::{Field, Fields, Value};

use super::frame::{Frame, FrameSet, Nested};
use super::hole::{Hole, Mark, StandIn};
use super::json;
use super::model::Audience;
use super::shape::{Key, TemplatePiece};
use pieces::Piece;

/// The compiled shapes of one direction.
#[derive(Debug, Default)]
pub struct Writer {
    shapes: Vec<Box<[Piece]>>,
}

/// Why nothing could be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unwritable {
    /// No frame is about such an event for this audience.
    NoShape,
    /// The frame needs this field, or needs it in another form.
    Needs(Field),
}

impl Writer {
    pub(super) fn compile(frames: &[Frame], nested: &mut Nested<'_>) -> Self {
        Writer { shapes: frames.iter().map(|frame| pieces::compile(&frame.shape, nested)).collect() }
    }

    /// The first frame that fits, then those that follow it. Of several that do not fit, the first says what it needs.
    pub(super) fn write(
        &self,
        fields: &Fields<'_>,
        audience: Audience,
        frames: &[Frame],
    ) -> Result<Vec<String>, Unwritable> {
        self.write_with_frame(fields, audience, frames).map(|(_, written)| written)
    }

    pub(super) fn write_with_frame(
        &self,
        fields: &Fields<'_>,
        audience: Audience,
        frames: &[Frame],
    ) -> Result<(usize, Vec<String>), Unwritable> {
        let mut unwritable = Unwritable::NoShape;
        for (at, frame) in frames.iter().enumerate() {
            if frame.on_open || !frame.is_about(fields.kind()) || !frame.is_for(audience) || !admits(frame, fields) {
                continue;
            }
            let is_message = fields.kind().is_some_and(|kind| kind.message().is_some());
            if frame.is_answer() && !is_message {
                continue;
            }
            let mut written = Vec::new();
            self.write_beside(&frame.before, fields, audience, frames, &mut written);
            let mut out = String::with_capacity(256);
            match self.write_frame(at, &numbered(fields, written.len()), &mut out) {
                Ok(()) => {
                    written.push(out);
                    self.write_beside(&frame.then, fields, audience, frames, &mut written);
                    return Ok((at, written));
                }
                Err(needs) if unwritable == Unwritable::NoShape => unwritable = needs,
                Err(_) => {}
            }
        }
        Err(unwritable)
    }

    /// Frames that another one names.
    fn write_beside(
        &self,
        named: &[String],
        fields: &Fields<'_>,
        audience: Audience,
        frames: &[Frame],
        written: &mut Vec<String>,
    ) {
        for name in named {
            let Some(at) = frames.iter().position(|other| other.id == *name) else { continue };
            let holds = frames[at].when.as_ref().is_none_or(|guard| guard.holds(fields));
            let mut out = String::new();
            let numbered = numbered(fields, written.len());
            if holds && frames[at].is_for(audience) && self.write_frame(at, &numbered, &mut out).is_ok() {
                written.push(out);
            }
        }
    }

    /// What tells one socket alone that what it said was taken.
    pub(super) fn answer(&self, fields: &Fields<'_>, frames: &[Frame]) -> Option<String> {
        let fits = |frame: &Frame| frame.is_answer() && frame.is_about(fields.kind()) && admits(frame, fields);
        let mut fitting = frames.iter().enumerate().filter(|(_, frame)| fits(frame));
        fitting.find_map(|(at, _)| {
            let mut out = String::new();
            self.write_frame(at, fields, &mut out).ok().map(|()| out)
        })
    }

    /// The named shapes of a frame's lists and records, by field.
    pub fn nested(&self, at: usize) -> Vec<(Field, Arc<FrameSet>)> {
        let mut found = Vec::new();
        add_nested(&self.shapes[at], &mut found);
        found
    }

    /// One frame by its place, whatever it is about.
    pub fn write_frame(&self, at: usize, fields: &Fields<'_>, out: &mut String) -> Result<(), Unwritable> {
        write_pieces(&self.shapes[at], fields, out)
    }
}

/// The same fields in a frame that so many others go before.
fn numbered<'a, 'f>(fields: &'a Fields<'f>, before: usize) -> Cow<'a, Fields<'f>> {
    match (fields.integer(Field::FrameNumber), i64::try_from(before)) {
        (Some(number), Ok(before)) if before > 0 => {
            let mut numbered = fields.clone();
            numbered.set(Field::FrameNumber, Value::Integer(number.saturating_add(before)));
            Cow::Owned(numbered)
        }
        _ => Cow::Borrowed(fields),
    }
}

fn add_nested(pieces: &[Piece], found: &mut Vec<(Field, Arc<FrameSet>)>) {
    for piece in pieces {
        match piece {
            Piece::Each { list, shape } | Piece::Keyed { list, shape, .. } => found.push((*list, Arc::clone(shape))),
            Piece::Record { field, shape, .. } => found.push((*field, Arc::clone(shape))),
            Piece::Embedded(inner) => add_nested(inner, found),
            Piece::Text(_)
            | Piece::Comma
            | Piece::Hole(_)
            | Piece::Member { .. }
            | Piece::Template(_)
            | Piece::Order { .. } => {}
        }
    }
}

/// Whether guard and implied facts agree with the event.
fn admits(frame: &Frame, fields: &Fields<'_>) -> bool {
    frame.when.as_ref().is_none_or(|guard| guard.holds(fields))
        && frame.set.iter().all(|(field, scalar)| fields.get(*field).is_none_or(|value| scalar.is(value)))
}

fn write_pieces(pieces: &[Piece], fields: &Fields<'_>, out: &mut String) -> Result<(), Unwritable> {
    for piece in pieces {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Comma => separate(out),
            Piece::Hole(hole) => write_hole(hole, fields, out)?,
            Piece::Member { key, hole } => {
                if is_there(hole, fields) {
                    separate(out);
                    out.push_str(key);
                    write_hole(hole, fields, out)?;
                }
            }
            Piece::Template(template) => write_template(template, fields, out)?,
            Piece::Each { list, shape } => write_list(*list, shape, fields, out)?,
            Piece::Keyed { list, key, shape } => write_keyed(*list, key, shape, fields, out)?,
            Piece::Order { list, key } => write_order(*list, key, fields, out)?,
            Piece::Embedded(inner) => {
                let mut text = String::with_capacity(256);
                write_pieces(inner, fields, &mut text)?;
                json::write_string(&text, out);
            }
            Piece::Record { key, field, shape, mark } => {
                write_record(key.as_deref(), *field, shape, mark, fields, out)?
            }
        }
    }
    Ok(())
}

/// A comma, unless an object or array has just begun.
fn separate(out: &mut String) {
    if !out.ends_with(['{', '[']) {
        out.push(',');
    }
}

fn is_there(hole: &Hole, fields: &Fields<'_>) -> bool {
    hole.field.is_some_and(|field| field == Field::Kind && fields.message_kind().is_some() || fields.has(field))
}

fn write_hole(hole: &Hole, fields: &Fields<'_>, out: &mut String) -> Result<(), Unwritable> {
    if let Some(field) = hole.field {
        let start = out.len();
        let written = match fields.message_kind().filter(|_| field == Field::Kind) {
            Some(kind) => Some(hole.codec.write(&Value::text(kind.as_str()), out)),
            None => fields.get(field).map(|value| hole.codec.write(value, out)),
        };
        match written {
            Some(true) => return Ok(()),
            Some(false) if hole.mark == Mark::Required => return Err(Unwritable::Needs(field)),
            Some(false) => out.truncate(start),
            None => {}
        }
    }
    match (&hole.mark, hole.field) {
        (Mark::StandIn(stand_in), _) => write_stand_in(stand_in, out),
        (Mark::Fallback(field, codec), _) => match fields.get(*field) {
            Some(value) if codec.write(value, out) => {}
            _ => return Err(Unwritable::Needs(hole.field.unwrap_or(*field))),
        },
        (Mark::Required | Mark::Optional, Some(field)) => return Err(Unwritable::Needs(field)),
        (Mark::Required | Mark::Optional, None) => out.push_str("null"),
    }
    Ok(())
}

fn write_stand_in(stand_in: &StandIn, out: &mut String) {
    match stand_in {
        StandIn::Scalar(scalar) => scalar.write(out),
        StandIn::EmptyList => out.push_str("[]"),
        StandIn::EmptyObject => out.push_str("{}"),
    }
}

fn write_template(pieces: &[TemplatePiece], fields: &Fields<'_>, out: &mut String) -> Result<(), Unwritable> {
    let mut text = String::new();
    for piece in pieces {
        match piece {
            TemplatePiece::Text(plain) => text.push_str(plain),
            TemplatePiece::Hole(hole) => {
                let kind = fields.message_kind().map(|kind| Value::text(kind.as_str()));
                let value = hole.field.and_then(|field| match field {
                    Field::Kind => kind.as_ref(),
                    field => fields.get(field),
                });
                match value.is_some_and(|value| hole.codec.write_plain(value, &mut text)) {
                    true => {}
                    false if hole.may_be_omitted() => {}
                    false => match (hole.stand_in(), hole.field) {
                        (Some(StandIn::Scalar(scalar)), _) => text.push_str(&scalar.text()),
                        (_, Some(field)) => return Err(Unwritable::Needs(field)),
                        (_, None) => {}
                    },
                }
            }
        }
    }
    json::write_string(&text, out);
    Ok(())
}

/// Members that the shape cannot carry are left out: some APIs list texts only.
fn write_list(list: Field, shape: &Arc<FrameSet>, fields: &Fields<'_>, out: &mut String) -> Result<(), Unwritable> {
    if !fields.has(list) {
        return Err(Unwritable::Needs(list));
    }
    out.push('[');
    for record in fields.list(list) {
        let before = out.len();
        separate(out);
        if write_first(shape, record, out).is_err() {
            out.truncate(before);
        }
    }
    out.push(']');
    Ok(())
}

/// The same as members of an object; of two records with one key the first is written.
fn write_keyed(
    list: Field,
    key: &Key,
    shape: &Arc<FrameSet>,
    fields: &Fields<'_>,
    out: &mut String,
) -> Result<(), Unwritable> {
    if !fields.has(list) {
        return Err(Unwritable::Needs(list));
    }
    let mut seen = HashSet::new();
    out.push('{');
    for record in fields.list(list) {
        let Some(name) = record.get(key.field).and_then(Value::to_text) else { continue };
        if !seen.insert(name.to_string()) {
            continue;
        }
        let before = out.len();
        separate(out);
        json::write_string(&name, out);
        out.push(':');
        if write_first(shape, record, out).is_err() {
            out.truncate(before);
        }
    }
    out.push('}');
    Ok(())
}

fn write_order(list: Field, key: &Key, fields: &Fields<'_>, out: &mut String) -> Result<(), Unwritable> {
    if !fields.has(list) {
        return Err(Unwritable::Needs(list));
    }
    out.push('[');
    for record in fields.list(list) {
        let before = out.len();
        separate(out);
        if !record.get(key.field).is_some_and(|value| key.codec.write(value, out)) {
            out.truncate(before);
        }
    }
    out.push(']');
    Ok(())
}

fn write_record(
    key: Option<&str>,
    field: Field,
    shape: &Arc<FrameSet>,
    mark: &Mark,
    fields: &Fields<'_>,
    out: &mut String,
) -> Result<(), Unwritable> {
    let before = out.len();
    if let Some(key) = key {
        separate(out);
        out.push_str(key);
    }
    if let Some(record) = fields.list(field).first()
        && write_first(shape, record, out).is_ok()
    {
        return Ok(());
    }
    match mark {
        Mark::StandIn(stand_in) => write_stand_in(stand_in, out),
        Mark::Optional => out.truncate(before),
        Mark::Required | Mark::Fallback(..) => return Err(Unwritable::Needs(field)),
    }
    Ok(())
}

/// The first shape of a set that this record fits.
fn write_first(shape: &FrameSet, record: &Fields<'_>, out: &mut String) -> Result<(), Unwritable> {
    let mut unwritable = Unwritable::NoShape;
    for (at, frame) in shape.frames.iter().enumerate() {
        if !frame.is_about(record.kind()) || !admits(frame, record) {
            continue;
        }
        let before = out.len();
        match shape.writer.write_frame(at, record, out) {
            Ok(()) => return Ok(()),
            Err(needs) => {
                out.truncate(before);
                unwritable = needs;
            }
        }
    }
    Err(unwritable)
}
