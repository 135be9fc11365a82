//! Credentials of a file: where a client puts them.

use std::collections::BTreeMap;

use super::super::model::{Credential, CredentialPlace, Op};
use super::section::Section;

pub fn read(root: &Section<'_>) -> BTreeMap<String, Credential> {
    let mut credentials = BTreeMap::new();
    if let Some(section) = root.section("credential") {
        credentials.insert(String::new(), credential(section));
    }
    if let Some(named) = root.section("credentials") {
        for (name, _) in named.keys() {
            if let Some(section) = named.section(name) {
                credentials.insert(name.to_owned(), credential(section));
            }
        }
    }
    credentials
}

fn credential(section: Section<'_>) -> Credential {
    let issued_by = section.text("issued_by").and_then(|text| {
        let op = Op::parse(&text.value);
        if op.is_none() {
            section.problem(text.span, format!("no op is called `{}`", text.value), None);
        }
        op
    });
    let credential = Credential { http: places(&section, "http"), socket: places(&section, "socket"), issued_by };
    section.finish();
    credential
}

fn places<'a>(section: &Section<'a>, key: &'a str) -> Vec<CredentialPlace> {
    let tables = section.sections(key).into_iter();
    tables
        .filter_map(|table| {
            let name = |key| table.text(key).map(|text| text.value);
            let place = if table.has("header") {
                name("header").map(|header| CredentialPlace::Header { name: header, scheme: name("scheme") })
            } else if table.has("query") {
                name("query").map(|name| CredentialPlace::Query { name })
            } else if table.has("subprotocol") {
                name("subprotocol").map(|name| CredentialPlace::Subprotocol { name })
            } else {
                // Asked for all the same: these are what would do.
                ["header", "query", "subprotocol"].into_iter().for_each(|key| _ = name(key));
                table.problem(table.span(), "a place is a `header`, a `query` or a `subprotocol`", None);
                None
            };
            table.finish();
            place
        })
        .collect()
}
