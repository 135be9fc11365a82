//! Every metric once, by Prometheus' rules: base units, bounded labels, no ids of users or conversations. In: counts from
//! everywhere. Out: the text of `/metrics`.

use std::sync::OnceLock;

use prometheus::{
    Encoder, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder,
};

/// All metrics of the process.
pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    request_seconds: HistogramVec,
    sockets: IntGaugeVec,
    frames: IntCounterVec,
    sessions_ended: IntCounterVec,
    refused: IntCounterVec,
    lost: IntCounterVec,
    degraded: IntCounterVec,
    untold: IntCounterVec,
    upload_bytes: IntCounterVec,
    upstream_requests: IntCounterVec,
    upstream_seconds: HistogramVec,
    upstream_endpoints: IntGaugeVec,
    unconfirmed: IntGaugeVec,
    confirmations: IntCounterVec,
    upstream_sockets: IntGaugeVec,
    unreadable: IntCounterVec,
    relayed: IntCounterVec,
    gaps: IntCounterVec,
    missed: IntCounterVec,
    connections: IntGauge,
    reloads: IntCounterVec,
    replayed: IntCounterVec,
    config: IntGaugeVec,
    journal_events: IntGauge,
    journal_bytes: IntGauge,
    journal_file: IntGauge,
    journal_oldest: IntGauge,
    trimmed: IntCounterVec,
}

fn counter(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
    // Names and labels are constants of this file; a test registers them all.
    let counter = IntCounterVec::new(Opts::new(name, help), labels).expect("a well-formed metric");
    registry.register(Box::new(counter.clone())).expect("registered once");
    counter
}

fn gauges(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
    let gauge = IntGaugeVec::new(Opts::new(name, help), labels).expect("a well-formed metric");
    registry.register(Box::new(gauge.clone())).expect("registered once");
    gauge
}

fn gauge(registry: &Registry, name: &str, help: &str) -> IntGauge {
    let gauge = IntGauge::new(name, help).expect("a well-formed metric");
    registry.register(Box::new(gauge.clone())).expect("registered once");
    gauge
}

fn seconds(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> HistogramVec {
    let buckets = vec![0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0];
    let options = HistogramOpts::new(name, help).buckets(buckets);
    let histogram = HistogramVec::new(options, labels).expect("a well-formed metric");
    registry.register(Box::new(histogram.clone())).expect("registered once");
    histogram
}

impl Metrics {
    fn new() -> Self {
        let registry = Registry::new();
        let connections = IntGauge::new("dragoman_connections", "Open connections.").expect("a well-formed metric");
        registry.register(Box::new(connections.clone())).expect("registered once");
        let build = gauges(&registry, "dragoman_build_info", "Which version runs.", &["version"]);
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        #[cfg(target_os = "linux")]
        {
            let process = prometheus::process_collector::ProcessCollector::for_self();
            registry.register(Box::new(process)).expect("registered once");
        }
        Metrics {
            requests: counter(&registry, "dragoman_http_requests_total", "Answered calls.", &["route", "op", "code"]),
            request_seconds: seconds(
                &registry,
                "dragoman_http_request_duration_seconds",
                "Time from head to answer of a call.",
                &["route"],
            ),
            sockets: gauges(&registry, "dragoman_websocket_connections", "Open sockets.", &["route"]),
            frames: counter(&registry, "dragoman_websocket_messages_total", "Frames.", &["route", "direction"]),
            sessions_ended: counter(&registry, "dragoman_sessions_ended_total", "Ended sockets.", &["route", "reason"]),
            refused: counter(&registry, "dragoman_refused_total", "Refused calls and frames.", &["route", "reason"]),
            lost: counter(
                &registry,
                "dragoman_lost_fields_total",
                "Facts a target could not carry.",
                &["from", "to", "field"],
            ),
            degraded: counter(
                &registry,
                "dragoman_degraded_total",
                "Messages that went as text.",
                &["from", "to", "reason"],
            ),
            untold: counter(&registry, "dragoman_untold_total", "Events a target has no frame for.", &["to", "event"]),
            upload_bytes: counter(&registry, "dragoman_upload_bytes_total", "Bytes of finished uploads.", &["route"]),
            upstream_requests: counter(
                &registry,
                "dragoman_upstream_requests_total",
                "Requests to endpoints, each try counted.",
                &["upstream", "outcome"],
            ),
            upstream_seconds: seconds(
                &registry,
                "dragoman_upstream_request_duration_seconds",
                "Time from a request to the head of its answer, or to its failure.",
                &["upstream"],
            ),
            upstream_endpoints: gauges(
                &registry,
                "dragoman_upstream_endpoint_healthy",
                "Whether an endpoint is given requests.",
                &["upstream", "endpoint"],
            ),
            unconfirmed: gauges(
                &registry,
                "dragoman_unconfirmed",
                "Sends that wait for a confirmation.",
                &["upstream"],
            ),
            confirmations: counter(
                &registry,
                "dragoman_confirmations_total",
                "What became of sends to upstreams.",
                &["upstream", "outcome"],
            ),
            upstream_sockets: gauges(&registry, "dragoman_upstream_sockets", "Open sockets there.", &["upstream"]),
            relayed: counter(
                &registry,
                "dragoman_relay_events_total",
                "What the relay heard too late or could not say: gaps, events missed, recovered, lost, unsaid, unreadable.",
                &["outcome"],
            ),
            unreadable: counter(
                &registry,
                "dragoman_upstream_unreadable_total",
                "Frames and calls of upstreams that are of no form of their dialect.",
                &["upstream"],
            ),
            gaps: counter(
                &registry,
                "dragoman_upstream_gaps_total",
                "Conversations whose upstream's socket was away for a while: filled from the history, partly (beyond), not (failed), or without a history to fill them from (impossible).",
                &["upstream", "outcome"],
            ),
            missed: counter(
                &registry,
                "dragoman_upstream_missed_messages_total",
                "Messages that were told from a history, because the socket was away when they were said.",
                &["upstream"],
            ),
            connections,
            reloads: counter(
                &registry,
                "dragoman_config_reloads_total",
                "Configs offered while running: taken, or refused.",
                &["result"],
            ),
            replayed: counter(
                &registry,
                "dragoman_replayed_total",
                "Events told to clients that came back, and topics of which too little was kept.",
                &["route", "outcome"],
            ),
            config: gauges(
                &registry,
                "dragoman_config_taken_timestamp_seconds",
                "When the config that holds was taken, by the digest of its files.",
                &["digest"],
            ),
            journal_events: gauge(&registry, "dragoman_journal_events", "Events that the embedded journal keeps."),
            journal_bytes: gauge(&registry, "dragoman_journal_event_bytes", "Bytes of the events it keeps."),
            journal_file: gauge(&registry, "dragoman_journal_file_bytes", "Length of its file."),
            journal_oldest: gauge(
                &registry,
                "dragoman_journal_oldest_timestamp_seconds",
                "When the oldest event that may go was recorded; 0 where there is none.",
            ),
            trimmed: counter(
                &registry,
                "dragoman_journal_trimmed_total",
                "Events that went, as too old, too many in their conversation, or too much in all.",
                &["reason"],
            ),
            registry,
        }
    }
}

fn metrics() -> &'static Metrics {
    static METRICS: OnceLock<Metrics> = OnceLock::new();
    METRICS.get_or_init(Metrics::new)
}

