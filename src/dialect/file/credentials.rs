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
            let place = if let Some(name) = table.text("header") {
                let scheme = table.text("scheme").map(|text| text.value);
                Some(CredentialPlace::Header { name: name.value, scheme })
            } else if let Some(name) = table.text("query") {
                Some(CredentialPlace::Query { name: name.value })
            } else if let Some(name) = table.text("subprotocol") {
                Some(CredentialPlace::Subprotocol { name: name.value })
            } else {
                table.problem(table.span(), "a place is a `header`, a `query` or a `subprotocol`", None);
                None
            };
            table.finish();
            place
        })
        .collect()
}
