//! `[[tests]]`.

use super::super::test_cases::SAID_BY;
use super::{FIELDS, REASONS};
use crate::declaration::{Key, Kind, Table, Words, words};

/// A condition, or a table of paths and what stands at each.
const EXPECTED: Kind = Kind::Either(&[Kind::Text, Kind::Table(&PATHS)]);

pub static TEST: Table = Table {
    one_of: &[&["frame", "call"], &["event", "gets", "lost", "refused"]],
    ..Table::of(&[
        Key::needed("name", Kind::Text, "What must hold, in words."),
        Key::needed("route", Kind::Text, "The `name` of the route on which it is said."),
        Key::new("from", Kind::Word(Words::of(|| words(SAID_BY))), "Who says it; without it `client`."),
        Key::new("frame", Kind::Text, "What is said on a socket."),
        Key::new("call", Kind::Table(&CALL), "An HTTP call with JSON, in place of a `frame`."),
        Key::new("given", Kind::Table(&GIVEN), "Facts that only a running gateway knows, as fields of the event."),
        Key::new("heard_by", Kind::Text, "The route of the hub whose clients hear it; without it the same."),
        Key::new("event", EXPECTED, "What it means: JSONPaths and the values there, or a condition."),
        Key::new(
            "gets",
            Kind::Either(&[Kind::Text, Kind::Table(&PATHS), Kind::List(&EXPECTED)]),
            "What the other side gets: one of the frames, or a list of all in their turn.",
        ),
        Key::new(
            "lost",
            Kind::Either(&[Kind::Word(FIELDS), Kind::List(&Kind::Word(FIELDS))]),
            "The fields that the other side is not told: these and no others.",
        ),
        Key::new("refused", Kind::Word(REASONS), "The reason for which nobody takes it; it stands alone."),
    ])
};

static CALL: Table = Table::of(&[
    Key::needed("method", Kind::Text, "As in `POST`."),
    Key::needed("path", Kind::Text, "The path as clients write it, below the route's prefix."),
    Key::new("body", Kind::Text, "The JSON that is sent."),
]);

static GIVEN: Table = Table::by_word(FIELDS, Kind::SCALAR);

static PATHS: Table = Table::by_name(Kind::Any);