/// The page of `/metrics`, text format 0.0.4.
pub fn render() -> String {
    let mut page = Vec::new();
    // Writing into memory fails only on a metric without a name, of which there is none.
    let _ = TextEncoder::new().encode(&metrics().registry.gather(), &mut page);
    String::from_utf8_lossy(&page).into_owned()
}

/// The config of this digest holds from now on; no other does.
pub fn show_config(digest: &str) {
    let config = &metrics().config;
    config.reset();
    let seconds = std::time::SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs());
    config.with_label_values(&[digest]).set(i64::try_from(seconds).unwrap_or(i64::MAX));
}

/// What a client that came back had missed: `replayed` events, or `lost` topics.
pub fn count_replay(route: &str, outcome: &str, count: usize) {
    if count > 0 {
        metrics().replayed.with_label_values(&[route, outcome]).inc_by(count as u64);
    }
}

pub fn count_reload(taken: bool) {
    metrics().reloads.with_label_values(&[if taken { "taken" } else { "refused" }]).inc();
}

/// A call was answered.
pub fn count_request(route: &str, op: &str, code: u16, seconds: f64) {
    let code = itoa::Buffer::new().format(code).to_owned();
    metrics().requests.with_label_values(&[route, op, &code]).inc();
    metrics().request_seconds.with_label_values(&[route]).observe(seconds);
}

/// A call or frame was refused.
pub fn count_refused(route: &str, reason: &str) {
    metrics().refused.with_label_values(&[route, reason]).inc();
}

/// Frames came in or went out.
pub fn count_frames(route: &str, direction: &str, count: usize) {
    metrics().frames.with_label_values(&[route, direction]).inc_by(u64::try_from(count).unwrap_or(u64::MAX));
}

/// A target could not tell these facts; `degraded` says why the message went as text.
pub fn count_losses<'a>(
    from: &str,
    to: &str,
    lost: impl Iterator<Item = std::borrow::Cow<'a, str>>,
    degraded: Option<&str>,
) {
    for field in lost {
        metrics().lost.with_label_values(&[from, to, field.as_ref()]).inc();
    }
    if let Some(reason) = degraded {
        metrics().degraded.with_label_values(&[from, to, reason]).inc();
    }
}

/// A target has no frame for such an event.
pub fn count_untold(to: &str, event: &str) {
    metrics().untold.with_label_values(&[to, event]).inc();
}

/// An upload finished.
pub fn count_upload(route: &str, bytes: u64) {
    metrics().upload_bytes.with_label_values(&[route]).inc_by(bytes);
}

/// A request to an endpoint ended: with a status, or with one of a few words for why there was none.
pub fn count_upstream_request(upstream: &str, outcome: &str, seconds: f64) {
    metrics().upstream_requests.with_label_values(&[upstream, outcome]).inc();
    metrics().upstream_seconds.with_label_values(&[upstream]).observe(seconds);
}

