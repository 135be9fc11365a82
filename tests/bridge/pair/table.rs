//! All twenty-five pairs, and the table of what became of each: `docs/bridge.md` holds what this test found.

use std::fmt::Write;

use crate::harness::DIALECTS;

use super::story::{Told, play};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/bridge.md");
const BEGIN: &str = "<!-- begin: written by tests/bridge -->\n";
const END: &str = "<!-- end -->\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_dialect_reaches_every_backend() {
    let mut table = String::from(
        "| client | backend | words | a file out | a file in | history | not confirmed | the end |\n|---|---|---|---|---|---|---|---|\n",
    );
    let mut wrong = Vec::new();
    for from in DIALECTS {
        // Five at a time: each pair has a gateway and a backend of its own.
        let row = DIALECTS.map(|to| {
            #[allow(clippy::disallowed_methods, reason = "a panic of one pair must not hide the others")]
            let playing = tokio::spawn(play(from, to));
            (to, playing)
        });
        for (to, playing) in row {
            match playing.await {
                Ok(told) => line(&mut table, from, to, &told),
                Err(panic) => wrong.push(format!("{from} → {to}: {panic}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{} of 25 pairs failed:\n{}", wrong.len(), wrong.join("\n"));
    let page = std::fs::read_to_string(PAGE).unwrap_or_else(|_| format!("{BEGIN}{END}"));
    let (before, rest) = page.split_once(BEGIN).expect("the page has a place for the table");
    let (_, after) = rest.split_once(END).expect("the table has an end");
    let expected = format!("{before}{BEGIN}{table}{END}{after}");
    if std::env::var_os("UPDATE_BRIDGE").is_some() {
        std::fs::write(PAGE, &expected).unwrap();
    }
    assert_eq!(std::fs::read_to_string(PAGE).unwrap_or_default(), expected, "UPDATE_BRIDGE=1 writes the table anew");
}

fn line(table: &mut String, from: &str, to: &str, told: &Told) {
    let Told { words, file_out, file_in, history, refusal, end } = told;
    writeln!(table, "| {from} | {to} | {words} | {file_out} | {file_in} | {history} | {refusal} | {end} |").unwrap();
}
