//! Upstreams: dialects looked up, what was written compared with what the dialect has, and what is risky said.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use http::Uri;

use super::super::file::{Written, WrittenCredential, WrittenUpstream};
use super::super::problem::{Code, Report};
use super::super::section::Spanned;
use super::dialects::{Dialects, Wanted};
use super::in_the_clear;
use crate::dialect::{Credential, Dialect, Op, family, suggestion};
use crate::upstream::{CallbackSettings, CredentialRule, UpstreamSettings};

/// What the dialect's default credential is called in a config.
const DEFAULT: &str = "default";

pub(super) fn resolve(
    written: Vec<WrittenUpstream>,
    dialects: &mut Dialects<'_>,
    report: &Report,
) -> BTreeMap<String, UpstreamSettings> {
    let mut upstreams = BTreeMap::new();
    for WrittenUpstream { name, settings, .. } in written {
        let Some(settings) = settings else { continue };
        if let Some(upstream) = one(&name, settings, dialects, report) {
            upstreams.insert(name.value, upstream);
        }
    }
    upstreams
}

fn one(
    name: &Spanned<String>,
    written: Written,
    dialects: &mut Dialects<'_>,
    report: &Report,
) -> Option<UpstreamSettings> {
    let wanted = Wanted {
        dialect: &written.dialect,
        variant: written.variant.as_ref(),
        options: &written.options,
        largest_file: None,
        prefix: "",
        is_outward: false,
    };
    let dialect = dialects.find(&wanted)?;
    let namesake = dialects.names().contains(&name.value) && family(&dialect.name) != name.value;
    if namesake {
        let message = format!("`{}` is the name of a dialect that this upstream does not speak", name.value);
        let help = Some("`[[conversations]]` could not tell one from the other: call it something else".to_owned());
        report.error(Code::Conflict, &name.place, message, help);
    }
    let credentials = credentials(&written, &dialect, report);
    let hosts = hosts(&written, &dialect, report);
    let callback = callback(name, &written, &dialect, report);
    if !credentials.is_empty() {
        in_the_clear::upstream(&written, report);
    }
    Some(UpstreamSettings {
        name: Arc::from(name.value.as_str()),
        dialect,
        http: values(written.http),
        socket: values(written.socket),
        hosts,
        credentials,
        role: written.role,
        timeout: written.timeout,
        confirm_within: written.confirm_within,
        stalled_after: written.stalled_after,
        health: written.health,
        callback,
        fetch: written.fetch,
    })
}

fn values(endpoints: Vec<Spanned<Uri>>) -> Vec<Uri> {
    endpoints.into_iter().map(|endpoint| endpoint.value).collect()
}

fn credentials(written: &Written, dialect: &Dialect, report: &Report) -> BTreeMap<String, CredentialRule> {
    if written.credentials.is_empty() && dialect.credentials.contains_key("") {
        let help = "what the upstream is shown: `credential = { kind = \"forward\" }`, or `fixed`, or `mint`";
        report.error(Code::Missing, &written.place, "`credential` is missing here", Some(help.to_owned()));
    }
    let mut rules = BTreeMap::new();
    for credential in &written.credentials {
        if let Some(name) = name_of(credential, dialect, report)
            && let Some(rule) = &credential.rule
        {
            rules.insert(name, rule.clone());
        }
    }
    rules
}

/// The dialect's name of a credential that an operator may give.
fn name_of(credential: &WrittenCredential, dialect: &Dialect, report: &Report) -> Option<String> {
    let (written, place) = match &credential.name {
        Some(name) => (name.value.as_str(), &name.place),
        None => (DEFAULT, &credential.place),
    };
    let own = if written == DEFAULT { "" } else { written };
    match dialect.credentials.get(own).filter(|_| !written.is_empty()) {
        Some(Credential { issued_by: Some(op), .. }) => {
            let message = format!("`{written}` is issued by the upstream itself, when its `{}` is called", op.as_str());
            report.error(Code::Conflict, place, message, Some("take it out".to_owned()));
            None
        }
        Some(_) => Some(own.to_owned()),
        None => {
            let given = dialect.credentials.iter().filter(|(_, credential)| credential.issued_by.is_none());
            let known: Vec<&str> =
                given.map(|(name, _)| if name.is_empty() { DEFAULT } else { name.as_str() }).collect();
            let message = format!("{} has no credential `{written}`", dialect.name);
            let help = match known.is_empty() {
                true => Some("take it out: its calls need none".to_owned()),
                false => suggestion(written, known),
            };
            report.error(Code::Reference, place, message, help);
            None
        }
    }
}

fn hosts(written: &Written, dialect: &Dialect, report: &Report) -> BTreeMap<Op, Vec<Uri>> {
    let mut hosts = BTreeMap::new();
    for (op, endpoints) in &written.hosts {
        if !dialect.calls.iter().any(|call| call.op == op.value) {
            let known: BTreeSet<&str> = dialect.calls.iter().map(|call| call.op.as_str()).collect();
            let message = format!("{} has no call `{}`", dialect.name, op.value.as_str());
            report.error(Code::Reference, &op.place, message, suggestion(op.value.as_str(), known));
        }
        hosts.insert(op.value, values(endpoints.clone()));
    }
    hosts
}

fn callback(name: &Spanned<String>, written: &Written, dialect: &Dialect, report: &Report) -> Option<CallbackSettings> {
    match &written.callback {
        Some(callback) if dialect.webhooks.is_empty() => {
            let message = format!("{} calls nobody back: it tells what happens on sockets", dialect.name);
            report.error(Code::Conflict, &callback.place, message, Some("take `events` out".to_owned()));
        }
        None if !written.has_callback && dialect.sockets.is_empty() && !dialect.webhooks.is_empty() => {
            let message =
                format!("nothing will be heard from `{}`: its dialect calls back, and has no address", name.value);
            let help = format!("write `events = {{ path = \"/webhooks/{}\", key = \"…\" }}`", name.value);
            report.warning(Code::Unheard, &name.place, message, Some(help));
        }
        Some(_) | None => {}
    }
    written.callback.as_ref().map(|callback| callback.value.clone())
}