/// A request was not made: no endpoint could be given it.
pub fn count_upstream_unavailable(upstream: &str) {
    metrics().upstream_requests.with_label_values(&[upstream, "unavailable"]).inc();
}

/// Whether an endpoint is given requests. `endpoint` is scheme, host and port as configured.
pub fn show_upstream_endpoint(upstream: &str, endpoint: &str, healthy: bool) {
    metrics().upstream_endpoints.with_label_values(&[upstream, endpoint]).set(i64::from(healthy));
}

/// A send waits for its confirmation while this lives.
pub struct Unconfirmed(std::sync::Arc<str>);

impl Unconfirmed {
    pub fn begin(upstream: &std::sync::Arc<str>) -> Self {
        metrics().unconfirmed.with_label_values(&[&**upstream]).inc();
        Unconfirmed(std::sync::Arc::clone(upstream))
    }

    /// Says what became of it: `confirmed`, `refused`, `late`, `abandoned`, `broken`.
    pub fn end(self, outcome: &str) {
        count_confirmation(&self.0, outcome);
    }
}

impl Drop for Unconfirmed {
    fn drop(&mut self) {
        metrics().unconfirmed.with_label_values(&[&*self.0]).dec();
    }
}

/// A send came to this.
pub fn count_confirmation(upstream: &str, outcome: &str) {
    metrics().confirmations.with_label_values(&[upstream, outcome]).inc();
}

/// A socket at an upstream is open while this lives.
pub struct OpenUpstreamSocket(std::sync::Arc<str>);

impl OpenUpstreamSocket {
    pub fn begin(upstream: &std::sync::Arc<str>) -> Self {
        metrics().upstream_sockets.with_label_values(&[&**upstream]).inc();
        OpenUpstreamSocket(std::sync::Arc::clone(upstream))
    }
}

impl Drop for OpenUpstreamSocket {
    fn drop(&mut self) {
        metrics().upstream_sockets.with_label_values(&[&*self.0]).dec();
    }
}

/// An upstream said what its dialect does not know.
pub fn count_unreadable(upstream: &str) {
    metrics().unreadable.with_label_values(&[upstream]).inc();
}

/// The relay missed something, or has it after all; one of a few words.
pub fn relayed(outcome: &str, count: u64) {
    metrics().relayed.with_label_values(&[outcome]).inc_by(count);
}

/// A conversation's socket was away: `filled`, `beyond` what is read at once, `failed`, `impossible`.
pub fn count_gap(upstream: &str, outcome: &str) {
    metrics().gaps.with_label_values(&[upstream, outcome]).inc();
}

/// So many messages were told from a history.
pub fn count_missed(upstream: &str, messages: u64) {
    metrics().missed.with_label_values(&[upstream]).inc_by(messages);
}

/// What the embedded journal holds: events, their bytes, those of its file, and when its oldest was recorded, in
/// milliseconds of Unix.
pub fn show_journal(events: u64, bytes: u64, file: u64, oldest: Option<u64>) {
    let metrics = metrics();
    let number = |value| i64::try_from(value).unwrap_or(i64::MAX);
    metrics.journal_events.set(number(events));
    metrics.journal_bytes.set(number(bytes));
    metrics.journal_file.set(number(file));
    metrics.journal_oldest.set(number(oldest.unwrap_or(0) / 1_000));
}

/// The journal let go of events: `age`, `length`, `size`.
pub fn count_trimmed(reason: &str, events: u64) {
    metrics().trimmed.with_label_values(&[reason]).inc_by(events);
}

/// A connection is open while this lives.
pub struct OpenConnection(());

impl OpenConnection {
    pub fn begin() -> Self {
        metrics().connections.inc();
        OpenConnection(())
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        metrics().connections.dec();
    }
}

/// A socket is open while this lives.
pub struct OpenSocket(String);

impl OpenSocket {
    pub fn begin(route: &str) -> Self {
        metrics().sockets.with_label_values(&[route]).inc();
        OpenSocket(route.to_owned())
    }

    /// Says why it ended.
    pub fn end(self, reason: &str) {
        metrics().sessions_ended.with_label_values(&[self.0.as_str(), reason]).inc();
    }
}

impl Drop for OpenSocket {
    fn drop(&mut self) {
        metrics().sockets.with_label_values(&[&self.0]).dec();
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_page_shows_what_was_counted() {
        super::count_losses("a", "b", ["sender.name".into()].into_iter(), Some("type"));
        super::count_request("r", "send", 200, 0.01);
        let page = super::render();
        for line in [
            "dragoman_lost_fields_total{field=\"sender.name\",from=\"a\",to=\"b\"} 1",
            "dragoman_degraded_total{from=\"a\",reason=\"type\",to=\"b\"} 1",
            "dragoman_http_requests_total{code=\"200\",op=\"send\",route=\"r\"} 1",
            "process_resident_memory_bytes",
        ] {
            assert!(page.contains(line), "{line}\nis not in\n{page}");
        }
    }
}
