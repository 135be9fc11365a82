//! Declared tables → a JSON Schema for editors. Draft-07, which those of TOML know; as few choices as can be (`anyOf`), as
//! what fits none of several is not explained by anybody.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::sentence::about;
use super::{Key, Kind, Table, Words};

/// What is said of a file as a whole, and how values are written in it.
#[derive(Debug)]
pub struct Writing {
    pub title: &'static str,
    pub about: &'static str,
    /// What marks a text that stands for something else, which may be of any type. The next three are regular
    /// expressions, too.
    pub reference: Option<&'static str>,
    pub duration: &'static str,
    pub size: &'static str,
    pub rate: &'static str,
    /// Whether one table stands for a list of one.
    pub single_tables: bool,
}

type Schema = Map<String, Value>;

/// The schema of a file.
pub fn schema(root: &Table, writing: &Writing) -> Value {
    // What is used more than once is found by writing all of it.
    let mut first = Writer { writing, tables: BTreeMap::new(), definitions: Schema::new(), key: "" };
    first.table(root, Needs::All, &[]);
    first.tables.retain(|_, used| used.times > 1);
    let mut writer = Writer { definitions: Schema::new(), key: "", ..first };
    let table = writer.table(root, Needs::All, &[]);
    let mut whole = Schema::new();
    whole.insert("$schema".to_owned(), json!("http://json-schema.org/draft-07/schema#"));
    whole.insert("title".to_owned(), json!(writing.title));
    whole.insert("description".to_owned(), json!(writing.about));
    whole.extend(table);
    if !writer.definitions.is_empty() {
        whole.insert("definitions".to_owned(), Value::Object(writer.definitions));
    }
    Value::Object(whole)
}

/// Which keys of a table must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Needs {
    All,
    Id,
    None,
}

struct Writer<'a> {
    writing: &'a Writing,
    /// By the address of the table.
    tables: BTreeMap<(*const Table, Needs), Used>,
    definitions: Schema,
    /// The key that is being written.
    key: &'static str,
}

/// How often a table is used, and the name that it has where that is more than once.
struct Used {
    times: usize,
    name: String,
}

