//! What a dialect cannot say of what another one said. In: the two, and what did not fit. Out: counts by both.

use std::borrow::Cow;

use prometheus::{IntCounter, IntCounterVec, Registry};

use super::metrics;
use super::registry::counter;

pub(super) struct Losses {
    lost: IntCounterVec,
    degraded: IntCounterVec,
    untold: IntCounterVec,
}

impl Losses {
    pub(super) fn register(registry: &Registry) -> Self {
        Losses {
            lost: counter(
                registry,
                "dragoman_lost_fields_total",
                "Facts a target could not carry.",
                &["from", "to", "field"],
            ),
            degraded: counter(
                registry,
                "dragoman_degraded_total",
                "Messages that went as text, or with text in place of buttons.",
                &["from", "to", "reason"],
            ),
            untold: counter(registry, "dragoman_untold_total", "Events a target has no frame for.", &["to", "event"]),
        }
    }

    /// The count of one fact, for who loses it often.
    pub(super) fn lost_field(&self, from: &str, to: &str, field: &str) -> IntCounter {
        self.lost.with_label_values(&[from, to, field])
    }
}

/// A target could not tell these facts; `degraded` says why the message, or what belongs to it, became words.
pub fn count_losses<'a>(
    from: &str,
    to: &str,
    lost: impl Iterator<Item = Cow<'a, str>>,
    degraded: impl Iterator<Item = &'static str>,
) {
    let losses = &metrics().losses;
    for field in lost {
        losses.lost_field(from, to, &field).inc();
    }
    for reason in degraded {
        losses.degraded.with_label_values(&[from, to, reason]).inc();
    }
}

/// A target has no frame for such an event.
pub fn count_untold(to: &str, event: &str) {
    metrics().losses.untold.with_label_values(&[to, event]).inc();
}
