//! `[[routes]]`, with `limits`, `events` and `images`.

use std::time::Duration;

use super::super::{images, routes};
use super::auth::AUTH;
use super::uploads::UPLOADS;
use super::{DIALECT, GIBIBYTE, HOUR, KIBIBYTE, MEBIBYTE, OPTIONS, OPTIONS_OF, SECOND, VARIANT};
use crate::declaration::{Key, Kind, Table, Words, words};
use crate::dialect::FileAccess;

/// For a send; routes and upstreams say it alike.
pub const CONFIRM_WITHIN: Kind = Kind::Duration(Duration::from_millis(100), Duration::from_secs(600));

pub static ROUTE: Table = Table::of(&[
    Key::needed("name", Kind::Text, "A name of its own, which metrics and logs use."),
    Key::needed("dialect", Kind::Text, DIALECT),
    Key::needed("to", Kind::Text, "Where the route leads: `hub`, or the name of an upstream."),
    Key::needed("auth", Kind::Table(&AUTH), "How callers are known."),
    Key::new("variant", Kind::Text, VARIANT),
    Key::new("options", Kind::Table(&OPTIONS), OPTIONS_OF),
    Key::new("host", Kind::Text, "Only requests to this host, or with `*.` before it to all below it."),
    Key::new("prefix", Kind::Text, "Only paths below this one, as in `/hotel`."),
    Key::new("uploads", UPLOADS, "Where uploads go: a store, several, or rules by kind, size, conversation and more."),
    Key::new("scan", Kind::Text, "The scanner that uploads must pass."),
    Key::new(
        "images",
        Kind::Either(&[Kind::Word(IMAGES), Kind::Table(&IMAGE_RULES)]),
        "What is done to images: `strip` takes out where and with what they were taken; without it nothing.",
    ),
    Key::new(
        "file_access",
        Kind::Word(Words::of(|| words(FileAccess::WORDS))),
        "Who reads files: whoever has the URL, or only who may see their conversation; without it as the dialect says.",
    ),
    Key::new("login", Kind::Text, "The upstream that logins of clients are passed on to."),
    Key::new("limits", Kind::Table(&LIMITS), "Bounds that win over the dialect's own."),
    Key::new(
        "origins",
        Kind::TEXTS,
        "Pages of browsers that may connect, `*` for all; without it those of the same host.",
    ),
    Key::new("cookies", Kind::Boolean, "True: those pages may send cookies, too."),
    Key::new("events", Kind::Table(&EVENTS), "Where an app that hears by being called is told."),
    Key::new(
        "on_loss",
        Kind::Word(Words::of(|| words(routes::LOSSES))),
        "What cannot cross becomes words and a link, or is refused; without it `degrade`.",
    ),
    Key::new(
        "confirm_within",
        CONFIRM_WITHIN,
        "A send that is not confirmed by then failed; without it as the upstream says.",
    ),
    Key::new(
        "forward_rest",
        Kind::Boolean,
        "True: paths that the dialect does not know go to the upstream as they are.",
    ),
    Key::new(
        "replay",
        Kind::Word(Words::of(|| words(routes::REPLAYS))),
        "Whether a client that comes back with the same token hears what it missed; without it `off`.",
    ),
    // Journals keep what was told for an hour.
    Key::new(
        "replay_window",
        Kind::Duration(SECOND, HOUR),
        "For how long it may have been away, with `replay = \"missed\"`; without it `5m`.",
    ),
]);

static LIMITS: Table = Table::of(&[
    Key::new("upload", Kind::Size(1, 64 * GIBIBYTE), "The largest file."),
    Key::new("frame", Kind::Size(KIBIBYTE, 16 * MEBIBYTE), "The largest frame of a socket."),
    Key::new("rate", Kind::Rate, "How often one caller may ask or say something."),
    Key::new("connections", Kind::Integer(1, 10_000_000), "How many sockets may be open."),
]);

static EVENTS: Table = Table::of(&[
    Key::needed("url", Kind::Text, "Where the app is called, with `https://` or `http://`."),
    Key::needed("key", Kind::Secret("key_file"), "What the app knows the gateway by."),
]);

const IMAGES: Words = Words::of(|| words(images::WORDS));

static IMAGE_RULES: Table = Table::of(&[
    Key::needed(
        "how",
        Kind::Word(IMAGES),
        "`strip` takes metadata out, `reencode` writes images anew, `keep` does nothing.",
    ),
    Key::new(
        "up_to",
        Kind::Size(64 * KIBIBYTE, 256 * MEBIBYTE),
        "The largest image that is looked into; without it `16MiB`.",
    ),
    Key::new("megapixels", Kind::Integer(1, 400), "The most that an image may have; without it 40."),
    Key::new("at_once", Kind::Integer(1, 64), "How many are in memory at a time; without it 2."),
    Key::new("quality", Kind::Integer(1, 100), "Of a JPEG that is written anew; without it 90."),
    Key::new(
        "otherwise",
        Kind::Word(Words::of(|| words(images::OTHERWISE))),
        "What becomes of an image for which it cannot be done; without it `refuse`.",
    ),
]);
