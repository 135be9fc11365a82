//! Every good config and dialect file of the repository, and what its pages print.

use std::path::{Path, PathBuf};

use super::Schema;
use crate::{cases, check};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The TOML files of a folder.
fn files(folder: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|extension| extension == "toml")).collect();
    files.sort();
    assert!(!files.is_empty(), "{folder} has no TOML files");
    files
}

/// What the chart makes of its templates where no value is set: blocks of lines go, and what stands within a line is a text.
fn by_default(text: &str) -> String {
    let mut out = String::new();
    let mut within = false;
    for line in text.lines() {
        match line.strip_prefix("{{-") {
            Some(rest) => within = !rest.trim_start().starts_with("end"),
            None if !within => out += &format!("{}\n", without_holes(line)),
            None => {}
        }
    }
    out
}

fn without_holes(line: &str) -> String {
    let mut parts = line.split("{{");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |out, part| out + part.split_once("}}").map_or(part, |(_, after)| after))
}

fn assert_valid(schema: &Schema, files: &[PathBuf]) {
    for path in files {
        let text = by_default(&std::fs::read_to_string(path).unwrap());
        let findings = schema.findings(&text);
        assert!(findings.is_empty(), "{}: {findings:#?}", path.display());
    }
}

#[test]
fn every_config_of_the_repository_is_valid() {
    let mut configs = vec![root().join("routes.toml"), root().join("deploy/routes.toml")];
    configs.extend(files("helm/dragoman/files"));
    configs.extend(files("tests/config/good"));
    configs.extend(files("tests/config/doubtful"));
    assert!(configs.len() >= 12, "{configs:?}");
    assert_valid(&Schema::routes(), &configs);
}

#[test]
fn every_dialect_file_of_the_repository_is_valid() {
    let dialects = [files("dialects"), files("examples"), files("tests/config/dialects")].concat();
    assert!(dialects.len() >= 10, "{dialects:?}");
    // Two of those for tests are broken, and their configs say so.
    let dialects: Vec<PathBuf> = dialects
        .into_iter()
        .filter(|path| {
            dragoman::dialect::Dialect::parse_with_variants("", &std::fs::read_to_string(path).unwrap()).is_ok()
        })
        .collect();
    assert!(dialects.len() >= 8, "{dialects:?}");
    assert_valid(&Schema::dialect(), &dialects);
}

/// What is behind comments in `routes.toml` is what most operators will write.
#[test]
fn every_commented_setting_of_the_default_is_valid() {
    let text = std::fs::read_to_string(root().join("routes.toml")).unwrap();
    let schema = Schema::routes();
    let mut blocks = 0;
    for block in text.split("\n\n") {
        let is_commented = |line: &str| line.starts_with("# [") && line.contains(']');
        let Some(start) = block.lines().position(is_commented) else { continue };
        let lines: Vec<&str> = block.lines().skip(start).take_while(|line| line.starts_with('#')).collect();
        let settings: String = lines.iter().map(|line| format!("{}\n", line.trim_start_matches(['#', ' ']))).collect();
        if toml_edit::Document::parse(settings.as_str()).is_err() {
            continue;
        }
        let mut findings = schema.findings(&settings);
        // The routes themselves are no comment.
        findings.retain(|finding| finding.keyword != "required" || !finding.path.is_empty());
        assert!(findings.is_empty(), "{findings:#?}\n{settings}");
        blocks += 1;
    }
    assert!(blocks >= 5, "only {blocks} blocks");
}

/// A page may show a part of a table; what it shows must be right.
#[test]
fn every_config_of_the_pages_is_valid_but_for_what_it_leaves_out() {
    let schema = Schema::routes();
    let mut blocks = 0;
    for page in ["bridge", "configuration", "deliveries", "edge", "journal", "kubernetes", "uploads", "replicas"] {
        let text = std::fs::read_to_string(root().join(format!("docs/{page}.md"))).unwrap();
        for block in text.split("\n```toml").skip(1) {
            let (_, rest) = block.split_once('\n').unwrap();
            let (toml, _) = rest.split_once("\n```").unwrap();
            for toml in alternatives(toml) {
                let findings = schema.findings(&toml);
                let wrong: Vec<_> = findings.iter().filter(|finding| finding.keyword != "required").collect();
                assert!(wrong.is_empty(), "docs/{page}.md: {wrong:#?}\n{toml}");
                blocks += 1;
            }
        }
    }
    assert!(blocks >= 12, "only {blocks} blocks");
}

/// A block may show one setting of a route, or several ways of one, one below the other.
fn alternatives(block: &str) -> Vec<String> {
    if !["uploads = ", "auth = "].iter().any(|setting| block.starts_with(setting)) {
        return vec![block.to_owned()];
    }
    let mut ways: Vec<String> = Vec::new();
    for line in block.lines() {
        match ways.last_mut() {
            Some(way) if !line.starts_with("uploads = ") => *way += &format!("{line}\n"),
            _ => ways.push(format!("[[routes]]\n{line}\n")),
        }
    }
    ways
}

/// `dragoman check --format json`, of every broken and doubtful config.
#[test]
fn every_problem_is_what_its_schema_says() {
    let schema = Schema::read("problem.schema.json");
    let mut count = 0;
    for path in cases("broken").into_iter().chain(cases("doubtful")) {
        let problems = check(&path).map_or_else(|problems| problems, |loaded| loaded.warnings);
        for record in problems.records() {
            let json = serde_json::to_value(&record).unwrap();
            let errors: Vec<String> = schema.validator.iter_errors(&json).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{json:#}: {errors:?}");
            count += 1;
        }
    }
    assert!(count > 200, "only {count} problems");
    assert!(!schema.validator.is_valid(&serde_json::json!({ "severity": "grave" })));
}
