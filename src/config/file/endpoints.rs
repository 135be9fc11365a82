//! Addresses of upstreams: a text or a list of texts → URIs that differ in nothing but what matters. A path that stands
//! before the dialect's is kept without the slash at its end.

use http::Uri;
use http::uri::PathAndQuery;

use super::super::node::Node;
use super::super::problem::Code;
use super::super::section::{Section, Spanned};
use super::routes::prefix;

/// The schemes of calls, and of sockets.
pub(super) const HTTP: &[&str] = &["http", "https"];
pub(super) const SOCKET: &[&str] = &["ws", "wss"];

/// More endpoints than this are a mistake, or a reason for a load balancer.
const MOST: usize = 64;

/// The endpoints of one key. `None` when one of them is none, which was noted.
pub(super) fn read(section: &Section<'_>, key: &str, node: &Node, schemes: &[&str]) -> Option<Vec<Spanned<Uri>>> {
    let report = section.report();
    let before = report.len();
    let mut endpoints: Vec<Spanned<Uri>> = Vec::new();
    for text in section.texts_of(key, node) {
        match endpoint(&text.value, schemes) {
            Ok(uri) if endpoints.iter().any(|known| known.value == uri) => {
                report.error(Code::Duplicate, &text.place, format!("`{key}` has this endpoint already"), None);
            }
            Ok(value) => endpoints.push(Spanned { value, place: text.place }),
            Err(message) => report.error(Code::Value, &text.place, format!("`{key}`: {message}"), None),
        }
    }
    if endpoints.len() > MOST {
        report.error(Code::Value, &node.place, format!("`{key}` has more than {MOST} endpoints"), None);
    }
    if endpoints.is_empty() && report.len() == before {
        report.error(Code::Value, &node.place, format!("`{key}` is empty"), Some("at least one endpoint".to_owned()));
    }
    (report.len() == before).then_some(endpoints)
}

pub(super) fn endpoint(text: &str, schemes: &[&str]) -> Result<Uri, String> {
    let [plain, secure] = schemes else { return Err("no scheme fits here".to_owned()) };
    let form = || format!("wanted `{plain}://` or `{secure}://` and a host, as in `{secure}://chat.example:8443`");
    if text.contains(['?', '#']) {
        return Err("an endpoint has no query and no fragment".to_owned());
    }
    let parts = text.parse::<Uri>().map_err(|_| form())?.into_parts();
    let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else { return Err(form()) };
    if authority.as_str().contains('@') {
        return Err("a URL here has no user or password in it: that is what `credential` is for".to_owned());
    }
    let has_port = authority.as_str().len() > authority.host().len();
    if !schemes.contains(&scheme.as_str()) || authority.host().is_empty() {
        return Err(form());
    }
    if has_port && authority.port_u16().is_none_or(|port| port == 0) {
        return Err("a port is a number from 1 to 65535".to_owned());
    }
    let path = prefix(parts.path_and_query.as_ref().map_or("", PathAndQuery::path))?;
    let authority = authority.as_str().to_ascii_lowercase();
    format!("{scheme}://{authority}{path}").parse().map_err(|_| form())
}

/// The same place for sockets.
pub(super) fn for_sockets(endpoint: &Uri) -> Option<Uri> {
    let scheme = if endpoint.scheme_str() == Some("https") { "wss" } else { "ws" };
    format!("{scheme}://{}{}", endpoint.authority()?, endpoint.path().trim_end_matches('/')).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_have_one_spelling() {
        for (text, wanted) in [
            ("http://10.0.0.5:8000", "http://10.0.0.5:8000/"),
            ("HTTPS://Chat.Example/", "https://chat.example/"),
            ("http://chat.example/api/v2/", "http://chat.example/api/v2"),
            ("http://[::1]:8000", "http://[::1]:8000/"),
        ] {
            assert_eq!(endpoint(text, HTTP).map(|uri| uri.to_string()), Ok(wanted.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_is_no_endpoint_is_refused() {
        for (text, words) in [
            ("chat.example", "wanted `http://`"),
            ("chat.example:8000", "wanted `http://`"),
            ("ws://chat.example", "wanted `http://`"),
            ("http://", "wanted `http://`"),
            ("/path", "wanted `http://`"),
            ("http://user:word@chat.example", "no user or password"),
            ("http://chat.example?a=b", "no query"),
            ("http://chat.example/#a", "no query"),
            ("http://chat.example:0", "a port"),
            ("http://chat.example:70000", "a port"),
            ("http://chat.example/a/../b", "plain path segments"),
        ] {
            let message = endpoint(text, HTTP).unwrap_err();
            assert!(message.contains(words), "{text}: {message}");
        }
    }

    #[test]
    fn sockets_are_at_the_same_place() {
        for (http, socket) in [
            ("http://chat.example", "ws://chat.example/"),
            ("https://chat.example:8443/api", "wss://chat.example:8443/api"),
        ] {
            let uri = endpoint(http, HTTP).unwrap();
            assert_eq!(for_sockets(&uri).unwrap().to_string(), socket);
        }
    }
}
