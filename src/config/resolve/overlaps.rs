//! Paths that two routes have: the first in the file gets them. In: the routes so far and the next one. Out: an error where
//! it would get nothing at all, a warning where it would not get some of its paths.

use super::super::node::Place;
use super::super::problem::{Code, Report};
use super::super::settings::Route;
use crate::dialect::family;

/// Paths that a message names.
const SHOWN: usize = 3;

pub(super) fn judge(earlier: &[Route], route: &Route, place: &Place, report: &Report) {
    let before: Vec<&Route> =
        earlier.iter().filter(|other| covers_host(other.host.as_deref(), route.host.as_deref())).collect();
    let same = before
        .iter()
        .find(|other| other.prefix == route.prefix && family(&other.dialect.name) == family(&route.dialect.name));
    if let Some(other) = same {
        let message = match other.host == route.host {
            true => format!("`{}` would get no call: `{}` has its dialect, host and prefix", route.name, other.name),
            false => format!(
                "`{}` would get no call: `{}` has its dialect and prefix, and takes its host too",
                route.name, other.name
            ),
        };
        let help = match other.host == route.host {
            true => "give one of them a `host` or a `prefix`",
            false => "the first that fits decides: put the one with the narrower `host` first",
        };
        report.error(Code::Conflict, place, message, Some(help.to_owned()));
        return;
    }
    let own = taken(route);
    let taker = |wanted: &Taken| before.iter().find(|other| taken(other).iter().any(|one| one.covers(wanted)));
    let lost: Vec<(&Taken, &Route)> = own.iter().filter_map(|wanted| Some((wanted, *taker(wanted)?))).collect();
    let Some((_, other)) = lost.first() else { return };
    if lost.len() == own.len() {
        let message = format!("`{}` would get no call: `{}` takes its paths first", route.name, other.name);
        let help = Some("give one of them a `host` or a `prefix`".to_owned());
        report.error(Code::Conflict, place, message, help);
        return;
    }
    let mut paths: Vec<String> = lost.iter().map(|(wanted, _)| format!("`{}`", wanted.path)).collect();
    paths.dedup();
    let more = paths.len().saturating_sub(SHOWN);
    paths.truncate(SHOWN);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    let message = format!("`{}` takes {}{more} of `{}`: it comes first", other.name, paths.join(", "), route.name);
    let help = Some("give one of them a `host` or a `prefix`, or put this one first".to_owned());
    report.warning(Code::Shadowed, place, message, help);
}

/// Something that a route answers at.
struct Taken<'a> {
    /// Absent: any.
    method: Option<&'a str>,
    /// From the root, without a slash at its end; `{…}` stands for anything within a segment.
    path: String,
    /// Whether it is all below `path`.
    below: bool,
}

impl Taken<'_> {
    /// Whether whatever is asked of the other is taken by this one.
    fn covers(&self, other: &Taken<'_>) -> bool {
        if self.method.is_some_and(|method| method != other.method.unwrap_or("GET")) {
            return false;
        }
        let own: Vec<&str> = self.path.split('/').collect();
        let wanted: Vec<&str> = other.path.split('/').collect();
        let long_enough = if self.below { own.len() < wanted.len() } else { own.len() == wanted.len() };
        let is_any = |segment: &str| segment.starts_with('{') && segment.ends_with('}');
        long_enough && own.iter().zip(&wanted).all(|(own, wanted)| is_any(own) || own == wanted)
    }
}

/// All that a route answers at. What it passes on because nobody else has it takes nothing from others.
fn taken(route: &Route) -> Vec<Taken<'_>> {
    let dialect = &route.dialect;
    let at = |path: &str| format!("{}{}", route.prefix, path.trim_end_matches('/'));
    let calls = dialect.calls.iter().flat_map(|call| {
        call.paths.iter().map(|path| Taken { method: Some(&call.method), path: at(path), below: false })
    });
    let sockets = dialect.sockets.iter().flat_map(|socket| &socket.paths);
    let sockets = sockets.map(|path| Taken { method: None, path: at(path), below: false });
    // Files of several routes may lie below one path: each is asked.
    let public = Some(dialect.storage.public.as_str()).filter(|public| !public.is_empty());
    let files = public.map(|path| Taken { method: Some("GET"), path: at(path), below: true });
    calls.chain(sockets).chain(files).collect()
}

/// Whether all hosts of a route are hosts of the other too. A name covers itself, `*.` and a name all below it.
fn covers_host(own: Option<&str>, other: Option<&str>) -> bool {
    match (own, other) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(own), Some(other)) => {
            own == other || own.strip_prefix('*').is_some_and(|parent| other.trim_start_matches("*.").ends_with(parent))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        for (own, other, wanted) in [
            (None, None, true),
            (None, Some("a.example"), true),
            (Some("a.example"), None, false),
            (Some("a.example"), Some("a.example"), true),
            (Some("a.example"), Some("b.example"), false),
            (Some("*.example"), Some("a.example"), true),
            (Some("*.example"), Some("*.a.example"), true),
            (Some("*.example"), Some("example"), false),
            (Some("a.example"), Some("*.example"), false),
        ] {
            assert_eq!(covers_host(own, other), wanted, "{own:?} {other:?}");
        }
    }

    #[test]
    fn paths() {
        let call = |method, path: &str| Taken { method, path: path.to_owned(), below: false };
        let post = |path| call(Some("POST"), path);
        for (own, wanted, expected) in [
            (post("/a/{id}"), post("/a/b"), true),
            (post("/a/{id}"), post("/a/{other}"), true),
            (post("/a/b"), post("/a/{id}"), false),
            (post("/a"), post("/a/b"), false),
            (post("/a"), call(Some("GET"), "/a"), false),
            // A socket begins with a GET, and takes whatever comes to its path.
            (post("/a"), call(None, "/a"), false),
            (call(Some("GET"), "/a"), call(None, "/a"), true),
            (call(None, "/a"), post("/a"), true),
            (Taken { below: true, ..call(Some("GET"), "/files") }, call(Some("GET"), "/files/a/b"), true),
            (Taken { below: true, ..call(Some("GET"), "/files") }, call(Some("GET"), "/files"), false),
        ] {
            assert_eq!(own.covers(&wanted), expected, "{} {}", own.path, wanted.path);
        }
    }
}
