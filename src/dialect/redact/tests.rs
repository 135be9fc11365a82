//! Redaction against serde_json, which knows nothing of bytes; and byte by byte where nothing is to be taken out.

use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn redaction() -> Redaction {
    Redaction::new(vec!["password".to_owned(), "secret_key".to_owned()])
}

fn apply(text: &str) -> String {
    redaction().apply(text).unwrap().unwrap_or_else(|| text.to_owned())
}

#[test]
fn a_member_goes_with_one_comma() {
    for (text, left) in [
        (r#"{"password":"x"}"#, "{}"),
        (r#"{ "password" : "x" }"#, "{  }"),
        (r#"{"password":"x","a":1}"#, r#"{"a":1}"#),
        (r#"{"a":1,"password":"x"}"#, r#"{"a":1}"#),
        (r#"{"a":1 , "password":"x" , "b" :2}"#, r#"{"a":1  , "b" :2}"#),
        ("{\n  \"password\": \"x\",\n  \"b\": 2\n}", "{\n  \"b\": 2\n}"),
        (r#"{"password":1,"password":2,"a":3}"#, r#"{"a":3}"#),
        (r#"{"password":1,"secret_key":2}"#, "{}"),
        (r#"{"a":0,"password":1,"secret_key":2,"b":1.50}"#, r#"{"a":0,"b":1.50}"#),
        (r#"[{"u":{"password":{"password":[1,{"a":"}"}]}},"n":-0.0e+00}]"#, r#"[{"u":{},"n":-0.0e+00}]"#),
        (r#"{"a":"\\","password":"\"}","b":"\u00e9"}"#, r#"{"a":"\\","b":"\u00e9"}"#),
        (r#"{"pass\u0077ord":"x","a":"é"}"#, r#"{"a":"é"}"#),
        ("{\"password\":1}\n{\"password\":2,\"a\":1}", "{}\n{\"a\":1}"),
        ("\u{feff}{\"password\":1}", "\u{feff}{}"),
    ] {
        assert_eq!(apply(text), left, "{text}");
    }
}

#[test]
fn what_only_looks_like_it_stays() {
    for text in [
        r#"{"a":"password"}"#,
        r#"["password","secret_key"]"#,
        r#"{"passwords":1,"Password":2,"my_password":3}"#,
        r#"{"a":"\"password\":1"}"#,
        "hello",
        "",
        "[[[",
        r#"{"a" :1.0 , "b":1e3, "ключ":null}"#,
        r"a path of C:\nowhere",
        "\0",
    ] {
        assert_eq!(redaction().apply(text).unwrap(), None, "{text}");
    }
    assert_eq!(Redaction::default().apply(r#"{"password":1}"#).unwrap(), None);
}

/// Whoever reads it more kindly than JSON allows would find what is hidden there.
#[test]
fn what_cannot_be_read_is_refused() {
    for text in [
        r#"{"password":"x""#,
        r#"{password:"x"}"#,
        r#"{'password':"x"}"#,
        r#"{"a":1 "password":"x"}"#,
        r#"{"a":1,,"password":"x"}"#,
        r#"{/* " */"password":"x"}"#,
        r#"{"password":"x"]"#,
        r#"password="x""#,
        r#"{"\ud800":1,"password":2}"#,
    ] {
        assert_eq!(redaction().apply(text).unwrap_err().reason, Reason::Upstream, "{text}");
    }
    let deep = "[".repeat(MAX_DEPTH + 1) + "\"password\"";
    assert!(redaction().apply(&deep).is_err());
}

#[test]
fn only_names_at_any_depth_are_paths() {
    assert_eq!(Redaction::name("$..password"), Some("password"));
    assert_eq!(Redaction::name("$.._a1"), Some("_a1"));
    for path in ["", "$", "$..", "password", "$.password", "$..a.b", "$..*", "$..['a']", "$..1a", "$..a b", "$...a"] {
        assert_eq!(Redaction::name(path), None, "{path}");
    }
}

/// A value in which named members are frequent.
fn values() -> impl Strategy<Value = Value> {
    let keys = prop_oneof![
        Just("password".to_owned()),
        Just("secret_key".to_owned()),
        Just("passwords".to_owned()),
        "[a-z\"\\\\é]{0,4}",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[ -~é\n]{0,12}".prop_map(Value::from),
        Just(Value::from("password")),
    ];
    leaf.prop_recursive(5, 60, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((keys.clone(), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// JSON with blanks where they may stand, and with letters of keys escaped now and then.
fn written(value: &Value, dice: &mut impl FnMut(u8) -> u8) -> String {
    let blank = |dice: &mut dyn FnMut(u8) -> u8| ["", "", " ", "\n\t"][usize::from(dice(4))].to_owned();
    match value {
        Value::Array(list) => {
            let items: Vec<String> =
                list.iter().map(|item| blank(dice) + &written(item, dice) + &blank(dice)).collect();
            format!("[{}]", if items.is_empty() { blank(dice) } else { items.join(",") })
        }
        Value::Object(members) => {
            let members: Vec<String> = members
                .iter()
                .map(|(key, value)| {
                    let mut key = Value::from(key.as_str()).to_string();
                    if dice(4) == 0 {
                        key = key.replace('w', "\\u0077");
                    }
                    let before = blank(dice) + &key + &blank(dice) + ":" + &blank(dice);
                    before + &written(value, dice) + &blank(dice)
                })
                .collect();
            format!("{{{}}}", if members.is_empty() { blank(dice) } else { members.join(",") })
        }
        scalar => scalar.to_string(),
    }
}

fn without(value: &Value) -> Value {
    match value {
        Value::Array(list) => Value::Array(list.iter().map(without).collect()),
        Value::Object(members) => {
            let named = |key: &String| key == "password" || key == "secret_key";
            let left = members.iter().filter(|(key, _)| !named(key));
            Value::Object(left.map(|(key, value)| (key.clone(), without(value))).collect())
        }
        scalar => scalar.clone(),
    }
}

fn dice(seed: u64) -> impl FnMut(u8) -> u8 {
    let mut state = seed | 1;
    move |sides| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        u8::try_from(state % u64::from(sides)).unwrap()
    }
}

proptest! {
    /// As if it had been read, the members taken out, and written again; and to do it twice is to do it once.
    #[test]
    fn is_what_reading_and_writing_would_give(value in values(), seed in any::<u64>()) {
        let text = written(&value, &mut dice(seed));
        let left = apply(&text);
        prop_assert_eq!(serde_json::from_str::<Value>(&left).unwrap(), without(&value), "{}", text);
        prop_assert_eq!(apply(&left), left.clone());
        // In order, nothing but what was taken out is missing.
        let mut rest = text.chars();
        prop_assert!(left.chars().all(|letter| rest.any(|other| other == letter)), "{}\n{}", text, left);
    }

    /// Without such members every byte stays.
    #[test]
    fn all_else_is_untouched(value in values(), seed in any::<u64>()) {
        let text = written(&without(&value), &mut dice(seed));
        prop_assert_eq!(redaction().apply(&text).unwrap(), None);
    }

    #[test]
    fn no_text_is_too_strange(text in r#"[\[\]{}":, \\a-b"0password]{0,40}"#) {
        let _ = redaction().apply(&text);
    }
}
