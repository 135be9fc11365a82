//! `auth` of a route, and the words that credentials of upstreams share with it.

use std::time::Duration;

use super::super::auth::KINDS;
use super::{DAY, MINUTE, ROLES};
use crate::auth::Algorithm;
use crate::declaration::{Key, Kind, Table, Words, words};

pub const ALGORITHMS: Words =
    Words::of(|| Algorithm::ALL.iter().map(|algorithm| algorithm.as_str().to_owned()).collect());

pub static AUTH: Table = Table {
    one_of: &[&["secret", "secret_file", "public_key", "public_key_file", "jwks_url", "jwks_file"]],
    ..Table::of(&[
        Key::needed(
            "kind",
            Kind::Word(Words::of(|| words(KINDS))),
            "Signed tokens, fixed tokens, whatever the upstream decides, or nobody is asked for anything.",
        ),
        Key::new(
            "algorithm",
            Kind::Word(ALGORITHMS),
            "How tokens are signed; without it `HS256`, or whatever published keys are for.",
        )
        .only(&["jwt"]),
        Key::new("secret", Kind::Secret("secret_file"), "What tokens of HS256, HS384 and HS512 are signed with.")
            .only(&["jwt"]),
        Key::new(
            "public_key",
            Kind::Secret("public_key_file"),
            "What tokens of RS256, ES256 and EdDSA are checked with, PEM.",
        )
        .only(&["jwt"]),
        Key::new("jwks_url", Kind::Text, "Where an identity provider publishes its keys, in place of one key here.")
            .only(&["jwt"]),
        Key::new("jwks_file", Kind::Text, "A file of such keys, in place of the address; it is read once a second.")
            .only(&["jwt"]),
        // A shorter time would be the provider's burden; keys that were withdrawn are good until the next fetch.
        Key::new(
            "jwks_refresh",
            Kind::Duration(Duration::from_secs(10), DAY),
            "The longest between two fetches; without it `15m`.",
        )
        .only(&["jwt"]),
        Key::new(
            "jwks_stale_after",
            Kind::Duration(Duration::from_secs(10), Duration::from_secs(30 * DAY.as_secs())),
            "How long keys are used that cannot be fetched again; without it `24h`.",
        )
        .only(&["jwt"]),
        Key::new(
            "audience",
            Kind::TEXTS,
            "`aud` must name one of these; without it a token that has an `aud` is meant for somebody else.",
        )
        .only(&["jwt"]),
        Key::new("issuer", Kind::TEXTS, "`iss` must be one of these; without it nobody asks for it.").only(&["jwt"]),
        Key::new(
            "leeway",
            Kind::Duration(Duration::ZERO, MINUTE),
            "How far the clocks may be apart; without it `10s`.",
        )
        .only(&["jwt"]),
        Key::new("require_expiry", Kind::Boolean, "False: a token without `exp` is good for ever; without it true.")
            .only(&["jwt"]),
        Key::new("claims", Kind::Table(&CLAIMS), "Under which names the claims of a token say what.").only(&["jwt"]),
        Key::new(
            "roles",
            Kind::Table(&ROLE_NAMES),
            "What the claim of the role may say besides our own roles, and which it is.",
        )
        .only(&["jwt"]),
        Key::new("role", Kind::Word(ROLES), "The role of whoever says none.").only(&["jwt", "none"]),
        Key::needed("tokens", Kind::List(&Kind::Table(&TOKEN)), "The tokens and whom they stand for.")
            .only(&["tokens"]),
        Key::new(
            "named",
            Kind::Boolean,
            "True: a client may say who it is; otherwise it gets an id that nobody else has.",
        )
        .only(&["none"]),
    ])
};

static CLAIMS: Table = Table::of(&[
    Key::new("sub", Kind::Text, "The claim that says who it is; without it `sub`."),
    Key::new("role", Kind::Text, "The claim of the role; without it `role`."),
    Key::new("name", Kind::Text, "The claim of the name; without it `name`."),
    Key::new("department", Kind::Text, "The claim of the departments; without it `department`."),
    Key::new("business", Kind::Text, "The claim of the business; without it `business`."),
    Key::new(
        "conversations",
        Kind::Text,
        "The claim that says which conversations a token is for; without it `conversations`.",
    ),
]);

static ROLE_NAMES: Table = Table::by_name(Kind::Word(ROLES));

static TOKEN: Table = Table::of(&[
    Key::needed("token", Kind::Secret("token_file"), "What the client sends; at least 16 letters."),
    Key::needed("party", Kind::Text, "Who the bearer is."),
    Key::new(
        "credential",
        Kind::Text,
        "Which credential of the dialect it is, where that has several; without it the first.",
    ),
    Key::new("role", Kind::Word(ROLES), "The bearer's role."),
    Key::new("name", Kind::Text, "The bearer's name, as others see it."),
    Key::new("department", Kind::TEXTS, "The bearer's departments."),
    Key::new("business", Kind::Text, "The business that the bearer belongs to."),
    Key::new(
        "conversations",
        Kind::TEXTS,
        "The only conversations that the token is for; without it all that the role may see.",
    ),
    Key::new("permissions", Kind::TEXTS, "What the token may do, in the dialect's words; without it all."),
    Key::new("login", Kind::Table(&LOGIN), "Who may ask for this token by a name and a password."),
]);

static LOGIN: Table = Table::of(&[
    Key::needed("username", Kind::Text, "The name that is logged in with."),
    Key::needed("password", Kind::Secret("password_file"), "The password; at least 8 letters."),
]);
