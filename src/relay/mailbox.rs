//! A socket's bounded queue of parcels. In: parcels from the relay. Out: the same, in order, to one reader; or the
//! reason why no more come. A full mailbox is ended, never waited for: a slow reader harms nobody else.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::Notify;

use super::Parcel;

/// How much may wait for a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MailboxLimits {
    pub messages: usize,
    /// Estimated bytes: the texts of the waiting events.
    pub bytes: usize,
}

/// Why no more parcels come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailboxEnd {
    /// The reader was too slow; what was waiting is gone.
    Overflowed,
    /// The relay let go of it; what was waiting has been read.
    Closed,
}

struct State {
    queue: VecDeque<Parcel>,
    bytes: usize,
    senders: usize,
    overflowed: bool,
}

struct Shared {
    limits: MailboxLimits,
    state: Mutex<State>,
    changed: Notify,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // A panic between lock and unlock is not possible here: nothing inside allocates by input or calls out.
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// The writing half.
pub struct Mailbox(Arc<Shared>);

/// The reading half.
pub struct MailboxReceiver(Arc<Shared>);

/// A mailbox of these limits.
pub fn mailbox(limits: MailboxLimits) -> (Mailbox, MailboxReceiver) {
    let state = State { queue: VecDeque::new(), bytes: 0, senders: 1, overflowed: false };
    let shared = Arc::new(Shared { limits, state: Mutex::new(state), changed: Notify::new() });
    (Mailbox(Arc::clone(&shared)), MailboxReceiver(shared))
}

/// What an event weighs while it waits: its texts and something for the rest.
fn weight(parcel: &Parcel) -> usize {
    let details = &parcel.event.details;
    512 + details.body.as_ref().map_or(0, String::len) + details.attachment.url.as_ref().map_or(0, String::len)
}

impl Mailbox {
    /// Puts a parcel; says whether the mailbox still lives. One that is full ends now.
    pub fn push(&self, parcel: Parcel) -> bool {
        let mut state = self.0.state();
        if state.overflowed {
            return false;
        }
        state.bytes += weight(&parcel);
        state.queue.push_back(parcel);
        if state.queue.len() > self.0.limits.messages || state.bytes > self.0.limits.bytes {
            state.overflowed = true;
            state.queue = VecDeque::new();
            state.bytes = 0;
        }
        let alive = !state.overflowed;
        drop(state);
        self.0.changed.notify_one();
        alive
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
        if let Some(parcel) = state.queue.pop_front() {
            state.bytes -= weight(&parcel);
            return Some(Ok(parcel));
        }
        (state.senders == 0).then_some(Err(MailboxEnd::Closed))
    }
}
