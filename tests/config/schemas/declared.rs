//! The other direction: every key that a schema has is read, and missed where the schema misses it. In: a schema. Done:
//! a file around each of its keys, with a date there, which no setting is; the reader must say so at its place.

use std::collections::BTreeMap;

use dragoman::dialect::Dialect;
use serde_json::Value;

use super::Schema;
use crate::{BUILTIN, config, inputs};

/// What no setting can be.
const DATE: &str = "1979-05-27";

/// Where the reader says it otherwise, and why.
const OTHERWISE: &[(&str, &str)] = &[
    (".upstreams.*.credential.*", "without a table in it, it is one rule, whose `kind` is missing"),
    ("without .routes[].uploads.to", "without its mark it is a table by kind, whose `default` is missing"),
];

/// Members of a table, written.
type Members = BTreeMap<String, String>;

/// A key of the schema with a file around it.
struct Case {
    /// Where it is, for messages.
    name: String,
    text: String,
}

struct Walk<'a> {
    root: &'a Value,
    /// A date in the place of each key.
    dates: Vec<Case>,
    /// A table without each key that it must have.
    gaps: Vec<(String, Case)>,
}

type Around<'a> = &'a dyn Fn(String) -> String;

impl Walk<'_> {
    /// The plain schemas that one stands for.
    fn plain(&self, schema: &Value) -> Vec<Value> {
        let list = |name: &str| schema[name].as_array().into_iter().flatten();
        if let Some(name) = schema["$ref"].as_str() {
            return self.plain(self.root.pointer(name.trim_start_matches('#')).unwrap());
        }
        if let Some(inner) = list("allOf").find(|inner| inner["$ref"].is_string()) {
            return self.plain(inner);
        }
        if list("anyOf").next().is_some() {
            return list("anyOf").flat_map(|inner| self.plain(inner)).collect();
        }
        let mut found = Vec::new();
        if schema["if"].is_object() {
            found.extend(self.plain(&schema["then"]));
            if schema["else"].is_object() {
                found.extend(self.plain(&schema["else"]));
            }
            // What stands beside a condition of types is about the other types.
            if schema["items"].is_object() {
                found.push(serde_json::json!({ "type": "array", "items": schema["items"] }));
            }
            return found;
        }
        found.push(schema.clone());
        found
    }

    /// A value that would do, as far as the reader reads on.
    fn sample(&self, name: &str, schema: &Value) -> String {
        let plain = self.plain(schema);
        let Some(schema) = plain.first() else { return "1".to_owned() };
        if let Some(word) = schema["enum"].get(0) {
            return word.to_string();
        }
        let is = |kind: &str| schema["type"] == kind || schema["type"].get(0).is_some_and(|first| first == kind);
        if is("string") {
            let pattern = schema["pattern"].as_str().unwrap_or_default();
            let text = match name {
                "dialect" => "frontdesk",
                "to" => "hub",
                "http" => "http://127.0.0.1:1",
                "shape" | "json" => r#"{\"a\":\"{body}\"}"#,
                "path" | "paths" => "/x",
                _ if pattern.contains("ms|s") => "30s",
                _ if pattern.contains("KiB") => "10MiB",
                _ => "x",
            };
            return format!("\"{text}\"");
        }
        if is("object") {
            return written(&self.needed(schema, None));
        }
        if is("array") {
            return format!("[{}]", self.sample(name, &schema["items"]));
        }
        if is("integer") { schema["minimum"].as_i64().unwrap_or(1).to_string() } else { "true".to_owned() }
    }

    /// What must stand in a table, beside a key that will.
    fn needed(&self, table: &Value, beside: Option<&str>) -> Members {
        let mut names: Vec<String> = Vec::new();
        let mut kind = None;
        let mut add = |rules: &Value| {
            names.extend(
                rules["required"].as_array().into_iter().flatten().map(|name| name.as_str().unwrap().to_owned()),
            );
            for group in rules["allOf"].as_array().into_iter().flatten() {
                let keys: Vec<&str> = group["anyOf"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(|key| key["required"][0].as_str())
                    .collect();
                if !keys.is_empty() && !beside.is_some_and(|beside| keys.contains(&beside)) {
                    names.push(keys[0].to_owned());
                }
            }
        };
        add(table);
        for rule in table["allOf"].as_array().into_iter().flatten().filter(|rule| rule["if"].is_object()) {
            let then = &rule["then"];
            if kind.is_none() && beside.is_none_or(|beside| then["properties"][beside] != Value::Bool(false)) {
                kind = Some(rule["if"]["properties"]["kind"]["const"].to_string());
                add(then);
            }
        }
        let mut members: Members = names
            .iter()
            .filter(|name| Some(name.as_str()) != beside)
            .map(|name| (name.clone(), self.sample(name, &table["properties"][name])))
            .collect();
        members.extend(kind.filter(|_| beside != Some("kind")).map(|kind| ("kind".to_owned(), kind)));
        members
    }

    /// Every key of the tables that a schema may be, and what is below them.
    fn schema(&mut self, name: &str, schema: &Value, around: Around<'_>) {
        for plain in self.plain(schema) {
            if plain["items"].is_object() {
                self.schema(&format!("{name}[]"), &plain["items"], &|inner| around(format!("[{inner}]")));
            }
            for (key, inner) in plain["properties"].as_object().into_iter().flatten() {
                self.key(&format!("{name}.{key}"), &plain, key, inner, around);
            }
            if plain["additionalProperties"].is_object() {
                let word = self
                    .plain(&plain["propertyNames"])
                    .iter()
                    .find_map(|names| names["enum"][1].as_str().map(str::to_owned));
                let key = word.unwrap_or_else(|| "x".to_owned());
                self.key(&format!("{name}.*"), &plain, &key, &plain["additionalProperties"], around);
            }
        }
    }

    fn key(&mut self, name: &str, table: &Value, key: &str, schema: &Value, around: Around<'_>) {
        if name.split('.').count() > 12 || schema.as_object().is_some_and(serde_json::Map::is_empty) {
            return;
        }
        let beside = self.needed(table, Some(key));
        let around_key = |inner: String| {
            let members: Members = beside
                .iter()
                .map(|(name, text)| (name.clone(), text.clone()))
                .chain([(key.to_owned(), inner)])
                .collect();
            around(written(&members))
        };
        self.dates.push(Case { name: name.to_owned(), text: around_key(DATE.to_owned()) });
        let must = |name: &Value| name == key;
        if table["required"].as_array().is_some_and(|names| names.iter().any(must)) {
            self.gaps.push((key.to_owned(), Case { name: name.to_owned(), text: around(written(&beside)) }));
        }
        // Changes are of the tables that are walked anyway.
        if name != ".variant.*" {
            self.schema(name, schema, &around_key);
        }
    }
}

