//! `dragoman demo` as a newcomer runs it: all as declared, within seconds, nothing left behind.

use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// Generous for a busy machine; the demo itself aims at 5 s.
const MOST: Duration = Duration::from_secs(20);

fn demo(temporary: &std::path::Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dragoman"))
        .arg("demo")
        .current_dir(temporary)
        .env("TMPDIR", temporary)
        // What the environment says of a config is none of the demo's business.
        .env("DRAGOMAN_SERVER__LISTEN", "127.0.0.1:1")
        .output()
        .unwrap()
}

#[test]
fn five_clients_hear_each_other_and_nothing_is_left() {
    let temporary = tempfile::tempdir().unwrap();
    let began = Instant::now();
    let output = demo(temporary.path());
    let (said, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}\n{complained}");
    assert!(began.elapsed() < MOST, "it took {:?}", began.elapsed());
    assert!(!said.contains('\u{1b}'), "colours in a pipe");

    // The table: a head, and a row with five cells for each.
    let (_, table) = said.split_once("from \\ to").expect("a table");
    let rows: Vec<&str> = table.lines().skip(1).filter(|line| line.contains("text, ")).collect();
    assert_eq!(rows.len(), 5, "{table}");
    for row in &rows {
        assert_eq!(row.matches("text, ").count(), 5, "{row}");
    }
    assert_eq!(table.matches("text, degraded").count(), 5, "{table}");
    assert_eq!(table.matches("text, file").count(), 20, "{table}");

    let left: Vec<_> = std::fs::read_dir(temporary.path()).unwrap().flatten().map(|entry| entry.path()).collect();
    assert!(left.is_empty(), "left behind: {left:?}");
}
