//! The sections about a dialect as a whole: ids, conversations, credentials, files, buttons.

use super::super::{types, words};
use super::{CONVERSATION_KINDS, FIELDS, OPS, TEXTS_BY_NAME};
use crate::declaration::{self, Key, Kind, Table, Words};

const ID_FORM: Kind = Kind::Word(Words::of(|| declaration::words(words::ID_FORMS)));

pub static IDS: Table = Table::of(&[
    Key::new("message", ID_FORM, "Ids of messages; without it `text`."),
    Key::new("conversation", ID_FORM, "Ids of conversations; without it `text`."),
    Key::new("party", ID_FORM, "Ids of parties; without it `text`."),
]);

pub static CONVERSATION: Table = Table::of(&[
    Key::new(
        "name",
        Kind::Either(&[Kind::Word(Words::of(|| declaration::words(words::NAMINGS))), Kind::List(&Kind::Word(FIELDS))]),
        "One id, the pair of the two parties, or the fields that find a session; without it `id`.",
    ),
    Key::new(
        "kind",
        Kind::Word(CONVERSATION_KINDS),
        "The kind of a conversation that comes into being through this dialect; without it `department`.",
    ),
    Key::new(
        "create",
        Kind::Word(Words::of(|| declaration::words(words::CREATIONS))),
        "Whether a send to an unknown id, or opening a session, creates one; without it `never`.",
    ),
    Key::new(
        "members",
        Kind::Word(Words::of(|| declaration::words(words::MEMBERSHIPS))),
        "Who may see one: by the scope of the socket and the department, or only its members; without it `open`.",
    ),
]);

pub static CREDENTIAL: Table = Table::of(&[
    Key::new("http", PLACES, "Where calls have it; all are read in order, the first is written."),
    Key::new("socket", PLACES, "Where sockets have it; all are read in order, the first is written."),
    Key::new("issued_by", Kind::Word(OPS), "The call that gives it out."),
]);

pub static CREDENTIALS: Table = Table::by_name(Kind::Table(&CREDENTIAL));

const PLACES: Kind = Kind::List(&Kind::Either(&[Kind::Table(&IN_HEADER), Kind::Table(&IN_QUERY), Kind::Table(&PLACE)]));

const HEADER: Key = Key::needed("header", Kind::Text, "The name of a header.");
const QUERY: Key = Key::needed("query", Kind::Text, "The name of a parameter of the URL.");

static IN_HEADER: Table = Table {
    marks: &["header"],
    ..Table::of(&[HEADER, Key::new("scheme", Kind::Text, "The word before it there, as in `Bearer`.")])
};

static IN_QUERY: Table = Table { marks: &["query"], ..Table::of(&[QUERY]) };

/// Of one that is neither, all are known.
static PLACE: Table = Table {
    one_of: &[&["header", "query", "subprotocol"]],
    ..Table::of(&[
        Key { needed: false, ..HEADER },
        Key { needed: false, ..QUERY },
        Key::new("subprotocol", Kind::Text, "The subprotocol that the credential follows."),
    ])
};

pub static TYPES: Table = Table::of(&[
    Key::new("image", Kind::Table(&TYPES_OF_KIND), "Images that it carries."),
    Key::new("video", Kind::Table(&TYPES_OF_KIND), "Videos that it carries."),
    Key::new("audio", Kind::Table(&TYPES_OF_KIND), "Audio that it carries."),
    Key::new("document", Kind::Table(&TYPES_OF_KIND), "Documents that it carries."),
    Key::new("any", Kind::Table(&ANY_TYPE), "In place of lists: every type but these, for all kinds of files."),
]);

const MAX: Key = Key::needed("max", Kind::Size(0, u64::MAX), "The largest file, as in `10MiB`.");

static TYPES_OF_KIND: Table = Table::of(&[
    MAX,
    Key::new("extensions", Kind::Table(&TEXTS_BY_NAME), "The MIME type of each extension that is carried."),
    Key::new(
        "declared",
        Kind::Table(&TEXTS_BY_NAME),
        "As client: how a server of the dialect wants a MIME type called.",
    ),
]);

static ANY_TYPE: Table = Table::of(&[MAX, Key::new("except", Kind::TEXTS, "Extensions that are not carried.")]);

pub static STORAGE: Table = Table::of(&[
    Key::new(
        "keys",
        Kind::TEXTS,
        "What a stored file is called, with `{random}` and other holes; the first whose fields are all there counts.",
    ),
    Key::new("public", Kind::Text, "The path below which files are served, slashes at both ends."),
    Key::new(
        "access",
        Kind::Word(Words::of(|| declaration::words(types::ACCESS))),
        "Who reads them: whoever has the address, or only who may see the conversation; without it `url`.",
    ),
]);

pub static BUTTONS: Table = Table::of(&[
    Key::needed("each", Kind::Text, "From the grid to its buttons: names joined by dots."),
    Key::needed("label", Kind::Text, "From a button to its label."),
    Key::new("link", Kind::Text, "From a button to its link, where it has one."),
]);

pub static LONGEST: Table = Table::of(&[
    Key::new("text", Kind::Integer(1, 1_000_000), "Of a text; what is longer becomes several messages."),
    Key::new("caption", Kind::Integer(1, 1_000_000), "Of the words of a file."),
]);
