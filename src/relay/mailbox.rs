//! A socket's bounded queue of parcels. In: parcels from the relay. Out: the same, in order, to one reader; or the
//! reason why no more come. A full mailbox is ended, never waited for: a slow reader harms nobody else.

use std::collections::VecDeque;
use std::fmt::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::Notify;

use crate::event::Event;
use crate::fault::Reason;
use crate::metrics;

use super::Parcel;

/// How much may wait for a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MailboxLimits {
    pub messages: usize,
    /// Estimated bytes: what in the waiting events can be long, and something for the rest.
    pub bytes: usize,
}

/// Why no more parcels come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailboxEnd {
    /// The reader was too slow; what was waiting is gone.
    Overflowed,
    /// The relay let go of it; what was waiting has been read.
    Closed,
    /// Its reader may hear no more, for this reason; what was waiting has been read.
    Dismissed(Reason),
}

struct State {
    /// Each with its weight.
    queue: VecDeque<(Parcel, usize)>,
    bytes: usize,
    senders: usize,
    /// How many were ever put.
    pushed: u64,
    overflowed: bool,
    dismissed: Option<Reason>,
    /// The reader is gone.
    unread: bool,
}

impl State {
    fn overflow(&mut self) {
        self.overflowed = true;
        self.empty();
    }

    fn empty(&mut self) {
        metrics::filled(-count(self.queue.len()), -count(self.bytes));
        self.queue = VecDeque::new();
        self.bytes = 0;
    }
}

fn count(of: usize) -> i64 {
    i64::try_from(of).unwrap_or(i64::MAX)
}

struct Shared {
    limits: MailboxLimits,
    state: Mutex<State>,
    changed: Notify,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // A poisoned lock is taken all the same: each change of the state is whole before anything could panic.
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// The writing half.
pub struct Mailbox(Arc<Shared>);

/// Counts what is put into a mailbox, and keeps it open for nobody.
pub struct MailboxMeter(Arc<Shared>);

impl MailboxMeter {
    /// How many parcels were put so far.
    pub fn pushed(&self) -> u64 {
        self.0.state().pushed
    }
}

/// The reading half.
pub struct MailboxReceiver(Arc<Shared>);

/// A mailbox of these limits.
pub fn mailbox(limits: MailboxLimits) -> (Mailbox, MailboxReceiver) {
    let state = State {
        queue: VecDeque::new(),
        bytes: 0,
        senders: 1,
        pushed: 0,
        overflowed: false,
        dismissed: None,
        unread: false,
    };
    let shared = Arc::new(Shared { limits, state: Mutex::new(state), changed: Notify::new() });
    (Mailbox(Arc::clone(&shared)), MailboxReceiver(shared))
}

/// What an event weighs while it waits, in bytes: all that the one who sent it could make long.
pub(super) fn weight(event: &Event) -> usize {
    let details = &event.details;
    let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    let buttons = [&details.buttons.both, &details.buttons.sender, &details.buttons.receiver];
    let mut json = Length(0);
    for value in buttons.into_iter().flatten().chain(details.ext.values()) {
        // Counting does not fail.
        let _ = write!(json, "{value}");
    }
    let choices: usize = details.buttons.choices.iter().map(|choice| text(&choice.label) + text(&choice.link)).sum();
    let names: usize = details.ext.keys().map(String::len).sum();
    let file = &details.attachment;
    512 + json.0 + choices + names + text(&details.body) + text(&file.url) + text(&file.thumbnail) + text(&file.name)
}

/// Counts what is written.
struct Length(usize);

impl Write for Length {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 += text.len();
        Ok(())
    }
}

impl Mailbox {
    pub fn meter(&self) -> MailboxMeter {
        MailboxMeter(Arc::clone(&self.0))
    }

    /// Puts a parcel; says whether the mailbox still lives. One that is full ends now.
    pub fn push(&self, parcel: Parcel) -> bool {
        let weight = weight(&parcel.event);
        self.push_weighed(parcel, weight)
    }

    /// The same for who has weighed the event already.
    pub(super) fn push_weighed(&self, parcel: Parcel, weight: usize) -> bool {
        let mut state = self.0.state();
        if state.overflowed || state.unread || state.dismissed.is_some() {
            return false;
        }
        if state.queue.len() < self.0.limits.messages && state.bytes + weight <= self.0.limits.bytes {
            metrics::filled(1, count(weight));
            state.bytes += weight;
            state.queue.push_back((parcel, weight));
            state.pushed += 1;
        } else {
            state.overflow();
        }
        let alive = !state.overflowed;
        drop(state);
        self.0.changed.notify_one();
        alive
    }

    /// Nothing more comes, for this reason.
    pub fn dismiss(&self, why: Reason) {
        self.0.state().dismissed.get_or_insert(why);
        self.0.changed.notify_one();
    }
}

impl Mailbox {
    /// Ends it as if its reader had been too slow: what it is to hear next is not known.
    pub(super) fn end(&self) {
        self.0.state().overflow();
        self.0.changed.notify_one();
    }
}

