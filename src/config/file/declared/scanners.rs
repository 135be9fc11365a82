//! `[scanners.*]`.

use super::super::scanners::{FAILURES, KINDS};
use super::{HOUR, SECOND};
use crate::declaration::{Key, Kind, Table, Words, words};

pub static SCANNERS: Table = Table::by_name(Kind::Table(&SCANNER));

static SCANNER: Table = Table::of(&[
    Key::needed(
        "kind",
        Kind::Word(Words::of(|| words(KINDS))),
        "A program that says it by its exit code, or a server that speaks ICAP.",
    ),
    Key::needed(
        "argv",
        Kind::TEXTS,
        "The program and its arguments; the file is its standard input, and exit code 1 means infected.",
    )
    .only(&["command"]),
    Key::needed("url", Kind::Text, "The service, as in `icap://127.0.0.1:1344/avscan`.").only(&["icap"]),
    Key::new("timeout", Kind::Duration(SECOND, HOUR), "How long one file may take; without it `60s`."),
    Key::new("at_once", Kind::Integer(1, 1_000), "How many files are asked about at a time; without it 4."),
    Key::new(
        "on_failure",
        Kind::Word(Words::of(|| words(FAILURES))),
        "What becomes of a file without a verdict; without it `refuse`.",
    ),
    Key::new("quarantine", Kind::Text, "The store that infected files are moved to; without it they are removed."),
]);
