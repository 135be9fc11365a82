//! The broken files of these tests: each mistake of structure (unknown key, wrong type, unknown word, out of bounds,
//! missing) is one for the schema too, on the same line. What it cannot say is listed here, with why; the list is the
//! proof, and nothing may stand in it that the schema finds.

use std::collections::BTreeSet;

use dragoman::config::Record;

use super::{Finding, Schema};
use crate::{cases, name_of, of_dialect, problems};

/// Codes that are about more than the form of one file.
const BEYOND: &[(&str, &str)] = &[
    ("syntax", "what is no TOML has no form"),
    ("file", "another file"),
    ("environment", "the environment"),
    ("reference", "a name that stands elsewhere"),
    ("duplicate", "two places at once"),
    ("conflict", "two settings at once"),
    ("dialect", "the dialect file that is named"),
    ("test", "what the gateway makes of a frame"),
    ("well_known_secret", "what a secret is"),
    ("short_secret", "what a secret is"),
    ("clear_text", "where an address is"),
    ("no_auth", "who can reach the listener"),
    ("public_admin", "who can reach the listener"),
    ("any_origin", "a doubt, no mistake"),
    ("any_audience", "a doubt, no mistake"),
    ("unheard", "the dialect file that is named"),
    ("unused", "whether others name it"),
];

/// Of the other codes: words of the message, and why.
const UNSAYABLE: &[(&str, &str)] = &[
    ("must be from", "bounds of what has a unit: a pattern cannot compare"),
    ("wanted an address", "the form of an address"),
    ("wanted a URL", "the form of a URL"),
    ("wanted `", "the form of a URL"),
    ("a URL here has no", "the form of a URL"),
    ("an endpoint has no", "the form of a URL"),
    ("a port is a number", "the form of a URL"),
    ("a host has no port", "the form of a host"),
    ("starts with a slash", "the form of a path"),
    ("a slash and at least", "the form of a path"),
    ("wanted plain path segments", "the form of a path"),
    ("wanted names with single slashes", "the form of a path"),
    ("is not an origin", "the form of an origin"),
    ("is no network", "the form of a network"),
    ("is everybody", "what a network means"),
    ("no name of", "the form of a name"),
    ("cannot be called", "the form of a name"),
    ("one word", "the form of a word"),
    ("wanted 1 to 64 letters", "the form of a word"),
    ("blanks and no line ends", "the form of a word"),
    ("is no type", "the form of a MIME type"),
    ("the path must end with", "the form of a URL"),
    ("a cluster has one", "the form of a URL"),
    ("PEM form", "what a key is"),
    ("JSONPath", "the form of a JSONPath"),
    ("a quote or a bracket", "the form of a JSONPath"),
    ("is a member within", "the form of a JSONPath"),
    ("is empty", "texts and lists without anything in them are of the right type"),
    ("no store is named here", "lists without anything in them are of the right type"),
    ("is no conversation of", "the dialect file that is named"),
    ("a conversation of", "the dialect file that is named"),
    ("is no user of", "the dialect file that is named"),
    ("nor a dialect or upstream", "names that stand elsewhere"),
    ("`connections` is a text, wanted a whole number", "the environment: `${COUNT}` is no number there"),
    ("`redis` is missing here", "the kind of another table"),
    ("`visitor_secret` of [server] is missing", "the kind of another table"),
    ("a file that no rule fits", "what rules leave over"),
    ("`credential` is missing here", "the dialect of the upstream"),
    ("`client_names` without a `client_ca`", "two settings at once"),
    ("nobody is named here", "lists without anything in them are of the right type"),
    ("in the clear", "where an address is"),
    ("is no level", "the form of a level"),
    ("is no list of `name=value`", "the form of a header"),
    ("a key has `{name}`", "the form of a template"),
    (
        "upstream-credential-kinds.toml: `kind` is missing",
        "`credential = {}` might be of rules by name, and without any",
    ),
];

/// Of dialect files, whose mistakes have one code.
const UNSAYABLE_OF_DIALECTS: &[(&str, &str)] = &[
    ("a path begins with", "the form of a path"),
    ("does not begin with `/`", "the form of a path"),
    ("no field is called `room`", "the form of a path"),
    ("wanted slashes at both ends", "the form of a path"),
    ("a name is lower-case", "the form of a name"),
    ("a key without `{random}`", "the form of a template"),
    ("no field is called `nmae`", "the form of a template"),
    ("a brace without its partner", "the form of a template"),
    ("no codec, enum or end", "a shape"),
    ("no field is called `bodi`", "a shape"),
    ("no field is called `error.txt`", "a shape"),
    ("no field is called `conversation.", "a shape"),
    ("no shape is called", "a name that stands elsewhere"),
    ("not JSON", "a shape"),
    ("member `op` twice", "a shape"),
    ("a header holds exactly one hole", "a shape"),
    ("more than 4 deep", "several shapes at once"),
    ("frame `say` twice", "two frames at once"),
    ("is never read", "two frames at once"),
    ("a client's frame is about something", "two keys at once"),
    ("is no option that is true or false", "a name that stands elsewhere"),
    ("or the name of an option", "a name that stands elsewhere"),
    ("is not there for", "a name that stands elsewhere"),
    ("this dialect has no variant", "a name that stands elsewhere"),
    ("unclosed table", "what is no TOML has no form"),
];

/// What the schema does not find of a file, and which reasons there are for that.
struct Missed {
    without_reason: Vec<String>,
    used: BTreeSet<&'static str>,
    found: usize,
}