/// A table on one line.
fn written(members: &Members) -> String {
    let members: Vec<String> = members.iter().map(|(name, text)| format!("{name:?} = {text}")).collect();
    format!("{{ {} }}", members.join(", "))
}

/// The keys of the file itself, a line each.
fn lines(table: String) -> String {
    let document: toml_edit::DocumentMut =
        format!("all = {table}").parse().unwrap_or_else(|error| panic!("{error}\n{table}"));
    let members = document["all"].as_inline_table().unwrap().iter();
    members.map(|(name, value)| format!("{name} = {}\n", value.to_string().trim())).collect()
}

fn walk<'a>(schema: &'a Schema) -> Walk<'a> {
    let mut walk = Walk { root: &schema.json, dates: Vec::new(), gaps: Vec::new() };
    walk.schema("", &schema.json, &lines);
    walk
}

/// Where the date stands, and every problem as its place and words.
fn said(text: &str, of_dialect: bool) -> Vec<(usize, String)> {
    if of_dialect {
        let problems = Dialect::parse_with_variants("x", text).err();
        return problems
            .into_iter()
            .flat_map(|problems| problems.list)
            .map(|problem| (problem.span.start, problem.message))
            .collect();
    }
    let problems = config::check("x", text, std::path::Path::new(""), &inputs(), BUILTIN).err();
    let offset = |line: usize, column: usize| {
        text.split_inclusive('\n').take(line - 1).map(str::len).sum::<usize>() + column - 1
    };
    problems
        .into_iter()
        .flat_map(|problems| problems.records())
        .map(|record| (record.line.zip(record.column).map_or(0, |(line, column)| offset(line, column)), record.message))
        .collect()
}

fn unread(schema: &Schema, of_dialect: bool, at_least: usize) -> Vec<String> {
    let walk = walk(schema);
    assert!(walk.dates.len() >= at_least, "only {} keys", walk.dates.len());
    let mut wrong = Vec::new();
    for case in &walk.dates {
        let at = case.text.find(DATE).unwrap();
        let said = said(&case.text, of_dialect);
        // The value, or its key.
        let is_there = |offset: &usize| *offset <= at && !case.text[*offset..at].contains(['{', ',', '\n']);
        if !said.iter().any(|(offset, message)| {
            is_there(offset) && !message.contains("unknown key") && !message.contains("not a key")
        }) {
            wrong.push(format!("{}: {}{said:?}", case.name, case.text));
        }
    }
    // Without the key that marks its form a table may be of another.
    for (key, case) in walk.gaps.iter().filter(|(_, case)| !schema.findings(&case.text).is_empty()) {
        let said = said(&case.text, of_dialect);
        if !said.iter().any(|(_, message)| message.contains(key.as_str())) {
            wrong.push(format!("without {}: {}{said:?}", case.name, case.text));
        }
    }
    wrong.retain(|wrong| !OTHERWISE.iter().any(|(name, _)| wrong.starts_with(&format!("{name}:"))));
    wrong
}

#[test]
fn every_key_of_a_config_is_read() {
    let wrong = unread(&Schema::routes(), false, 280);
    assert!(wrong.is_empty(), "{} of them\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_key_of_a_dialect_file_is_read() {
    let wrong = unread(&Schema::dialect(), true, 400);
    assert!(wrong.is_empty(), "{} of them\n{}", wrong.len(), wrong.join("\n"));
}
