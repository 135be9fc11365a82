//! Sockets of a file. In: a `[[socket]]`. Out: the socket with its frames compiled, both directions.

use std::collections::BTreeMap;

use super::super::model::{Binding, Confirm, OptionValue, Scope, Socket};
use super::frames::{self, Direction};
use super::section::Section;
use super::shapes::{self, Library};
use super::{refusals, words};

pub const CONFIRMS: &[(&str, Confirm)] =
    &[("frame", Confirm::Frame), ("echo", Confirm::Echo), ("response", Confirm::Response), ("none", Confirm::None)];

/// What a bound parameter must look like, and whether that is a UUID.
pub const PATTERNS: &[(&str, bool)] = &[("uuid", true), ("any", false)];

pub fn read(section: Section<'_>, library: &Library, options: &BTreeMap<String, OptionValue>) -> Socket {
    let id = section.needed_text("id").map(|text| text.value).unwrap_or_default();
    let paths: Vec<String> = section.texts("paths").into_iter().map(|text| text.value).collect();
    for path in paths.iter().filter(|path| !path.starts_with('/')) {
        section.problem(section.span_of("paths"), format!("path `{path}` does not begin with `/`"), None);
    }
    let scope = section.needed_word("scope", "scope", words::SCOPES);
    let confirm = section.word("confirm", "way of confirming", CONFIRMS);
    let (mut client, mut server) = (Vec::new(), Vec::new());
    for table in section.sections("frame") {
        let span = table.span();
        if let Some((direction, frame)) = frames::read(table, library, options) {
            let list = if direction == Direction::FromClient { &mut client } else { &mut server };
            if list.iter().any(|other: &super::super::frame::Frame| other.id == frame.id) {
                section.problem(span, format!("frame `{}` twice", frame.id), None);
            }
            list.push(frame);
        }
    }
    let socket = Socket {
        bindings: bindings(&section),
        scope: scope.unwrap_or(Scope::Conversation),
        roles: words::roles(&section, &section.texts("roles")),
        accept_first: section.flag("accept_first").unwrap_or(false),
        echo: echo(&section, options),
        confirm: confirm.unwrap_or(Confirm::Echo),
        presence: section.flag("presence").unwrap_or(false),
        hears: section.texts("hears").iter().filter_map(|text| shapes::pattern(&section, text)).collect(),
        refusals: refusals::within(&section, "refuse", library),
        overflow: section.number("overflow").unwrap_or(1013),
        order: section.texts("order").iter().filter_map(|text| words::check(&section, text)).collect(),
        client: library.compile(&section, client),
        server: library.compile(&section, server),
        id,
        paths,
    };
    section.finish();
    socket
}

/// `"both"`, `"others"`, or the name of an option that is true for both.
fn echo(section: &Section<'_>, options: &BTreeMap<String, OptionValue>) -> bool {
    let Some(text) = section.text("echo") else { return true };
    match (text.value.as_str(), options.get(&text.value)) {
        ("both", _) => true,
        ("others", _) => false,
        (_, Some(OptionValue::Flag(flag))) => *flag,
        _ => {
            section.problem(text.span, "wanted \"both\", \"others\" or the name of an option", None);
            true
        }
    }
}

fn bindings(section: &Section<'_>) -> Vec<Binding> {
    let Some(table) = section.section("bind") else { return Vec::new() };
    let keys = table.keys().into_iter();
    keys.filter_map(|(key, span)| {
        let field = words::field_key(&table, key, span);
        let inner = table.section(key)?;
        let query = inner.needed_text("query").map(|text| text.value);
        let required = inner.flag("required").unwrap_or(true);
        let uuid = inner.word("pattern", "pattern", PATTERNS).unwrap_or(false);
        inner.finish();
        Some(Binding { field: field?, query: query?, required, uuid })
    })
    .collect()
}
