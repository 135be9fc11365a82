//! `[stores.*]`: folders and buckets.

use std::time::Duration;

use super::super::bucket::{ENCRYPTIONS, URLS};
use super::super::stores::KINDS;
use super::{DAY, HOUR, MEBIBYTE, MINUTE, SECOND};
use crate::declaration::{Key, Kind, Table, Words, words};

pub static STORES: Table = Table::by_name(Kind::Table(&STORE));

const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(300);

static STORE: Table = Table::of(&[
    Key::needed("kind", Kind::Word(Words::of(|| words(KINDS))), "A folder, or a bucket of AWS or any like it."),
    Key::new("once", Kind::Boolean, "True: the same content is kept once, however many uploads have it."),
    Key::new(
        "public_url",
        Kind::Text,
        "What clients reach this gateway under, for links to files; without it the address that it listens on.",
    ),
    Key::new("retention", Kind::Table(&RETENTION), "How long files stay; without it for ever."),
    Key::needed("root", Kind::Text, "The folder, from the working directory.").only(&["fs"]),
    Key::needed("bucket", Kind::Text, "The bucket's name.").only(&["s3"]),
    Key::new("endpoint", Kind::Text, "The URL of a server that is not AWS; without it AWS, which needs a `region`.")
        .only(&["s3"]),
    Key::new("region", Kind::Text, "The bucket's region; without it `us-east-1` where there is an `endpoint`.")
        .only(&["s3"]),
    Key::new("prefix", Kind::Text, "A folder of the bucket in which everything of this store is.").only(&["s3"]),
    Key::needed("access_key_id", Kind::Secret("access_key_id_file"), "Who the gateway is there.").only(&["s3"]),
    Key::needed("secret_access_key", Kind::Secret("secret_access_key_file"), "What it signs its requests with.")
        .only(&["s3"]),
    Key::new(
        "session_token",
        Kind::Secret("session_token_file"),
        "What belongs to temporary credentials, which are not renewed.",
    )
    .only(&["s3"]),
    Key::new(
        "path_style",
        Kind::Boolean,
        "True: `https://host/bucket/key`, false: `https://bucket.host/key`; without it true where there is an `endpoint`.",
    )
    .only(&["s3"]),
    Key::new(
        "encryption",
        Kind::Word(Words::of(|| words(ENCRYPTIONS))),
        "How objects are encrypted; without it as the bucket says.",
    )
    .only(&["s3"]),
    Key::new("kms_key", Kind::Text, "The key of `encryption = \"aws:kms\"`; without it the account's own.").only(&["s3"]),
    Key::new("storage_class", Kind::Text, "The class of new objects, as in `STANDARD_IA`; without it the bucket's.")
        .only(&["s3"]),
    Key::new(
        "part_size",
        Kind::Size(5 * MEBIBYTE, 64 * MEBIBYTE),
        "Bytes of a part of a large upload, of which there are at most 10,000; without it `5MiB`.",
    )
    .only(&["s3"]),
    Key::new(
        "timeout",
        Kind::Duration(SHORTEST, LONGEST),
        "How long a request may make no progress; without it `30s`.",
    )
    .only(&["s3"]),
    Key::new("connect_timeout", Kind::Duration(SHORTEST, LONGEST), "How long connecting may take; without it `5s`.")
        .only(&["s3"]),
    Key::new(
        "retries",
        Kind::Integer(0, 10),
        "How often a request is tried again that failed without anybody's mistake; without it 3.",
    )
    .only(&["s3"]),
    Key::new(
        "abort_unfinished_after",
        Kind::Duration(MINUTE, Duration::from_secs(30 * DAY.as_secs())),
        "How old an unfinished upload must be before a start of the gateway aborts it; without it `24h`.",
    )
    .only(&["s3"]),
    Key::new("spool", Kind::Text, "A folder for parts that find no room in memory; without it the system's temporary one.")
        .only(&["s3"]),
    Key::new(
        "urls",
        Kind::Word(Words::of(|| words(URLS))),
        "Whether files are read through the gateway or from the bucket itself; without it `gateway`.",
    )
    .only(&["s3"]),
    Key::new(
        "presigned_for",
        Kind::Duration(SECOND, Duration::from_secs(7 * DAY.as_secs())),
        "How long a URL of the bucket is good, with `urls = \"presigned\"`; without it `15m`.",
    )
    .only(&["s3"]),
    Key::new(
        "presigned_endpoint",
        Kind::Text,
        "Where clients reach the bucket, with `urls = \"presigned\"`; without it at the `endpoint`.",
    )
    .only(&["s3"]),
]);

/// The longest that can be written; the shortest leaves uploads on their way the time to be over.
const A_HUNDRED_YEARS: Duration = Duration::from_secs(100 * 365 * DAY.as_secs());

static RETENTION: Table = Table::of(&[
    Key::new("age", Kind::Duration(HOUR, A_HUNDRED_YEARS), "Files that are older than this go."),
    Key::new("unused", Kind::Duration(HOUR, A_HUNDRED_YEARS), "Files that no message named within this go."),
]);
