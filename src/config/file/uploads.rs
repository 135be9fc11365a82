//! `uploads` of a route: a store, several, one for each kind of file, or rules of which the first that fits decides. In:
//! any of these forms. Out: rules, with the place of every name that is yet to be looked up.

use super::super::node::{Node, Place, Value};
use super::super::problem::Code;
use super::super::section::{Section, Spanned};
use crate::dialect::suggestion;
use crate::event::MessageKind;
use crate::placement::{Condition, PathCondition, TypePattern};

/// Rules of one route.
const MOST_RULES: usize = 100;
/// Places of one file.
const MOST_PLACES: usize = 8;

/// What is written, in the one form that all are short for.
#[derive(Debug)]
pub(in crate::config) struct WrittenUploads {
    pub rules: Vec<WrittenRule>,
    /// Whether what must come last was found missing already.
    pub open: bool,
    pub place: Place,
}

#[derive(Debug)]
pub(in crate::config) struct WrittenRule {
    /// Absent where it has problems of its own.
    pub condition: Option<Condition>,
    pub to: WrittenDestination,
    pub keys: Vec<Spanned<String>>,
    pub place: Place,
}

/// Names of stores, yet to be looked up.
#[derive(Debug)]
pub(in crate::config) enum WrittenDestination {
    All(Vec<Spanned<String>>),
    Copied { primary: Spanned<String>, copies: Vec<Spanned<String>> },
}

pub(super) fn read(route: &Section<'_>) -> Option<WrittenUploads> {
    let node = route.node("uploads")?;
    let place = node.place.clone();
    let mut open = false;
    let rules = match &node.value {
        Value::Table(_) => {
            let section = route.section("uploads")?;
            let rules = table(&section);
            open = rules.last().is_none_or(|rule| rule.condition.as_ref().is_none_or(|last| !last.is_empty()));
            rules
        }
        Value::Array(members) if members.iter().any(|member| matches!(member.value, Value::Table(_))) => {
            let rules = route.list("uploads");
            if rules.len() > MOST_RULES {
                route.report().error(Code::Value, &place, format!("a route has at most {MOST_RULES} rules"), None);
            }
            rules.into_iter().filter_map(rule).collect()
        }
        _ => destination(route, "uploads").map(|to| always(to, place.clone())).into_iter().collect(),
    };
    Some(WrittenUploads { rules, open, place })
}

fn always(to: WrittenDestination, place: Place) -> WrittenRule {
    WrittenRule { condition: Some(Condition::default()), to, keys: Vec::new(), place }
}

/// One rule alone, a store with copies, or a place for each kind.
fn table(section: &Section<'_>) -> Vec<WrittenRule> {
    if section.has("to") {
        let rule = of_rule(section);
        section.finish_ref();
        return rule.into_iter().collect();
    }
    if section.has("primary") || section.has("copies") {
        let to = copied(section).map(|to| always(to, section.place().clone()));
        section.finish_ref();
        return to.into_iter().collect();
    }
    let mut rules = Vec::new();
    for kind in MessageKind::ALL.iter().filter(|kind| kind.is_file()) {
        if let Some(to) = destination(section, kind.as_str()) {
            let condition = Some(Condition { kinds: vec![*kind], ..Condition::default() });
            rules.push(WrittenRule { condition, ..always(to, section.key_place(kind.as_str())) });
        }
    }
    rules.extend(destination(section, "default").map(|to| always(to, section.key_place("default"))));
    if !section.has("default") {
        section.missing("default", "the store of kinds that are not named, as in `default = \"local\"`");
    }
    section.finish_ref();
    rules
}

fn rule(section: Section<'_>) -> Option<WrittenRule> {
    let rule = of_rule(&section);
    section.finish();
    rule
}

fn of_rule(section: &Section<'_>) -> Option<WrittenRule> {
    let condition = condition(section);
    if !section.has("to") {
        section.missing("to", "a store, or several, as in `to = \"local\"`");
    }
    let to = destination(section, "to");
    let keys = section.texts("key");
    Some(WrittenRule { condition, to: to?, keys, place: section.place().clone() })
}

