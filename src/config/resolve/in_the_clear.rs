//! Credentials and files that would cross, unencrypted, a network that others may listen to.

use std::collections::BTreeSet;

use http::Uri;

use super::super::file::{Written, WrittenRoute, WrittenStore, WrittenTracing};
use super::super::node::Place;
use super::super::problem::{Code, Report};
use super::super::settings::StoreSettings;

/// What an upstream is shown.
pub(super) fn upstream(written: &Written, report: &Report) {
    let hosts = written.hosts.iter().flat_map(|(_, endpoints)| endpoints);
    let endpoints = written.http.iter().chain(&written.socket).chain(hosts);
    let mut said: BTreeSet<&Place> = BTreeSet::new();
    for endpoint in endpoints {
        // What was written once is said once, though calls and sockets share it.
        if is_exposed(&endpoint.value) && said.insert(&endpoint.place) {
            let message = "credentials go to this address in the clear, over a network that may not be yours";
            let help = "use `https://` and `wss://`, or an address of a private network";
            report.warning(Code::ClearText, &endpoint.place, message, Some(help.to_owned()));
        }
    }
}

/// The key that an app is shown, and what it is told.
pub(super) fn webhooks(routes: &[WrittenRoute], report: &Report) {
    for events in routes.iter().filter_map(|route| route.events.as_ref()) {
        if is_exposed(&events.value.url) {
            let message = "the key and the messages go to this address in the clear, over a network that may not be \
                           yours";
            let help = "use `https://`, or an address of a private network";
            report.warning(Code::ClearText, &events.place, message, Some(help.to_owned()));
        }
    }
}

/// Who talks with whom, and what the collector is shown.
pub(super) fn traces(tracing: Option<&WrittenTracing>, report: &Report) {
    let Some(WrittenTracing { settings: Some(settings), place }) = tracing else { return };
    if is_exposed(&settings.endpoint) {
        let message = "spans go to this address in the clear, over a network that may not be yours";
        let help = "use `https://`, or a collector in a private network";
        report.warning(Code::ClearText, place, message, Some(help.to_owned()));
    }
}

/// Uploads on their way to a bucket; its secret only signs and is not sent.
pub(super) fn buckets(stores: &[WrittenStore], report: &Report) {
    for store in stores {
        let Some(StoreSettings::S3 { settings, .. }) = &store.settings else { continue };
        let endpoint = settings.endpoint.as_ref().and_then(|endpoint| endpoint.parse::<Uri>().ok());
        if endpoint.is_some_and(|endpoint| is_exposed(&endpoint)) {
            let message = "files go to this bucket in the clear, over a network that may not be yours";
            let help = "use an `endpoint` with `https://`, or one in a private network";
            report.warning(Code::ClearText, &store.name.place, message, Some(help.to_owned()));
        }
    }
}

/// The keys that callers are known by: who could change them on their way could be anybody.
pub(super) fn key_sets(routes: &[WrittenRoute], report: &Report) {
    for auth in routes.iter().filter_map(|route| route.auth.as_ref()) {
        let (Some(place), Some(set)) = (&auth.published, auth.auth.key_set()) else { continue };
        let Some(uri) = set.source.uri().filter(|uri| uri.scheme_str() == Some("http")) else { continue };
        let message = "keys come from this address in the clear: whoever is between could put his own in their place";
        if is_exposed(&uri) {
            let help = "use `https://`; or `jwks_file`, and fetch the file by a way that you trust";
            report.error(Code::Value, place, message, Some(help.to_owned()));
        } else if !is_this_machine(uri.host().unwrap_or_default()) {
            report.warning(Code::ClearText, place, message, Some("use `https://`, or allow it".to_owned()));
        }
    }
}

fn is_this_machine(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn is_exposed(uri: &Uri) -> bool {
    matches!(uri.scheme_str(), Some("http" | "ws")) && !is_near(uri.host().unwrap_or_default())
}

/// Whether a host is this machine or, by its address or the form of its name, in a private network.
fn is_near(host: &str) -> bool {
    const NEAR: &[&str] = &[".localhost", ".local", ".internal", ".lan", ".home.arpa", ".svc", ".test"];
    match host.trim_start_matches('[').trim_end_matches(']').parse() {
        Ok(std::net::IpAddr::V4(address)) => {
            // 100.64.0.0/10 is shared address space (RFC 6598), which overlay networks use.
            let shared = address.octets()[0] == 100 && address.octets()[1] & 0b1100_0000 == 64;
            address.is_loopback() || address.is_private() || address.is_link_local() || shared
        }
        Ok(std::net::IpAddr::V6(address)) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
        // A name of one label is resolved where the gateway stands.
        Err(_) => !host.contains('.') || NEAR.iter().any(|end| host.ends_with(end)),
    }
}

#[cfg(test)]
mod tests {
    use super::is_near;

    #[test]
    fn near_and_far() {
        for host in
            ["127.0.0.1", "10.1.2.3", "192.168.0.1", "172.16.0.1", "100.64.0.1", "[::1]", "[fd00::1]", "backend"]
        {
            assert!(is_near(host), "{host}");
        }
        for host in ["localhost", "chat.internal", "chat.shop.svc"] {
            assert!(is_near(host), "{host}");
        }
        for host in ["8.8.8.8", "172.32.0.1", "100.128.0.1", "[2001:db8::1]", "chat.example", "internal.example"] {
            assert!(!is_near(host), "{host}");
        }
    }
}
