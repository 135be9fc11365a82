//! Guards of gauges: something is open, or waits, while its guard lives. In: its beginning, and how it ended. Out: how many
//! there are.

use std::sync::Arc;

use prometheus::{IntCounterVec, IntGauge, IntGaugeVec, Registry};

use super::registry::{counter, gauge, gauges};
use super::{count_confirmation, metrics};

pub(super) struct Open {
    connections: IntGauge,
    sockets: IntGaugeVec,
    ended: IntCounterVec,
    upstream_sockets: IntGaugeVec,
    unconfirmed: IntGaugeVec,
    mailbox_messages: IntGauge,
    mailbox_bytes: IntGauge,
}

impl Open {
    pub(super) fn register(registry: &Registry) -> Self {
        Open {
            connections: gauge(registry, "dragoman_connections", "Open connections."),
            sockets: gauges(registry, "dragoman_websocket_connections", "Open sockets.", &["route"]),
            ended: counter(registry, "dragoman_sessions_ended_total", "Ended sockets.", &["route", "reason"]),
            upstream_sockets: gauges(registry, "dragoman_upstream_sockets", "Open sockets there.", &["upstream"]),
            unconfirmed: gauges(registry, "dragoman_unconfirmed", "Sends that wait for a confirmation.", &["upstream"]),
            mailbox_messages: gauge(
                registry,
                "dragoman_mailbox_messages",
                "Events that wait in the mailboxes of sockets and webhooks for their readers.",
            ),
            mailbox_bytes: gauge(registry, "dragoman_mailbox_bytes", "Bytes of them, estimated."),
        }
    }
}

impl Open {
    /// What may happen on the sockets of a route, and at an upstream, is there from the start.
    pub(super) fn know_route(&self, route: &str) {
        self.sockets.with_label_values(&[route]);
        self.ended.with_label_values(&[route, "overflowed"]);
    }

    pub(super) fn know_upstream(&self, upstream: &str) {
        self.upstream_sockets.with_label_values(&[upstream]);
        self.unconfirmed.with_label_values(&[upstream]);
    }
}

/// So many events and bytes more, or fewer, wait in mailboxes.
pub fn filled(messages: i64, bytes: i64) {
    let open = &metrics().open;
    open.mailbox_messages.add(messages);
    open.mailbox_bytes.add(bytes);
}

/// A connection is open while this lives.
pub struct OpenConnection(());

impl OpenConnection {
    pub fn begin() -> Self {
        metrics().open.connections.inc();
        OpenConnection(())
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        metrics().open.connections.dec();
    }
}

/// A socket is open while this lives.
pub struct OpenSocket(String);

impl OpenSocket {
    pub fn begin(route: &str) -> Self {
        metrics().open.sockets.with_label_values(&[route]).inc();
        OpenSocket(route.to_owned())
    }

    /// Says why it ended.
    pub fn end(self, reason: &str) {
        metrics().open.ended.with_label_values(&[self.0.as_str(), reason]).inc();
    }
}

impl Drop for OpenSocket {
    fn drop(&mut self) {
        metrics().open.sockets.with_label_values(&[&self.0]).dec();
    }
}

/// A socket at an upstream is open while this lives.
pub struct OpenUpstreamSocket(Arc<str>);

impl OpenUpstreamSocket {
    pub fn begin(upstream: &Arc<str>) -> Self {
        metrics().open.upstream_sockets.with_label_values(&[&**upstream]).inc();
        OpenUpstreamSocket(Arc::clone(upstream))
    }
}

impl Drop for OpenUpstreamSocket {
    fn drop(&mut self) {
        metrics().open.upstream_sockets.with_label_values(&[&*self.0]).dec();
    }
}

/// A send waits for its confirmation while this lives.
pub struct Unconfirmed(Arc<str>);

impl Unconfirmed {
    pub fn begin(upstream: &Arc<str>) -> Self {
        metrics().open.unconfirmed.with_label_values(&[&**upstream]).inc();
        Unconfirmed(Arc::clone(upstream))
    }

    /// Says what became of it: `confirmed`, `refused`, `late`, `abandoned`, `broken`.
    pub fn end(self, outcome: &str) {
        count_confirmation(&self.0, outcome);
    }
}

impl Drop for Unconfirmed {
    fn drop(&mut self) {
        metrics().open.unconfirmed.with_label_values(&[&*self.0]).dec();
    }
}
