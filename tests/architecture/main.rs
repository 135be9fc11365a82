//! The order of the rooms (DESIGN §9), read from the source: imports point down only, nothing goes in circles, and no
//! dialect is known by name. Each check is itself tested on small made-up sources, so that it can fail.

mod paths;
mod text;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The rooms from top to bottom. A room may import from the lines below its own; rooms of one line do not know each other.
const ORDER: &[&[&str]] = &[
    &["cli"],
    &["app"],
    &["config"],
    &["admin"],
    &["server"],
    &["session"],
    &["hub", "upstream"],
    &["delivery"],
    &["media"],
    &["directory"],
    &["naming"],
    &["passage"],
    &["backend"],
    &["auth"],
    &["store", "scan", "images", "relay", "journal", "placement", "keyset"],
    &["dialect"],
    &["fault"],
    &["edge"],
    &["redis", "activity", "telemetry"],
    &["event"],
    &["tasks", "metrics", "socket", "percent", "secret", "tls", "trace", "declaration"],
];

/// The one file that may name dialects.
const BUILTIN: &str = "dialect/builtin.rs";

/// A file of `src`, its path from there.
struct Source {
    path: String,
    text: String,
}

fn level(room: &str) -> Option<usize> {
    ORDER.iter().position(|rooms| rooms.contains(&room))
}

/// The room that a file belongs to: the folder, or the file at the root of `src`.
fn room_of(path: &str) -> &str {
    path.split('/').next().unwrap_or(path).trim_end_matches(".rs")
}

/// What is wrong with the imports of a source.
fn arrows(source: &Source) -> Vec<String> {
    let room = room_of(&source.path);
    if matches!(room, "lib" | "main") {
        return Vec::new();
    }
    let Some(own) = level(room) else {
        return vec![format!("{}: the room `{room}` is not in the order of tests/architecture", source.path)];
    };
    let mut wrong = Vec::new();
    for target in paths::rooms(&source.path, &text::code(&source.text)) {
        match level(&target) {
            _ if target == room => {}
            Some(other) if other > own => {}
            Some(other) if other == own => {
                wrong.push(format!("{}: `{room}` imports its sibling `{target}`", source.path));
            }
            Some(_) => wrong.push(format!("{}: `{room}` imports `{target}`, which is above it", source.path)),
            None => wrong.push(format!("{}: `{room}` imports `{target}`, which is no room", source.path)),
        }
    }
    wrong
}

/// The rooms that reach themselves over imports, as one line each.
fn circles(sources: &[Source]) -> Vec<String> {
    let edges: BTreeSet<(String, String)> = sources
        .iter()
        .flat_map(|source| {
            let room = room_of(&source.path).to_owned();
            let targets = paths::rooms(&source.path, &text::code(&source.text));
            targets
                .into_iter()
                .filter(|target| *target != room_of(&source.path))
                .map(move |target| (room.clone(), target))
        })
        .collect();
    let rooms: BTreeSet<&String> = edges.iter().map(|(from, _)| from).collect();
    rooms.into_iter().filter_map(|room| circle(room, &edges)).collect()
}

fn circle(start: &str, edges: &BTreeSet<(String, String)>) -> Option<String> {
    let mut seen = BTreeSet::new();
    let mut ways = vec![vec![start.to_owned()]];
    while let Some(way) = ways.pop() {
        let here = way.last().map(String::as_str).unwrap_or(start).to_owned();
        for (_, to) in edges.iter().filter(|(from, _)| *from == here) {
            let longer: Vec<String> = way.iter().chain([to]).cloned().collect();
            if to == start {
                return Some(longer.join(" → "));
            }
            if seen.insert(to.clone()) {
                ways.push(longer);
            }
        }
    }
    None
}

/// Where a dialect is known by name: code, texts and comments count, tests do not.
fn names(source: &Source, dialects: &[&str]) -> Vec<String> {
    let is_test = source.path.ends_with("tests.rs") || source.path.contains("/tests/");
    if source.path == BUILTIN || is_test {
        return Vec::new();
    }
    let text = text::without_tests(&source.text);
    let lines = text.lines().enumerate();
    lines
        .flat_map(|(at, line)| {
            let line = line.to_ascii_lowercase();
            let found = dialects.iter().filter(move |dialect| line.contains(**dialect));
            found.map(move |dialect| (at + 1, dialect))
        })
        .map(|(line, dialect)| format!("{}:{line}: names the dialect `{dialect}`", source.path))
        .collect()
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    files.sort();
    files
        .iter()
        .map(|file| Source {
            path: file.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/"),
            text: std::fs::read_to_string(file).unwrap(),
        })
        .collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

fn dialects() -> Vec<&'static str> {
    dragoman::dialect::builtin::BUILTIN.iter().map(|(name, _)| *name).collect()
}

