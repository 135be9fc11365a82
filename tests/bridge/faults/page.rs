//! The table of failures in `docs/bridge.md`, made of what the tests here expect and find. In: the expectations. Out: rows;
//! a test fails where the page has others.

use super::expected::{Expected, Why};
use crate::standin::Failing::{self, *};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/bridge.md");
const HEAD: &str = "| the upstream | its sockets | a text | a file | the history | who connects |";

const FAILURES: [(&str, Failing); 12] = [
    ("answers 500", Status500),
    ("says nothing", Silent),
    ("is down", Down),
    ("resets in the middle of a frame or answer", Reset),
    ("loses one message", DropNext),
    ("confirms too late", LateNext(60_000)),
    ("refuses handshakes with 401, 403, 404, 500, 503", RefuseHandshake(500)),
    ("refuses handshakes with 429", RefuseHandshake(429)),
    ("refuses a forwarded credential with 401 or 403", RefuseHandshake(401)),
    ("says what is no JSON", Garbage),
    ("says 20 MB at once", HugeFrame),
    ("closes its sockets", CloseWith(1011)),
];

/// One backend for each way of having sockets.
const BACKENDS: [(&str, &str); 3] =
    [("frontdesk", "one for all"), ("andromedia", "each conversation"), ("divar", "none")];

fn rows() -> Vec<String> {
    let mut rows = vec![HEAD.to_owned(), "|---|---|---|---|---|---|".to_owned()];
    for (words, failing) in FAILURES {
        let mut fates: Vec<(Vec<&str>, String)> = Vec::new();
        let fails_here = |backend: &str| backend != "divar" || !matches!(failing, RefuseHandshake(_) | CloseWith(_));
        for (backend, sockets) in BACKENDS.into_iter().filter(|(backend, _)| fails_here(backend)) {
            let cells = cells(&Expected::of(backend, failing, words.contains("forwarded")));
            // Backends that fail alike share a row.
            match fates.iter_mut().find(|(_, known)| *known == cells) {
                Some((alike, _)) => alike.push(sockets),
                None => fates.push((vec![sockets], cells)),
            }
        }
        rows.extend(fates.iter().map(|(sockets, cells)| format!("| {words} | {} | {cells} |", sockets.join(", "))));
    }
    rows
}

fn cells(expected: &Expected) -> String {
    let text = match expected.closes {
        Some(_) => "the socket is closed",
        None => fate(Some(expected.text)),
    };
    [text, fate(expected.file), fate(Some(expected.history)), fate(expected.newcomer)].join(" | ")
}

fn fate(fate: Option<Result<(), Why>>) -> &'static str {
    match fate {
        None => "–",
        Some(Ok(())) => "goes on",
        Some(Err(Why::Failed)) => "502",
        Some(Err(Why::Late)) => "504",
        Some(Err(Why::Limited)) => "429",
        Some(Err(Why::Unauthorized)) => "the credential is refused",
        Some(Err(Why::Ended)) => "ended",
        Some(Err(Why::Unknown)) => "404",
    }
}

/// `UPDATE_BRIDGE=1` writes the table anew.
#[test]
fn the_page_says_what_the_tests_find() {
    let page = std::fs::read_to_string(PAGE).expect("the page is there");
    let is_table = |line: &&str| line.starts_with('|');
    let written: Vec<&str> = page.lines().skip_while(|line| *line != HEAD).take_while(is_table).collect();
    let rows = rows();
    #[allow(clippy::disallowed_methods, reason = "a test asks whether it may write what it found")]
    if std::env::var_os("UPDATE_BRIDGE").is_some() {
        std::fs::write(PAGE, page.replace(&written.join("\n"), &rows.join("\n"))).unwrap();
        return;
    }
    assert_eq!(written, rows, "docs/bridge.md says otherwise; UPDATE_BRIDGE=1 writes it anew");
}
