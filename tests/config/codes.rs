//! The codes of problems: each documented, warnings allowed by name, and problems as data.

use std::path::Path;

use dragoman::config::{self, Code, Inputs, Loaded, Problems, Severity};
use dragoman::dialect::builtin::BUILTIN;

const DOUBTFUL: &str = r#"
[server]
listen = "0.0.0.0:8080"

[[routes]]
name = "staff"
dialect = "frontdesk"
to = "hub"
origins = ["*"]
auth = { kind = "none" }
"#;

fn check(text: &str) -> Result<Loaded, Problems> {
    config::check("test.toml", text, Path::new(""), &Inputs::default(), BUILTIN)
}

fn warnings(text: &str) -> Vec<Code> {
    let loaded = check(text).unwrap_or_else(|problems| panic!("{problems}"));
    loaded.warnings.list.iter().map(|problem| problem.code).collect()
}

#[test]
fn each_code_has_its_section_of_the_docs() {
    let docs = include_str!("../../docs/configuration.md");
    for code in Code::ALL {
        let heading = format!("\n### `{}`\n", code.name());
        assert_eq!(docs.matches(&heading).count(), 1, "docs/configuration.md has not one section of {}", code.name());
    }
    let headings = docs.lines().filter(|line| line.starts_with("### `")).count();
    assert_eq!(headings, Code::ALL.len(), "docs/configuration.md describes codes that are none");
}

#[test]
fn names_of_codes_are_their_own() {
    for code in Code::ALL {
        assert_eq!(Code::parse(code.name()), Some(*code));
        assert_eq!(Code::parse(code.as_str()), Some(*code));
    }
    assert_eq!(Code::parse("no_such"), None);
}

#[test]
fn a_warning_can_be_allowed() {
    assert_eq!(warnings(DOUBTFUL), [Code::AnyOrigin, Code::NoAuth]);
    let allow = |names: &str| format!("check = {{ allow = {names} }}\n{DOUBTFUL}");
    assert_eq!(warnings(&allow("\"any_origin\"")), [Code::NoAuth]);
    assert_eq!(warnings(&allow("[\"any_origin\", \"config::no_auth\"]")), []);
}

#[test]
fn an_error_cannot_be_allowed() {
    // The same code: a warning on this machine alone, an error where others can connect.
    let secret = "{ kind = \"jwt\", secret = \"well-known-secret-for-trying-things-out\" }";
    let text =
        format!("check = {{ allow = \"well_known_secret\" }}\n{DOUBTFUL}").replace("{ kind = \"none\" }", secret);
    let problems = check(&text).unwrap_err();
    assert!(problems.list.iter().any(|problem| problem.code == Code::WellKnownSecret && !problem.warning));
    assert_eq!(warnings(&text.replace("0.0.0.0", "127.0.0.1")), [Code::AnyOrigin]);
}

#[test]
fn problems_are_data_too() {
    let text = "[server]\nlisten = \"0.0.0.0:8080\"\ndrain_timeout = \"30\"\n";
    let environment = vec![("DRAGOMAN_SERVER__ADMIN".to_owned(), "nowhere".to_owned())];
    let inputs = Inputs { environment, ..Inputs::default() };
    let records = config::check("test.toml", text, Path::new(""), &inputs, BUILTIN).unwrap_err().records();
    let of = |code: &str, has_line: bool| {
        let found: Vec<_> =
            records.iter().filter(|record| record.code == code && record.line.is_some() == has_line).collect();
        assert_eq!(found.len(), 1, "{code}: {records:?}");
        found[0].clone()
    };
    let unit = of("config::value", true);
    assert_eq!((unit.severity, unit.file.as_str()), (Severity::Error, "test.toml"));
    assert_eq!((unit.line, unit.column, unit.end_line, unit.end_column), (Some(3), Some(17), Some(3), Some(21)));
    let admin = of("config::value", false);
    assert_eq!(admin.set_by.as_deref(), Some("DRAGOMAN_SERVER__ADMIN"));
    let as_json = serde_json::to_value(&unit).unwrap();
    assert_eq!(as_json["severity"], "error");
    assert_eq!(as_json.as_object().unwrap().len(), 10, "all members are there, though some are null");
}
