//! `uploads` of a route: names of stores looked up, and what holds where nothing is written.

use std::collections::BTreeMap;

use super::super::file::{WrittenRoute, WrittenUploads};
use super::super::problem::{Code, Report};
use super::super::section::Spanned;
use super::super::settings::{UploadStores, Uploads};
use super::dialects::base_name;
use crate::dialect::{Dialect, Op, suggestion};
use crate::upstream::UpstreamSettings;

/// The word for the backend itself, beside the names of stores.
const UPSTREAM: &str = "upstream";

pub(super) fn resolve(
    written: &WrittenRoute,
    stores: &[&str],
    dialect: Option<&Dialect>,
    upstream: Option<&UpstreamSettings>,
    report: &Report,
) -> Option<Uploads> {
    let same = |upstream: &&UpstreamSettings| {
        dialect.is_some_and(|dialect| base_name(&dialect.name) == base_name(&upstream.dialect.name))
    };
    match &written.uploads {
        Some(uploads) => match upstream_itself(uploads) {
            Some(place) => {
                judge(place, written, upstream, upstream.filter(same).is_some(), report);
                Some(Uploads::Upstream)
            }
            None => named(uploads, stores, report).map(Uploads::Stores),
        },
        // Where both speak the same, what a client uploads is already where it belongs.
        None if upstream.filter(same).is_some_and(takes_uploads) => Some(Uploads::Upstream),
        None => match stores {
            // One store needs no name.
            [only] => Some(Uploads::Stores(UploadStores { default: (*only).to_owned(), kinds: BTreeMap::new() })),
            _ => None,
        },
    }
}

fn takes_uploads(upstream: &UpstreamSettings) -> bool {
    upstream.dialect.calls.iter().any(|call| call.op == Op::Upload)
}

/// Where `upstream` stands for all kinds of files.
fn upstream_itself(written: &WrittenUploads) -> Option<&Spanned<String>> {
    written.default.as_ref().filter(|default| default.value == UPSTREAM && written.kinds.is_empty())
}

fn judge(
    word: &Spanned<String>,
    route: &WrittenRoute,
    upstream: Option<&UpstreamSettings>,
    same: bool,
    report: &Report,
) {
    match upstream {
        // Which handle of a file the other dialect wants shows when a message names it, so it is kept until then.
        Some(upstream) if !same => {
            let message =
                format!("files for an upstream that speaks {} are kept in a store first", upstream.dialect.name);
            report.error(Code::Conflict, &word.place, message, Some("name a store".to_owned()));
        }
        Some(upstream) if !takes_uploads(upstream) => {
            let message = format!("{} takes no uploads", upstream.dialect.name);
            report.error(Code::Conflict, &word.place, message, Some("name a store".to_owned()));
        }
        None if route.to.value == "hub" => {
            let help = Some("a route to the hub keeps its files in a store".to_owned());
            report.error(Code::Conflict, &word.place, "the hub is no upstream", help);
        }
        Some(_) | None => {}
    }
}

fn named(written: &WrittenUploads, stores: &[&str], report: &Report) -> Option<UploadStores> {
    let find = |name: &Spanned<String>| {
        if name.value == UPSTREAM {
            let help = Some("write `uploads = \"upstream\"`, or a store for each kind".to_owned());
            report.error(Code::Conflict, &name.place, "the upstream takes all kinds or none", help);
        } else if !stores.contains(&name.value.as_str()) {
            let help = suggestion(&name.value, stores.iter().copied());
            let help = help.or_else(|| Some("write a `[stores.local]`".to_owned()));
            report.error(Code::Reference, &name.place, format!("there is no store `{}`", name.value), help);
        }
        name.value.clone()
    };
    let kinds = written.kinds.iter().map(|(kind, name)| (*kind, find(name))).collect();
    Some(UploadStores { default: find(written.default.as_ref()?), kinds })
}
