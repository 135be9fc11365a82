//! Headers of proxies. In: lines of a header. However a client wrote its own, what our proxy adds behind them decides.

use std::net::IpAddr;

use dragoman::edge::{Client, ForwardingHeaders, ProxySettings};
use http::{HeaderMap, HeaderName, HeaderValue};

const PROXY: [u8; 4] = [10, 0, 0, 1];
const CLIENT: [u8; 4] = [203, 0, 113, 7];

pub fn forwarded(data: &[u8]) {
    let trusted = vec!["10.0.0.0/8".parse().expect("a network")];
    let forms = [
        (ForwardingHeaders::XForwarded, "x-forwarded-for", "203.0.113.7"),
        (ForwardingHeaders::Forwarded, "forwarded", "for=203.0.113.7"),
    ];
    for (headers, name, added) in forms {
        let settings = ProxySettings { trusted: trusted.clone(), headers, host: true, proxy_protocol: false };
        let name = HeaderName::from_static(name);
        let mut said = HeaderMap::new();
        for line in data.split(|byte| *byte == b'\n') {
            if let Ok(value) = HeaderValue::from_bytes(line) {
                said.append(name.clone(), value);
            }
        }
        let from = |address: [u8; 4]| Client { address: IpAddr::from(address), secure: false };
        let outside = settings.asking(from(CLIENT), &said);
        assert_eq!(outside.client.address, IpAddr::from(CLIENT), "who is no proxy is the client");
        assert_eq!(outside.authority, None);

        // Some proxies add a line, some add to the last one.
        let mut own_line = said.clone();
        own_line.append(name.clone(), HeaderValue::from_static(added));
        assert_eq!(settings.asking(from(PROXY), &own_line).client.address, IpAddr::from(CLIENT));
    }
}
