//! What the documents name is there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn read(path: impl AsRef<Path>) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

const ALERTS: &str = "helm/dragoman/files/alerts.yaml";

/// The names of metrics in a text.
fn metrics(text: &str) -> BTreeSet<String> {
    let is_part = |letter: char| letter.is_ascii_lowercase() || letter == '_';
    let places = text.match_indices("dragoman_").filter(|(at, _)| !text[..*at].ends_with(is_part));
    places
        .map(|(at, _)| text[at..].split(|letter| !is_part(letter)).next().unwrap_or_default().to_owned())
        .filter(|name| !name.ends_with('_'))
        .collect()
}

/// The names that the source registers.
fn counted() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/metrics");
    let files = std::fs::read_dir(folder).expect("readable").map(|entry| read(entry.expect("readable").path()));
    let names = |file: String| -> Vec<String> {
        file.split('"').filter(|text| text.starts_with("dragoman_")).flat_map(metrics).collect()
    };
    files.flat_map(names).collect()
}

/// What is written for operators.
fn documents() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut list = vec![folder.join("README.md"), folder.join("CHANGELOG.md"), folder.join(ALERTS)];
    let entries = std::fs::read_dir(folder.join("docs")).expect("readable");
    list.extend(
        entries
            .map(|entry| entry.expect("readable").path())
            .filter(|path| path.extension().is_some_and(|end| end == "md")),
    );
    list
}

#[test]
fn every_metric_that_is_documented_exists() {
    let existing = counted();
    assert!(existing.len() > 20, "{existing:?}");
    let mut named = 0;
    for document in documents() {
        let names = metrics(&read(&document));
        let unknown: Vec<_> = names.difference(&existing).collect();
        assert!(unknown.is_empty(), "{} names what is not counted: {unknown:?}", document.display());
        named += names.len();
    }
    assert!(named > 10, "only {named} were found: the search is wrong");
}

/// Whoever is woken finds what to do under the alert's name.
#[test]
fn every_alert_is_explained() {
    let alerts = read(ALERTS);
    let names: BTreeSet<&str> =
        alerts.lines().filter_map(|line| line.trim_start().strip_prefix("- alert: ")).map(str::trim).collect();
    let page = read("docs/operations.md");
    let (_, page) = page.split_once("## What to do").expect("a chapter of that");
    let explained: BTreeSet<&str> = page.lines().filter_map(|line| line.strip_prefix("### ")).collect();
    assert!(names.len() > 10);
    assert_eq!(names, explained);
    let tests = read("tests/monitoring/alerts_test.yaml");
    let untested: Vec<_> = names.iter().filter(|name| !tests.contains(&format!("alertname: {name}"))).collect();
    assert!(untested.is_empty(), "{untested:?}");
}

#[test]
fn a_metric_is_found_in_words() {
    let found = metrics("`dragoman_lost_total{a}`, my_dragoman_no, dragoman_, target/release/dragoman, dragoman_up.");
    assert_eq!(found.into_iter().collect::<Vec<_>>(), ["dragoman_lost_total", "dragoman_up"]);
}

/// A replica is given up only after it had the time that it may take.
#[test]
fn a_stop_is_given_longer_than_a_drain() {
    let seconds = |text: String, key: &str| -> u64 {
        let line = text.lines().find(|line| line.trim_start().starts_with(key)).expect("it is there").to_owned();
        let digits = line.split_once(['=', ':']).expect("a value").1.trim().trim_matches('"').to_owned();
        digits.split(|letter: char| !letter.is_ascii_digit()).find(|part| !part.is_empty()).unwrap().parse().unwrap()
    };
    let drain = seconds(read("deploy/routes.toml"), "drain_timeout");
    let grace = seconds(read("deploy/compose.yaml"), "stop_grace_period");
    assert!(grace >= drain + 5, "{grace} s are too few for a drain of {drain} s");
}
