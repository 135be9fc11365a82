//! The scanner beside a proven parser.

use proptest::prelude::*;

use super::*;

/// With no place named every value is only checked: exactly what serde_json takes is taken, but duplicate keys.
fn accepts(text: &str) -> bool {
    scan(&KeyTree::default(), text, &mut Captures::new()).is_ok()
}

/// Whether serde_json takes it, told from duplicate keys by a value without objects twice of one key.
fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde_json::Value>(text).is_ok()
}

#[test]
fn corner_cases_are_decided_as_by_a_proven_parser() {
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    for text in [
        "",
        " ",
        "nul",
        "nulll",
        "true false",
        "01",
        "-",
        "-0",
        "-01",
        "1.",
        ".5",
        "1e",
        "1e+",
        "1e5",
        "1E-5",
        "+1",
        "0x1",
        "1e999",
        "-1e999",
        "123456789012345678901234567890",
        "NaN",
        "Infinity",
        "\"",
        "\"\\\"",
        "\"\\u12\"",
        "\"\\ud800\"",
        "\"\\ud83d\\ude00\"",
        "\"\\udc00\\ud800\"",
        "\"\\x\"",
        "\"\u{1}\"",
        "\"\u{7f}\"",
        "\"\t\"",
        "'a'",
        "[",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[]",
        "{}",
        "{",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{\"a\":1,",
        "{\"a\":1,}",
        "{a:1}",
        "{1:1}",
        "{\"a\" 1}",
        "{\"a\":1 \"b\":2}",
        "{\"a\":{\"b\":[1,2,{\"c\":null}]}}",
        "\u{feff}1",
        "1\u{a0}",
        "\u{2028}1",
        "[1]x",
        "//x\n1",
        "\0",
        "\"\\/\\b\\f\\n\\r\\t\\\\\"",
        "\"سلام 😀\"",
    ] {
        assert_eq!(accepts(text), is_json(text), "{text:?}");
    }
    assert!(accepts(&deep(MAX_DEPTH)) && !accepts(&deep(MAX_DEPTH + 1)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_texts_are_decided_as_by_a_proven_parser(text in "[\\[\\]{},:\"\\\\0-9eE+.a-dtrufalsn \\-]{0,24}") {
        // Duplicate keys are the one thing on which the two differ on purpose.
        if accepts(&text) {
            prop_assert!(is_json(&text), "{text:?}");
        } else if is_json(&text) {
            let why = scan(&KeyTree::default(), &text, &mut Captures::new()).expect_err("refused").detail.unwrap_or_default();
            prop_assert!(why.starts_with("duplicate key"), "{text:?}: {why}");
        }
    }

    #[test]
    fn texts_are_read_as_they_were_written(words in "\\PC{0,32}", inner in any::<Vec<char>>()) {
        let mut tree = KeyTree::default();
        let root = tree.root();
        let (first, second) = (tree.child(root, "a"), tree.child(root, "b"));
        let inner: String = inner.into_iter().collect();
        let text = serde_json::json!({ "b": inner, "x": [words, { "y": words }], "a": words }).to_string();
        let mut captures = Captures::new();
        scan(&tree, &text, &mut captures).expect("JSON");
        prop_assert_eq!(&captures[first], &Captured::Text(words.as_str().into()));
        prop_assert_eq!(&captures[second], &Captured::Text(inner.as_str().into()));
    }
}
