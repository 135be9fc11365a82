//! Who may see the console where nobody is asked for a token: a browser's own tab, at an address that no web site can take.
//! In: a request's head. Out: nothing, or why not.

use std::net::IpAddr;

use http::header::{HOST, ORIGIN};
use http::uri::Authority;
use http::{HeaderMap, Request};

const OTHER_PAGE: &str = "not from another page";

/// Whether the request is the console's own. A web site whose name is made to lead here says its name in `Host`; one that
/// posts here from its own pages says so in `Origin`.
pub(super) fn is_own_page<Body>(request: &Request<Body>) -> Result<(), &'static str> {
    if !is_address(host(request)?.host()) {
        return Err("use the address itself, or localhost: a name could be any web site's");
    }
    has_no_other_origin(request)
}

/// Whether no page of another origin asks. Over TLS the certificate vouches for the name. Browsers say where a request comes
/// from also of those that have no `Origin` (Fetch Metadata).
pub(super) fn is_same_origin<Body>(request: &Request<Body>) -> Result<(), &'static str> {
    match text(request.headers(), "sec-fetch-site") {
        None | Some("same-origin" | "none") => has_no_other_origin(request),
        Some(_) => Err(OTHER_PAGE),
    }
}

fn has_no_other_origin<Body>(request: &Request<Body>) -> Result<(), &'static str> {
    let Some(origin) = text(request.headers(), ORIGIN.as_str()) else { return Ok(()) };
    let of = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    match of {
        Some(of) if of.eq_ignore_ascii_case(host(request)?.as_str()) => Ok(()),
        Some(_) | None => Err(OTHER_PAGE),
    }
}

/// The host that is asked for.
fn host<Body>(request: &Request<Body>) -> Result<Authority, &'static str> {
    text(request.headers(), HOST.as_str())
        .and_then(|host| host.parse::<Authority>().ok())
        .or_else(|| request.uri().authority().cloned())
        .ok_or("the request says no host")
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// An IP address, or what every browser takes for its own machine.
fn is_address(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.parse::<IpAddr>().is_ok() || host.eq_ignore_ascii_case("localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(host: &str, origin: Option<&str>) -> Result<(), &'static str> {
        let mut request = Request::builder().uri("/console").header(HOST, host);
        if let Some(origin) = origin {
            request = request.header(ORIGIN, origin);
        }
        is_own_page(&request.body(()).expect("a request"))
    }

    #[test]
    fn a_tab_of_its_own_is_let() {
        for host in ["127.0.0.1:9090", "[::1]:9090", "10.0.0.7:9090", "localhost:9090", "LOCALHOST"] {
            assert_eq!(asked(host, None), Ok(()), "{host}");
            assert_eq!(asked(host, Some(&format!("http://{host}"))), Ok(()), "{host}");
        }
    }

    #[test]
    fn behind_a_certificate_names_are_let_and_other_pages_are_not() {
        let asked = |header: &str, value: &str| {
            let request = Request::builder().uri("/console/events").header(HOST, "admin.example").header(header, value);
            is_same_origin(&request.body(()).expect("a request"))
        };
        for (header, value) in
            [("origin", "https://admin.example"), ("sec-fetch-site", "same-origin"), ("sec-fetch-site", "none")]
        {
            assert_eq!(asked(header, value), Ok(()), "{header}: {value}");
        }
        for (header, value) in
            [("origin", "https://site.example"), ("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site")]
        {
            assert!(asked(header, value).is_err(), "{header}: {value}");
        }
    }

    #[test]
    fn web_sites_are_not() {
        assert!(asked("rebound.example:9090", None).is_err());
        assert!(asked("rebound.example:9090", Some("http://rebound.example:9090")).is_err());
        assert!(asked("127.0.0.1:9090", Some("http://site.example")).is_err());
        assert!(asked("127.0.0.1:9090", Some("http://127.0.0.1:8080")).is_err());
        assert!(asked("127.0.0.1:9090", Some("null")).is_err());
    }
}
