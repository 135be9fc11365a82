//! Where a route leads, and whether what it says makes sense there: some keys are for upstreams only, and some ways of
//! knowing callers do not go with what the upstream is shown.

use std::collections::BTreeMap;

use super::super::file::WrittenRoute;
use super::super::node::Place;
use super::super::problem::{Code, Report};
use super::super::settings::Target;
use crate::auth::Auth;
use crate::dialect::{OnLoss, suggestion};
use crate::upstream::{CredentialRule, UpstreamSettings};

/// The upstreams of the file.
pub(super) struct Upstreams<'a> {
    /// Names, also of those that have problems of their own.
    pub all: &'a [String],
    pub checked: &'a BTreeMap<String, UpstreamSettings>,
}

/// The target of a route. `None` where it names nothing, or an upstream that has problems of its own.
pub(super) fn resolve(route: &WrittenRoute, upstreams: &Upstreams<'_>, report: &Report) -> Option<Target> {
    let to = &route.to;
    if to.value == "hub" {
        for_upstreams_only(route, report);
        return Some(Target::Hub);
    }
    if let Some(upstream) = upstreams.checked.get(&to.value) {
        callers(route, upstream, report);
        return Some(Target::Upstream(to.value.clone()));
    }
    if !upstreams.all.contains(&to.value) {
        let names = upstreams.all.iter().map(String::as_str).chain(["hub"]);
        let message = format!("there is no upstream `{}`", to.value);
        report.error(Code::Reference, &to.place, message, suggestion(&to.value, names));
    }
    None
}

/// Keys that mean nothing on a route to the hub.
fn for_upstreams_only(route: &WrittenRoute, report: &Report) {
    let problem = |place: &Place, key: &str, help: &str| {
        let message = format!("{key} is for a route to an upstream");
        report.error(Code::Conflict, place, message, Some(help.to_owned()));
    };
    if let Some(on_loss) = route.on_loss.as_ref().filter(|on_loss| on_loss.value == OnLoss::Refuse) {
        let help = "who sends to the hub cannot know who will read: what one of them cannot read becomes words and a \
                    link, and is counted";
        problem(&on_loss.place, "`refuse`", help);
    }
    if let Some(confirm_within) = &route.confirm_within {
        let help = "the hub confirms as soon as its journal has a message; take it out";
        problem(&confirm_within.place, "`confirm_within`", help);
    }
    if let Some(forward_rest) = route.forward_rest.as_ref().filter(|forward_rest| forward_rest.value) {
        problem(&forward_rest.place, "`forward_rest`", "the hub has nothing to forward to; take it out");
    }
    if let Some(auth) = route.auth.as_ref().filter(|auth| auth.auth == Auth::Upstream) {
        problem(&auth.place, "`upstream`", "the hub decides by itself who is let in: use jwt, tokens or none");
    }
}

/// Whether the upstream can do what the route wants of it with what it is shown.
fn callers(route: &WrittenRoute, upstream: &UpstreamSettings, report: &Report) {
    let credentials = &upstream.credentials;
    let forwards = |rule: &CredentialRule| *rule == CredentialRule::Forward;
    if let Some(auth) = route.auth.as_ref().filter(|auth| auth.auth == Auth::Upstream) {
        let names_party = |rule: &CredentialRule| matches!(rule, CredentialRule::Mint(mint) if mint.names_party());
        if credentials.values().any(names_party) {
            let message = format!("`{}` is shown who the caller is, which nobody knows here", upstream.name);
            let help = "a minted credential with `{party.…}` needs `kind = \"jwt\"` or `\"tokens\"` on this route";
            report.error(Code::Conflict, &auth.place, message, Some(help.to_owned()));
        } else if !credentials.values().any(forwards) {
            let message = format!("`{}` is never shown what callers present: anybody would be let in", upstream.name);
            let help = "forward the credential there, or say here who is let in: `none` if that is everybody";
            report.error(Code::Conflict, &auth.place, message, Some(help.to_owned()));
        }
    }
    if let Some(replay) = &route.replay {
        let message = "`missed` is for a route to the hub: what an upstream told is not kept here";
        report.error(Code::Conflict, &replay.place, message, Some("take it out".to_owned()));
    }
    if let Some(events) = &route.events
        && credentials.get("").is_some_and(forwards)
    {
        let message =
            format!("`{}` cannot be listened to for this: no client is there to show a credential", upstream.name);
        let help = format!("give `[upstreams.{}]` a credential of kind `fixed` or `mint`", upstream.name);
        report.error(Code::Conflict, &events.place, message, Some(help));
    }
}
