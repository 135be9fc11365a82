//! Where families of metrics are registered. In: name, help, labels. Out: the family, and all of them as one page.

use prometheus::{
    Counter, Encoder, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    TextEncoder,
};

/// Bounds of the histograms, in seconds: from what memory takes to what a person gives up after.
const SECONDS: [f64; 13] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0];
/// The same for what carries bytes.
const LONG_SECONDS: [f64; 10] = [0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 1_800.0];

// Names and labels are constants of this room, each registered once; a test registers them all, so that what is expected
// here holds.

pub(super) fn counter(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
    let counter = IntCounterVec::new(Opts::new(name, help), labels).expect("a well-formed metric");
    registry.register(Box::new(counter.clone())).expect("registered once");
    counter
}

/// A counter with one label whose words are known. Each is there from the start: a rate sees no first step from nothing.
pub(super) fn counter_of(registry: &Registry, name: &str, help: &str, label: &str, words: &[&str]) -> IntCounterVec {
    let counter = counter(registry, name, help, &[label]);
    for word in words {
        counter.with_label_values(&[*word]);
    }
    counter
}

/// A counter without labels.
pub(super) fn total(registry: &Registry, name: &str, help: &str) -> IntCounter {
    let counter = IntCounter::new(name, help).expect("a well-formed metric");
    registry.register(Box::new(counter.clone())).expect("registered once");
    counter
}

/// The same for what is no whole number.
pub(super) fn number(registry: &Registry, name: &str, help: &str) -> Counter {
    let counter = Counter::new(name, help).expect("a well-formed metric");
    registry.register(Box::new(counter.clone())).expect("registered once");
    counter
}

pub(super) fn gauges(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
    let gauge = IntGaugeVec::new(Opts::new(name, help), labels).expect("a well-formed metric");
    registry.register(Box::new(gauge.clone())).expect("registered once");
    gauge
}

pub(super) fn gauge(registry: &Registry, name: &str, help: &str) -> IntGauge {
    let gauge = IntGauge::new(name, help).expect("a well-formed metric");
    registry.register(Box::new(gauge.clone())).expect("registered once");
    gauge
}

pub(super) fn seconds(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> HistogramVec {
    histogram(registry, name, help, labels, &SECONDS)
}

/// For what may take minutes.
pub(super) fn long_seconds(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> HistogramVec {
    histogram(registry, name, help, labels, &LONG_SECONDS)
}

fn histogram(registry: &Registry, name: &str, help: &str, labels: &[&str], bounds: &[f64]) -> HistogramVec {
    let options = HistogramOpts::new(name, help).buckets(bounds.to_vec());
    let histogram = HistogramVec::new(options, labels).expect("a well-formed metric");
    registry.register(Box::new(histogram.clone())).expect("registered once");
    histogram
}

/// All of them, text format 0.0.4.
pub(super) fn page(registry: &Registry) -> String {
    let mut page = Vec::new();
    // Writing into memory fails only on a metric without a name, of which there is none.
    let _ = TextEncoder::new().encode(&registry.gather(), &mut page);
    String::from_utf8_lossy(&page).into_owned()
}
