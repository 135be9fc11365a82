//! `Forwarded` (RFC 7239) and the `X-Forwarded-*` before it. In: headers. Out: one hop for each proxy that wrote, in the
//! order of writing; what cannot be read has no address.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use http::HeaderMap;

/// What one proxy says of whoever asked it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Hop {
    /// `None`: hidden, unknown or malformed.
    pub address: Option<IpAddr>,
    pub secure: Option<bool>,
    /// The host that was asked for.
    pub authority: Option<String>,
}

/// `X-Forwarded-For`. Scheme and host are those that the last proxy wrote: there is one for all.
pub(super) fn x_forwarded(headers: &HeaderMap) -> Vec<Hop> {
    let secure = last(headers, "x-forwarded-proto").as_deref().and_then(is_secure);
    let authority = last(headers, "x-forwarded-host");
    let addresses = list(headers, "x-forwarded-for");
    addresses.iter().map(|text| Hop { address: node(text), secure, authority: authority.clone() }).collect()
}

/// `Forwarded`.
pub(super) fn forwarded(headers: &HeaderMap) -> Vec<Hop> {
    list(headers, "forwarded").iter().map(|element| hop(element)).collect()
}

/// `for=192.0.2.43;proto=https;host="a:443"`: names in any case, values as tokens or quoted.
fn hop(element: &str) -> Hop {
    let mut hop = Hop::default();
    for pair in split(element, ';') {
        let Some((name, value)) = pair.split_once('=') else { return Hop::default() };
        let value = unquoted(value.trim());
        match name.trim().to_ascii_lowercase().as_str() {
            "for" => hop.address = node(&value),
            "proto" => hop.secure = is_secure(&value),
            "host" => hop.authority = Some(value),
            _ => {}
        }
    }
    hop
}

/// The members of a header's list, over all its lines. A line that is no text is a member that cannot be read.
fn list(headers: &HeaderMap, name: &str) -> Vec<String> {
    let lines = headers.get_all(name).iter().map(|value| value.to_str().unwrap_or("malformed"));
    lines.flat_map(|line| split(line, ',')).map(|member| member.trim().to_owned()).collect()
}

fn last(headers: &HeaderMap, name: &str) -> Option<String> {
    list(headers, name).pop().filter(|text| !text.is_empty())
}

/// Parts between separators that do not stand in quotes.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |letter: char| {
        let was_escaped = std::mem::replace(&mut escaped, false);
        match letter {
            '\\' if quoted && !was_escaped => escaped = true,
            '"' if !was_escaped => quoted = !quoted,
            _ => {}
        }
        letter == separator && !quoted
    })
}

fn unquoted(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else { return value.to_owned() };
    let mut letters = inner.chars();
    std::iter::from_fn(|| match letters.next()? {
        '\\' => letters.next(),
        letter => Some(letter),
    })
    .collect()
}

/// An address with or without its port; IPv6 with or without brackets.
fn node(text: &str) -> Option<IpAddr> {
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    let address = text.parse::<IpAddr>().ok().or_else(with_port).or_else(bracketed)?;
    Some(address.to_canonical())
}

fn is_secure(scheme: &str) -> Option<bool> {
    match scheme.to_ascii_lowercase().as_str() {
        "https" | "wss" => Some(true),
        "http" | "ws" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_of_rfc_7239_are_read() {
        for (text, expected) in [
            ("for=\"_gazonk\"", None),
            ("For=\"[2001:db8:cafe::17]:4711\"", Some("2001:db8:cafe::17")),
            ("for=192.0.2.60;proto=http;by=203.0.113.43", Some("192.0.2.60")),
            ("for=unknown", None),
            ("for = \"[2001:db8::1]\" ; ext=\"a;b\\\",c\"", Some("2001:db8::1")),
            ("for", None),
            ("", None),
        ] {
            assert_eq!(hop(text).address.map(|address| address.to_string()).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn what_stands_in_quotes_parts_nothing() {
        let mut headers = HeaderMap::new();
        headers.append("forwarded", "for=192.0.2.1;host=\"a,b;c\\\",d\", for=192.0.2.2".parse().unwrap());
        let hops = forwarded(&headers);
        assert_eq!(hops.len(), 2, "{hops:?}");
        assert_eq!(hops[0].authority.as_deref(), Some("a,b;c\",d"));
    }
}
