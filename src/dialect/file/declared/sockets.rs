//! `[[socket]]`.

use super::super::{sockets, words};
use super::frames::{FRAME, ORDER};
use super::refusals::REFUSALS;
use super::{EVENTS, FIELDS, ROLES};
use crate::declaration::{self, Key, Kind, Table, Words};

pub static SOCKET: Table = Table::of(&[
    Key::needed("id", Kind::Text, "A name of its own."),
    Key::new("paths", Kind::TEXTS, "Its paths; the first is written."),
    Key::needed("scope", Kind::Word(Words::of(|| declaration::words(words::SCOPES))), "What is heard on it."),
    Key::new(
        "roles",
        Kind::Either(&[Kind::Word(ROLES), Kind::List(&Kind::Word(ROLES))]),
        "Who may connect; without it anybody.",
    ),
    Key::new("bind", Kind::Table(&BINDINGS), "Fields that the connection itself says."),
    Key::new("accept_first", Kind::Boolean, "True: refusals are closes after an accepted handshake."),
    Key::new(
        "echo",
        Kind::Text,
        "Whether the sender's party gets its own message: `both`, `others`, or the option that decides; without it `both`.",
    ),
    Key::new(
        "confirm",
        Kind::Word(Words::of(|| declaration::words(sockets::CONFIRMS))),
        "How a send is confirmed; without it `echo`.",
    ),
    Key::new("presence", Kind::Boolean, "True: the others of a conversation are told when it opens and closes."),
    Key::new(
        "hears",
        Kind::Either(&[Kind::Word(EVENTS), Kind::List(&Kind::Word(EVENTS))]),
        "The kinds of events that are told on it; without it all that it has a frame for.",
    ),
    Key::new(
        "refuse",
        Kind::Table(&REFUSALS),
        "What it says to what it refuses, by reason, before the file's own list.",
    ),
    Key::new("overflow", Kind::Integer(1000, 4999), "The close code for a reader that does not read; without it 1013."),
    ORDER,
    Key::new(
        "frame",
        Kind::List(&Kind::Table(&FRAME)),
        "What is said on it; those of clients are tried in this order.",
    ),
]);

static BINDINGS: Table = Table::by_word(FIELDS, Kind::Table(&BINDING));

static BINDING: Table = Table::of(&[
    Key::needed("query", Kind::Text, "The parameter of the URL."),
    Key::new("required", Kind::Boolean, "Whether it must be there; without it true."),
    Key::new(
        "pattern",
        Kind::Word(Words::of(|| declaration::words(sockets::PATTERNS))),
        "What it must look like; without it `any`.",
    ),
]);
