//! What the journal keeps and what the relay missed of it. In: figures of both. Out: gauges and counts.

use std::time::SystemTime;

use prometheus::{Histogram, IntCounter, IntCounterVec, IntGauge, Registry};

use super::messages::since;
use super::metrics;
use super::registry::{counter, counter_of, gauge, seconds};

pub(super) struct JournalFigures {
    events: IntGauge,
    bytes: IntGauge,
    file: IntGauge,
    oldest: IntGauge,
    trimmed: IntCounterVec,
    vanished: IntCounter,
    relayed: IntCounterVec,
    relay_seconds: Histogram,
    relay_missed: IntCounterVec,
}

impl JournalFigures {
    pub(super) fn register(registry: &Registry) -> Self {
        JournalFigures {
            events: gauge(registry, "dragoman_journal_events", "Events that the embedded journal keeps."),
            bytes: gauge(registry, "dragoman_journal_event_bytes", "Bytes of the events it keeps."),
            file: gauge(registry, "dragoman_journal_file_bytes", "Length of its file."),
            oldest: gauge(
                registry,
                "dragoman_journal_oldest_timestamp_seconds",
                "When the oldest event that may go was recorded; 0 where there is none.",
            ),
            trimmed: counter_of(
                registry,
                "dragoman_journal_trimmed_total",
                "Events that went, as too old, too many in their conversation, or too much in all.",
                "reason",
                &["age", "length", "size"],
            ),
            vanished: counter(
                registry,
                "dragoman_journal_vanished_total",
                "Confirmed events that Redis does not have any more: it failed over to a server that was behind, or lost data.",
                &[],
            )
            .with_label_values::<&str>(&[]),
            relayed: counter_of(
                registry,
                "dragoman_relay_events_total",
                "What the relay heard too late or could not say: gaps, events missed, recovered, lost, unsaid, unreadable.",
                "outcome",
                &["gap", "missed", "recovered", "lost", "unsaid", "unreadable"],
            ),
            relay_seconds: seconds(
                registry,
                "dragoman_relay_lag_seconds",
                "Time from when a message was accepted, here or at another replica, to when the relay handed it to the mailboxes of this one, by the clocks of both.",
                &[],
            )
            .with_label_values::<&str>(&[]),
            relay_missed: counter_of(
                registry,
                "dragoman_relay_missed_messages_total",
                "Messages that pub/sub did not bring, each once for every reader (a socket, a webhook) of this replica: filled from the journal, or left_out where fill_gaps is off.",
                "outcome",
                &["filled", "left_out"],
            ),
        }
    }
}

/// What the embedded journal holds: events, their bytes, those of its file, and when its oldest was recorded, in
/// milliseconds of Unix.
pub fn show_journal(events: u64, bytes: u64, file: u64, oldest: Option<u64>) {
    let figures = &metrics().journal;
    let number = |value| i64::try_from(value).unwrap_or(i64::MAX);
    figures.events.set(number(events));
    figures.bytes.set(number(bytes));
    figures.file.set(number(file));
    figures.oldest.set(number(oldest.unwrap_or(0) / 1_000));
}

/// The journal let go of events: `age`, `length`, `size`.
pub fn count_trimmed(reason: &str, events: u64) {
    metrics().journal.trimmed.with_label_values(&[reason]).inc_by(events);
}

/// So many confirmed events are not in Redis any more.
pub fn count_vanished(events: usize) {
    metrics().journal.vanished.inc_by(u64::try_from(events).unwrap_or(u64::MAX));
}

/// The relay missed something, or has it after all; one of a few words.
pub fn relayed(outcome: &str, count: u64) {
    metrics().journal.relayed.with_label_values(&[outcome]).inc_by(count);
}

/// The relay hands out a message that was accepted then, in microseconds of Unix.
pub fn relayed_after(accepted: i64) {
    metrics().journal.relay_seconds.observe(since(SystemTime::now(), accepted).as_secs_f64());
}

/// Pub/sub did not bring a message to so many readers here: `filled`, or `left_out`.
pub fn count_relay_missed(outcome: &str, readers: usize) {
    let readers = u64::try_from(readers).unwrap_or(u64::MAX);
    metrics().journal.relay_missed.with_label_values(&[outcome]).inc_by(readers);
}
