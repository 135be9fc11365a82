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

/// A room that every dialect here has a name for, and a clinic that has its own.
const ROOMS: &str = r#"
[upstreams.clinic]
dialect    = "licomed"
http       = "http://127.0.0.1:8000"
credential = { kind = "forward" }

[[routes]]
name = "staff"
dialect = "frontdesk"
to = "hub"
auth = { kind = "none" }

[[routes]]
name = "users"
dialect = "licomed"
prefix = "/users"
to = "hub"
auth = { kind = "none" }

[[routes]]
name = "shops"
dialect = "luxmart"
to = "hub"
auth = { kind = "none" }

[[routes]]
name = "patients"
dialect = "frontdesk"
prefix = "/patients"
to = "clinic"
auth = { kind = "none" }

[[conversations]]
name       = "room-101"
kind       = "service"
department = "reception"
guest      = { name = "Ann", room_number = "101" }
frontdesk  = 101
luxmart    = 7
licomed    = ["3f0c2b1e-0000-4000-8000-00000000000a", "3f0c2b1e-0000-4000-8000-00000000000b"]
clinic     = ["3f0c2b1e-0000-4000-8000-00000000000c", "3f0c2b1e-0000-4000-8000-00000000000d"]

[[conversations]]
name      = "lobby"
frontdesk = 102
"#;

fn rooms(test: &str) -> Result<Loaded, Problems> {
    check(&format!("{ROOMS}\n[[tests]]\nname = \"it\"\n{test}"))
}

#[test]
fn a_room_of_the_config_has_each_sides_name() {
    let staff = r#"frame = '{ "type": "text", "conversation_id": 101, "content": "hi" }'"#;
    let us = "3f0c2b1e-0000-4000-8000-00000000000a";
    let them = "3f0c2b1e-0000-4000-8000-00000000000b";
    let holding = [
        // The gateway's own name for it, and what it knows.
        format!(
            "route = \"staff\"\n{staff}\nevent = {{ \"conversation.id\" = \"room-101\", \"conversation.kind\" = \
             \"service\", \"conversation.department\" = \"reception\" }}\nlost = []\n\
             gets = {{ \"message.conversation_id\" = 101, \"message.guest_info.room_number\" = \"101\" }}"
        ),
        format!("route = \"staff\"\n{staff}\nheard_by = \"shops\"\ngets = {{ \"payload.message.session_id\" = 7 }}"),
        // To a pair: from whoever stands for the others, unless we said it.
        format!(
            "route = \"staff\"\n{staff}\nheard_by = \"users\"\ngiven = {{ \"sender.id\" = \"ann\" }}\n\
             gets = {{ \"sender_id\" = \"{them}\", \"receiver_id\" = \"{us}\" }}"
        ),
        format!(
            "route = \"staff\"\n{staff}\nheard_by = \"users\"\ngiven = {{ \"sender.id\" = \"{us}\" }}\n\
             gets = {{ \"sender_id\" = \"{us}\", \"receiver_id\" = \"{them}\" }}"
        ),
        // From a pair.
        format!(
            "route = \"users\"\nframe = '{{ \"action\": \"text_message\", \"message_body\": \"hi\", \"receiver_id\": \
             \"{them}\" }}'\nheard_by = \"staff\"\ngets = {{ \"message.conversation_id\" = 101 }}"
        ),
        // The upstream's own name stands before that of its dialect.
        format!(
            "route = \"patients\"\n{staff}\ngets = {{ \"receiver_id\" = \"3f0c2b1e-0000-4000-8000-00000000000d\" }}"
        ),
        "route = \"patients\"\nfrom = \"upstream\"\nframe = '{ \"action\": \"re_message\", \"message_type\": \"text\", \
         \"message\": \"hi\", \"created_msg_id\": 12, \"sender_id\": \"3f0c2b1e-0000-4000-8000-00000000000d\", \
         \"receiver_id\": \"3f0c2b1e-0000-4000-8000-00000000000c\", \"timestamp\": \"2024-01-15T10:30:00.000000+00:00\" }'\n\
         event = { \"conversation.id\" = \"room-101\" }\ngets = { \"message.conversation_id\" = 101 }"
            .to_owned(),
        // A number that is no room's stays what it is.
        format!("route = \"staff\"\n{}\ngets = {{ \"message.conversation_id\" = 7 }}", staff.replace("101", "7")),
    ];
    for test in &holding {
        if let Err(problems) = rooms(test) {
            panic!("{test}\n{problems}");
        }
    }
    // Each of them compares names: with another they fail.
    for test in &holding[..7] {
        let wrong = test.replace("= 101", "= 111").replace("= 7 ", "= 8 ").replace("000b\" }\n", "000e\" }\n");
        let wrong = wrong.replacen("receiver_id\" = \"3f", "receiver_id\" = \"4f", 1);
        assert!(wrong != *test && rooms(&wrong).is_err(), "{wrong}");
    }
}

#[test]
fn who_has_no_name_for_a_room_does_not_hear_of_it() {
    let staff = r#"frame = '{ "type": "text", "conversation_id": 102, "content": "hi" }'"#;
    for (route, dialect) in [("staff\"\nheard_by = \"users", "licomed"), ("patients", "licomed")] {
        let problems = rooms(&format!("route = \"{route}\"\n{staff}\ngets = {{ \"message\" = \"hi\" }}")).unwrap_err();
        let words = format!("`lobby` of [[conversations]] has no name in {dialect}");
        assert!(problems.list[0].message.contains(&words), "{problems}");
    }
    // A dialect of numbers gives it one when it is first needed.
    let shops =
        format!("route = \"staff\"\n{staff}\nheard_by = \"shops\"\ngets = {{ \"payload.message.content\" = \"hi\" }}");
    rooms(&shops).unwrap_or_else(|problems| panic!("{problems}"));
}
