//! Routes: dialects, stores and targets looked up; two routes that would serve the same calls found.

use std::sync::Arc;

use super::super::file::{WrittenAuth, WrittenRoute};
use super::super::node::Place;
use super::super::problem::{Code, Report};
use super::super::settings::{Route, Target};
use super::dialects::{Dialects, Wanted};
use super::images;
use super::overlaps;
use super::scanners;
use super::target::{self, Upstreams};
use super::uploads;
use crate::auth::Auth;
use crate::dialect::{Dialect, FileAccess, family, suggestion};

/// The names that routes may use.
pub(super) struct Known<'a> {
    /// Stores, also those that have problems of their own.
    pub all_stores: Vec<&'a str>,
    /// Scanners, likewise.
    pub all_scanners: Vec<&'a str>,
    pub upstreams: Upstreams<'a>,
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
    let mut routes: Vec<Route> = Vec::new();
    for route in written {
        if routes.iter().any(|other| *other.name == *route.name.value) {
            let message = format!("another route is called `{}` already", route.name.value);
            report.error(Code::Duplicate, &route.name.place, message, Some("names are labels of metrics".to_owned()));
        }
        nameless(&route, known, report);
        let place = route.place.clone();
        let Some(route) = one(route, known, dialects, report) else { continue };
        overlaps::judge(&routes, &route, &place, report);
        routes.push(route);
    }
    routes
}

fn one(written: WrittenRoute, known: &Known<'_>, dialects: &mut Dialects<'_>, report: &Report) -> Option<Route> {
    let wanted = Wanted {
        dialect: &written.dialect,
        variant: written.variant.as_ref(),
        options: &written.options,
        largest_file: written.limits.upload,
        prefix: &written.prefix,
        is_outward: false,
    };
    let dialect = dialects.find(&wanted);
    let target = target::resolve(&written, &known.upstreams, report);
    let events = written.events.as_ref().map(|events| {
        if dialect.as_ref().is_some_and(|dialect| dialect.webhooks.is_empty()) {
            let message = format!("`{}` calls nobody: its clients hear on sockets", written.dialect.value);
            report.error(Code::Conflict, &events.place, message, Some("take `events` out".to_owned()));
        }
        events.value.clone()
    });
    let upstream = match &target {
        Some(Target::Upstream(name)) => known.upstreams.checked.get(name),
        Some(Target::Hub) | None => None,
    };
    let login = login(&written, dialect.as_deref(), known, report);
    let uploads = uploads::resolve(&written, &known.all_stores, dialect.as_deref(), upstream, report);
    let images = images::of(&written, uploads.as_ref(), report);
    let scan = scanners::of(&written, uploads.as_ref(), &known.all_scanners, report);
    let file_access = file_access(&written, dialect.as_deref(), report);
    Some(Route {
        name: Arc::from(written.name.value.as_str()),
        dialect: dialect?,
        host: written.host,
        prefix: written.prefix,
        target: target?,
        uploads,
        scan,
        images,
        file_access,
        auth: written.auth?.auth,
        login,
        limits: written.limits,
        origins: written.origins,
        cookies: written.cookies,
        events,
        on_loss: written.on_loss.map(|on_loss| on_loss.value).unwrap_or_default(),
        confirm_within: written.confirm_within.map(|within| within.value),
        replay: written.replay.map(|replay| replay.value),
        forward_rest: written.forward_rest.is_some_and(|forward| forward.value),
    })
}

/// Who may read files: a route may be stricter than its dialect, not laxer.
fn file_access(written: &WrittenRoute, dialect: Option<&Dialect>, report: &Report) -> FileAccess {
    let own = dialect.map(|dialect| dialect.storage.access).unwrap_or_default();
    let Some(wanted) = &written.file_access else { return own };
    if wanted.value < own {
        let message = format!("`{}` lets only those read a file who may see its conversation", written.dialect.value);
        let help = Some("take `file_access` out".to_owned());
        report.error(Code::Conflict, &wanted.place, message, help);
    }
    wanted.value
}

/// The upstream that logins are passed on to.
fn login(route: &WrittenRoute, dialect: Option<&Dialect>, known: &Known<'_>, report: &Report) -> Option<String> {
    let login = route.login.as_ref()?;
    let problem = |message: String, help: Option<String>| {
        report.error(Code::Conflict, &login.place, message, help);
    };
    if route.to.value != "hub" {
        problem("`login` is for a route to the hub".to_owned(), Some("an upstream answers logins itself".to_owned()));
        return None;
    }
    if dialect.is_some_and(|dialect| !dialect.calls.iter().any(|call| call.op.is_login())) {
        let message = format!("nobody logs in with a call of `{}`", route.dialect.value);
        problem(message, Some("take `login` out".to_owned()));
        return None;
    }
    let Some(upstream) = known.upstreams.checked.get(&login.value) else {
        if !known.upstreams.all.contains(&login.value) {
            let help = suggestion(&login.value, known.upstreams.all.iter().map(String::as_str));
            report.error(Code::Reference, &login.place, format!("there is no upstream `{}`", login.value), help);
        }
        return None;
    };
    if dialect.is_some_and(|dialect| family(&dialect.name) != family(&upstream.dialect.name)) {
        let message = format!("`{}` speaks another dialect than those who log in", login.value);
        problem(message, Some("logins are passed on as they are".to_owned()));
        return None;
    }
    Some(login.value.clone())
}

/// What is dangerous where strangers can connect.
fn nameless(route: &WrittenRoute, known: &Known<'_>, report: &Report) {
    if let Some(WrittenAuth { auth: Auth::None { named, .. }, place, .. }) = &route.auth
        && known.public
    {
        let message = match named {
            true => "clients may say who they are, without a credential, on an address that others can reach",
            false => "whoever reaches this address is let in, without a credential",
        };
        let help = "use `kind = \"jwt\"` or `\"tokens\"`, or listen on 127.0.0.1";
        report.warning(Code::NoAuth, place, message, Some(help.to_owned()));
    }
}
