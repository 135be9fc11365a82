//! `[journal]`, `[relay]` and `[redis]`.

use std::time::Duration;

use super::super::persistence::{JOURNAL_KINDS, RELAY_KINDS};
use super::MINUTE;
use crate::declaration::{Key, Kind, Table, Words, words};

const REDIS_URL: &str = "The Redis to use, for a config without `[redis]`; one serves the journal and the relay.";

pub static JOURNAL: Table = Table::of(&[
    Key::new(
        "kind",
        Kind::Word(Words::of(|| words(JOURNAL_KINDS))),
        "`embedded` keeps everything on this disk, `redis` where several replicas share it; without it `embedded`.",
    ),
    Key::new(
        "path",
        Kind::Text,
        "The folder of an embedded journal, from the working directory; without it `data/journal`.",
    )
    .only(&["embedded"]),
    Key::new("url", Kind::Text, REDIS_URL).only(&["redis"]),
    Key::new(
        "hold",
        Kind::Duration(Duration::ZERO, Duration::from_secs(600)),
        "How long a send waits for a Redis that is away, before it is refused; without it `5s`.",
    )
    .only(&["redis"]),
    Key::new("keep", Kind::Table(&KEEP), "How much is kept; without it everything."),
]);

static KEEP: Table = Table::of(&[
    Key::new("days", Kind::Integer(1, 36_500), "Messages that are older than so many days go."),
    Key::new("messages", Kind::Integer(1, 1_000_000_000), "The newest so many of each conversation stay."),
    Key::new(
        "size",
        Kind::Size(1 << 20, 1 << 50),
        "The size of all, of an embedded journal; Redis has a bound of its own.",
    ),
]);

pub static RELAY: Table = Table::of(&[
    Key::new(
        "kind",
        Kind::Word(Words::of(|| words(RELAY_KINDS))),
        "`memory` for one process, `redis` where there are several replicas; without it as the journal has it.",
    ),
    Key::new("url", Kind::Text, REDIS_URL).only(&["redis"]),
    Key::new(
        "fill_gaps",
        Kind::Boolean,
        "False only measures: what pub/sub does not bring is counted and left out; without it true.",
    ),
]);

pub static REDIS: Table = Table::of(&[
    Key::new(
        "url",
        Kind::Text,
        "`redis://` or `rediss://` with a host, `redis+sentinel://` or `redis-cluster://` with several.",
    ),
    Key::new("username", Kind::Text, "Who the gateway is at Redis."),
    Key::new("password", Kind::Secret("password_file"), "What it shows there."),
    Key::new("sentinel_username", Kind::Text, "Who the gateway is at the sentinels."),
    Key::new("sentinel_password", Kind::Secret("sentinel_password_file"), "What it shows at the sentinels."),
    Key::new("prefix", Kind::Text, "What stands before every key and channel; without it `dragoman`."),
    Key::new(
        "connect_timeout",
        Kind::Duration(Duration::from_millis(100), MINUTE),
        "How long a connection may take; without it `2s`.",
    ),
    Key::new(
        "timeout",
        Kind::Duration(Duration::from_millis(100), MINUTE),
        "How long an answer may take; without it `5s`.",
    ),
    Key::new(
        "heartbeat",
        Kind::Duration(Duration::from_millis(100), Duration::from_secs(30)),
        "How often Redis is asked whether it is there; two questions without an answer end a connection. Without it `1s`.",
    ),
]);