impl Writer<'_> {
    /// A table, or where it stands if others use it, too.
    fn shared(&mut self, table: &Table, needs: Needs) -> Schema {
        let address = (std::ptr::from_ref(table), needs);
        let Some(used) = self.tables.get_mut(&address) else {
            let same = |used: &&Used| used.name.trim_end_matches(|letter: char| letter.is_ascii_digit()) == self.key;
            let name = match self.tables.values().filter(same).count() {
                0 => self.key.to_owned(),
                others => format!("{}{}", self.key, others + 1),
            };
            self.tables.insert(address, Used { times: 1, name });
            return self.table(table, needs, &[]);
        };
        used.times += 1;
        let name = format!("table_{}", used.name);
        if !self.definitions.contains_key(&name) {
            // Its place, should it be within itself.
            self.definitions.insert(name.clone(), Value::Null);
            let written = self.table(table, needs, &[]);
            self.definitions.insert(name.clone(), Value::Object(written));
        }
        reference(&name)
    }

    fn table(&mut self, table: &Table, needs: Needs, more: &[Key]) -> Schema {
        let mut properties = Schema::new();
        for key in table.keys.iter().chain(more) {
            self.property(key, &mut properties);
        }
        let mut rules = Vec::new();
        let needed = |key: &&Key| match needs {
            Needs::All => key.needed,
            Needs::Id => key.name == "id",
            Needs::None => false,
        };
        let everywhere: Vec<&Key> = table.keys.iter().filter(needed).filter(|key| key.only.is_empty()).collect();
        let required = required(&everywhere, &mut rules);
        rules.extend(table.keys.iter().filter_map(not_twice));
        if needs == Needs::All {
            rules.extend(table.groups(None).map(any_of));
            rules.extend(by_kind(table));
        }
        let mut schema = object(json!({ "type": "object" }));
        if !properties.is_empty() {
            schema.insert("properties".to_owned(), Value::Object(properties));
        }
        if !required.is_empty() {
            schema.insert("required".to_owned(), json!(required));
        }
        if !rules.is_empty() {
            schema.insert("allOf".to_owned(), Value::Array(rules));
        }
        let others = table.others.map_or(json!(false), |others| Value::Object(self.kind(&others.kind)));
        schema.insert("additionalProperties".to_owned(), others);
        if let Some(names) = table.others.and_then(|others| others.names) {
            schema.insert("propertyNames".to_owned(), Value::Object(self.words(&names)));
        }
        schema
    }

    fn property(&mut self, key: &Key, properties: &mut Schema) {
        self.key = key.name;
        let kind = self.kind(&key.kind);
        properties.insert(key.name.to_owned(), described(key, kind));
        if let Kind::Secret(file) = key.kind {
            let about =
                format!("The file that `{}` is read from, in place of it, from the folder of this one.", key.name);
            properties.insert(file.to_owned(), json!({ "description": about, "type": "string" }));
        }
    }

    fn kind(&mut self, kind: &Kind) -> Schema {
        match kind {
            Kind::Text | Kind::Secret(_) => object(json!({ "type": "string" })),
            Kind::Word(words) => self.words(words),
            Kind::Boolean => self.or_reference("boolean"),
            Kind::Integer(from, to) => {
                let mut schema = self.or_reference("integer");
                for (name, bound) in [("minimum", *from), ("maximum", *to)] {
                    if !matches!(bound, i64::MIN | i64::MAX) {
                        schema.insert(name.to_owned(), json!(bound));
                    }
                }
                schema
            }
            Kind::Share => {
                let mut schema = self.or_reference("number");
                schema.insert("minimum".to_owned(), json!(0));
                schema.insert("maximum".to_owned(), json!(1));
                schema
            }
            Kind::Duration(..) => self.pattern(self.writing.duration),
            Kind::Size(..) => self.pattern(self.writing.size),
            Kind::Rate => self.pattern(self.writing.rate),
            Kind::Table(table) => self.shared(table, Needs::All),
            Kind::List(member) => {
                let items = self.kind(member);
                match self.writing.single_tables && member.table(&|_| true).is_some() {
                    true => object(json!({
                        "type": ["array", "object"],
                        "items": items,
                        "if": { "type": "object" },
                        "then": items,
                    })),
                    false => object(json!({ "type": "array", "items": items })),
                }
            }
            Kind::Pair(member) => {
                let items = self.kind(member);
                object(json!({ "type": "array", "items": items, "minItems": 2, "maxItems": 2 }))
            }
            Kind::Either(kinds) => self.either(kinds),
            Kind::Part(table, more) => self.table(table, Needs::Id, more),
            Kind::Changes(table, own) => self.changes(table, own),
            Kind::Any => Schema::new(),
        }
    }

    /// Words and the like are of one type each, and what is said of one type does not count for another: so one schema
    /// can say it all. But a list of words counts for every type.
    fn either(&mut self, kinds: &[Kind]) -> Schema {
        let tables: Vec<&Table> = kinds
            .iter()
            .filter_map(|kind| match kind {
                Kind::Table(table) => Some(*table),
                _ => None,
            })
            .collect();
        let rest = kinds.iter().filter(|kind| !matches!(kind, Kind::Table(_)));
        let mut parts: Vec<Schema> = rest.map(|kind| self.kind(kind)).collect();
        match tables.as_slice() {
            [] => {}
            // Written out, as it is merged with what else may stand here.
            [one] => parts.push(self.table(one, Needs::All, &[])),
            several => parts.push(self.forms(several)),
        }
        if kinds.iter().any(|kind| matches!(kind, Kind::Word(_))) {
            return object(json!({ "anyOf": parts }));
        }
        let is_text = kinds.iter().any(|kind| matches!(kind, Kind::Text));
        let mut schema = Schema::new();
        for part in parts {
            merge(&mut schema, part);
        }
        if is_text {
            schema.remove("pattern");
        }
        schema
    }

    /// Tables of several forms: each has its mark, the last is what has none. Editors that do not look behind conditions
    /// find the keys of all beside them.
    fn forms(&mut self, tables: &[&Table]) -> Schema {
        let mut properties = Schema::new();
        for key in tables.iter().flat_map(|table| table.keys) {
            properties.entry(key.name).or_insert_with(|| json!({ "description": about(key) }));
        }
        let mut rest = tables.iter().rev();
        let last = rest.next().map(|table| self.shared(table, Needs::All)).unwrap_or_default();
        let chosen = rest.fold(last, |otherwise, table| {
            let form = self.shared(table, Needs::All);
            object(json!({ "if": any_of(table.marks), "then": form, "else": otherwise }))
        });
        // They are about tables alone, and other types may stand here, too.
        let mut schema = object(json!({ "type": "object", "properties": properties }));
        schema.insert("if".to_owned(), json!({ "type": "object" }));
        schema.insert("then".to_owned(), Value::Object(chosen));
        schema
    }

    /// Any of the keys of a table: members of its tables take the place of those of the same name, and members of its lists
    /// that of those with the same `id`.
    fn changes(&mut self, table: &Table, own: &[Key]) -> Schema {
        let mut properties = Schema::new();
        for key in own {
            self.property(key, &mut properties);
        }
        let changed = table.keys.iter().filter(|key| !matches!(key.kind, Kind::Table(table) if is_of_changes(table)));
        for key in changed {
            self.key = key.name;
            let kind = match key.kind {
                // Without keys that are needed, in part and whole are the same.
                Kind::Table(table) if table.keys.iter().any(|key| key.needed) => self.shared(table, Needs::None),
                Kind::List(Kind::Table(table)) if table.keys.iter().any(|key| key.name == "id") => {
                    object(json!({ "type": "array", "items": self.shared(table, Needs::Id) }))
                }
                kind => self.kind(&kind),
            };
            properties.insert(key.name.to_owned(), described(key, kind));
        }
        object(json!({ "type": "object", "properties": properties, "additionalProperties": false }))
    }

    fn words(&mut self, words: &Words) -> Schema {
        let list = json!({ "enum": (words.known)() });
        let patterns: Vec<&str> = words.pattern.into_iter().chain(self.writing.reference).collect();
        let schema = match patterns.is_empty() {
            true => list,
            false => json!({ "anyOf": [list, { "type": "string", "pattern": patterns.join("|") }] }),
        };
        match words.name {
            Some(name) => {
                self.definitions.insert(name.to_owned(), schema);
                reference(name)
            }
            None => object(schema),
        }
    }

    fn or_reference(&self, name: &str) -> Schema {
        object(match self.writing.reference {
            Some(reference) => json!({ "type": [name, "string"], "pattern": reference }),
            None => json!({ "type": name }),
        })
    }

    fn pattern(&self, pattern: &str) -> Schema {
        let patterns: Vec<&str> = [pattern].into_iter().chain(self.writing.reference).collect();
        object(json!({ "type": "string", "pattern": patterns.join("|") }))
    }
}

