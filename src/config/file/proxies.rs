//! `[server.proxies]`: whose word is taken of who is behind a connection.

use std::net::IpAddr;

use ipnet::IpNet;

use super::super::problem::Code;
use super::super::section::Section;
use crate::edge::{ForwardingHeaders, ProxySettings};

pub(super) const HEADERS: &[(&str, ForwardingHeaders)] = &[
    ("x-forwarded", ForwardingHeaders::XForwarded),
    ("forwarded", ForwardingHeaders::Forwarded),
    ("none", ForwardingHeaders::None),
];

pub(super) fn read(section: Section<'_>) -> ProxySettings {
    const HELP: &str =
        "networks or addresses of the proxies in front, as in `trusted = [\"10.0.0.0/8\", \"192.0.2.1\"]`";
    if !section.has("trusted") {
        section.missing("trusted", HELP);
    }
    let mut trusted = Vec::new();
    for text in section.texts("trusted") {
        match network(&text.value) {
            Some(network) if network.prefix_len() == 0 => {
                let message = format!("`{}` is everybody: whoever connects could say to be anybody else", text.value);
                section.report().error(Code::Value, &text.place, message, Some(HELP.to_owned()));
            }
            Some(network) => trusted.push(network),
            None => {
                let message = format!("`{}` is no network", text.value);
                section.report().error(Code::Value, &text.place, message, Some(HELP.to_owned()));
            }
        }
    }
    let settings = ProxySettings {
        trusted,
        headers: section.word("headers", HEADERS).map(|word| word.value).unwrap_or_default(),
        host: section.boolean("host").unwrap_or_default(),
        proxy_protocol: section.boolean("proxy_protocol").unwrap_or_default(),
    };
    section.finish();
    settings
}

/// A network, or one address.
fn network(text: &str) -> Option<IpNet> {
    text.parse::<IpNet>().map(|network| network.trunc()).or_else(|_| text.parse::<IpAddr>().map(IpNet::from)).ok()
}
