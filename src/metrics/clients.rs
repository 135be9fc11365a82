//! What clients asked and were told. In: their calls, frames and uploads. Out: counts by route.

use prometheus::{HistogramVec, IntCounter, IntCounterVec, Registry};

use super::metrics;
use super::registry::{counter, seconds};

pub(super) struct Clients {
    requests: IntCounterVec,
    request_seconds: HistogramVec,
    frames: IntCounterVec,
    refused: IntCounterVec,
    upload_bytes: IntCounterVec,
    replayed: IntCounterVec,
    removed: IntCounterVec,
    scans: IntCounterVec,
    images: IntCounterVec,
}

impl Clients {
    pub(super) fn register(registry: &Registry) -> Self {
        Clients {
            requests: counter(registry, "dragoman_http_requests_total", "Answered calls.", &["route", "op", "code"]),
            request_seconds: seconds(
                registry,
                "dragoman_http_request_duration_seconds",
                "Time from the head of a request to that of its answer; of a socket, its handshake.",
                &["route", "op"],
            ),
            frames: counter(
                registry,
                "dragoman_websocket_messages_total",
                "Frames that clients sent (in) and were sent (out).",
                &["route", "direction"],
            ),
            refused: counter(registry, "dragoman_refused_total", "Refused calls and frames.", &["route", "reason"]),
            upload_bytes: counter(registry, "dragoman_upload_bytes_total", "Bytes of finished uploads.", &["route"]),
            scans: counter(
                registry,
                "dragoman_scans_total",
                "Uploads that a scanner was asked about: clean, infected, or without a verdict.",
                &["scanner", "outcome"],
            ),
            images: counter(
                registry,
                "dragoman_upload_images_total",
                "Images that metadata was taken out of or that were written anew: made, kept as they came, refused.",
                &["route", "outcome"],
            ),
            removed: counter(
                registry,
                "dragoman_uploads_removed_total",
                "Files removed from a store: too old, never named, left by a crash, known to nobody.",
                &["store", "reason"],
            ),
            replayed: counter(
                registry,
                "dragoman_replayed_total",
                "Events told to clients that came back, and topics of which too little was kept.",
                &["route", "outcome"],
            ),
        }
    }
}

impl Clients {
    /// What may become of the calls and frames of a route is there from the start.
    pub(super) fn know_route(&self, route: &str) {
        self.refused.with_label_values(&[route, "unavailable"]);
        for outcome in ["replayed", "lost"] {
            self.replayed.with_label_values(&[route, outcome]);
        }
    }
}

/// A call was answered.
pub fn count_request(route: &str, op: &str, code: u16, seconds: f64) {
    let clients = &metrics().clients;
    let code = itoa::Buffer::new().format(code).to_owned();
    clients.requests.with_label_values(&[route, op, &code]).inc();
    clients.request_seconds.with_label_values(&[route, op]).observe(seconds);
}

/// A call or frame was refused.
pub fn count_refused(route: &str, reason: &str) {
    metrics().clients.refused.with_label_values(&[route, reason]).inc();
}

/// The frames of one route's sockets, looked up once.
#[derive(Clone)]
pub struct Frames {
    incoming: IntCounter,
    outgoing: IntCounter,
}

impl Frames {
    pub fn of(route: &str) -> Self {
        let frames = &metrics().clients.frames;
        let direction = |direction| frames.with_label_values(&[route, direction]);
        Frames { incoming: direction("in"), outgoing: direction("out") }
    }

    /// Clients sent so many.
    pub fn came(&self, count: usize) {
        self.incoming.inc_by(u64::try_from(count).unwrap_or(u64::MAX));
    }

    /// Clients were sent so many.
    pub fn went(&self, count: usize) {
        self.outgoing.inc_by(u64::try_from(count).unwrap_or(u64::MAX));
    }
}

/// An upload finished.
pub fn count_upload(route: &str, bytes: u64) {
    metrics().clients.upload_bytes.with_label_values(&[route]).inc_by(bytes);
}

/// A scanner that may be asked: there from the start, so that a rate sees the first step.
pub fn know_scanner(scanner: &str) {
    for outcome in ["clean", "infected", "failed"] {
        metrics().clients.scans.with_label_values(&[scanner, outcome]);
    }
}

/// A scanner was asked about an upload: `clean`, `infected` or `failed`.
pub fn count_scan(scanner: &str, outcome: &str) {
    metrics().clients.scans.with_label_values(&[scanner, outcome]).inc();
}

/// Something was to be done to an image: `made`, `kept` as it came, or `refused`.
pub fn count_image(route: &str, outcome: &str) {
    metrics().clients.images.with_label_values(&[route, outcome]).inc();
}

/// A file was removed from a store: `age`, `unused`, `unfinished` or `unknown`.
pub fn count_upload_removed(store: &str, reason: &str) {
    metrics().clients.removed.with_label_values(&[store, reason]).inc();
}

/// What a client that came back had missed: `replayed` events, or `lost` topics.
pub fn count_replay(route: &str, outcome: &str, count: usize) {
    if count > 0 {
        metrics().clients.replayed.with_label_values(&[route, outcome]).inc_by(count as u64);
    }
}
