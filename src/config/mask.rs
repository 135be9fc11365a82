//! The text of a config, with its secrets masked, for showing lines of it. In: the file. Out: a text of the same length in
//! which every value of a secret's key is `*`.

use std::ops::Range;

use toml_edit::{Item, TableLike, Value};

/// Keys whose values are secrets, wherever they stand.
const SECRET_KEYS: &[&str] = &[
    "secret",
    "visitor_secret",
    "admin_token",
    "token",
    "tokens",
    "key",
    "value",
    "password",
    "sentinel_password",
    "access_key_id",
    "secret_access_key",
    "session_token",
    "api_key",
    "url",
    "jwks_url",
    "headers",
];

/// The text without its secrets, byte for byte as long. A value that is only `${NAME}` is no secret.
pub(super) fn mask(text: &str, file: &dyn TableLike) -> String {
    let mut spans = Vec::new();
    in_table("", file, &mut spans);
    blank(text, &spans)
}

/// The same for a text that cannot be parsed: whatever follows a secret's key on its line.
pub(super) fn mask_unparsed(text: &str) -> String {
    let mut spans = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let bare = line.trim_end_matches(['\n', '\r']);
        if let Some(equals) = bare.find('=')
            && (has_password(bare) || SECRET_KEYS.iter().any(|key| bare.contains(key)))
        {
            spans.push(start + equals + 1..start + bare.len());
        }
        start += line.len();
    }
    blank(text, &spans)
}

fn blank(text: &str, spans: &[Range<usize>]) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, letter) in text.char_indices() {
        let hidden = letter != '\n' && spans.iter().any(|span| span.contains(&at));
        match hidden {
            // As many as it has bytes: offsets stay what they are.
            true => out.extend(std::iter::repeat_n('*', letter.len_utf8())),
            false => out.push(letter),
        }
    }
    out
}

fn in_table(name: &str, table: &dyn TableLike, spans: &mut Vec<Range<usize>>) {
    // The `key` of an upload rule is where a file is kept, and no secret; only such a rule says beside it where `to`. The
    // `headers` of proxies are a word; those of a collector hold its credential.
    let is_rule = table.contains_key("to");
    for (key, item) in table.iter() {
        let is_harmless = (is_rule && key == "key") || (name == "proxies" && key == "headers");
        let secret = SECRET_KEYS.contains(&key) && !is_harmless;
        match item {
            Item::None => {}
            Item::Value(value) => in_value(key, value, secret, spans),
            Item::Table(inner) => in_table(key, inner, spans),
            Item::ArrayOfTables(tables) => tables.iter().for_each(|inner| in_table(key, inner, spans)),
        }
    }
}

fn in_value(name: &str, value: &Value, secret: bool, spans: &mut Vec<Range<usize>>) {
    match value {
        Value::String(text) if (secret || has_password(text.value())) && !is_reference(text.value()) => {
            if let Some(span) = value.span() {
                let end = span.end.saturating_sub(1);
                match text.value().strip_prefix("${").and_then(|rest| rest.find(":-")) {
                    // The name may be seen, its default not.
                    Some(name) => spans.push((span.start + name + 5).min(end)..end),
                    None => spans.push(span.start + 1..end),
                }
            }
        }
        Value::Array(members) => members.iter().for_each(|member| in_value(name, member, secret, spans)),
        Value::InlineTable(inner) => in_table(name, inner, spans),
        Value::String(_) | Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) => {}
    }
}

/// `scheme://user:password@host`, which is refused wherever it stands.
fn has_password(text: &str) -> bool {
    text.split_once("://").is_some_and(|(_, rest)| rest.contains('@'))
}

fn is_reference(text: &str) -> bool {
    text.starts_with("${") && text.find('}') == Some(text.len() - 1) && !text.contains(":-")
}
