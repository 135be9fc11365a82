//! What a dialect file may say: every key with what it may be, its bounds, and the sentence that editors show. The readers
//! beside this folder take the words and bounds from here; a key that is not here is unknown to them.

mod calls;
mod frames;
mod names;
mod refusals;
mod sections;
mod sockets;
mod variants;

use super::words;
use crate::declaration::{Key, Kind, Table, Words};
use crate::event::{ConversationKind, EventKind, Field, MessageKind, Role};
use crate::fault::Reason;

use super::super::model::Op;

/// The whole file.
pub static ROOT: Table = Table::of(&[
    Key::needed("name", Kind::Text, "What routes call it: lower-case letters, digits and `_`."),
    Key::needed("summary", Kind::Text, "What it is, in a line."),
    Key::needed("source", Kind::Text, "The document that it was written from."),
    Key::new("redact", Kind::TEXTS, "Members of JSON that never reach a client, as in `$..password`."),
    Key::new("ids", Kind::Table(&sections::IDS), "The form of its own ids."),
    Key::new(
        "conversation",
        Kind::Table(&sections::CONVERSATION),
        "How clients name a conversation, and who may see it.",
    ),
    Key::new("credential", Kind::Table(&sections::CREDENTIAL), "Where a client puts its credential."),
    Key::new(
        "credentials",
        Kind::Table(&sections::CREDENTIALS),
        "Where it puts further ones, each by a name that calls refer to.",
    ),
    Key::new("types", Kind::Table(&sections::TYPES), "Which files it carries; a kind that is missing is not carried."),
    Key::new("storage", Kind::Table(&sections::STORAGE), "What stored files are called, and who may read them."),
    Key::new("buttons", Kind::Table(&sections::BUTTONS), "How a grid of buttons reads."),
    Key::new("longest", Kind::Table(&sections::LONGEST), "As client: how many characters texts may have."),
    Key::new(
        "url_ends",
        Kind::Table(&names::URL_ENDS),
        "Codecs for ids that are the end of a URL: what stands before them in its path, slashes at both ends.",
    ),
    Key::new("options", Kind::Table(&names::OPTIONS), "Knobs that a route may set, with their defaults."),
    Key::new("enums", Kind::Table(&names::ENUMS), "Codecs that are tables of values, by name."),
    Key::new("codecs", Kind::Table(&names::CODECS), "Codecs that are one of two by an option, by name."),
    Key::new("shapes", Kind::Table(&names::SHAPES), "Shapes that others use by name."),
    Key::new("socket", Kind::List(&Kind::Table(&sockets::SOCKET)), "Its WebSockets."),
    Key::new("http", Kind::List(&Kind::Table(&calls::CALL)), "Its HTTP calls."),
    Key::new("webhook", Kind::List(&Kind::Table(&calls::WEBHOOK)), "What is told by calling an app's URL."),
    Key::new("refusals", Kind::Table(&refusals::REFUSALS), "What it says to what it refuses, by reason."),
    Key::new(
        "variant",
        Kind::Table(&variants::VARIANTS),
        "What deployed servers say where it is not what the document says.",
    ),
]);

const OPTION: Key = Key::new("option", Kind::Text, "Only while this option is true, or with `!` before it false.");

const FIELDS: Words = Words {
    pattern: Some(r"^ext\.[a-z0-9_]+\.[a-z0-9_]+$"),
    name: Some("field"),
    ..Words::of(|| Field::ALL.iter().map(|field| field.path().into_owned()).collect())
};

/// A field, or a named check; the patterns are those of fields.
const CHECKS: Words = Words {
    name: Some("check"),
    ..Words { known: || [crate::declaration::words(words::CHECKS), (FIELDS.known)()].concat(), ..FIELDS }
};

/// Keys of words about fields. Those about the file, `file`, may stand among them.
const FIELDS_AND_FILE: Words = Words {
    name: Some("field_or_file"),
    ..Words { known: || [vec!["file".to_owned()], (FIELDS.known)()].concat(), ..FIELDS }
};

const ROLES: Words = Words::of(|| Role::ALL.iter().map(|role| role.as_str().to_owned()).collect());

const CONVERSATION_KINDS: Words =
    Words::of(|| ConversationKind::ALL.iter().map(|kind| kind.as_str().to_owned()).collect());

const FILE_KINDS: Words = Words::of(|| {
    let kinds = MessageKind::ALL.iter().filter(|kind| kind.is_file());
    kinds.map(|kind| kind.as_str().to_owned()).collect()
});

/// Kinds of events, and patterns for several.
const EVENTS: Words = Words {
    name: Some("event"),
    ..Words::of(|| {
        let patterns = ["message/file", "message/*"].map(str::to_owned);
        EventKind::all().map(|kind| kind.to_string()).chain(patterns).collect()
    })
};

const OPS: Words = Words::of(|| Op::names().map(str::to_owned).collect());

/// `default` is for all.
const REASONS: Words = Words::of(|| {
    std::iter::once("default").chain(Reason::ALL.iter().map(|reason| reason.as_str())).map(str::to_owned).collect()
});

/// Field → a constant.
static FACTS: Table = Table::by_word(FIELDS, Kind::SCALAR);

/// Field → words about it.
static WORDS_BY_FIELD: Table = Table::by_word(FIELDS_AND_FILE, Kind::Text);

static TEXTS_BY_NAME: Table = Table::by_name(Kind::Text);
