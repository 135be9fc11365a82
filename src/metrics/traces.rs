//! Spans of traces on their way to the collector. In: what became of them. Out: counts.

use prometheus::{IntCounterVec, Registry};

use super::metrics;
use super::registry::counter_of;

pub(super) struct Traces {
    spans: IntCounterVec,
}

impl Traces {
    pub(super) fn register(registry: &Registry) -> Self {
        Traces {
            spans: counter_of(
                registry,
                "dragoman_trace_spans_total",
                "Spans that the collector took (exported), did not take (failed), or that found the queue full (dropped).",
                "outcome",
                &["exported", "failed", "dropped"],
            ),
        }
    }
}

/// So many spans came to this.
pub fn count_spans(outcome: &str, count: usize) {
    metrics().traces.spans.with_label_values(&[outcome]).inc_by(count as u64);
}
