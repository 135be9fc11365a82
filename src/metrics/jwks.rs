//! Keys of identity providers. In: fetches, and what is held since. Out: counts and gauges by route.

use prometheus::{IntCounterVec, IntGaugeVec, Registry};

use super::metrics;
use super::registry::{counter, gauges};

const OUTCOMES: &[&str] = &["taken", "unreachable", "status", "invalid"];

pub(super) struct Jwks {
    fetches: IntCounterVec,
    keys: IntGaugeVec,
    fetched: IntGaugeVec,
}

impl Jwks {
    pub(super) fn register(registry: &Registry) -> Self {
        Jwks {
            fetches: counter(
                registry,
                "dragoman_jwks_fetches_total",
                "Fetches of the keys of an identity provider: taken, unreachable, status (not 200), invalid.",
                &["route", "outcome"],
            ),
            keys: gauges(registry, "dragoman_jwks_keys", "Keys that tokens of the route are checked with.", &["route"]),
            fetched: gauges(
                registry,
                "dragoman_jwks_fetched_timestamp_seconds",
                "When these keys were fetched, in seconds since the epoch; 0: there are none.",
                &["route"],
            ),
        }
    }
}

/// A look at a provider came to this.
pub fn count_jwks_fetch(route: &str, outcome: &str) {
    // There from the start: a rate sees no first step from nothing.
    for known in OUTCOMES {
        metrics().jwks.fetches.with_label_values(&[route, known]);
    }
    metrics().jwks.fetches.with_label_values(&[route, outcome]).inc();
}

/// So many keys were fetched just now.
pub fn show_jwks(route: &str, keys: usize) {
    let jwks = &metrics().jwks;
    jwks.keys.with_label_values(&[route]).set(i64::try_from(keys).unwrap_or(i64::MAX));
    jwks.fetched.with_label_values(&[route]).set(jiff::Timestamp::now().as_second());
}

/// There are none, or they are too old.
pub fn hide_jwks(route: &str) {
    let jwks = &metrics().jwks;
    jwks.keys.with_label_values(&[route]).set(0);
    jwks.fetched.with_label_values(&[route]).set(0);
}

/// The route has no such keys any more.
pub fn forget_jwks(route: &str) {
    let jwks = &metrics().jwks;
    let _ = jwks.keys.remove_label_values(&[route]);
    let _ = jwks.fetched.remove_label_values(&[route]);
    for outcome in OUTCOMES {
        let _ = jwks.fetches.remove_label_values(&[route, outcome]);
    }
}
