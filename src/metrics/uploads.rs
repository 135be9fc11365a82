//! Uploads in their stores. In: what each store was written, and copies made, failed, owed. Out: counts and times by store.

use std::time::Instant;

use prometheus::{Histogram, HistogramVec, IntCounter, IntCounterVec, IntGaugeVec, Registry};

use super::metrics;
use super::registry::{counter, gauges, long_seconds};

pub(super) struct Uploads {
    bytes: IntCounterVec,
    ended: IntCounterVec,
    seconds: HistogramVec,
    copies: IntCounterVec,
    owed: IntGaugeVec,
}

impl Uploads {
    pub(super) fn register(registry: &Registry) -> Self {
        Uploads {
            bytes: counter(
                registry,
                "dragoman_store_upload_bytes_total",
                "Bytes that a store took, of uploads and of copies, whether they were finished or not.",
                &["store"],
            ),
            ended: counter(
                registry,
                "dragoman_store_uploads_total",
                "Files written to a store: kept, failed in the store, or dropped before their end.",
                &["store", "outcome"],
            ),
            seconds: long_seconds(
                registry,
                "dragoman_store_upload_duration_seconds",
                "Time from the first byte for a store to the file being kept there.",
                &["store"],
            ),
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

/// What one store is written, looked up once.
#[derive(Clone)]
pub struct StoreWrites {
    bytes: IntCounter,
    kept: IntCounter,
    failed: IntCounter,
    dropped: IntCounter,
    seconds: Histogram,
}

impl StoreWrites {
    pub fn of(store: &str) -> Self {
        let uploads = &metrics().uploads;
        let ended = |outcome| uploads.ended.with_label_values(&[store, outcome]);
        StoreWrites {
            bytes: uploads.bytes.with_label_values(&[store]),
            kept: ended("kept"),
            failed: ended("failed"),
            dropped: ended("dropped"),
            seconds: uploads.seconds.with_label_values(&[store]),
        }
    }

    /// A file is begun.
    pub fn begin(&self) -> StoredUpload {
        StoredUpload { writes: self.clone(), began: Instant::now(), ended: false }
    }
}

/// A file on its way into a store; dropped like this it was given up.
pub struct StoredUpload {
    writes: StoreWrites,
    began: Instant,
    ended: bool,
}

impl StoredUpload {
    /// The store took so many bytes.
    pub fn took(&self, bytes: usize) {
        self.writes.bytes.inc_by(u64::try_from(bytes).unwrap_or(u64::MAX));
    }

    /// The store has it, or has failed.
    pub fn end(mut self, kept: bool) {
        self.ended = true;
        if kept {
            self.writes.kept.inc();
            self.writes.seconds.observe(self.began.elapsed().as_secs_f64());
        } else {
            self.writes.failed.inc();
        }
    }
}

impl Drop for StoredUpload {
    fn drop(&mut self) {
        if !self.ended {
            self.writes.dropped.inc();
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
