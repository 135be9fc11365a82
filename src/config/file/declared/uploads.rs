//! `uploads` of a route, in all its forms.

use super::{FILE_KINDS, GIBIBYTE};
use crate::declaration::{Key, Kind, Table};

/// A store, several, rules, one rule alone, a store with copies, or a place for each kind of file.
pub const UPLOADS: Kind = Kind::Either(&[
    Kind::Text,
    Kind::List(&Kind::Either(&[Kind::Text, Kind::Table(&RULE)])),
    Kind::Table(&RULE),
    Kind::Table(&COPIED),
    Kind::Table(&BY_KIND),
]);

/// Where a file goes.
const PLACE: Kind = Kind::Either(&[Kind::Text, Kind::List(&Kind::Text), Kind::Table(&COPIED)]);

static RULE: Table = Table {
    marks: &["to"],
    ..Table::of(&[
        Key::new(
            "if",
            Kind::Either(&[Kind::Text, Kind::Table(&CONDITION)]),
            "Which files it is for: all of this must hold, or a condition in JSONPath; without it all files.",
        ),
        Key::needed("to", PLACE, "A store, several, or one with copies."),
        Key::new(
            "key",
            Kind::TEXTS,
            "What the file is called in the store, with placeholders; the first whose placeholders are all known counts.",
        ),
    ])
};

static CONDITION: Table = Table::of(&[
    Key::new("kind", Kind::Either(&[Kind::Word(FILE_KINDS), Kind::List(&Kind::Word(FILE_KINDS))]), "The kind of file."),
    Key::new("type", Kind::TEXTS, "The MIME type that the file's name or its first bytes say, as in `image/*`."),
    Key::new("declared_type", Kind::TEXTS, "The MIME type that the client says, believed for nothing else."),
    Key::new("larger", Kind::Size(0, 64 * GIBIBYTE), "Files of more bytes."),
    Key::new("up_to", Kind::Size(0, 64 * GIBIBYTE), "Files of at most as many bytes."),
    Key::new("conversation", Kind::TEXTS, "A conversation by its name in `[[conversations]]`, or by an id of it."),
    Key::new("path", Kind::Text, "A condition in JSONPath, in which `$` is the upload as an event."),
]);

static COPIED: Table = Table {
    marks: &["primary", "copies"],
    ..Table::of(&[
        Key::needed("primary", Kind::Text, "The store that decides whether an upload succeeded."),
        Key::needed("copies", Kind::TEXTS, "The stores that get a copy."),
    ])
};

static BY_KIND: Table = Table::of(&[
    Key::new("image", PLACE, "Where images go."),
    Key::new("video", PLACE, "Where videos go."),
    Key::new("audio", PLACE, "Where audio goes."),
    Key::new("document", PLACE, "Where documents go."),
    Key::needed("default", PLACE, "Where kinds go that are not named here."),
]);
