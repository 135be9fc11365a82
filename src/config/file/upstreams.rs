//! `[upstreams.*]`: backends that speak some dialect, as written.

use std::collections::BTreeMap;
use std::time::Duration;

use http::Uri;

use super::super::node::{Node, Place};
use super::super::problem::Code;
use super::super::section::{Section, Spanned};
use super::conversations::OWN_KEYS;
use super::credential::{self, WrittenCredential};
use super::endpoints::{self, HTTP, SOCKET};
use super::routes::{self, confirm_within, host, options};
use crate::dialect::{Op, OptionValue, suggestion};
use crate::event::Role;
use crate::upstream::{CallbackSettings, HealthCheck};

const SECOND: Duration = Duration::from_secs(1);

/// What a call or a confirmation may take where nothing is said.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a socket may confirm nothing where nothing is said.
const STALLED: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(in crate::config) struct WrittenUpstream {
    pub name: Spanned<String>,
    /// Absent when it has problems of its own: the name is known all the same.
    pub settings: Option<Written>,
    /// Secrets that everybody knows.
    pub well_known: Vec<Place>,
}

/// What is yet to be compared with the dialect.
#[derive(Debug)]
pub(in crate::config) struct Written {
    /// A name, `name@variant` or a file.
    pub dialect: Spanned<String>,
    pub variant: Option<Spanned<String>>,
    pub options: BTreeMap<String, OptionValue>,
    pub http: Vec<Spanned<Uri>>,
    pub socket: Vec<Spanned<Uri>>,
    pub hosts: Vec<(Spanned<Op>, Vec<Spanned<Uri>>)>,
    /// Empty: nothing was written.
    pub credentials: Vec<WrittenCredential>,
    pub role: Option<Role>,
    pub timeout: Duration,
    pub confirm_within: Duration,
    pub stalled_after: Duration,
    pub health: Option<HealthCheck>,
    pub callback: Option<Spanned<CallbackSettings>>,
    /// Whether there is one, though it may have problems.
    pub has_callback: bool,
    pub fetch: Vec<String>,
    /// Where the table stands.
    pub place: Place,
}

pub(super) fn read(section: Section<'_>) -> Vec<WrittenUpstream> {
    let upstreams = section.sections().into_iter().map(|(name, upstream)| {
        well_formed(&name, &upstream);
        let mut well_known = Vec::new();
        WrittenUpstream { name, settings: settings(upstream, &mut well_known), well_known }
    });
    upstreams.collect()
}

/// A name is a label of metrics, the owner of ids, and a key of conversations.
fn well_formed(name: &Spanned<String>, section: &Section<'_>) {
    let problem = |message: String, help: &str| {
        section.report().error(Code::Value, &name.place, message, Some(help.to_owned()));
    };
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte);
    if name.value == "hub" || OWN_KEYS.contains(&name.value.as_str()) {
        problem(format!("an upstream cannot be called `{}`", name.value), "this word means something else here");
    } else if !(1..=40).contains(&name.value.len()) || !name.value.bytes().all(plain) {
        let help = "1 to 40 small letters, digits, `_` and `-`, as in `clinic-2`";
        problem("this is no name of an upstream".to_owned(), help);
    }
}

fn settings(section: Section<'_>, well_known: &mut Vec<Place>) -> Option<Written> {
    let dialect = section.needed_text("dialect", "what the upstream speaks; `dragoman dialects list` names them");
    if !section.has("http") {
        section.missing("http", "where the upstream is, as in `http = \"http://10.0.0.5:8000\"`");
    }
    let http = section.node("http").and_then(|node| endpoints::read(&section, "http", node, HTTP));
    let socket = match section.node("socket") {
        Some(node) => endpoints::read(&section, "socket", node, SOCKET),
        None => http.as_ref().map(|http| http.iter().filter_map(exchanged).collect()),
    };
    let credentials = section.section("credential").map(|inner| credential::read(inner, well_known));
    let timeout = section.duration("timeout");
    let confirm_within = confirm_within(&section);
    let stalled_after = section.duration("stalled_after");
    let written = Written {
        variant: section.text("variant"),
        options: options(&section),
        hosts: section.section("hosts").map(hosts).unwrap_or_default(),
        credentials: credentials.unwrap_or_default(),
        role: super::auth::role(&section),
        timeout: timeout.unwrap_or(PATIENCE),
        confirm_within: confirm_within.unwrap_or(PATIENCE),
        stalled_after: stalled_after.unwrap_or(STALLED),
        health: section.section("health").and_then(health),
        callback: section.section("events").and_then(callback),
        has_callback: section.has("events"),
        fetch: fetch(&section),
        place: section.place().clone(),
        dialect: dialect.clone().unwrap_or_else(|| Spanned { value: String::new(), place: section.place().clone() }),
        http: http.clone().unwrap_or_default(),
        socket: socket.clone().unwrap_or_default(),
    };
    section.finish();
    (dialect.is_some() && http.is_some() && socket.is_some()).then_some(written)
}

fn exchanged(endpoint: &Spanned<Uri>) -> Option<Spanned<Uri>> {
    endpoints::for_sockets(&endpoint.value).map(|value| Spanned { value, place: endpoint.place.clone() })
}

fn hosts(section: Section<'_>) -> Vec<(Spanned<Op>, Vec<Spanned<Uri>>)> {
    let read = |(name, node): (&str, &Node)| {
        let Some(op) = Op::parse(name) else {
            let help = suggestion(name, Op::names());
            section.report().error(Code::UnknownKey, &node.key, format!("no call is called `{name}`"), help);
            return None;
        };
        let endpoints = endpoints::read(&section, name, node, HTTP)?;
        Some((Spanned { value: op, place: node.key.clone() }, endpoints))
    };
    section.others().into_iter().filter_map(read).collect()
}

fn health(section: Section<'_>) -> Option<HealthCheck> {
    if !section.has("path") {
        section.missing("path", "what is asked, as in `path = \"/health\"`");
    }
    let path = section.parsed("path", path);
    let every = section.duration("every").unwrap_or(SECOND * 10);
    section.finish();
    Some(HealthCheck { path: path?.value, every })
}

fn callback(section: Section<'_>) -> Option<Spanned<CallbackSettings>> {
    let place = section.place().clone();
    if !section.has("path") {
        section.missing("path", "where the upstream calls this gateway, as in `path = \"/webhooks/clinic\"`");
    }
    let path = section.parsed("path", path);
    if !section.has("key") && !section.has("key_file") {
        section.missing("key", "what the upstream must show: `key = \"${CLINIC_EVENTS_KEY}\"` or `key_file = \"…\"`");
    }
    let key = section.secret("key", "key_file");
    section.finish();
    let path = path?;
    Some(Spanned { value: CallbackSettings { path: path.value, key: key?.value }, place })
}

/// `/…` with something after it.
fn path(text: &str) -> Result<String, String> {
    if !text.starts_with('/') || text.trim_end_matches('/').is_empty() {
        return Err("a slash and at least one segment, as in `/health`".to_owned());
    }
    // The slash at the end may matter to whoever serves it.
    routes::prefix(text).map(|_| text.to_owned())
}

fn fetch(section: &Section<'_>) -> Vec<String> {
    let hosts = section.texts("fetch").into_iter().filter_map(|text| match host(&text.value) {
        Ok(host) => Some(host),
        Err(_) => {
            let help = Some("a name without scheme and port, or `*.cdn.example` for all below one".to_owned());
            section.report().error(Code::Value, &text.place, format!("`{}` is no host", text.value), help);
            None
        }
    });
    hosts.collect()
}
