//! What has a shape: frames of sockets, and the bodies that calls and webhooks share their keys with.

use super::super::frames::{AUDIENCE, MOMENTS, SIDES};
use super::{CHECKS, EVENTS, FACTS, FIELDS, OPTION, WORDS_BY_FIELD};
use crate::declaration::{Key, Kind, Table, Words, words};

/// Of a frame or body also `none`: known, and about nothing here.
const EVENTS_AND_NONE: Words = Words { pattern: Some("^none$"), name: Some("event_or_none"), ..EVENTS };

pub const SHAPE: Key = Key::needed("shape", Kind::Text, "JSON with holes.");
pub const SHAPE_EVENT: Key = Key::new("event", Kind::Word(EVENTS), "The kinds of events that it is for.");
pub const EVENT: Key = Key::new(
    "event",
    Kind::Word(EVENTS_AND_NONE),
    "The kinds of events that it is about; `none`: known, and passed over.",
);
pub const ALSO: Key = Key::new("also", Kind::List(&ALSO_READ), "Shapes that are read, too.");
pub const SET: Key = Key::new("set", Kind::Table(&FACTS), "Facts that it implies and does not say.");
pub const GUARDED: Key = Key::new("when", Kind::Either(&GUARDS), "Written only if this field is there, or is this.");
pub const REQUIRED: Key =
    Key::new("required", Kind::Table(&WORDS_BY_FIELD), "The dialect's words for a field that is missing.");
pub const INVALID: Key =
    Key::new("invalid", Kind::Table(&WORDS_BY_FIELD), "The dialect's words for a field that cannot be read.");
pub const NEED: Key = Key::new("need", Kind::Table(&NEEDED), "Fields of which at least one is there.");

pub static FRAME: Table = Table::of(&[
    OPTION,
    Key::needed("id", Kind::Text, "A name of its own on its socket."),
    Key::needed("from", Kind::Word(Words::of(|| words(SIDES))), "Who says it."),
    Key::needed(
        "event",
        Kind::Word(EVENTS_AND_NONE),
        "The kinds of events that it is about; `none`: of a server, known and passed over.",
    ),
    SHAPE,
    ALSO,
    SET,
    GUARDED,
    REQUIRED,
    INVALID,
    NEED,
    Key::new(
        "to",
        Kind::Either(&[Kind::Word(AUDIENCES), Kind::List(&Kind::Word(AUDIENCES))]),
        "Of a server: for whom; `origin` is the very socket that said it. Without it sender and receiver.",
    ),
    Key::new("written", Kind::Boolean, "False: it is read, and written only where `before` or `then` names it."),
    Key::new("confirms", Kind::Boolean, "True: as client, it alone confirms a send."),
    Key::new("before", Kind::TEXTS, "Frames that are written before it."),
    Key::new("then", Kind::TEXTS, "Frames that are written after it."),
    Key::new("on", Kind::Word(Words::of(|| words(MOMENTS))), "Of a server: said once when the socket opens."),
    Key::new(
        "order",
        Kind::Either(&[Kind::Word(FIELDS), Kind::List(&Kind::Word(FIELDS))]),
        "Which missing or wrong field is named first.",
    ),
]);

const AUDIENCES: Words = Words::of(|| words(AUDIENCE));

static ALSO_READ: Kind = Kind::Table(&ALTERNATIVE);

static ALTERNATIVE: Table = Table::of(&[SHAPE, Key::new("absent", Kind::TEXTS, "Members that must be missing.")]);

/// A field, or what one must be.
static GUARDS: [Kind; 2] = [Kind::Word(FIELDS), Kind::Table(&GUARD)];

static GUARD: Table = Table::of(&[
    Key::needed("field", Kind::Word(FIELDS), "The field that must be there."),
    Key::new("is", Kind::SCALAR, "What it must be."),
]);

static NEEDED: Table = Table::of(&[
    Key::new("any", Kind::Either(&[Kind::Word(FIELDS), Kind::List(&Kind::Word(FIELDS))]), "The fields."),
    Key::needed("text", Kind::Text, "What is said where none of them is there."),
    Key::new("exclusive", Kind::Boolean, "True: only one of them is written, both are read."),
    Key::new("both", Kind::Table(&BOTH), "More than one of them is refused."),
]);

static BOTH: Table = Table::of(&[OPTION, Key::needed("text", Kind::Text, "What is said then.")]);

/// Not of frames; here because calls and sockets share it.
pub const ORDER: Key = Key::new(
    "order",
    Kind::Either(&[Kind::Word(CHECKS), Kind::List(&Kind::Word(CHECKS))]),
    "Which missing or wrong field, or check, is named first.",
);
