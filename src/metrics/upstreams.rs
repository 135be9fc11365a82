//! What upstreams were asked and what they said. In: requests, confirmations, gaps. Out: counts by upstream.

use prometheus::{HistogramVec, IntCounterVec, IntGaugeVec, Registry};

use super::metrics;
use super::registry::{counter, gauges, seconds};

pub(super) struct Upstreams {
    requests: IntCounterVec,
    request_seconds: HistogramVec,
    endpoints: IntGaugeVec,
    confirmations: IntCounterVec,
    unreadable: IntCounterVec,
    gaps: IntCounterVec,
    missed: IntCounterVec,
    stalls: IntCounterVec,
    unnoted: IntCounterVec,
}

impl Upstreams {
    pub(super) fn register(registry: &Registry) -> Self {
        Upstreams {
            requests: counter(
                registry,
                "dragoman_upstream_requests_total",
                "Requests to endpoints, each try counted.",
                &["upstream", "outcome"],
            ),
            request_seconds: seconds(
                registry,
                "dragoman_upstream_request_duration_seconds",
                "Time from a request to the head of its answer, or to its failure.",
                &["upstream"],
            ),
            endpoints: gauges(
                registry,
                "dragoman_upstream_endpoint_healthy",
                "Whether an endpoint is given requests.",
                &["upstream", "endpoint"],
            ),
            confirmations: counter(
                registry,
                "dragoman_confirmations_total",
                "What became of sends to upstreams.",
                &["upstream", "outcome"],
            ),
            unreadable: counter(
                registry,
                "dragoman_upstream_unreadable_total",
                "Frames and calls of upstreams that are of no form of their dialect.",
                &["upstream"],
            ),
            gaps: counter(
                registry,
                "dragoman_upstream_gaps_total",
                "Conversations whose upstream's socket was away for a while: filled from the history, partly (beyond), not (failed), or without a history to fill them from (impossible).",
                &["upstream", "outcome"],
            ),
            missed: counter(
                registry,
                "dragoman_upstream_missed_messages_total",
                "Messages that were told from a history, because the socket was away when they were said.",
                &["upstream"],
            ),
            stalls: counter(
                registry,
                "dragoman_upstream_stalls_total",
                "Sockets given up that took messages and confirmed none.",
                &["upstream"],
            ),
            unnoted: counter(
                registry,
                "dragoman_upstream_unnoted_senders_total",
                "Messages of clients that share an account of which it could not be noted who sent them.",
                &["upstream"],
            ),
        }
    }
}

/// There is such an upstream: what may happen to it is there from the start, so that a rate sees the first step.
pub fn know_upstream(upstream: &str) {
    let upstreams = &metrics().upstreams;
    for outcome in ["confirmed", "refused", "late", "abandoned", "broken"] {
        upstreams.confirmations.with_label_values(&[upstream, outcome]);
    }
    for outcome in ["filled", "beyond", "failed", "impossible"] {
        upstreams.gaps.with_label_values(&[upstream, outcome]);
    }
    for counter in [&upstreams.unreadable, &upstreams.missed, &upstreams.stalls, &upstreams.unnoted] {
        counter.with_label_values(&[upstream]);
    }
    metrics().open.know_upstream(upstream);
}

/// A socket was given up that confirmed nothing.
pub fn count_stall(upstream: &str) {
    metrics().upstreams.stalls.with_label_values(&[upstream]).inc();
}

/// It is not noted who sent a message.
pub fn count_unnoted(upstream: &str) {
    metrics().upstreams.unnoted.with_label_values(&[upstream]).inc();
}

/// A request to an endpoint ended: with a status, or with one of a few words for why there was none.
pub fn count_upstream_request(upstream: &str, outcome: &str, seconds: f64) {
    let upstreams = &metrics().upstreams;
    upstreams.requests.with_label_values(&[upstream, outcome]).inc();
    upstreams.request_seconds.with_label_values(&[upstream]).observe(seconds);
}

/// A request was not made: no endpoint could be given it.
pub fn count_upstream_unavailable(upstream: &str) {
    metrics().upstreams.requests.with_label_values(&[upstream, "unavailable"]).inc();
}

/// Whether an endpoint is given requests. `endpoint` is scheme, host and port as configured.
pub fn show_upstream_endpoint(upstream: &str, endpoint: &str, healthy: bool) {
    metrics().upstreams.endpoints.with_label_values(&[upstream, endpoint]).set(i64::from(healthy));
}

/// A send came to this.
pub fn count_confirmation(upstream: &str, outcome: &str) {
    metrics().upstreams.confirmations.with_label_values(&[upstream, outcome]).inc();
}

/// An upstream said what its dialect does not know.
pub fn count_unreadable(upstream: &str) {
    metrics().upstreams.unreadable.with_label_values(&[upstream]).inc();
}

/// A conversation's socket was away: `filled`, `beyond` what is read at once, `failed`, `impossible`.
pub fn count_gap(upstream: &str, outcome: &str) {
    metrics().upstreams.gaps.with_label_values(&[upstream, outcome]).inc();
}

/// So many messages were told from a history.
pub fn count_missed(upstream: &str, messages: u64) {
    metrics().upstreams.missed.with_label_values(&[upstream]).inc_by(messages);
}
