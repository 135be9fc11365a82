//! `[upstreams.*]`, with their credentials, hosts, health and callbacks.

use std::time::Duration;

use super::super::credential::KINDS;
use super::auth::ALGORITHMS;
use super::routes::CONFIRM_WITHIN;
use super::{DAY, DIALECT, HOUR, OPTIONS, OPTIONS_OF, ROLES, SECOND, VARIANT};
use crate::declaration::{Key, Kind, Table, Words, words};
use crate::dialect::Op;

/// Up to which patience has a bound.
const TEN_MINUTES: Duration = Duration::from_secs(600);

pub static UPSTREAMS: Table = Table::by_name(Kind::Table(&UPSTREAM));

static UPSTREAM: Table = Table::of(&[
    Key::needed("dialect", Kind::Text, DIALECT),
    Key::needed("http", Kind::TEXTS, "Where calls go, `http://` or `https://`; several are balanced."),
    Key::new("socket", Kind::TEXTS, "Where sockets go; without it `http` with `ws://` or `wss://`."),
    Key::new("variant", Kind::Text, VARIANT),
    Key::new("options", Kind::Table(&OPTIONS), OPTIONS_OF),
    Key::new("hosts", Kind::Table(&HOSTS), "Where some calls go elsewhere, by their `op` in the dialect file."),
    Key::new(
        "credential",
        Kind::Either(&[Kind::Table(&CREDENTIAL), Kind::Table(&CREDENTIALS)]),
        "What the upstream is shown: one rule, or a rule for each credential of its dialect.",
    ),
    Key::new("role", Kind::Word(ROLES), "As whom the gateway calls; without it as the caller."),
    Key::new(
        "timeout",
        Kind::Duration(Duration::from_millis(100), TEN_MINUTES),
        "How long a call, and connecting, may take; without it `10s`.",
    ),
    Key::new("confirm_within", CONFIRM_WITHIN, "A send that is not confirmed by then failed; without it `10s`."),
    Key::new(
        "stalled_after",
        Kind::Duration(SECOND, TEN_MINUTES),
        "A socket that confirms nothing for this long is opened anew; without it `30s`.",
    ),
    Key::new("health", Kind::Table(&HEALTH), "How it is asked whether it is well."),
    Key::new("events", Kind::Table(&CALLBACK), "Where it calls this gateway, for dialects that tell that way."),
    Key::new("fetch", Kind::TEXTS, "Hosts that files may be fetched from, beside its own and ours."),
]);

static HOSTS: Table = Table::by_word(Words::of(|| Op::names().map(str::to_owned).collect()), Kind::TEXTS);

/// A name of the dialect's for each rule.
static CREDENTIALS: Table = Table::by_name(Kind::Table(&CREDENTIAL));

static CREDENTIAL: Table = Table {
    marks: &["kind"],
    ..Table::of(&[
        Key::needed(
            "kind",
            Kind::Word(Words::of(|| words(KINDS))),
            "What the client presented, one credential for everybody, or a token made for each client.",
        ),
        Key::needed("value", Kind::Secret("value_file"), "The credential alone, without its scheme.").only(&["fixed"]),
        Key::new("algorithm", Kind::Word(ALGORITHMS), "How tokens are signed; without it `HS256`.").only(&["mint"]),
        Key::needed(
            "secret",
            Kind::Secret("secret_file"),
            "What tokens are signed with: a secret, or a private key, PEM.",
        )
        .only(&["mint"]),
        Key::new(
            "claims",
            Kind::Table(&CLAIMS),
            "What tokens say; texts may name `{party.id}` and more. Without it `sub` is the caller's id.",
        )
        .only(&["mint"]),
        Key::new(
            "lifetime",
            Kind::Duration(Duration::from_secs(10), DAY),
            "How long a token is good; without it `5m`.",
        )
        .only(&["mint"]),
    ])
};

static CLAIMS: Table = Table::by_name(Kind::Either(&[
    Kind::Text,
    Kind::Integer(i64::MIN, i64::MAX),
    Kind::Boolean,
    Kind::List(&Kind::Text),
]));

static HEALTH: Table = Table::of(&[
    Key::needed("path", Kind::Text, "What is asked, as in `/health`."),
    Key::new("every", Kind::Duration(SECOND, HOUR), "How often; without it `10s`."),
]);

static CALLBACK: Table = Table::of(&[
    Key::needed("path", Kind::Text, "Where it calls this gateway, as in `/webhooks/clinic`."),
    Key::needed("key", Kind::Secret("key_file"), "What it must show."),
]);
