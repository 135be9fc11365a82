//! `[deliveries.*]`.

use std::time::Duration;

use super::{CONVERSATION_KINDS, DAY, DIALECT, MINUTE, OPTIONS, OPTIONS_OF, SECOND, VARIANT};
use crate::declaration::{Key, Kind, Table};

pub static DELIVERIES: Table = Table::by_name(Kind::Table(&DELIVERY));

static DELIVERY: Table = Table::of(&[
    Key::needed("dialect", Kind::Text, DIALECT),
    Key::needed("base_url", Kind::Text, "Where it is said; `http://` only to this machine."),
    Key::needed("token", Kind::Secret("token_file"), "What the gateway is known by there."),
    Key::needed("sender", Kind::Text, "Who sends, by the id that it is known by there, as of a phone number."),
    Key::new("variant", Kind::Text, VARIANT),
    Key::new("options", Kind::Table(&OPTIONS), OPTIONS_OF),
    Key::new(
        "conversations",
        Kind::Either(&[Kind::Word(CONVERSATION_KINDS), Kind::List(&Kind::Word(CONVERSATION_KINDS))]),
        "The kinds of conversations that are delivered; without it those of kind `service`.",
    ),
    Key::new(
        "give_up_after",
        Kind::Duration(MINUTE, Duration::from_secs(7 * DAY.as_secs())),
        "How old a message may be that is still tried; without it `24h`.",
    ),
    Key::new(
        "timeout",
        Kind::Duration(SECOND, Duration::from_secs(600)),
        "How long a call may take; without it `30s`.",
    ),
]);
