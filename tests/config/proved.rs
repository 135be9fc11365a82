//! Tests that a config has of itself: the examples of the docs hold, and a reload stops at one that does not.

use std::path::Path;

use dragoman::config::{self, Code, Inputs, Loaded, Problems};
use dragoman::dialect::builtin::BUILTIN;

/// The example of docs/configuration.md, with a secret where it names a file.
fn example() -> String {
    let docs = include_str!("../../docs/configuration.md");
    let (_, rest) = docs.split_once("```toml tests\n").expect("an example");
    let (text, _) = rest.split_once("```").expect("its end");
    text.replace("secret_file = \"jwt_secret\"", "secret = \"0123456789abcdef0123456789abcdef\"")
}

fn check(text: &str) -> Result<Loaded, Problems> {
    config::check("routes.toml", text, Path::new(""), &Inputs::default(), BUILTIN)
}

#[test]
fn the_examples_of_the_docs_hold() {
    let loaded = check(&example()).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(loaded.tests, 4);
    assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
}

#[test]
fn each_expectation_can_fail() {
    for (holds, fails) in [
        ("\"body\" = \"two towels, please\"", "\"body\" = \"three towels, please\""),
        ("\"$.conversation.id\" = \"7\"", "\"$.conversation.id\" = 7"),
        ("gets  = { \"message.content\" =", "gets  = { \"message.contents\" ="),
        ("lost  = []", "lost  = [\"body\"]"),
        ("content == 'two towels, please'", "content == 'none'"),
        ("$.id == '12'", "$.id == '13'"),
        ("refused = \"missing\"", "refused = \"too_large\""),
        ("\"conversation_id\": 7 }'''", "\"conversation_id\": 7, \"content\": \"a\" }'''"),
    ] {
        let text = example();
        assert!(text.contains(holds), "{holds}");
        let Err(problems) = check(&text.replace(holds, fails)) else { panic!("{fails} holds") };
        assert!(problems.list.iter().all(|problem| problem.code == Code::Test), "{fails}: {problems}");
    }
}

#[test]
fn calls_are_tested_too() {
    let text = "
[[routes]]
name = \"market\"
dialect = \"divar\"
to = \"hub\"
auth = { kind = \"none\" }

[[tests]]
name = \"a call\"
route = \"market\"
call = { method = \"post\", path = \"/v2/open-platform/conversations/abc/messages\", body = '''{ \"message\": \"hi\" }''' }
event = { \"body\" = \"hi\", \"conversation.id\" = \"abc\" }
";
    let loaded = check(text).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(loaded.tests, 1);
    let problems = check(&text.replace("\"post\"", "\"put\"")).unwrap_err();
    assert!(problems.list[0].message.contains("this path takes POST"), "{problems}");
}