impl Clone for Mailbox {
    fn clone(&self) -> Self {
        self.0.state().senders += 1;
        Mailbox(Arc::clone(&self.0))
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        self.0.state().senders -= 1;
        self.0.changed.notify_one();
    }
}

impl MailboxReceiver {
    /// The next parcel, or the end. Cancel-safe: what is not returned is still there.
    pub async fn recv(&mut self) -> Result<Parcel, MailboxEnd> {
        loop {
            if let Some(next) = self.try_recv() {
                return next;
            }
            self.0.changed.notified().await;
        }
    }

    /// What is there now; `None` when nothing is.
    pub fn try_recv(&mut self) -> Option<Result<Parcel, MailboxEnd>> {
        let mut state = self.0.state();
        if state.overflowed {
            return Some(Err(MailboxEnd::Overflowed));
        }
        if let Some((parcel, weight)) = state.queue.pop_front() {
            state.bytes -= weight;
            metrics::filled(-1, -count(weight));
            return Some(Ok(parcel));
        }
        if let Some(why) = state.dismissed {
            return Some(Err(MailboxEnd::Dismissed(why)));
        }
        (state.senders == 0).then_some(Err(MailboxEnd::Closed))
    }
}

impl Drop for MailboxReceiver {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.unread = true;
        state.empty();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{EventKind, MessageKind, RawJson};

    const LIMITS: MailboxLimits = MailboxLimits { messages: 2, bytes: 10_000 };

    fn parcel(body: &str) -> Parcel {
        let mut event = Event::new(EventKind::Message(MessageKind::Text));
        event.details.body = Some(body.to_owned());
        Parcel::new(Arc::new(event), Vec::new())
    }

    fn body(parcel: Parcel) -> Option<String> {
        parcel.event.details.body.clone()
    }

    #[test]
    fn what_waits_is_read_before_the_close() {
        let (mailbox, mut receiver) = mailbox(LIMITS);
        assert!(receiver.try_recv().is_none());
        assert!(mailbox.push(parcel("a")));
        let other = mailbox.clone();
        drop(mailbox);
        assert!(other.push(parcel("b")));
        drop(other);
        assert_eq!(receiver.try_recv().map(|next| next.map(body)), Some(Ok(Some("a".to_owned()))));
        assert_eq!(receiver.try_recv().map(|next| next.map(body)), Some(Ok(Some("b".to_owned()))));
        assert_eq!(receiver.try_recv().map(|next| next.map(body)), Some(Err(MailboxEnd::Closed)));
    }

    #[test]
    fn who_is_dismissed_reads_what_waits_and_then_why() {
        let (mailbox, mut receiver) = mailbox(LIMITS);
        assert!(mailbox.push(parcel("a")));
        mailbox.dismiss(Reason::Unauthorized);
        assert!(!mailbox.push(parcel("b")));
        drop(mailbox);
        assert_eq!(receiver.try_recv().map(|next| next.map(body)), Some(Ok(Some("a".to_owned()))));
        let end = receiver.try_recv().map(|next| next.map(body));
        assert_eq!(end, Some(Err(MailboxEnd::Dismissed(Reason::Unauthorized))));
    }

    #[test]
    fn one_too_many_ends_it_at_once() {
        let (mailbox, mut receiver) = mailbox(LIMITS);
        assert!(mailbox.push(parcel("a")) && mailbox.push(parcel("b")), "as many as the limit says");
        assert!(!mailbox.push(parcel("c")));
        assert!(!mailbox.push(parcel("d")), "it stays ended");
        assert_eq!(receiver.try_recv().map(|next| next.map(body)), Some(Err(MailboxEnd::Overflowed)));
    }

    #[test]
    fn all_that_can_be_long_has_weight() {
        let long = "x".repeat(20_000);
        let mut ext = Event::new(EventKind::Typing);
        ext.details.ext.insert("toy.long".to_owned(), RawJson::parse(&format!("{long:?}")).expect("JSON"));
        let mut buttons = Event::new(EventKind::Typing);
        buttons.details.buttons.sender = RawJson::parse(&format!("[{long:?}]"));
        let mut thumbnail = Event::new(EventKind::Typing);
        thumbnail.details.attachment.thumbnail = Some(long.clone());
        for event in [ext, buttons, thumbnail] {
            let (mailbox, _receiver) = mailbox(LIMITS);
            assert!(!mailbox.push(Parcel::new(Arc::new(event), Vec::new())));
        }
    }

    #[test]
    fn what_nobody_reads_is_not_kept() {
        let (mailbox, receiver) = mailbox(LIMITS);
        assert!(mailbox.push(parcel("a")));
        drop(receiver);
        assert!(!mailbox.push(parcel("b")));
        assert!(mailbox.0.state().queue.is_empty());
    }

    #[tokio::test]
    async fn a_cancelled_wait_loses_nothing() {
        let (mailbox, mut receiver) = mailbox(LIMITS);
        for at in ["a", "b", "c"] {
            // Polled once, finds nothing, is dropped.
            let waited = futures_util::future::poll_immediate(receiver.recv()).await;
            assert!(waited.is_none());
            assert!(mailbox.push(parcel(at)));
            assert_eq!(receiver.recv().await.map(body), Ok(Some(at.to_owned())));
        }
    }
}
