//! Messages on their way, by route and by the pair of dialects. In: that one was accepted, translated, confirmed, delivered,
//! and when. Out: counts and times. What every message needs is looked up once: for what a route's clients send when the
//! route is made, for what a socket is told when it hears from a dialect for the first time.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use prometheus::{Histogram, HistogramVec, IntCounter, IntCounterVec, IntGaugeVec, Registry};

use super::registry::{counter, gauges, seconds};
use super::{Frames, count_losses, metrics};

/// The labels of a pair: where it counts, what it was said in, what it was to be said in.
const PAIR: [&str; 3] = ["route", "from", "to"];

/// A client that names dialects of its own must not make a socket remember them all.
const REMEMBERED: usize = 32;

pub(super) struct Messages {
    routes: IntGaugeVec,
    accepted: IntCounterVec,
    translated: IntCounterVec,
    confirmed: IntCounterVec,
    delivered: IntCounterVec,
    to_confirm: HistogramVec,
    to_deliver: HistogramVec,
}

impl Messages {
    pub(super) fn register(registry: &Registry) -> Self {
        let pair = |name, help| counter(registry, name, help, &PAIR);
        Messages {
            routes: gauges(
                registry,
                "dragoman_route_info",
                "The routes of the config that holds: what clients speak there, and where it leads.",
                &["route", "dialect", "backend"],
            ),
            accepted: pair(
                "dragoman_messages_accepted_total",
                "Messages of clients that were understood and handed to where the route leads.",
            ),
            translated: pair(
                "dragoman_messages_translated_total",
                "Messages that were said in another dialect than they came in, to an upstream, a socket or a webhook.",
            ),
            confirmed: pair(
                "dragoman_messages_confirmed_total",
                "Messages of clients that the journal or the upstream has.",
            ),
            delivered: pair(
                "dragoman_messages_delivered_total",
                "Messages written to sockets, or taken by webhooks, of others than their senders.",
            ),
            to_confirm: seconds(
                registry,
                "dragoman_message_confirm_duration_seconds",
                "Time from a client's message to its confirmation by the journal or the upstream.",
                &PAIR,
            ),
            to_deliver: seconds(
                registry,
                "dragoman_message_deliver_duration_seconds",
                "Time from when a message was accepted to when it was written to another's socket or taken by a webhook, by the clocks of both replicas.",
                &PAIR,
            ),
        }
    }
}

/// These routes hold from now on, and no others: name, dialect, and where each leads.
pub fn show_routes<'a>(routes: impl Iterator<Item = (&'a str, &'a str, &'a str)>) {
    let known = &metrics().messages.routes;
    known.reset();
    routes.for_each(|(route, dialect, backend)| known.with_label_values(&[route, dialect, backend]).set(1));
}

/// What one route's sockets and calls count.
#[derive(Clone)]
pub struct RouteCounts {
    pub sends: Sends,
    pub frames: Frames,
}

impl RouteCounts {
    /// `from` is what its clients speak, `to` the upstream's dialect; `None`: the hub, which has none.
    pub fn of(route: &str, from: &str, to: Option<&str>) -> Self {
        // What alerts look at is there from the start, so that a rate sees the first step.
        metrics().clients.know_route(route);
        metrics().open.know_route(route);
        RouteCounts { sends: Sends::of(route, from, to), frames: Frames::of(route) }
    }
}

/// What the clients of one route send.
#[derive(Clone)]
pub struct Sends {
    accepted: IntCounter,
    /// Absent where nothing is translated on this way.
    translated: Option<IntCounter>,
    confirmed: IntCounter,
    seconds: Histogram,
}

impl Sends {
    fn of(route: &str, from: &str, to: Option<&str>) -> Self {
        let messages = &metrics().messages;
        let pair = [route, from, to.unwrap_or("hub")];
        Sends {
            accepted: messages.accepted.with_label_values(&pair),
            translated: to.filter(|to| *to != from).map(|_| messages.translated.with_label_values(&pair)),
            confirmed: messages.confirmed.with_label_values(&pair),
            seconds: messages.to_confirm.with_label_values(&pair),
        }
    }

    /// One was understood.
    pub fn accept(&self) {
        self.accepted.inc();
    }

    /// It was handed on, which to an upstream is in its own words.
    pub fn hand_on(&self) {
        if let Some(translated) = &self.translated {
            translated.inc();
        }
    }

    /// One that came then is confirmed.
    pub fn confirm(&self, came: Instant) {
        self.confirmed.inc();
        self.seconds.observe(came.elapsed().as_secs_f64());
    }
}

/// What one socket is told.
pub struct Deliveries {
    route: Arc<str>,
    to: Arc<str>,
    pairs: Vec<Pair>,
    /// What was written and is not flushed: its pair, and when it was accepted.
    unflushed: Vec<(usize, Option<i64>)>,
}

struct Pair {
    from: Box<str>,
    translated: Option<IntCounter>,
    delivered: IntCounter,
    seconds: Histogram,
    lost: Vec<(Cow<'static, str>, IntCounter)>,
}

impl Pair {
    fn of(route: &str, from: &str, to: &str) -> Self {
        let messages = &metrics().messages;
        let labels = [route, from, to];
        Pair {
            from: from.into(),
            translated: (from != to).then(|| messages.translated.with_label_values(&labels)),
            delivered: messages.delivered.with_label_values(&labels),
            seconds: messages.to_deliver.with_label_values(&labels),
            lost: Vec::new(),
        }
    }
}

impl Deliveries {
    pub fn new(route: &Arc<str>, to: &Arc<str>) -> Self {
        Deliveries { route: Arc::clone(route), to: Arc::clone(to), pairs: Vec::new(), unflushed: Vec::new() }
    }

