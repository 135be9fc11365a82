//! Frames of a file. In: a `[[socket.frame]]`, or the shape of a body. Out: the frame, ready to be compiled.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::event::Field;

use super::super::frame::{Alternative, Frame, Guard, Need};
use super::super::model::OptionValue;
use super::super::table::Scalar;
use super::section::{Section, Text};
use super::shapes::{self, Library};
use super::words;

/// Which way a frame goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    FromClient,
    FromServer,
}

pub const SIDES: &[(&str, Direction)] = &[("client", Direction::FromClient), ("server", Direction::FromServer)];

/// When a frame is said that nothing calls for.
pub const MOMENTS: &[(&str, ())] = &[("open", ())];

/// Whom a frame is for.
#[derive(Debug, Clone, Copy)]
pub enum Addressee {
    Origin,
    Sender,
    Receiver,
}

pub const AUDIENCE: &[(&str, Addressee)] =
    &[("origin", Addressee::Origin), ("sender", Addressee::Sender), ("receiver", Addressee::Receiver)];

/// A frame of a socket; `None` when it has mistakes or its option is off.
pub fn read(
    section: Section<'_>,
    library: &Library,
    options: &BTreeMap<String, OptionValue>,
) -> Option<(Direction, Frame)> {
    let chosen = super::is_chosen(&section, options);
    let id = section.needed_text("id");
    let from = section.needed_word("from", "side", SIDES);
    if !section.has("event") {
        section.problem(section.span(), "`event` is missing here", None);
    }
    let mut frame = body(&section, id.as_ref().map_or("", |id| &id.value), library);
    if let Some(frame) = &mut frame {
        audience(&section, frame);
        // A frame about nothing is known and passed over.
        frame.written = section.flag("written").unwrap_or(true) && frame.pattern.is_some();
        if frame.pattern.is_none() && from == Some(Direction::FromClient) {
            let help = Some("`event = \"none\"` is for frames of the server that mean nothing here".to_owned());
            section.problem(section.span_of("event"), "a client's frame is about something", help);
        }
        frame.confirms = section.flag("confirms").unwrap_or(false);
        frame.before = section.texts("before").into_iter().map(|text| text.value).collect();
        frame.on_open = section.word("on", "moment", MOMENTS).is_some();
        frame.then = section.texts("then").into_iter().map(|text| text.value).collect();
        frame.order = section.texts("order").iter().filter_map(|text| words::field(&section, text)).collect();
    }
    section.finish();
    chosen.then_some((from?, frame?))
}

fn audience(section: &Section<'_>, frame: &mut Frame) {
    if !section.has("to") {
        return;
    }
    (frame.to_sender, frame.to_receiver) = (false, false);
    for text in section.texts("to") {
        match AUDIENCE.iter().find(|(word, _)| *word == text.value).map(|(_, addressee)| addressee) {
            Some(Addressee::Origin) => frame.to_origin = true,
            Some(Addressee::Sender) => frame.to_sender = true,
            Some(Addressee::Receiver) => frame.to_receiver = true,
            None => section.problem(text.span, "wanted \"origin\", \"sender\" or \"receiver\"", None),
        }
    }
}

/// What frames and bodies share: `shape`, `also`, `event`, `set`, `when`, `required`, `invalid`, `need`.
pub fn body(section: &Section<'_>, id: &str, library: &Library) -> Option<Frame> {
    let text = section.needed_text("shape");
    body_of(section, id, text, library)
}

/// The same for a shape that stands under another key.
pub fn body_of(section: &Section<'_>, id: &str, text: Option<Text>, library: &Library) -> Option<Frame> {
    let named = section.text("event").filter(|text| text.value != "none");
    let pattern = named.and_then(|text| shapes::pattern(section, &text));
    let also = section.sections("also").into_iter().filter_map(|table| alternative(table, library)).collect();
    let set = set(section);
    let when = guard(section);
    let required = texts_by_field(section, "required");
    let invalid = texts_by_field(section, "invalid");
    let need = section.section("need").and_then(|section| need(section, library.options()));
    let text = text?;
    let shape = library.shape(section, &text)?;
    Some(Frame { also, set, when, required, invalid, need, ..Frame::plain(id, pattern, shape, text.span.start) })
}

fn alternative(section: Section<'_>, library: &Library) -> Option<Alternative> {
    let shape = section.needed_text("shape").and_then(|text| library.shape(&section, &text));
    let absent = section.texts("absent").into_iter().map(|text| text.value).collect();
    section.finish();
    Some(Alternative { shape: shape?, absent })
}

/// Facts that are implied: field → constant.
pub fn set(section: &Section<'_>) -> Vec<(Field, Scalar)> {
    let Some(table) = section.section("set") else { return Vec::new() };
    let keys = table.keys().into_iter();
    keys.filter_map(|(key, span)| {
        let field = words::field_key(&table, key, span)?;
        Some((field, words::scalar(&table, key, table.value(key)?)?))
    })
    .collect()
}

/// The one condition under which a frame or named shape is written.
pub fn guard(section: &Section<'_>) -> Option<Guard> {
    if section.is_table("when") {
        let table = section.section("when")?;
        let field = table.needed_text("field").and_then(|text| words::field(&table, &text));
        let is = table.value("is").and_then(|value| words::scalar(&table, "is", value));
        table.finish();
        return Some(Guard { field: field?, is });
    }
    let field = section.text("when").and_then(|text| words::field(section, &text))?;
    Some(Guard { field, is: None })
}

/// Words by field. Keys that name no field (`file`, `size`) are the business of calls.
pub fn texts_by_field(section: &Section<'_>, key: &'static str) -> Vec<(Field, Arc<str>)> {
    let Some(table) = section.section(key) else { return Vec::new() };
    let keys = table.keys().into_iter();
    keys.filter_map(|(name, span)| {
        let text = super::shared(table.text(name)?);
        if name == "file" {
            return None;
        }
        Some((words::field_key(&table, name, span)?, text))
    })
    .collect()
}

fn need(section: Section<'_>, options: &BTreeMap<String, OptionValue>) -> Option<Need> {
    let any = section.texts("any").iter().filter_map(|text| words::field(&section, text)).collect();
    let text = section.needed_text("text").map(super::shared);
    let exclusive = section.flag("exclusive").unwrap_or(false);
    let both = section.section("both").and_then(|both| {
        let chosen = super::is_chosen(&both, options);
        let text = both.needed_text("text").map(super::shared);
        both.finish();
        text.filter(|_| chosen)
    });
    section.finish();
    Some(Need { any, text: text?, exclusive, both })
}
