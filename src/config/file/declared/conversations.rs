//! `[[conversations]]`.

use super::CONVERSATION_KINDS;
use crate::declaration::{Key, Kind, Others, Table};

/// An id: a text or a whole number.
const ID: Kind = Kind::Either(&[Kind::Text, Kind::Integer(0, i64::MAX)]);

/// Keys that are not declared are names of dialects or upstreams.
pub static CONVERSATION: Table = Table {
    others: Some(Others {
        names: None,
        kind: Kind::Either(&[Kind::Text, Kind::Integer(0, i64::MAX), Kind::Pair(&ID), Kind::Table(&KEYS)]),
    }),
    ..Table::of(&[
        Key::needed("name", Kind::Text, "A name of its own, which rules and other settings use."),
        Key::new("kind", Kind::Word(CONVERSATION_KINDS), "What kind of conversation it is."),
        Key::new("department", Kind::Text, "The department whose staff sees it."),
        Key::new("business", Kind::Text, "The business that it belongs to."),
        Key::new("post_token", Kind::Text, "The post of a market place that it is about."),
        Key::new("guest", Kind::Table(&GUEST), "Who the house talks to there."),
    ])
};

static GUEST: Table = Table::of(&[
    Key::new("id", Kind::Text, "The guest's id."),
    Key::new("name", Kind::Text, "The guest's name."),
    Key::new("room_number", Kind::Text, "The guest's room."),
    Key::new("whatsapp_number", Kind::Text, "Where deliveries reach the guest, as in `+15550001111`."),
]);

/// What a session is found by.
static KEYS: Table = Table::by_name(ID);
