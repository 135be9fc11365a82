//! What an operator sees: gauges, the log, and what the backend was given. In: a scene. Panics where something is left over.

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};

use super::PATIENCE;
use crate::harness::{Gateway, http};
use crate::pair::scene::Scene;

/// How often something is looked at until it is as it must be.
const PACE: Duration = Duration::from_millis(20);

/// Looks until it holds.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    let mut ticks = interval(PACE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !holds().await {
        assert!(began.elapsed() < PATIENCE, "never: {what}");
        ticks.tick().await;
    }
}

/// A metric of the upstream `back`; 0 where it does not stand.
pub async fn metric(gateway: &Gateway, name: &str) -> f64 {
    total(gateway, name, "upstream=\"back\"").await
}

/// The sum of a metric over all that has this label.
pub async fn total(gateway: &Gateway, name: &str, label: &str) -> f64 {
    let answer = http::get(gateway.admin, "/metrics", &[]).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let text = String::from_utf8(answer.body).expect("metrics are text");
    let named = format!("{name}{{");
    let lines = text.lines().filter(|line| line.starts_with(&named) && line.contains(label));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
}

/// Handshakes that the backend was asked for so far.
pub fn handshakes(scene: &Scene) -> usize {
    scene.backend.calls().iter().filter(|call| call.starts_with("GET ") && call.contains("/ws/")).count()
}

/// Nothing is left over of what failed: nobody waits, and as many sockets are open as there should be.
pub async fn settled(scene: &Scene) {
    let sockets = if scene.to == "divar" { 0 } else { 1 };
    until("nobody waits for a confirmation", async || metric(&scene.gateway, "dragoman_unconfirmed").await == 0.0)
        .await;
    until("the sockets are counted", async || {
        metric(&scene.gateway, "dragoman_upstream_sockets").await == f64::from(sockets)
            && scene.backend.sockets() == sockets as usize
    })
    .await;
}

/// Each message was taken once at most, and these were; no client sends what this backend was sent.
pub async fn taken_once(scene: &Scene, already: &[&str], confirmed: &[String]) {
    let mut taken = Vec::new();
    while already.len() + taken.len() < scene.backend.counts().0 {
        taken.push(scene.backend.taken().await);
    }
    for (at, message) in taken.iter().enumerate() {
        let is_known = already.contains(&message.body.as_str()) || taken[..at].contains(message);
        assert!(!is_known, "twice: {:?}", (&message.kind, &message.body, &message.name));
    }
    for body in confirmed {
        let found = taken.iter().any(|message| message.body == *body);
        assert!(found, "{body:?} was confirmed and not taken");
    }
    assert_eq!(scene.backend.complaints(), Vec::<String>::new(), "sent what no client of {} sends", scene.to);
    if let Some(events) = &scene.events {
        assert_eq!(events.complaints(), Vec::<String>::new());
    }
}

/// Everybody has gone, and is counted so.
pub async fn all_gone(gateway: &Gateway) {
    let count = async || total(gateway, "dragoman_websocket_connections", "").await;
    until("the sockets of clients are gone", async || count().await == 0.0).await;
}

/// A failing backend is no error of the gateway.
pub fn no_error_of_ours(gateway: &Gateway) {
    let log = gateway.log();
    let ours = log.lines().find(|line| line.contains("panicked") || line.contains("ERROR"));
    assert_eq!(ours, None, "in the log:\n{log}");
}