#[test]
fn imports_point_down() {
    let wrong: Vec<String> = sources().iter().flat_map(arrows).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_room_reaches_itself() {
    let sources = sources();
    let found: BTreeSet<String> =
        sources.iter().flat_map(|source| paths::rooms(&source.path, &text::code(&source.text))).collect();
    assert!(found.len() >= 5, "the reader of imports found only {found:?}");
    let circles = circles(&sources);
    assert!(circles.is_empty(), "{}", circles.join("\n"));
}

#[test]
fn no_dialect_is_known_by_name() {
    let dialects = dialects();
    assert_eq!(dialects.len(), 5);
    let wrong: Vec<String> = sources().iter().flat_map(|source| names(source, &dialects)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_binary_is_only_a_door() {
    let main = sources().into_iter().find(|source| source.path == "main.rs").unwrap();
    let code = text::code(&main.text);
    assert_eq!(code.matches("dragoman::").count(), 1, "main.rs does more than call the command line");
    assert!(code.contains("dragoman::cli::main()"));
}

mod of_the_checks {
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        Source { path: path.to_owned(), text: text.to_owned() }
    }

    #[track_caller]
    fn wrong(path: &str, text: &str, words: &str) {
        let found = arrows(&source(path, text));
        assert!(found.len() == 1 && found[0].contains(words), "{path}: {text}\n{found:?}");
    }

    #[track_caller]
    fn fine(path: &str, text: &str) {
        assert_eq!(arrows(&source(path, text)), [""; 0], "{path}: {text}");
    }

    #[test]
    fn an_arrow_down_is_fine() {
        fine("hub/mod.rs", "use crate::journal::Journal;\nuse crate::{auth::Principal, event::{Event, Role}};");
        fine("hub/mod.rs", "use crate::hub::own::Thing;");
        fine("hub/mod.rs", "// use crate::server::X;\n/* crate::cli */ const TEXT: &str = \"crate::server::X\";");
        fine(
            "hub/mod.rs",
            "const TEXT: &str = r#\"use \"crate::server::X\"#; const LETTER: char = '\"'; use crate::event::A;",
        );
        fine("hub/deep/file.rs", "use super::super::hub_file::X; use super::server::X;");
        fine("hub/file.rs", "mod tests { fn f() { if x { } } use super::super::server::X; }");
        fine("hub/file.rs", "mod tests { } use super::server::X;");
    }

    #[test]
    fn an_arrow_up_is_found_however_it_is_written() {
        for text in [
            "use crate::server::Thing;",
            "use crate::{event::Event, server::{self, Thing}};",
            "use crate::{\n    event::Event,\n    server,\n};",
            "pub(crate) use crate::server::Thing;",
            "fn f() { crate::server::run(); }",
            "fn f(x: &dyn crate :: server :: Thing) {}",
            "type T = Vec<crate::server::Thing>;",
            "use ::dragoman::server::Thing;",
            "#[cfg(test)] mod tests { use crate::server::Thing; }",
            "use super::super::server::Thing;",
            "use super::super::{event::Event, server::Thing};",
        ] {
            wrong("hub/file.rs", text, "`server`, which is above it");
        }
        wrong("hub/deep/file.rs", "use super::super::super::server::Thing;", "above it");
        wrong("hub/file.rs", "mod tests { use super::super::super::server::Thing; }", "above it");
        wrong("hub/file.rs", "mod tests { } use super::super::server::Thing;", "above it");
        wrong("hub/mod.rs", "use super::server::Thing;", "above it");
        wrong("fault.rs", "use super::dialect::Thing;", "above it");
    }

    #[test]
    fn siblings_and_strangers_are_found() {
        wrong("hub/mod.rs", "use crate::upstream::Thing;", "its sibling `upstream`");
        wrong("hub/mod.rs", "use crate::helpers::Thing;", "which is no room");
        wrong("helpers/mod.rs", "", "is not in the order");
    }

    #[test]
    fn circles_are_found() {
        let sources = [
            source("hub/mod.rs", "use crate::media::A;"),
            source("media/mod.rs", "use crate::naming::A;"),
            source("naming/deep/file.rs", "use crate::{event::B, hub::A};"),
            source("event/mod.rs", ""),
        ];
        let found = circles(&sources);
        assert!(found.contains(&"hub → media → naming → hub".to_owned()), "{found:?}");
        assert_eq!(found.len(), 3);
        assert!(circles(&sources[..2]).is_empty());
    }

    #[test]
    fn names_of_dialects_are_found() {
        let dialects = ["acme"];
        let count = |path: &str, text: &str| names(&source(path, text), &dialects).len();
        assert_eq!(count("hub/mod.rs", "fn f() {}\nif dialect == \"acme\" {}"), 1);
        assert_eq!(count("hub/mod.rs", "// as AcMe does"), 1);
        assert_eq!(count("hub/mod.rs", "#[cfg(test)]\nmod tests { const A: &str = \"acme\"; }\n"), 0);
        assert_eq!(count("hub/mod.rs", "#[cfg(test)]\nmod tests { { } }\nconst A: &str = \"acme\";"), 1);
        assert_eq!(count("hub/mod.rs", "#[cfg(test)]\nmod tests;\nconst A: &str = \"acme\";"), 1);
        assert_eq!(count("hub/tests.rs", "\"acme\""), 0);
        assert_eq!(count("dialect/builtin.rs", "\"acme\""), 0);
        assert_eq!(names(&source("hub/mod.rs", "\n\nacme"), &dialects), ["hub/mod.rs:3: names the dialect `acme`"]);
    }
}
