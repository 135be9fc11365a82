//! What apps that hear by being called were told. In: calls, and what waits for them. Out: counts and gauges by route.

use prometheus::{IntCounterVec, IntGauge, IntGaugeVec, Registry};

use super::metrics;
use super::registry::{counter, gauges};

pub(super) struct Webhooks {
    calls: IntCounterVec,
    lost: IntCounterVec,
    waiting: IntGaugeVec,
    oldest: IntGaugeVec,
}

impl Webhooks {
    pub(super) fn register(registry: &Registry) -> Self {
        Webhooks {
            calls: counter(
                registry,
                "dragoman_webhook_calls_total",
                "Calls to apps: told, refused, failed (and tried again), given_up.",
                &["route", "outcome"],
            ),
            lost: counter(
                registry,
                "dragoman_webhook_lost_total",
                "Events that an app was not told of, since they were not kept for as long as it was behind.",
                &["route"],
            ),
            waiting: gauges(
                registry,
                "dragoman_webhook_waiting",
                "Events that an app is to be told of yet, at the replica that calls it.",
                &["route"],
            ),
            oldest: gauges(
                registry,
                "dragoman_webhook_oldest_timestamp_seconds",
                "When the first of them was recorded; 0 where none is known.",
                &["route"],
            ),
        }
    }
}

/// A call to an app came to this: `told`, `refused`, `failed`, `given_up`.
pub fn count_webhook_call(route: &str, outcome: &str) {
    metrics().webhooks.calls.with_label_values(&[route, outcome]).inc();
}

/// An app is not told of so many events.
pub fn count_webhook_lost(route: &str, count: u64) {
    metrics().webhooks.lost.with_label_values(&[route]).inc_by(count);
}

/// What waits for an app, while this lives.
pub struct WebhookBacklog {
    waiting: IntGauge,
    oldest: IntGauge,
}

impl WebhookBacklog {
    pub fn begin(route: &str) -> Self {
        let webhooks = &metrics().webhooks;
        // There from the start, so that a rate sees the first step.
        for outcome in ["told", "refused", "failed", "given_up"] {
            webhooks.calls.with_label_values(&[route, outcome]);
        }
        webhooks.lost.with_label_values(&[route]);
        let (waiting, oldest) = (&webhooks.waiting, &webhooks.oldest);
        WebhookBacklog { waiting: waiting.with_label_values(&[route]), oldest: oldest.with_label_values(&[route]) }
    }

    /// How many, and when the first of them was recorded, in seconds of Unix.
    pub fn show(&self, waiting: u64, oldest: Option<i64>) {
        self.waiting.set(i64::try_from(waiting).unwrap_or(i64::MAX));
        self.oldest.set(oldest.unwrap_or(0));
    }
}

impl Drop for WebhookBacklog {
    fn drop(&mut self) {
        self.show(0, None);
    }
}
