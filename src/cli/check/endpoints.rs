//! Every server that the gateway would call: upstreams, the apps of webhooks, the other side of deliveries. In: a config. Out: a
//! line of each endpoint; for one that cannot be reached the key to change.

use std::time::Duration;

use futures_util::future::join_all;
use http::Uri;

use super::tables::place;
use crate::cli::Console;
use crate::config::Config;
use crate::upstream::UpstreamSettings;
use crate::upstream::transport::{Found, probe};

/// How long an app may take to be connected to: webhooks have no time of their own.
const APP: Duration = Duration::from_secs(10);

/// One endpoint, and where the config names it.
struct Endpoint<'a> {
    owner: String,
    key: &'static str,
    address: &'a Uri,
    health: Option<&'a str>,
    within: Duration,
    /// What was not asked of one that can be connected to.
    unasked: &'static str,
}

/// Tries all at once; whether all are there.
pub(super) async fn all(config: &Config, console: &mut Console) -> bool {
    let endpoints = named(config);
    let found = join_all(endpoints.iter().map(|one| probe(one.address, one.health, one.within))).await;
    for (endpoint, found) in endpoints.iter().zip(&found) {
        let Endpoint { owner, key, unasked, .. } = endpoint;
        let address = place(endpoint.address);
        console.talk(&match found {
            Ok(Found::Well(status)) => format!("{owner}: {address} answers its health check with {status}\n"),
            Ok(Found::Connects) => format!("{owner}: {address} can be connected to; {unasked}\n"),
            Err(why) => {
                format!("error: {owner}: {why}\n  help: `{key}` there: is it up, and can it be reached from here?\n")
            }
        });
    }
    found.iter().all(Result::is_ok)
}

fn named(config: &Config) -> Vec<Endpoint<'_>> {
    let upstreams = config.upstreams.values().flat_map(of_upstream);
    let webhooks = config.routes.iter().filter_map(|route| {
        let address = &route.events.as_ref()?.url;
        let unasked = "no event was told";
        Some(Endpoint {
            owner: format!("routes.{}", route.name),
            key: "events",
            address,
            health: None,
            within: APP,
            unasked,
        })
    });
    let deliveries = config.deliveries.values().flat_map(|plan| {
        plan.by.http.iter().map(|address| Endpoint {
            owner: format!("deliveries.{}", plan.settings.name),
            key: "base_url",
            address,
            health: None,
            within: plan.by.timeout,
            unasked: "nothing was said: whether it takes `token` and `sender` was not tried",
        })
    });
    upstreams.chain(webhooks).chain(deliveries).collect()
}

/// Each server once: most take calls and sockets at the same place.
fn of_upstream(upstream: &UpstreamSettings) -> Vec<Endpoint<'_>> {
    let health = upstream.health.as_ref().map(|health| health.path.as_str());
    let calls = upstream.http.iter().map(|address| ("http", address, health));
    let hosts = upstream.hosts.values().flatten().map(|address| ("hosts", address, None));
    let sockets = upstream.socket.iter().map(|address| ("socket", address, None));
    let mut endpoints: Vec<Endpoint<'_>> = Vec::new();
    for (key, address, health) in calls.chain(hosts).chain(sockets) {
        if endpoints.iter().any(|known| server(known.address) == server(address)) {
            continue;
        }
        let owner = format!("upstreams.{}", upstream.name);
        let unasked = "nothing was asked, `health` names nothing to ask";
        endpoints.push(Endpoint { owner, key, address, health, within: upstream.timeout, unasked });
    }
    endpoints
}

/// Whether there is TLS, and who is connected to.
fn server(address: &Uri) -> (bool, Option<&str>, Option<u16>) {
    let secure = matches!(address.scheme_str(), Some("https" | "wss"));
    (secure, address.host(), address.port_u16())
}
