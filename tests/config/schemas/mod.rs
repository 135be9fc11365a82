//! The schemas that editors use, beside the readers: what one takes and refuses, the other does, as far as a schema can
//! say it. In: `schemas/*.json` and the files of the repository. A validator that is not ours reads the schemas.

mod broken;
mod declared;
mod repository;

use std::ops::Range;
use std::path::Path;

use jsonschema::Validator;
use jsonschema::error::ValidationErrorKind;
use serde_json::Value;
use toml_edit::{Document, Item, TableLike};

/// A schema of `schemas/`.
struct Schema {
    json: Value,
    validator: Validator,
}

/// What it finds wrong with a text.
#[derive(Debug)]
struct Finding {
    /// Names and places of lists, from the root.
    path: Vec<String>,
    /// What is wrong: the keyword of the schema.
    keyword: String,
    /// For who reads a failed test.
    #[allow(dead_code, reason = "printed")]
    message: String,
}

impl Schema {
    fn read(name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas").join(name);
        let json: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let validator = jsonschema::validator_for(&json).unwrap_or_else(|error| panic!("{name}: {error}"));
        Schema { json, validator }
    }

    fn routes() -> Self {
        Self::read("routes.schema.json")
    }

    fn dialect() -> Self {
        Self::read("dialect.schema.json")
    }

    /// What is wrong with a text that is TOML.
    fn findings(&self, text: &str) -> Vec<Finding> {
        let json: Value = toml_edit::de::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let mut findings = Vec::new();
        for error in self.validator.iter_errors(&json) {
            let path: Vec<String> = error.instance_path().as_str().split('/').skip(1).map(unescaped).collect();
            let (keyword, message) = (error.kind().keyword().to_owned(), error.to_string());
            // Those of keys that are not there are said of their table.
            let below = match error.kind() {
                ValidationErrorKind::AdditionalProperties { unexpected } => unexpected.clone(),
                ValidationErrorKind::PropertyNames { error } => {
                    vec![error.instance().as_str().unwrap_or_default().to_owned()]
                }
                _ => Vec::new(),
            };
            if below.is_empty() {
                findings.push(Finding { path, keyword, message });
                continue;
            }
            for name in below {
                let path = path.iter().cloned().chain([name]).collect();
                findings.push(Finding { path, keyword: keyword.clone(), message: message.clone() });
            }
        }
        findings
    }
}

/// A segment of a JSON Pointer.
fn unescaped(segment: &str) -> String {
    segment.replace("~1", "/").replace("~0", "~")
}

/// The bytes of what stands at a path: its key and its value; of a table with a header of its own, the header.
fn spans(text: &str, path: &[String]) -> Vec<Range<usize>> {
    let document = Document::parse(text).unwrap();
    let mut table: &dyn TableLike = document.as_table();
    let mut found = Vec::new();
    let mut names = path.iter();
    while let Some(name) = names.next() {
        let Some((key, item)) = table.get_key_value(name) else { return found };
        found = key.span().into_iter().chain(item.span()).collect();
        let Some(inner) = below(item, &mut names, &mut found) else { return found };
        table = inner;
    }
    found
}

/// The table that a path goes on in.
fn below<'a>(
    item: &'a Item,
    names: &mut std::slice::Iter<'_, String>,
    found: &mut Vec<Range<usize>>,
) -> Option<&'a dyn TableLike> {
    if let Some(tables) = item.as_array_of_tables() {
        let table = tables.get(names.next()?.parse().ok()?)?;
        *found = table.span().into_iter().collect();
        return Some(table);
    }
    if let Some(array) = item.as_array() {
        let member = array.get(names.next()?.parse().ok()?)?;
        *found = member.span().into_iter().collect();
        return member.as_inline_table().map(|table| table as &dyn TableLike);
    }
    item.as_table_like()
}

/// Lines from 1.
fn lines(text: &str, span: &Range<usize>) -> std::ops::RangeInclusive<usize> {
    let line = |offset: usize| text[..offset.min(text.len())].matches('\n').count() + 1;
    line(span.start)..=line(span.end.max(span.start))
}

impl Finding {
    /// Whether it is about a line of the text.
    fn is_on(&self, text: &str, line: usize) -> bool {
        spans(text, &self.path).iter().any(|span| lines(text, span).contains(&line))
    }
}