fn reference(name: &str) -> Schema {
    object(json!({ "$ref": format!("#/definitions/{name}") }))
}

/// What a key may be, and what is said of it. Beside a reference nothing else counts.
fn described(key: &Key, mut kind: Schema) -> Value {
    let mut schema = object(json!({ "description": about(key) }));
    match kind.contains_key("$ref") {
        true => _ = schema.insert("allOf".to_owned(), json!([kind])),
        false => schema.append(&mut kind),
    }
    Value::Object(schema)
}

fn is_of_changes(table: &Table) -> bool {
    matches!(table.others, Some(super::Others { kind: Kind::Changes(..), .. }))
}

/// The names of keys that must be there; of a secret one of two, which is a rule.
fn required(keys: &[&Key], rules: &mut Vec<Value>) -> Vec<&'static str> {
    let mut names = Vec::new();
    for key in keys {
        match key.kind {
            Kind::Secret(file) => rules.push(any_of(&[key.name, file])),
            _ => names.push(key.name),
        }
    }
    names
}

/// A secret is written once.
fn not_twice(key: &Key) -> Option<Value> {
    match key.kind {
        Kind::Secret(file) => Some(json!({ "not": { "type": "object", "required": [key.name, file] } })),
        _ => None,
    }
}

fn any_of(keys: &[&str]) -> Value {
    match keys {
        [one] => json!({ "required": [one] }),
        several => json!({ "anyOf": several.iter().map(|key| json!({ "required": [key] })).collect::<Vec<_>>() }),
    }
}

/// What holds of a table by its `kind`: which keys must be there, and which must not.
fn by_kind(table: &Table) -> Vec<Value> {
    let Some(Kind::Word(kinds)) = table.keys.iter().find(|key| key.name == "kind").map(|key| key.kind) else {
        return Vec::new();
    };
    if table.keys.iter().all(|key| key.only.is_empty()) {
        return Vec::new();
    }
    let rule = |kind: String| {
        let mut rules = Vec::new();
        let belongs = |key: &&Key| key.needed && key.only.contains(&kind.as_str());
        let needed: Vec<&Key> = table.keys.iter().filter(belongs).collect();
        let required = required(&needed, &mut rules);
        rules.extend(table.groups(Some(&kind)).map(any_of));
        let is_other = |key: &&Key| !key.only.is_empty() && !key.only.contains(&kind.as_str());
        let others = table.keys.iter().filter(is_other);
        let refused: Schema = others.flat_map(Key::names).map(|name| (name.to_owned(), json!(false))).collect();
        let mut then = object(json!({ "properties": refused }));
        if !required.is_empty() {
            then.insert("required".to_owned(), json!(required));
        }
        if !rules.is_empty() {
            then.insert("allOf".to_owned(), Value::Array(rules));
        }
        json!({ "if": { "properties": { "kind": { "const": kind } }, "required": ["kind"] }, "then": then })
    };
    (kinds.known)().into_iter().map(rule).collect()
}

/// Adds what is said of another type.
fn merge(schema: &mut Schema, other: Schema) {
    for (name, value) in other {
        match (name.as_str(), schema.get_mut(&name)) {
            ("type", Some(known)) => {
                let mut types = types(known);
                types.extend(self::types(&value).into_iter().filter(|kind| !types.contains(kind)).collect::<Vec<_>>());
                *known = json!(types);
            }
            _ => _ = schema.insert(name, value),
        }
    }
}

fn types(value: &Value) -> Vec<String> {
    match value {
        Value::Array(types) => types.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        one => one.as_str().map(str::to_owned).into_iter().collect(),
    }
}

fn object(value: Value) -> Schema {
    match value {
        Value::Object(members) => members,
        _ => Schema::new(),
    }
}
