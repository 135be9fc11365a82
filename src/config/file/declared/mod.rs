//! What `routes.toml` may say: every key with what it may be, its bounds, and the sentence that editors show. The readers
//! beside this folder take the words and bounds from here; a key that is not here is unknown to them.

mod auth;
mod conversations;
mod deliveries;
mod persistence;
mod routes;
mod scanners;
mod server;
mod stores;
mod test_cases;
mod uploads;
mod upstreams;

use std::time::Duration;

use super::super::problem::Code;
use crate::declaration::{Key, Kind, Table, Words};
use crate::event::{ConversationKind, Field, MessageKind, Role};
use crate::fault::Reason;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

const KIBIBYTE: u64 = 1024;
const MEBIBYTE: u64 = 1024 * KIBIBYTE;
const GIBIBYTE: u64 = 1024 * MEBIBYTE;

/// The whole file.
pub static ROOT: Table = Table::of(&[
    Key::new("server", Kind::Table(&server::SERVER), "Where clients and operators connect."),
    Key::new("log", Kind::Table(&server::LOG), "What is said on standard error."),
    Key::new("tracing", Kind::Table(&server::TRACING), "Where spans of traces go."),
    Key::new("journal", Kind::Table(&persistence::JOURNAL), "Where the hub keeps its messages and ids."),
    Key::new("relay", Kind::Table(&persistence::RELAY), "How messages reach the sockets of all replicas."),
    Key::new("redis", Kind::Table(&persistence::REDIS), "The Redis that the journal and the relay are in."),
    Key::new("stores", Kind::Table(&stores::STORES), "Where the bytes of uploads go, by names that routes refer to."),
    Key::new("scanners", Kind::Table(&scanners::SCANNERS), "Who is asked whether an upload is harmful, by name."),
    Key::new("upstreams", Kind::Table(&upstreams::UPSTREAMS), "Backends that are there already, by name."),
    Key::needed("routes", Kind::List(&Kind::Table(&routes::ROUTE)), "Where clients connect, one for each dialect."),
    Key::new(
        "conversations",
        Kind::List(&Kind::Table(&conversations::CONVERSATION)),
        "One conversation each, and its name in each dialect.",
    ),
    Key::new(
        "deliveries",
        Kind::Table(&deliveries::DELIVERIES),
        "What the house says is also said to a guest who is not connected, by name.",
    ),
    Key::new("tests", Kind::List(&Kind::Table(&test_cases::TEST)), "What must hold before this config is taken."),
    Key::new("check", Kind::Table(&CHECK), "What `dragoman check` warns of and you want."),
]);

static CHECK: Table = Table::of(&[Key::new(
    "allow",
    Kind::Either(&[Kind::Word(WARNINGS), Kind::List(&Kind::Word(WARNINGS))]),
    "Warnings that are wanted, by their codes; errors cannot be allowed.",
)]);

const WARNINGS: Words = Words {
    // As it is shown, too.
    pattern: Some("^config::"),
    ..Words::of(|| Code::ALL.iter().filter(|code| code.can_warn()).map(|code| code.name().to_owned()).collect())
};

const ROLES: Words = Words::of(|| Role::ALL.iter().map(|role| role.as_str().to_owned()).collect());

const FILE_KINDS: Words = Words::of(|| {
    let kinds = MessageKind::ALL.iter().filter(|kind| kind.is_file());
    kinds.map(|kind| kind.as_str().to_owned()).collect()
});

const CONVERSATION_KINDS: Words =
    Words::of(|| ConversationKind::ALL.iter().map(|kind| kind.as_str().to_owned()).collect());

const REASONS: Words = Words::of(|| Reason::ALL.iter().map(|reason| reason.as_str().to_owned()).collect());

const FIELDS: Words = Words {
    pattern: Some(r"^ext\."),
    name: Some("field"),
    ..Words::of(|| Field::ALL.iter().map(|field| field.path().into_owned()).collect())
};

const DIALECT: &str = "The dialect that is spoken: the name of a built-in one or the path of a file (with a slash or \
                       `.toml`), either with `@variant`.";
const VARIANT: &str = "The variant of the dialect, where it is not written behind its name.";
const OPTIONS_OF: &str = "The dialect's options, by name.";

/// `options` of a route, an upstream or a delivery.
static OPTIONS: Table = Table::by_name(Kind::Either(&[Kind::Boolean, Kind::Text]));
