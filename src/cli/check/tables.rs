//! What a config comes to, for people. In: a checked config. Out: tables of its routes, upstreams, webhooks and deliveries;
//! those of which there are none are left out. No credential, and no path of an address: a webhook's may be one.

use std::time::Duration;

use http::Uri;

use crate::auth::{Auth, JwtKey};
use crate::config::{Config, DeliveryPlan, Route, Target, Uploads};
use crate::delivery::WebhookSettings;
use crate::placement::Rules;
use crate::upstream::{CredentialRule, UpstreamSettings};

/// Every table, a blank line between two.
pub(super) fn all(config: &Config) -> String {
    let webhooks = config.routes.iter().filter_map(|route| Some(webhook(route, route.events.as_ref()?)));
    let tables = [
        table(
            ["ROUTE", "DIALECT", "WHERE", "TO", "AUTH", "UPLOADS"],
            config.routes.iter().map(|route| of_route(config, route)),
        ),
        table(
            ["UPSTREAM", "DIALECT", "AT", "SOCKETS AT", "IS SHOWN", "HEALTH", "CALLS BACK"],
            config.upstreams.values().map(upstream),
        ),
        table(["WEBHOOK OF", "DIALECT", "CALLS", "TELLS"], webhooks),
        table(
            ["DELIVERY", "DIALECT", "CALLS", "AS", "CONVERSATIONS", "GIVES UP AFTER"],
            config.deliveries.values().map(delivery),
        ),
    ];
    tables.into_iter().flatten().collect::<Vec<String>>().join("\n")
}

/// Rows below their head, if there are any.
fn table<const COLUMNS: usize>(head: [&str; COLUMNS], rows: impl Iterator<Item = [String; COLUMNS]>) -> Option<String> {
    let all: Vec<_> = std::iter::once(head.map(str::to_owned)).chain(rows).collect();
    (all.len() > 1).then(|| columns(&all))
}

/// Rows as lines, each column as wide as its widest cell.
pub(super) fn columns<const COLUMNS: usize>(rows: &[[String; COLUMNS]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..COLUMNS).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

fn of_route(config: &Config, route: &Route) -> [String; 6] {
    let listen = config.server.listen;
    let place = match &route.host {
        Some(host) => format!("{host}{}", route.prefix),
        None => format!("{listen}{}", route.prefix),
    };
    let target = match &route.target {
        Target::Hub => "hub".to_owned(),
        Target::Upstream(name) => match config.upstreams.get(name) {
            Some(upstream) => format!("{name} ({})", upstream.dialect.name),
            None => name.clone(),
        },
    };
    let auth = match &route.auth {
        Auth::Jwt(settings) => match &settings.key {
            JwtKey::Shared(algorithm, _) | JwtKey::Public(algorithm, _) => format!("jwt {}", algorithm.as_str()),
            JwtKey::Set(set, _) => format!("jwt, keys of {}", set.source),
        },
        Auth::Tokens(tokens) if tokens.len() == 1 => "1 token".to_owned(),
        Auth::Tokens(tokens) => format!("{} tokens", tokens.len()),
        Auth::Upstream => "upstream".to_owned(),
        Auth::None { .. } => "none".to_owned(),
    };
    let uploads = match &route.uploads {
        Some(Uploads::Placed(rules)) => places(rules),
        Some(Uploads::Through) => "upstream".to_owned(),
        None => "-".to_owned(),
    };
    [route.name.to_string(), route.dialect.name.to_string(), place, target, auth, uploads]
}

/// Where uploads go, each place once, that of the last resort first.
fn places(rules: &Rules) -> String {
    each_once(rules.0.iter().rev().map(|rule| rule.to.to_string()))
}

fn upstream(settings: &UpstreamSettings) -> [String; 7] {
    let hosts = settings.hosts.values().flatten();
    let shown = settings.credentials.values().map(|rule| match rule {
        CredentialRule::Forward => "the caller's",
        CredentialRule::Fixed(_) => "one for all",
        CredentialRule::Mint(_) => "a token made for each",
    });
    let health = settings.health.as_ref().map(|health| format!("{} every {}", health.path, in_units(health.every)));
    [
        settings.name.to_string(),
        settings.dialect.name.to_string(),
        each_once(settings.http.iter().chain(hosts).map(place)),
        each_once(settings.socket.iter().map(place)),
        each_once(shown.map(str::to_owned)),
        health.unwrap_or_else(none),
        settings.callback.as_ref().map_or_else(none, |callback| callback.path.clone()),
    ]
}

/// What an app is told: its subscriptions are in the journal, which nobody opens here.
fn webhook(route: &Route, settings: &WebhookSettings) -> [String; 4] {
    let rules = route.dialect.webhooks.iter().filter_map(|webhook| webhook.subscription.as_ref());
    let needed = each_once(rules.filter(|rule| rule.needed).map(|rule| rule.kind.clone()));
    let tells = match needed.as_str() {
        "-" => "all of its conversations".to_owned(),
        kinds => format!("what it subscribed to ({kinds})"),
    };
    [route.name.to_string(), route.dialect.name.to_string(), place(&settings.url), tells]
}

fn delivery(plan: &DeliveryPlan) -> [String; 6] {
    let DeliveryPlan { settings, by } = plan;
    [
        settings.name.to_string(),
        by.dialect.name.to_string(),
        each_once(by.http.iter().map(place)),
        settings.sender.clone(),
        each_once(settings.kinds.iter().map(|kind| kind.as_str().to_owned())),
        in_units(settings.give_up_after),
    ]
}

/// Scheme, host and port: a user name before them or a path behind may be a credential.
pub(super) fn place(uri: &Uri) -> String {
    let host = uri.host().unwrap_or_default();
    let port = uri.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{host}{port}", uri.scheme_str().unwrap_or("http"))
}

fn each_once(all: impl Iterator<Item = String>) -> String {
    let mut once: Vec<String> = Vec::new();
    for one in all {
        if !once.contains(&one) {
            once.push(one);
        }
    }
    if once.is_empty() { none() } else { once.join(", ") }
}

fn none() -> String {
    "-".to_owned()
}

/// As it may be written in a config.
fn in_units(duration: Duration) -> String {
    const UNITS: &[(u64, &str)] = &[(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];
    let seconds = duration.as_secs();
    match UNITS.iter().find(|(unit, _)| seconds >= *unit && seconds.is_multiple_of(*unit)) {
        Some((unit, name)) if duration.subsec_millis() == 0 => format!("{}{name}", seconds / unit),
        _ => format!("{}ms", duration.as_millis()),
    }
}
