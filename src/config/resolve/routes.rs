//! Routes: dialects, stores and targets looked up; two routes that would serve the same calls found.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::file::{WrittenRoute, WrittenUploads};
use super::super::node::Place;
use super::super::problem::{Code, Report};
use super::super::section::Spanned;
use super::super::settings::{Route, Target, Uploads};
use super::dialects::{Dialects, Wanted, base_name};
use crate::auth::Auth;
use crate::dialect::suggestion;

/// The names that routes may use.
pub(super) struct Known<'a> {
    /// Stores, also those that have problems of their own.
    pub all_stores: Vec<&'a str>,
    pub upstreams: &'a [String],
    /// Whether there are routes at all, those with problems of their own included.
    pub routes_written: bool,
    /// Whether others than this machine can connect.
    pub public: bool,
}

pub(super) fn resolve(
    written: Vec<WrittenRoute>,
    known: &Known<'_>,
    dialects: &mut Dialects<'_>,
    report: &Report,
) -> Vec<Route> {
    if written.is_empty() && !known.routes_written {
        let help = "at least one, with `name`, `dialect`, `to` and `auth`";
        report.error(Code::Missing, &Place::Default, "there is no `[[routes]]`", Some(help.to_owned()));
    }
    if !known.public {
        well_known(&written, report);
    }
    let mut routes: Vec<Route> = Vec::new();
    for route in written {
        if routes.iter().any(|other| *other.name == *route.name.value) {
            let message = format!("another route is called `{}` already", route.name.value);
            report.error(Code::Duplicate, &route.name.place, message, Some("names are labels of metrics".to_owned()));
        }
        credentials(&route, known, report);
        let place = route.place.clone();
        let Some(route) = one(route, known, dialects, report) else { continue };
        if let Some(other) = shadowing(&routes, &route) {
            let message =
                format!("`{}` would get no call: `{}` has its dialect, host and prefix", route.name, other.name);
            let help = Some("give one of them a `host` or a `prefix`".to_owned());
            report.error(Code::Conflict, &place, message, help);
        }
        routes.push(route);
    }
    routes
}

fn one(written: WrittenRoute, known: &Known<'_>, dialects: &mut Dialects<'_>, report: &Report) -> Option<Route> {
    let wanted = Wanted { dialect: &written.dialect, variant: written.variant.as_ref(), options: &written.options };
    let dialect = dialects.find(&wanted);
    let target = target(&written.to, known, report);
    let events = written.events.map(|events| {
        if dialect.as_ref().is_some_and(|dialect| dialect.webhooks.is_empty()) {
            let message = format!("`{}` calls nobody: its clients hear on sockets", written.dialect.value);
            report.error(Code::Conflict, &events.place, message, Some("take `events` out".to_owned()));
        }
        events.value
    });
    let uploads = match &written.uploads {
        Some(uploads) => stores(uploads, known, report),
        // One store needs no name.
        None => match known.all_stores.as_slice() {
            [only] => Some(Uploads { default: (*only).to_owned(), kinds: BTreeMap::new() }),
            _ => None,
        },
    };
    Some(Route {
        name: Arc::from(written.name.value.as_str()),
        dialect: dialect?,
        host: written.host,
        prefix: written.prefix,
        target: target?,
        uploads,
        auth: written.auth?.auth,
        limits: written.limits,
        origins: written.origins,
        events,
    })
}

fn target(to: &Spanned<String>, known: &Known<'_>, report: &Report) -> Option<Target> {
    if to.value == "hub" {
        return Some(Target::Hub);
    }
    // An upstream of the file was refused where it stands.
    if !known.upstreams.contains(&to.value) {
        let names = known.upstreams.iter().map(String::as_str).chain(["hub"]);
        let message = format!("there is no upstream `{}`", to.value);
        report.error(Code::Reference, &to.place, message, suggestion(&to.value, names));
    }
    None
}

fn stores(written: &WrittenUploads, known: &Known<'_>, report: &Report) -> Option<Uploads> {
    let find = |name: &Spanned<String>| {
        if name.value == "upstream" {
            let help = Some("a route to the hub keeps its files in a store".to_owned());
            report.error(Code::NotInThisVersion, &name.place, "`upstream` is not in this version", help);
        } else if !known.all_stores.contains(&name.value.as_str()) {
            let help = suggestion(&name.value, known.all_stores.iter().copied());
            let help = help.or_else(|| Some("write a `[stores.local]`".to_owned()));
            report.error(Code::Reference, &name.place, format!("there is no store `{}`", name.value), help);
        }
        name.value.clone()
    };
    let kinds = written.kinds.iter().map(|(kind, name)| (*kind, find(name))).collect();
    Some(Uploads { default: find(written.default.as_ref()?), kinds })
}

/// On this machine alone, one word about all of them is enough.
fn well_known(routes: &[WrittenRoute], report: &Report) {
    let mut places = routes.iter().filter_map(|route| route.auth.as_ref()).flat_map(|auth| &auth.well_known);
    let Some(first) = places.next() else { return };
    let more = match places.count() {
        0 => String::new(),
        more => format!("; so are {more} more"),
    };
    let message = format!("this secret is printed in the documentation{more}");
    let help = "good for trying things here; set your own before others can connect: the gateway insists then";
    report.warning(Code::WellKnownSecret, first, message, Some(help.to_owned()));
}

/// What is dangerous where strangers can connect.
fn credentials(route: &WrittenRoute, known: &Known<'_>, report: &Report) {
    let Some(auth) = &route.auth else { return };
    for place in auth.well_known.iter().filter(|_| known.public) {
        let message = "this secret is printed in the documentation: whoever reads it can be anybody here";
        let help = Some("make one with `openssl rand -base64 48` and give it by the environment".to_owned());
        report.error(Code::WellKnownSecret, place, message, help);
    }
    if let Auth::None { named: true, .. } = auth.auth
        && known.public
    {
        let message = "clients may say who they are, without a credential, on an address that others can reach";
        let help = Some("use `kind = \"jwt\"`, or listen on 127.0.0.1".to_owned());
        report.warning(Code::Conflict, &route.place, message, help);
    }
}

/// The route before that would take this one's calls.
fn shadowing<'a>(routes: &'a [Route], route: &Route) -> Option<&'a Route> {
    routes.iter().find(|other| {
        other.host == route.host
            && other.prefix == route.prefix
            && base_name(&other.dialect.name) == base_name(&route.dialect.name)
    })
}
