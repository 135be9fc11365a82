//! Connections before they are HTTP. In: handshakes, certificates, connections that came to nothing. Out: counts by reason.

use prometheus::{IntCounterVec, IntGaugeVec, Registry};

use super::metrics;
use super::registry::{counter, gauges};

pub(super) struct Edge {
    lost: IntCounterVec,
    expires: IntGaugeVec,
    reloads: IntCounterVec,
}

impl Edge {
    pub(super) fn register(registry: &Registry) -> Self {
        let lost = counter(
            registry,
            "dragoman_connections_lost_total",
            "Connections from which no request came: silent, pushed out by others, more than an address may have, a proxy \
             that did not say for whom, a handshake that failed or was late.",
            &["listener", "reason"],
        );
        // There from the start: a rate sees no first step from nothing.
        for listener in ["clients", "admin"] {
            for reason in ["silent", "pushed_out", "proxy_header", "per_address", "handshake", "handshake_timeout"] {
                lost.with_label_values(&[listener, reason]);
            }
        }
        Edge {
            lost,
            expires: gauges(
                registry,
                "dragoman_tls_certificate_expiry_timestamp_seconds",
                "When the certificate that is shown ends, in seconds since the epoch.",
                &["listener"],
            ),
            reloads: counter(
                registry,
                "dragoman_tls_certificate_reloads_total",
                "Certificates that changed on disk: taken, or refused and the one before kept.",
                &["listener", "outcome"],
            ),
        }
    }
}

/// A connection ended before its first request.
pub fn count_connection_lost(listener: &str, reason: &str) {
    metrics().edge.lost.with_label_values(&[listener, reason]).inc();
}

/// The certificate that is shown from now on ends then.
pub fn show_certificate(listener: &str, expires: i64) {
    let edge = &metrics().edge;
    edge.expires.with_label_values(&[listener]).set(expires);
    // There from the start: a rate sees no first step from nothing.
    for outcome in ["taken", "refused"] {
        edge.reloads.with_label_values(&[listener, outcome]);
    }
}

/// A changed certificate was taken, or was not.
pub fn count_certificate(listener: &str, taken: bool) {
    let outcome = if taken { "taken" } else { "refused" };
    metrics().edge.reloads.with_label_values(&[listener, outcome]).inc();
}