impl Missed {
    fn of(&mut self, file: &str, text: &str, schema: &Schema, records: &[Record], reasons: &[(&'static str, &str)]) {
        let findings = match toml_edit::Document::parse(text) {
            Ok(_) => schema.findings(text),
            Err(_) => Vec::new(),
        };
        for record in records {
            let code = record.code.trim_start_matches("config::");
            let said = format!("{file}: {}", record.message);
            let reason = BEYOND.iter().filter(|_| code != "dialect" || reasons.len() == UNSAYABLE.len());
            let reason = reason.map(|(name, _)| *name).find(|name| *name == code);
            let reason = reason.or_else(|| reasons.iter().map(|(words, _)| *words).find(|words| said.contains(words)));
            let line = record.line.filter(|_| record.file == file);
            let is_found = findings.iter().any(|finding| on(finding, text, line));
            match (is_found, reason) {
                (true, _) => self.found += 1,
                (false, Some(reason)) => _ = self.used.insert(reason),
                (false, None) => {
                    self.without_reason.push(format!("{file}:{:?} {} {}", record.line, record.code, record.message))
                }
            }
        }
    }

    fn judge(&self, reasons: &[&str], at_least: usize) {
        assert!(self.without_reason.is_empty(), "the schema does not find:\n{}", self.without_reason.join("\n"));
        let unused: Vec<_> = reasons.iter().filter(|reason| !self.used.contains(**reason)).collect();
        assert!(unused.is_empty(), "nothing is left unsaid for {unused:?}");
        assert!(self.found >= at_least, "only {} mistakes are found", self.found);
    }
}

/// A mistake without a line is about the file as a whole.
fn on(finding: &Finding, text: &str, line: Option<usize>) -> bool {
    line.map_or(finding.path.is_empty(), |line| finding.is_on(text, line))
}

#[test]
fn a_mistake_of_structure_in_a_config_is_one_for_the_schema() {
    let schema = Schema::routes();
    let mut missed = Missed { without_reason: Vec::new(), used: BTreeSet::new(), found: 0 };
    for path in cases("broken") {
        let text = std::fs::read_to_string(&path).unwrap();
        missed.of(name_of(&path), &text, &schema, &problems(&path).records(), UNSAYABLE);
    }
    let reasons: Vec<&str> = BEYOND.iter().chain(UNSAYABLE).map(|(reason, _)| *reason).collect();
    missed.judge(&reasons, 100);
}

#[test]
fn a_mistake_of_structure_in_a_dialect_file_is_one_for_the_schema() {
    let schema = Schema::dialect();
    let mut missed = Missed { without_reason: Vec::new(), used: BTreeSet::new(), found: 0 };
    for path in cases("broken-dialects") {
        let text = std::fs::read_to_string(&path).unwrap();
        missed.of(name_of(&path), &text, &schema, &of_dialect(&path).records(), UNSAYABLE_OF_DIALECTS);
    }
    let reasons: Vec<&str> = UNSAYABLE_OF_DIALECTS.iter().map(|(reason, _)| *reason).collect();
    missed.judge(&reasons, 40);
}

/// Files of which it finds nothing at all.
#[test]
fn the_schema_is_silent_only_where_no_mistake_is_one_of_structure() {
    let silent = |folder: &str, schema: &Schema| -> Vec<String> {
        let is_silent = |text: &str| toml_edit::Document::parse(text).is_err() || schema.findings(text).is_empty();
        let paths = cases(folder).into_iter().filter(|path| is_silent(&std::fs::read_to_string(path).unwrap()));
        paths.map(|path| name_of(&path).trim_end_matches(".toml").to_owned()).collect()
    };
    assert_eq!(silent("broken", &Schema::routes()), SILENT.map(|(file, _)| file));
    assert_eq!(silent("broken-dialects", &Schema::dialect()), SILENT_OF_DIALECTS.map(|(file, _)| file));
}

const SILENT: [(&str, &str); 25] = [
    ("addresses", "forms of addresses"),
    ("cookies", "two settings at once"),
    ("dialect-elsewhere", "the dialect file that is named"),
    ("duplicates", "two places at once"),
    ("environment", "the environment"),
    ("key-sets", "forms of URLs, other files, two settings at once"),
    ("public-admin", "who can reach the listener"),
    ("redis-nowhere", "the kind of another table"),
    ("redis-twice", "two URLs at once"),
    ("references", "names that stand elsewhere"),
    ("same-address", "two addresses at once"),
    ("syntax-beside-a-secret", "no TOML"),
    ("syntax", "no TOML"),
    ("tls-files", "other files"),
    ("unreachable", "two routes at once"),
    ("upstream-conversations", "the dialects of upstreams"),
    ("upstream-decides", "two tables at once"),
    ("upstream-dialects", "names that stand elsewhere"),
    ("upstream-endpoints", "forms of URLs"),
    ("upstream-events", "forms of paths, other files, two upstreams at once"),
    ("upstream-in-public", "where an address is, what a secret is"),
    ("upstream-names", "forms of names"),
    ("upstream-references", "names that stand elsewhere"),
    ("upstream-uploads", "the dialects of upstreams"),
    ("well-known-in-public", "what a secret is"),
];

const SILENT_OF_DIALECTS: [(&str, &str); 7] = [
    ("frame-twice", "two frames at once"),
    ("holes", "a shape"),
    ("not-json", "a shape"),
    ("shapes-in-a-circle", "several shapes at once"),
    ("syntax", "no TOML"),
    ("unreachable-frame", "two frames at once"),
    ("variant", "names that stand elsewhere"),
];