    fn pair(&mut self, from: &str) -> usize {
        let known = self.pairs.iter().position(|pair| *pair.from == *from);
        known.unwrap_or_else(|| {
            self.pairs.truncate(REMEMBERED);
            self.pairs.push(Pair::of(&self.route, from, &self.to));
            self.pairs.len() - 1
        })
    }

    /// Facts that could not be said to it; `degraded` says why the message went as text.
    pub fn lose(
        &mut self,
        from: &str,
        lost: impl Iterator<Item = Cow<'static, str>>,
        degraded: impl Iterator<Item = &'static str>,
    ) {
        let at = self.pair(from);
        for field in lost {
            let known = &mut self.pairs[at].lost;
            match known.iter().find(|(lost, _)| *lost == field) {
                Some((_, count)) => count.inc(),
                None => {
                    let count = metrics().losses.lost_field(from, &self.to, &field);
                    count.inc();
                    known.push((field, count));
                }
            }
        }
        count_losses(from, &self.to, std::iter::empty(), degraded);
    }

    /// A message was written in its dialect. `accepted`: when, in microseconds of Unix, where the time it took counts.
    pub fn write(&mut self, from: &str, accepted: Option<i64>) {
        let at = self.pair(from);
        if let Some(translated) = &self.pairs[at].translated {
            translated.inc();
        }
        self.unflushed.push((at, accepted));
    }

    /// All that was written is on its way.
    pub fn flush(&mut self) {
        if self.unflushed.is_empty() {
            return;
        }
        let now = SystemTime::now();
        for (at, accepted) in self.unflushed.drain(..) {
            let Some(pair) = self.pairs.get(at) else { continue };
            pair.delivered.inc();
            if let Some(accepted) = accepted {
                pair.seconds.observe(since(now, accepted).as_secs_f64());
            }
        }
    }
}

/// A webhook took a message that was accepted then, in microseconds of Unix.
pub fn count_told(route: &str, from: &str, to: &str, accepted: Option<i64>) {
    let pair = Pair::of(route, from, to);
    if let Some(translated) = pair.translated {
        translated.inc();
    }
    pair.delivered.inc();
    if let Some(accepted) = accepted {
        pair.seconds.observe(since(SystemTime::now(), accepted).as_secs_f64());
    }
}

/// How long ago that was; none by a clock that is behind the one that said so.
pub(super) fn since(now: SystemTime, then: i64) -> Duration {
    let then = SystemTime::UNIX_EPOCH + Duration::from_micros(u64::try_from(then).unwrap_or(0));
    now.duration_since(then).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(of: &str, labels: &str) -> u64 {
        let page = crate::metrics::render();
        let line = page.lines().find_map(|line| line.strip_prefix(of)?.strip_prefix(labels)?.strip_prefix(' '));
        line.map_or(0, |value| value.parse().expect("a count"))
    }

    #[test]
    fn what_is_written_counts_once_it_is_flushed() {
        let labels = "{from=\"a\",route=\"told\",to=\"b\"}";
        let mut deliveries = Deliveries::new(&"told".into(), &"b".into());
        deliveries.write("a", Some(0));
        deliveries.write("b", None);
        assert_eq!(value("dragoman_messages_delivered_total", labels), 0);
        deliveries.flush();
        deliveries.flush();
        assert_eq!(value("dragoman_messages_delivered_total", labels), 1);
        assert_eq!(value("dragoman_messages_translated_total", labels), 1);
        assert_eq!(value("dragoman_message_deliver_duration_seconds_count", labels), 1);
        let same = "{from=\"b\",route=\"told\",to=\"b\"}";
        assert_eq!(value("dragoman_messages_delivered_total", same), 1);
        assert_eq!(value("dragoman_messages_translated_total", same), 0, "nothing was translated");
        assert_eq!(value("dragoman_message_deliver_duration_seconds_count", same), 0, "no time is known");
    }

    #[test]
    fn what_leads_to_the_hub_is_not_translated_by_that() {
        let sends = Sends::of("sent", "a", None);
        sends.accept();
        sends.hand_on();
        sends.confirm(Instant::now());
        let labels = "{from=\"a\",route=\"sent\",to=\"hub\"}";
        assert_eq!(value("dragoman_messages_accepted_total", labels), 1);
        assert_eq!(value("dragoman_messages_confirmed_total", labels), 1);
        assert_eq!(value("dragoman_messages_translated_total", labels), 0);
        assert_eq!(value("dragoman_message_confirm_duration_seconds_count", labels), 1);
    }

    #[test]
    fn a_clock_that_is_behind_says_no_time_at_all() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(10);
        assert_eq!(since(now, 9_000_000), Duration::from_secs(1));
        assert_eq!(since(now, 11_000_000), Duration::ZERO);
        assert_eq!(since(now, -5), Duration::from_secs(10));
    }
}