/// `if`: a condition of JSONPath, or a table of what must hold. `None` where it has problems.
fn condition(section: &Section<'_>) -> Option<Condition> {
    let Some(node) = section.node("if") else { return Some(Condition::default()) };
    if let Value::Text(_) = &node.value {
        let path = section.parsed("if", PathCondition::parse)?.value;
        return Some(Condition { path: Some(path), ..Condition::default() });
    }
    let table = section.section("if")?;
    let (kinds, types, declared) = (kinds(&table), types(&table, "type"), types(&table, "declared_type"));
    let condition = Condition {
        larger: table.size("larger"),
        up_to: table.size("up_to"),
        conversations: table.texts("conversation").into_iter().map(|text| text.value).collect(),
        path: table.parsed("path", PathCondition::parse).map(|path| path.value),
        kinds: kinds.clone().unwrap_or_default(),
        types: types.clone().unwrap_or_default(),
        declared: declared.clone().unwrap_or_default(),
    };
    if matches!(&node.value, Value::Table(members) if members.is_empty()) {
        let help = "kind, type, declared_type, larger, up_to, conversation or path; without `if` it takes every file";
        table.report().error(Code::Value, table.place(), "`if` asks for nothing", Some(help.to_owned()));
    }
    if condition.is_impossible() {
        let message = "no file is `larger` than that and only `up_to` this";
        table.report().error(Code::Conflict, table.place(), message, None);
    }
    table.finish();
    let whole = kinds.is_some() && types.is_some() && declared.is_some() && !condition.is_empty();
    (whole && !condition.is_impossible()).then_some(condition)
}

/// `None` where one is none.
fn kinds(table: &Section<'_>) -> Option<Vec<MessageKind>> {
    let known = || MessageKind::ALL.iter().filter(|kind| kind.is_file());
    let texts = table.texts("kind");
    let mut kinds = Vec::new();
    for text in &texts {
        match known().find(|kind| kind.as_str() == text.value) {
            Some(kind) => kinds.push(*kind),
            None => {
                let help = suggestion(&text.value, known().map(|kind| kind.as_str()));
                let message = format!("`{}` is no kind of file", text.value);
                table.report().error(Code::Value, &text.place, message, help);
            }
        }
    }
    (kinds.len() == texts.len()).then_some(kinds)
}

/// `None` where one is none.
fn types(table: &Section<'_>, key: &'static str) -> Option<Vec<TypePattern>> {
    let texts = table.texts(key);
    let mut types = Vec::new();
    for text in &texts {
        match TypePattern::new(&text.value) {
            Some(pattern) => types.push(pattern),
            None => {
                let help = Some("as in `image/png`, or `image/*`".to_owned());
                table.report().error(Code::Value, &text.place, format!("`{}` is no type", text.value), help);
            }
        }
    }
    (types.len() == texts.len()).then_some(types)
}

/// A name, a list of names, or `{ primary, copies }`.
fn destination(section: &Section<'_>, key: &'static str) -> Option<WrittenDestination> {
    let node = section.node(key)?;
    if let Value::Table(_) = &node.value {
        let table = section.section(key)?;
        let copied = copied(&table);
        table.finish();
        return copied;
    }
    let places = section.texts(key);
    bounded(section, node, &places)?;
    Some(WrittenDestination::All(places))
}

fn copied(table: &Section<'_>) -> Option<WrittenDestination> {
    let primary = table.needed_text("primary", "the store that decides, as in `primary = \"bucket\"`");
    if !table.has("copies") {
        table.missing("copies", "the stores that get a copy, as in `copies = [\"local\"]`");
    }
    let node = table.node("copies")?;
    let copies = table.texts("copies");
    bounded(table, node, &copies)?;
    Some(WrittenDestination::Copied { primary: primary?, copies })
}

/// At least one, not too many, none twice.
fn bounded(section: &Section<'_>, node: &Node, places: &[Spanned<String>]) -> Option<()> {
    if places.is_empty() {
        if matches!(&node.value, Value::Array(members) if members.is_empty()) {
            section.report().error(Code::Value, &node.place, "no store is named here", None);
        }
        return None;
    }
    if places.len() > MOST_PLACES {
        section.report().error(Code::Value, &node.place, format!("at most {MOST_PLACES} stores for one file"), None);
    }
    for (at, place) in places.iter().enumerate() {
        if places[..at].iter().any(|earlier| earlier.value == place.value) {
            section.report().error(Code::Duplicate, &place.place, format!("`{}` is named twice", place.value), None);
        }
    }
    Some(())
}
