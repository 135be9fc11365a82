//! What those were told who are not connected: apps by webhooks, guests by deliveries. In: calls, and what waits. Out: counts
//! and gauges by route, or by delivery.

use prometheus::{IntCounterVec, IntGauge, IntGaugeVec, Registry};

use super::metrics;
use super::registry::{counter, gauges};

/// Who is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Addressee {
    /// The app of a route.
    Webhook,
    /// Whom a delivery says it to.
    Delivery,
}

impl Addressee {
    pub fn as_str(self) -> &'static str {
        match self {
            Addressee::Webhook => "webhook",
            Addressee::Delivery => "delivery",
        }
    }

    fn figures(self) -> &'static Figures {
        match self {
            Addressee::Webhook => &metrics().told.webhooks,
            Addressee::Delivery => &metrics().told.deliveries,
        }
    }
}

struct Figures {
    calls: IntCounterVec,
    lost: IntCounterVec,
    waiting: IntGaugeVec,
    oldest: IntGaugeVec,
}

pub(super) struct Told {
    webhooks: Figures,
    deliveries: Figures,
    refused: IntCounterVec,
}

impl Figures {
    /// The names of the figures in their order here.
    fn register(registry: &Registry, names: [&str; 4], label: &str) -> Self {
        let [calls, lost, waiting, oldest] = names;
        Figures {
            calls: counter(
                registry,
                calls,
                "Calls to those who are told: told, refused, failed (and tried again), given_up.",
                &[label, "outcome"],
            ),
            lost: counter(
                registry,
                lost,
                "Events that were not told, since they were not kept for as long as the calls were behind.",
                &[label],
            ),
            waiting: gauges(registry, waiting, "Events that are to be told yet, at the replica that calls.", &[label]),
            oldest: gauges(registry, oldest, "When the first of them was recorded; 0 where none is known.", &[label]),
        }
    }
}

impl Told {
    pub(super) fn register(registry: &Registry) -> Self {
        Told {
            webhooks: Figures::register(
                registry,
                [
                    "dragoman_webhook_calls_total",
                    "dragoman_webhook_lost_total",
                    "dragoman_webhook_waiting",
                    "dragoman_webhook_oldest_timestamp_seconds",
                ],
                "route",
            ),
            deliveries: Figures::register(
                registry,
                [
                    "dragoman_delivery_calls_total",
                    "dragoman_delivery_lost_total",
                    "dragoman_delivery_waiting",
                    "dragoman_delivery_oldest_timestamp_seconds",
                ],
                "delivery",
            ),
            refused: counter(
                registry,
                "dragoman_delivery_refused_total",
                "Messages that were not delivered and will not be, by the reason.",
                &["delivery", "reason"],
            ),
        }
    }
}

/// A call came to this: `told`, `refused`, `failed`, `given_up`.
pub fn count_call(addressee: Addressee, name: &str, outcome: &str) {
    addressee.figures().calls.with_label_values(&[name, outcome]).inc();
}

/// So many events are not told.
pub fn count_lost(addressee: Addressee, name: &str, count: u64) {
    addressee.figures().lost.with_label_values(&[name]).inc_by(count);
}

/// A message is not delivered; the reason is one of the closed list of faults.
pub fn count_undelivered(delivery: &str, reason: &str) {
    metrics().told.refused.with_label_values(&[delivery, reason]).inc();
}

/// What waits to be told, while this lives.
pub struct Backlog {
    waiting: IntGauge,
    oldest: IntGauge,
}

impl Backlog {
    pub fn begin(addressee: Addressee, name: &str) -> Self {
        let Figures { calls, lost, waiting, oldest } = addressee.figures();
        // There from the start, so that a rate sees the first step.
        for outcome in ["told", "refused", "failed", "given_up"] {
            calls.with_label_values(&[name, outcome]);
        }
        lost.with_label_values(&[name]);
        Backlog { waiting: waiting.with_label_values(&[name]), oldest: oldest.with_label_values(&[name]) }
    }

    /// How many, and when the first of them was recorded, in seconds of Unix.
    pub fn show(&self, waiting: u64, oldest: Option<i64>) {
        self.waiting.set(i64::try_from(waiting).unwrap_or(i64::MAX));
        self.oldest.set(oldest.unwrap_or(0));
    }
}

impl Drop for Backlog {
    fn drop(&mut self) {
        self.show(0, None);
    }
}
