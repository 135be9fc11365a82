//! All twenty-five pairs, a test each. `docs/bridge.md` holds what they found; a row that is not so fails its test.

use super::story::{Told, play};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/bridge.md");

/// Plays a pair and compares what became of it with its row. `UPDATE_BRIDGE=1` (with one thread) writes the row anew.
async fn pair(from: &'static str, to: &'static str) {
    let row = row(from, to, &play(from, to).await);
    let beginning = format!("| {from} | {to} |");
    let page = std::fs::read_to_string(PAGE).expect("the page is there");
    let written = page.lines().find(|line| line.starts_with(&beginning)).expect("the page has a row for each pair");
    #[allow(clippy::disallowed_methods, reason = "a test asks whether it may write what it found")]
    if std::env::var_os("UPDATE_BRIDGE").is_some() {
        std::fs::write(PAGE, page.replace(written, &row)).unwrap();
        return;
    }
    assert_eq!(written, row, "docs/bridge.md says otherwise; UPDATE_BRIDGE=1 writes it anew");
}

fn row(from: &str, to: &str, told: &Told) -> String {
    let Told { words, file_out, file_in, history, refusal, end } = told;
    format!("| {from} | {to} | {words} | {file_out} | {file_in} | {history} | {refusal} | {end} |")
}

macro_rules! pairs {
    ($($name:ident: $from:literal, $to:literal;)+) => {
        $(#[tokio::test] async fn $name() { pair($from, $to).await; })+
    };
}

pairs! {
    frontdesk_to_frontdesk: "frontdesk", "frontdesk";
    frontdesk_to_andromedia: "frontdesk", "andromedia";
    frontdesk_to_licomed: "frontdesk", "licomed";
    frontdesk_to_divar: "frontdesk", "divar";
    frontdesk_to_luxmart: "frontdesk", "luxmart";
    andromedia_to_frontdesk: "andromedia", "frontdesk";
    andromedia_to_andromedia: "andromedia", "andromedia";
    andromedia_to_licomed: "andromedia", "licomed";
    andromedia_to_divar: "andromedia", "divar";
    andromedia_to_luxmart: "andromedia", "luxmart";
    licomed_to_frontdesk: "licomed", "frontdesk";
    licomed_to_andromedia: "licomed", "andromedia";
    licomed_to_licomed: "licomed", "licomed";
    licomed_to_divar: "licomed", "divar";
    licomed_to_luxmart: "licomed", "luxmart";
    divar_to_frontdesk: "divar", "frontdesk";
    divar_to_andromedia: "divar", "andromedia";
    divar_to_licomed: "divar", "licomed";
    divar_to_divar: "divar", "divar";
    divar_to_luxmart: "divar", "luxmart";
    luxmart_to_frontdesk: "luxmart", "frontdesk";
    luxmart_to_andromedia: "luxmart", "andromedia";
    luxmart_to_licomed: "luxmart", "licomed";
    luxmart_to_divar: "luxmart", "divar";
    luxmart_to_luxmart: "luxmart", "luxmart";
}
