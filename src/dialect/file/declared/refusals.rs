//! Tables of refusals, by reason: of the file, a socket, a call.

use super::REASONS;
use crate::declaration::{Key, Kind, Others, Table};

pub static REFUSALS: Table = Table {
    others: Some(Others { names: Some(REASONS), kind: Kind::Table(&RULE) }),
    ..Table::of(&[Key::new("default", Kind::Table(&DEFAULT), "What every refusal looks like.")])
};

static DEFAULT: Table = Table::of(&[Key::new(
    "shape",
    Kind::Text,
    "The body: a named shape, or JSON with holes; without it the shape `error`.",
)]);

static RULE: Table = Table::of(&[
    Key::new("status", Kind::Integer(100, 599), "The HTTP status."),
    Key::new("text", Kind::Text, "The words; `{limit}` is the size that was exceeded."),
    Key::new("code", Kind::Integer(i64::MIN, i64::MAX), "The number of the dialect's own, `{error.code}`."),
    Key::new(
        "codes",
        Kind::List(&Kind::Integer(i64::MIN, i64::MAX)),
        "As client: numbers that mean this reason, whatever the status beside them.",
    ),
    Key::new("close", Kind::Integer(1000, 4999), "The close code of a socket."),
    Key::new("frame", Kind::Boolean, "On a socket: an error frame, before the close if there is one."),
]);
