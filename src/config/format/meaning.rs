//! What a file says, whatever its layout: what two layouts of one file have in common.

use toml_edit::{Item, TableLike, Value};
use toml_parser::Source;
use toml_parser::lexer::TokenKind;

use super::said;

/// What a table says, without its layout: every value under its full name, in order.
pub(super) fn of(table: &dyn TableLike) -> Vec<(String, String)> {
    let mut found = Vec::new();
    collect_table("", table, &mut found);
    found
}

fn collect_table(path: &str, table: &dyn TableLike, found: &mut Vec<(String, String)>) {
    found.push((path.to_owned(), "{}".to_owned()));
    for (name, item) in table.iter() {
        let path = format!("{path}.{name:?}");
        match item {
            Item::None => {}
            Item::Value(value) => collect_value(&path, value, found),
            Item::Table(inner) => collect_table(&path, inner, found),
            Item::ArrayOfTables(tables) => {
                for (at, inner) in tables.iter().enumerate() {
                    collect_table(&format!("{path}[{at}]"), inner, found);
                }
            }
        }
    }
}

fn collect_value(path: &str, value: &Value, found: &mut Vec<(String, String)>) {
    let scalar = match value {
        Value::Array(members) => {
            found.push((path.to_owned(), "[]".to_owned()));
            for (at, member) in members.iter().enumerate() {
                collect_value(&format!("{path}[{at}]"), member, found);
            }
            return;
        }
        Value::InlineTable(inner) => return collect_table(path, inner, found),
        Value::String(text) => format!("{:?}", text.value()),
        Value::Integer(number) => number.value().to_string(),
        // By its bits: not every number equals itself.
        Value::Float(number) => format!("float {:x}", number.value().to_bits()),
        Value::Boolean(flag) => flag.value().to_string(),
        Value::Datetime(time) => format!("time {}", time.value()),
    };
    found.push((path.to_owned(), scalar));
}

pub(super) fn comments(text: &str) -> Vec<String> {
    let tokens = Source::new(text).lex().filter(|token| token.kind() == TokenKind::Comment);
    tokens.map(|token| said(text, token).trim_end().to_owned()).collect()
}
