//! Every metric once, by Prometheus' rules: base units, bounded labels, no ids of users or conversations. In: counts from
//! everywhere, by subject. Out: the text of `/metrics`.

mod clients;
mod edge;
mod journal;
mod jwks;
mod losses;
mod messages;
mod open;
mod process;
mod registry;
mod revoked;
mod runtime;
mod told;
mod traces;
mod uploads;
mod upstreams;

use std::sync::OnceLock;

use prometheus::Registry;

pub use clients::{
    Frames, count_image, count_refused, count_replay, count_request, count_scan, count_upload, count_upload_removed,
    know_scanner,
};
pub use edge::{count_certificate, count_connection_lost, show_certificate};
pub use journal::{count_relay_missed, count_trimmed, count_vanished, relayed, relayed_after, show_journal};
pub use jwks::{count_jwks_fetch, forget_jwks, hide_jwks, show_jwks};
pub use losses::{count_losses, count_untold};
pub use messages::{Deliveries, RouteCounts, count_told, show_routes};
pub use open::{OpenConnection, OpenSocket, OpenUpstreamSocket, Unconfirmed, filled};
pub use process::{count_reload, show_config};
pub use revoked::show_revocations;
pub use told::{Addressee, Backlog, count_call, count_lost, count_undelivered};
pub use traces::count_spans;
pub use uploads::{StoreWrites, StoredUpload, count_copy, show_copies_owed};
pub use upstreams::{
    count_confirmation, count_gap, count_missed, count_stall, count_unnoted, count_unreadable, count_upstream_request,
    count_upstream_unavailable, know_upstream, show_upstream_endpoint,
};

/// All metrics of the process.
struct Metrics {
    registry: Registry,
    clients: clients::Clients,
    edge: edge::Edge,
    journal: journal::JournalFigures,
    jwks: jwks::Jwks,
    losses: losses::Losses,
    messages: messages::Messages,
    open: open::Open,
    process: process::Process,
    revoked: revoked::Revoked,
    runtime: runtime::Runtime,
    told: told::Told,
    traces: traces::Traces,
    uploads: uploads::Uploads,
    upstreams: upstreams::Upstreams,
}

impl Metrics {
    fn new() -> Self {
        let registry = Registry::new();
        Metrics {
            clients: clients::Clients::register(&registry),
            edge: edge::Edge::register(&registry),
            journal: journal::JournalFigures::register(&registry),
            jwks: jwks::Jwks::register(&registry),
            losses: losses::Losses::register(&registry),
            messages: messages::Messages::register(&registry),
            open: open::Open::register(&registry),
            process: process::Process::register(&registry),
            revoked: revoked::Revoked::register(&registry),
            runtime: runtime::Runtime::register(&registry),
            told: told::Told::register(&registry),
            traces: traces::Traces::register(&registry),
            uploads: uploads::Uploads::register(&registry),
            upstreams: upstreams::Upstreams::register(&registry),
            registry,
        }
    }
}

fn metrics() -> &'static Metrics {
    static METRICS: OnceLock<Metrics> = OnceLock::new();
    METRICS.get_or_init(Metrics::new)
}

/// The page of `/metrics`, text format 0.0.4. Asked within a runtime it shows how busy that is.
pub fn render() -> String {
    metrics().runtime.look();
    registry::page(&metrics().registry)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_page_shows_what_was_counted() {
        super::count_losses("a", "b", ["sender.name".into()].into_iter(), std::iter::once("type"));
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
