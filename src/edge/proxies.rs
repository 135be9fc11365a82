//! Proxies in front. In: whose word is taken, and what a connection and a request say of who is behind them. Out: who
//! really asks. Only what a trusted proxy wrote itself counts: from the right, the first address that is no proxy's is the
//! client, and whatever stands further left is the client's own invention.

use std::net::IpAddr;

use http::HeaderMap;
use ipnet::IpNet;

use super::Client;
use super::forwarded::{self, Hop};

/// Addresses of one request that are looked at.
const MOST_HOPS: usize = 32;

/// Whose word is taken, and in which form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProxySettings {
    pub trusted: Vec<IpNet>,
    pub headers: ForwardingHeaders,
    /// Whether the host that clients asked for is taken from these headers too.
    pub host: bool,
    /// Whether they begin each connection with a header of the PROXY protocol.
    pub proxy_protocol: bool,
}

/// Which headers a proxy writes. Never several: it passes on unseen what it does not write, and that is the client's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ForwardingHeaders {
    /// `X-Forwarded-For`, `-Proto`, `-Host`.
    #[default]
    XForwarded,
    /// `Forwarded` (RFC 7239).
    Forwarded,
    None,
}

/// Who asks, and for which host if a proxy said it.
#[derive(Debug, PartialEq, Eq)]
pub struct Asking {
    pub client: Client,
    /// Host and port, as the proxy wrote them; not looked at yet.
    pub authority: Option<String>,
}

impl ProxySettings {
    pub fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.trusted.iter().any(|network| network.contains(&address))
    }

    /// Who asks, by the headers of a request that came from `peer`.
    pub fn asking(&self, peer: Client, headers: &HeaderMap) -> Asking {
        let unsaid = Asking { client: peer, authority: None };
        if !self.trusts(peer.address) {
            return unsaid;
        }
        let hops = match self.headers {
            ForwardingHeaders::None => return unsaid,
            ForwardingHeaders::XForwarded => forwarded::x_forwarded(headers),
            ForwardingHeaders::Forwarded => forwarded::forwarded(headers),
        };
        let mut asking = unsaid;
        for hop in hops.into_iter().rev().take(MOST_HOPS) {
            // What cannot be read was written by the last proxy that could be: it is as far as its word goes.
            let Hop { address: Some(address), secure, authority } = hop else { break };
            asking.client = Client { address, secure: secure.unwrap_or(asking.client.secure) };
            asking.authority = authority.filter(|_| self.host).or(asking.authority);
            if !self.trusts(address) {
                break;
            }
        }
        asking
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTER: &str = "198.51.100.9";

    fn asking(form: ForwardingHeaders, peer: &str, said: &[(&'static str, &str)]) -> (String, bool, Option<String>) {
        let trusted = ["10.0.0.0/8", "fd00::/8", "192.0.2.1/32"].map(|network| network.parse().unwrap()).to_vec();
        let settings = ProxySettings { trusted, headers: form, host: true, proxy_protocol: false };
        let mut headers = HeaderMap::new();
        for (name, value) in said {
            headers.append(*name, value.parse().unwrap());
        }
        let peer = Client { address: peer.parse().unwrap(), secure: false };
        let Asking { client, authority } = settings.asking(peer, &headers);
        (client.address.to_string(), client.secure, authority)
    }

    #[test]
    fn the_rightmost_address_that_is_no_proxys_is_the_client() {
        for (peer, said, client) in [
            ("10.0.0.1", OUTER, OUTER),
            ("::ffff:10.0.0.1", OUTER, OUTER),
            ("10.0.0.1", "1.1.1.1, 198.51.100.9", OUTER),
            ("10.0.0.1", "1.1.1.1, 198.51.100.9, 10.9.9.9", OUTER),
            ("10.0.0.1", "198.51.100.9:4711", OUTER),
            ("10.0.0.1", "[2001:db8::1]:4711,fd00::5", "2001:db8::1"),
            ("10.0.0.1", "2001:db8::1", "2001:db8::1"),
            // All are proxies: the first of them.
            ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
            // Nothing, or nothing that can be read.
            ("10.0.0.1", "", "10.0.0.1"),
            ("10.0.0.1", "unknown", "10.0.0.1"),
            ("10.0.0.1", "198.51.100.9, junk, 10.0.0.2", "10.0.0.2"),
            // Who is no proxy has no say.
            ("203.0.113.5", "1.1.1.1", "203.0.113.5"),
            ("203.0.113.5", "10.0.0.1", "203.0.113.5"),
        ] {
            let asked = asking(ForwardingHeaders::XForwarded, peer, &[("x-forwarded-for", said)]);
            assert_eq!(asked.0, client, "{peer} says {said:?}");
        }
    }

    #[test]
    fn several_lines_are_one_list() {
        let said = [("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", OUTER), ("x-forwarded-for", "10.0.0.7")];
        assert_eq!(asking(ForwardingHeaders::XForwarded, "10.0.0.1", &said).0, OUTER);
    }

    #[test]
    fn scheme_and_host_go_with_the_client() {
        let said = [
            ("x-forwarded-for", OUTER),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "chat.example"),
            ("forwarded", "for=1.1.1.1;proto=http;host=evil.example"),
        ];
        let expected = (OUTER.to_owned(), true, Some("chat.example".to_owned()));
        assert_eq!(asking(ForwardingHeaders::XForwarded, "10.0.0.1", &said), expected);
        assert_eq!(asking(ForwardingHeaders::XForwarded, OUTER, &said), (OUTER.to_owned(), false, None));
        let said = [
            (
                "forwarded",
                "for=6.6.6.6;host=evil.example, for=\"198.51.100.9:80\";Proto=HTTPS;host=\"chat.example:443\"",
            ),
            ("forwarded", "for=10.0.0.2;proto=http;by=10.0.0.1"),
            ("x-forwarded-for", "6.6.6.6"),
        ];
        let asked = asking(ForwardingHeaders::Forwarded, "192.0.2.1", &said);
        assert_eq!(asked, (OUTER.to_owned(), true, Some("chat.example:443".to_owned())));
        assert_eq!(asking(ForwardingHeaders::None, "10.0.0.1", &said).0, "10.0.0.1");
    }
}
