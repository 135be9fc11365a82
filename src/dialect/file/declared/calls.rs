//! `[[http]]` and `[[webhook]]`.

use super::super::calls::{ANNOUNCEMENTS, LISTINGS};
use super::frames::{ALSO, EVENT, GUARDED, INVALID, NEED, ORDER, REQUIRED, SET, SHAPE};
use super::refusals::REFUSALS;
use super::{CHECKS, FIELDS, FILE_KINDS, OPS, OPTION, ROLES, TEXTS_BY_NAME};
use crate::declaration::{Key, Kind, Table, Words, words};

pub static CALL: Table = Table::of(&[
    OPTION,
    Key::needed("id", Kind::Text, "A name of its own."),
    Key::needed("op", Kind::Word(OPS), "What it does."),
    Key::needed("method", Kind::Text, "As in `POST`."),
    Key::needed("paths", Kind::TEXTS, "Its paths; holes are parameters, and the first is written."),
    Key::new(
        "roles",
        Kind::Either(&[Kind::Word(ROLES), Kind::List(&Kind::Word(ROLES))]),
        "Who may call it, of a login who may log in; without it anybody.",
    ),
    Key::new("public", Kind::Boolean, "True: no credential is needed."),
    Key::new(
        "listing",
        Kind::Word(Words::of(|| words(LISTINGS))),
        "Which conversations a list has; without it `visible`.",
    ),
    Key::new("query", Kind::Table(&QUERY), "Which field is which parameter of the URL."),
    Key::new("request", Kind::Either(&[Kind::Table(&JSON), Kind::Table(&FORM)]), "Its body; without it there is none."),
    Key::new("required", Kind::Table(&WORDS_BY_CHECK), "The dialect's words for what is missing."),
    INVALID,
    ORDER,
    SET,
    Key::new("answer", ANSWERS, "What a call gets that succeeds."),
    Key::new("again", ANSWERS, "The answer where what was asked for was there already."),
    Key::new("page", Kind::Table(&PAGE), "How lists and histories are read in pages."),
    Key::new(
        "refuse",
        Kind::Table(&REFUSALS),
        "What it says to what it refuses, by reason, before the file's own list.",
    ),
    Key::new(
        "announce",
        Kind::Word(Words::of(|| words(ANNOUNCEMENTS))),
        "Of an upload: whether it creates the message itself, or a frame does later; without it `later`.",
    ),
    Key::new("media", Kind::Table(&MEDIA), "Which word of the path is which kind of file."),
    Key::new("credential", Kind::Text, "One of `[credentials]`, in place of `[credential]`."),
    Key::new("permission", Kind::Text, "What a fixed token must have."),
    Key::new("behalf", Kind::Table(&BEHALF), "A program calls for a user, whose credential it shows, too."),
    Key::new(
        "conversation",
        Kind::Either(&[Kind::Word(FIELDS), Kind::List(&Kind::Word(FIELDS))]),
        "The fields that name the conversation together, where the call has no id of it.",
    ),
    Key::new("written", Kind::Boolean, "False: it is served and never called."),
]);

static QUERY: Table = Table::by_word(FIELDS, Kind::Text);

static WORDS_BY_CHECK: Table = Table::by_word(CHECKS, Kind::Text);

static MEDIA: Table = Table::by_name(Kind::Word(FILE_KINDS));

static JSON: Table = Table {
    marks: &["json"],
    ..Table::of(&[
        Key::needed("json", Kind::Text, "JSON with holes."),
        EVENT,
        ALSO,
        SET,
        GUARDED,
        REQUIRED,
        INVALID,
        NEED,
    ])
};

static FORM: Table = Table::of(&[
    Key::new("multipart", Kind::List(&Kind::Table(&PART)), "The parts of a form."),
    Key::new("raw", Kind::Boolean, "True: the body is the file."),
]);

static PART: Table = Table {
    one_of: &[&["file", "shape"]],
    ..Table::of(&[
        OPTION,
        Key::needed("name", Kind::Text, "The part's name."),
        Key::new("file", Kind::Boolean, "True: it is the file."),
        Key::new("shape", Kind::Text, "One hole, or words without any, which are said as client."),
        Key::new("written", Kind::Boolean, "False: it is read and not written."),
    ])
};

/// With a shape, or without one.
const ANSWERS: Kind = Kind::Either(&ANSWER_FORMS);

static ANSWER_FORMS: [Kind; 2] = [Kind::Table(&SHAPED_ANSWER), Kind::Table(&ANSWER)];

const STATUS: Key = Key::new("status", Kind::Integer(100, 599), "The status that is written; without it 200.");
const ACCEPT: Key = Key::new(
    "accept",
    Kind::Text,
    "As client: `2xx` takes every status of success, another word only this one; without it `2xx`.",
);
const HEADERS: Key = Key::new("headers", Kind::Table(&TEXTS_BY_NAME), "Headers, each with one hole.");

static SHAPED_ANSWER: Table = Table {
    marks: &["shape"],
    ..Table::of(&[STATUS, ACCEPT, HEADERS, SHAPE, EVENT, ALSO, SET, GUARDED, REQUIRED, INVALID, NEED])
};

static ANSWER: Table = Table::of(&[STATUS, ACCEPT, HEADERS]);

static PAGE: Table = Table::of(&[
    Key::new("first", Kind::Integer(0, 1), "The number of the first page; without it 1."),
    Key::new("size", Kind::Integer(1, 1000), "How many a page has where nothing is asked for; without it 200."),
    Key::new("max", Kind::Integer(1, 1000), "How many it has at most."),
    Key::new("newest", Kind::Boolean, "True: newest first."),
]);

static BEHALF: Table = Table::of(&[
    Key::needed("credential", Kind::Text, "The credential of the user, one of `[credentials]`."),
    Key::new("permissions", Kind::TEXTS, "The user must have one of these."),
    Key::new("needed", Kind::Boolean, "Whether the user's credential must be there; without it true."),
]);

pub static WEBHOOK: Table = Table::of(&[
    OPTION,
    Key::needed("id", Kind::Text, "A name of its own."),
    Key::new("headers", Kind::Table(&TEXTS_BY_NAME), "Headers; `{credential}` is the app's key."),
    Key::new("subscription", Kind::Table(&SUBSCRIPTION), "The event subscription that is for it."),
    SHAPE,
    EVENT,
    ALSO,
    SET,
    GUARDED,
    REQUIRED,
    INVALID,
    NEED,
]);

static SUBSCRIPTION: Table = Table::of(&[
    Key::new(
        "option",
        Kind::Text,
        "While this option is true, or with `!` before it false, only what was subscribed to is told.",
    ),
    Key::needed("type", Kind::Text, "The subscription's type."),
    Key::new("resource", Kind::Word(FIELDS), "The field that names its resource."),
]);
