//! Where upstreams call back: on the listener of all routes and before them, so each path must be nobody else's.

use super::super::file::WrittenUpstream;
use super::super::problem::{Code, Report};
use super::super::section::Spanned;
use super::super::settings::Route;

/// The paths, in order of the upstreams.
pub(super) fn written(upstreams: &[WrittenUpstream]) -> Vec<Spanned<String>> {
    let callbacks = upstreams.iter().filter_map(|upstream| upstream.settings.as_ref()?.callback.as_ref());
    let path = |path: &String| path.trim_end_matches('/').to_owned();
    callbacks.map(|callback| Spanned { value: path(&callback.value.path), place: callback.place.clone() }).collect()
}

pub(super) fn judge(callbacks: &[Spanned<String>], routes: &[Route], report: &Report) {
    for (at, callback) in callbacks.iter().enumerate() {
        if callbacks[..at].iter().any(|other| other.value == callback.value) {
            let message = format!("another upstream calls back at `{}` already", callback.value);
            report.error(Code::Duplicate, &callback.place, message, Some("give it a path of its own".to_owned()));
        }
        if let Some(route) = routes.iter().find(|route| has(route, &callback.value)) {
            let message =
                format!("`{}` is a path of the route `{}`, which would not get it", callback.value, route.name);
            let help = Some("take one that no dialect has, as in `/webhooks/clinic`".to_owned());
            report.error(Code::Conflict, &callback.place, message, help);
        }
    }
}

/// Whether a route has this path: for a call, a socket or its files.
fn has(route: &Route, path: &str) -> bool {
    let Some(rest) = path.strip_prefix(route.prefix.as_str()).filter(|rest| rest.starts_with('/')) else {
        return false;
    };
    let dialect = &route.dialect;
    let calls = dialect.calls.iter().flat_map(|call| &call.paths);
    let sockets = dialect.sockets.iter().flat_map(|socket| &socket.paths);
    let public = dialect.storage.public.as_str();
    calls.chain(sockets).any(|pattern| fits(pattern, rest)) || (!public.is_empty() && rest.starts_with(public))
}

/// Whether a path fits a pattern in which `{…}` stands for anything within a segment.
fn fits(pattern: &str, path: &str) -> bool {
    let (pattern, path) = (pattern.trim_end_matches('/'), path.trim_end_matches('/'));
    pattern.split('/').count() == path.split('/').count()
        && pattern.split('/').zip(path.split('/')).all(|(wanted, segment)| wanted.contains('{') || wanted == segment)
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn patterns() {
        for (pattern, path, wanted) in [
            ("/chat/attachment/", "/chat/attachment", true),
            ("/rooms/{conversation.id}/messages", "/rooms/7/messages", true),
            ("/rooms/{conversation.id}/messages", "/rooms/7", false),
            ("/rooms/{conversation.id}", "/halls/7", false),
        ] {
            assert_eq!(fits(pattern, path), wanted, "{pattern} {path}");
        }
    }
}
