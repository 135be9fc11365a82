//! Uploads in their stores. In: copies made, failed, owed. Out: counts by store.

use prometheus::{IntCounterVec, IntGaugeVec, Registry};

use super::metrics;
use super::registry::{counter, gauges};

pub(super) struct Uploads {
    copies: IntCounterVec,
    owed: IntGaugeVec,
}

impl Uploads {
    pub(super) fn register(registry: &Registry) -> Self {
        Uploads {
            copies: counter(
                registry,
                "dragoman_upload_copies_total",
                "Copies of uploads: made with the upload (at_once), afterwards (later), tries that failed (failed), given up (given_up).",
                &["store", "outcome"],
            ),
            owed: gauges(
                registry,
                "dragoman_upload_copies_owed",
                "Copies of uploads that are still to be made, as of the last look.",
                &["store"],
            ),
        }
    }
}

/// A copy for a store, and what became of it.
pub fn count_copy(store: &str, outcome: &str) {
    metrics().uploads.copies.with_label_values(&[store, outcome]).inc();
}

/// How many copies a store is still to get.
pub fn show_copies_owed(store: &str, copies: i64) {
    metrics().uploads.owed.with_label_values(&[store]).set(copies);
}
