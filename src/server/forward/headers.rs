//! Headers of what is passed on (RFC 9110 §7.6). In: a head as it came, from either side. Out: what of it goes from end to
//! end; towards the backend also who asked, as far as this gateway knows it itself.

use std::net::IpAddr;

use http::header::{
    CONNECTION, CONTENT_LENGTH, COOKIE, EXPECT, FORWARDED, HOST, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE,
    TRANSFER_ENCODING, UPGRADE, VIA,
};
use http::{HeaderMap, HeaderName, HeaderValue, Version};

use crate::edge::Client;

use crate::trace;

/// What this gateway calls itself in `Via`.
const NAME: &str = "dragoman";

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const HTTP2_SETTINGS: HeaderName = HeaderName::from_static("http2-settings");
const ALT_SVC: HeaderName = HeaderName::from_static("alt-svc");

/// About one connection, whether or not `Connection` names them.
const HOP_BY_HOP: [HeaderName; 9] = [
    CONNECTION,
    KEEP_ALIVE,
    PROXY_CONNECTION,
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRANSFER_ENCODING,
    UPGRADE,
    HTTP2_SETTINGS,
];

/// Where a request came from.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    pub client: Client,
    /// Host and port as the client wrote them.
    pub authority: &'a str,
    pub version: Version,
}

/// A client's headers as a backend gets them. `Connection` cannot take out those of `kept`, which carry credentials.
pub fn to_upstream(headers: &mut HeaderMap, origin: &Origin<'_>, kept: &[&str]) {
    let trailers = has_token(headers, &TE, "trailers");
    remove_hop_by_hop(headers, |name| {
        *name == HOST || is_end_to_end(name) || kept.iter().any(|kept| name.as_str().eq_ignore_ascii_case(kept))
    });
    if trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
    }
    // Whoever sends the body anew says anew how long it is, waits for nobody's leave, and has a host of its own.
    for name in [CONTENT_LENGTH, EXPECT, HOST] {
        headers.remove(name);
    }
    join_cookies(headers);
    say_who(headers, origin);
    trace::go_on(headers);
    pass_by(headers, origin.version);
}

/// A backend's headers as a client gets them.
pub fn to_client(headers: &mut HeaderMap, version: Version) {
    remove_hop_by_hop(headers, is_end_to_end);
    // It speaks of the backend's own address, where clients have no business.
    headers.remove(ALT_SVC);
    pass_by(headers, version);
}

/// Takes out which pages of other origins may read an answer.
pub fn remove_permissions(headers: &mut HeaderMap) {
    let names: Vec<HeaderName> =
        headers.keys().filter(|name| name.as_str().starts_with("access-control-")).cloned().collect();
    for name in names {
        headers.remove(name);
    }
}

/// Names that are never about one connection, so that `Connection` cannot mean them.
fn is_end_to_end(name: &HeaderName) -> bool {
    const NAMES: &[&str] =
        &["authorization", "cookie", "set-cookie", "content-type", "content-encoding", "content-length"];
    NAMES.contains(&name.as_str())
}

fn remove_hop_by_hop(headers: &mut HeaderMap, stays: impl Fn(&HeaderName) -> bool) {
    let values = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    let named = values.flat_map(|value| value.split(',')).filter_map(|name| HeaderName::try_from(name.trim()).ok());
    let named: Vec<HeaderName> = named.filter(|name| !stays(name)).collect();
    for name in named.into_iter().chain(HOP_BY_HOP) {
        headers.remove(name);
    }
}

/// HTTP/2 may cut a cookie header into several (RFC 9113 §8.2.3), HTTP/1.1 has one.
fn join_cookies(headers: &mut HeaderMap) {
    if headers.get_all(COOKIE).iter().count() < 2 {
        return;
    }
    let cookies: Vec<&[u8]> = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if let Ok(mut joined) = HeaderValue::from_bytes(&cookies.join(&b"; "[..])) {
        joined.set_sensitive(true);
        headers.insert(COOKIE, joined);
    }
}

/// Who asked, for which host, over what (RFC 7239, and the names that came before it). What a client says of this itself
/// is taken out, in every spelling: no proxy in front is trusted in this version.
fn say_who(headers: &mut HeaderMap, origin: &Origin<'_>) {
    let claims = |name: &HeaderName| {
        let name = name.as_str().replace('_', "-");
        name == "forwarded" || name == "x-real-ip" || name.starts_with("x-forwarded-")
    };
    let claimed: Vec<HeaderName> = headers.keys().filter(|name| claims(name)).cloned().collect();
    for name in claimed {
        headers.remove(name);
    }
    let peer = origin.client.address.to_canonical();
    let node = match peer {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("\"[{address}]\""),
    };
    set(headers, FORWARDED, &format!("for={node};host=\"{}\";proto={}", origin.authority, origin.client.scheme()));
    set(headers, HeaderName::from_static("x-forwarded-for"), &peer.to_string());
    set(headers, HeaderName::from_static("x-forwarded-host"), origin.authority);
    set(headers, HeaderName::from_static("x-forwarded-proto"), origin.client.scheme());
}

fn pass_by(headers: &mut HeaderMap, version: Version) {
    let version = match version {
        Version::HTTP_2 => "2.0",
        Version::HTTP_10 => "1.0",
        _ => "1.1",
    };
    if let Ok(via) = HeaderValue::try_from(format!("{version} {NAME}")) {
        headers.append(VIA, via);
    }
}

fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|part| part.trim().eq_ignore_ascii_case(token))
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    // Addresses, and an authority that was looked at before, are plain letters.
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(headers: &[(&str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
        }
        map
    }

    fn up(headers: &[(&str, &str)]) -> HeaderMap {
        let mut map = map(headers);
        let origin = Origin {
            client: Client { address: "::ffff:192.0.2.7".parse().unwrap(), secure: false },
            authority: "chat.example:8080",
            version: Version::HTTP_11,
        };
        to_upstream(&mut map, &origin, &["x-api-key"]);
        map
    }

    fn all<'a>(map: &'a HeaderMap, name: &str) -> Vec<&'a str> {
        map.get_all(name).iter().map(|value| value.to_str().unwrap()).collect()
    }

    #[test]
    fn what_is_about_one_connection_stays_there() {
        for (said, gone) in [
            (&[("connection", "close, X-Private"), ("x-private", "1")][..], &["connection", "x-private"][..]),
            (&[("connection", "a"), ("connection", "b"), ("a", "1"), ("b", "1")], &["a", "b", "connection"]),
            (&[("keep-alive", "timeout=5"), ("proxy-connection", "keep-alive")], &["keep-alive", "proxy-connection"]),
            (&[("proxy-authorization", "Basic x")], &["proxy-authorization"]),
            (&[("upgrade", "h2c"), ("http2-settings", "AAMAAABk")], &["upgrade", "http2-settings"]),
            (&[("transfer-encoding", "chunked"), ("te", "gzip")], &["transfer-encoding", "te"]),
            (
                &[("expect", "100-continue"), ("content-length", "5"), ("host", "a")],
                &["expect", "content-length", "host"],
            ),
        ] {
            let map = up(said);
            for name in gone {
                assert!(!map.contains_key(*name), "{name} of {said:?}");
            }
        }
    }

    #[test]
    fn connection_cannot_take_out_what_decides_who_asks() {
        let said = [
            ("connection", "authorization, cookie, x-api-key, x-forwarded-for, host, content-type, close"),
            ("authorization", "Bearer t"),
            ("cookie", "a=1"),
            ("x-api-key", "k"),
            ("content-type", "application/json"),
        ];
        let map = up(&said);
        for name in ["authorization", "cookie", "x-api-key", "content-type", "x-forwarded-for"] {
            assert!(map.contains_key(name), "{name}");
        }
    }

    #[test]
    fn only_trailers_may_be_asked_for() {
        assert_eq!(all(&up(&[("te", "gzip, Trailers;q=0.5"), ("te", "trailers")]), "te"), ["trailers"]);
        assert!(up(&[("te", "deflate")]).get("te").is_none());
    }

    #[test]
    fn what_a_client_says_of_where_it_comes_from_is_not_believed() {
        let map = up(&[
            ("x-forwarded-for", "10.0.0.1"),
            ("X_Forwarded_For", "10.0.0.1"),
            ("x-forwarded-port", "443"),
            ("forwarded", "for=10.0.0.1"),
            ("x-real-ip", "10.0.0.1"),
        ]);
        assert!(map.values().all(|value| !value.to_str().unwrap().contains("10.0.0.1")), "{map:?}");
        assert_eq!(all(&map, "forwarded"), ["for=192.0.2.7;host=\"chat.example:8080\";proto=http"]);
        assert_eq!(all(&map, "x-forwarded-for"), ["192.0.2.7"]);
        assert_eq!(all(&map, "x-forwarded-host"), ["chat.example:8080"]);
        assert_eq!(all(&map, "x-forwarded-proto"), ["http"]);
        assert!(!map.contains_key("x-forwarded-port"));
        let mut six = HeaderMap::new();
        let origin = Origin {
            client: Client { address: "2001:db8::1".parse().unwrap(), secure: true },
            authority: "a",
            version: Version::HTTP_2,
        };
        to_upstream(&mut six, &origin, &[]);
        assert_eq!(all(&six, "forwarded"), ["for=\"[2001:db8::1]\";host=\"a\";proto=https"]);
        assert_eq!(all(&six, "via"), ["2.0 dragoman"]);
    }

    #[test]
    fn a_trace_goes_on_or_begins() {
        let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let map = up(&[("traceparent", parent), ("tracestate", "a=1")]);
        assert_eq!((all(&map, "traceparent"), all(&map, "tracestate")), (vec![parent], vec!["a=1"]));
        let map = up(&[("traceparent", "00-zz"), ("tracestate", "a=1")]);
        assert!(trace::of_headers(&map).is_some() && !map.contains_key("tracestate"), "{map:?}");
    }

    #[test]
    fn all_else_stays_in_order() {
        let map = up(&[("x-a", "1"), ("x-a", "2"), ("cookie", "a=1"), ("cookie", "b=2"), ("via", "1.0 fred")]);
        assert_eq!(all(&map, "x-a"), ["1", "2"]);
        assert_eq!(all(&map, "cookie"), ["a=1; b=2"]);
        assert_eq!(all(&map, "via"), ["1.0 fred", "1.1 dragoman"]);
    }

    #[test]
    fn answers_keep_their_length_and_lose_what_is_about_a_connection() {
        let mut map = map(&[
            ("connection", "keep-alive, x-hop, content-length"),
            ("x-hop", "1"),
            ("keep-alive", "timeout=5"),
            ("content-length", "12"),
            ("alt-svc", "h3=\":443\""),
            ("set-cookie", "a=1"),
            ("set-cookie", "b=2"),
            ("upgrade", "h2c"),
        ]);
        to_client(&mut map, Version::HTTP_11);
        let mut names: Vec<&str> = map.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["content-length", "set-cookie", "via"]);
        assert_eq!(all(&map, "set-cookie"), ["a=1", "b=2"]);
    }
}
