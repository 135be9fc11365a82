//! Which send a confirmation belongs to. No dialect has a client nonce: what waits is found by its conversation, its
//! content and its place in the queue of one connection. Never by time, and never by text alone.

use std::collections::VecDeque;

use tokio::sync::oneshot;
use tokio::time::Instant;

use std::sync::Arc;
use std::time::Duration;

use crate::event::{Event, EventKind, MessageKind};
use crate::fault::Fault;
use crate::metrics::Unconfirmed;

/// How long something that nobody waits for any more is still recognised when it comes back.
const REMEMBERED: Duration = Duration::from_secs(120);
/// How many of those are kept.
const LONGEST: usize = 1_024;

/// Who a message that came in is from, as far as its frame tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// Certainly from this account.
    Us,
    /// Certainly from somebody else.
    Another,
    /// The frame does not say, or we do not know our own name there yet.
    Unsaid,
}

/// What is said, as far as it comes back unchanged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint {
    class: Class,
    words: String,
    /// Of a file: every name by which it may come back.
    handles: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Words,
    File,
    Profile,
    Other,
}

impl Fingerprint {
    /// `None` for what is no message: nothing confirms it.
    pub fn of(event: &Event) -> Option<Self> {
        let class = match event.kind {
            EventKind::Message(MessageKind::Text | MessageKind::System) => Class::Words,
            EventKind::Message(MessageKind::Profile | MessageKind::Contact) => Class::Profile,
            EventKind::Message(kind) if kind.is_file() => Class::File,
            EventKind::Message(_) => Class::Other,
            _ => return None,
        };
        let file = &event.details.attachment;
        let url = file.url.as_deref().map(|url| url.split(['?', '#']).next().unwrap_or(url));
        // A backend may show its own address for a file, but keeps the last segment.
        let tail = url.and_then(|url| url.rsplit('/').next());
        let known = [url, tail, file.token.as_deref(), file.name.as_deref(), file.stored_name.as_deref()];
        let mut handles: Vec<String> =
            known.into_iter().flatten().filter(|text| !text.is_empty()).map(str::to_owned).collect();
        handles.extend(file.chat_id.as_deref().map(|id| format!("message {id}")));
        handles.extend(
            (class == Class::File && !event.details.id.is_empty()).then(|| format!("message {}", event.details.id)),
        );
        handles.extend(event.details.profile.id.clone());
        let words = event.details.body.as_deref().unwrap_or_default().trim().to_owned();
        Some(Fingerprint { class, words, handles })
    }

    /// Whether this, which came back, is that, which was sent.
    fn is(&self, sent: &Fingerprint) -> bool {
        if self.class != sent.class {
            return false;
        }
        match self.class {
            Class::Words | Class::Other => self.words == sent.words,
            Class::File | Class::Profile => {
                self.handles.iter().any(|handle| sent.handles.contains(handle)) || sent.handles.is_empty()
            }
        }
    }
}

/// Whether somebody still waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Waiting {
    /// Its sender does.
    Live,
    /// Its sender is gone; others want to hear of it all the same.
    Abandoned,
    /// Its sender was told of a failure: a late confirmation is not told.
    Expired,
    /// It was confirmed in another way; what comes back is only an echo.
    Confirmed,
}

/// Resolves to what became of a send.
pub type Outcome = oneshot::Receiver<Result<Arc<Event>, Fault>>;

/// A send on its way.
pub struct Pending {
    number: u64,
    waiting: Waiting,
    conversation: String,
    fingerprint: Fingerprint,
    /// As it will be told once it is confirmed, in canonical names.
    pub event: Event,
    /// It belongs to the send before it and is told to nobody.
    pub follows: bool,
    reply: Option<oneshot::Sender<Result<Arc<Event>, Fault>>>,
    counted: Option<Unconfirmed>,
    until: Instant,
}

impl Pending {
    pub fn waiting(&self) -> Waiting {
        self.waiting
    }

    /// Tells who waits.
    pub fn settle(mut self, outcome: Result<Arc<Event>, Fault>) {
        if let Some(counted) = self.counted.take() {
            counted.end(if outcome.is_ok() { "confirmed" } else { "refused" });
        }
        if let Some(reply) = self.reply.take() {
            // Whoever waited may have gone.
            let _ = reply.send(outcome);
        }
    }
}

/// What waits on one connection, in the order in which it was sent.
#[derive(Default)]
pub struct Correlator {
    queue: VecDeque<Pending>,
    next: u64,
}

impl Correlator {
    /// Takes its place behind all that was sent before. The number is for [`Correlator::give_up`].
    pub fn expect(
        &mut self,
        sent: &Event,
        event: Event,
        follows: bool,
        counted: Unconfirmed,
    ) -> Option<(u64, Outcome)> {
        let fingerprint = Fingerprint::of(sent)?;
        self.forget();
        let (reply, outcome) = oneshot::channel();
        self.next += 1;
        self.queue.push_back(Pending {
            number: self.next,
            waiting: Waiting::Live,
            conversation: event.details.conversation.id.clone(),
            fingerprint,
            event,
            follows,
            reply: Some(reply),
            counted: Some(counted),
            until: Instant::now() + REMEMBERED,
        });
        Some((self.next, outcome))
    }

    /// Remembers what was confirmed by an answer, so that its echo is known.
    pub fn confirmed(&mut self, sent: &Event, event: Event) {
        let Some(fingerprint) = Fingerprint::of(sent) else { return };
        self.forget();
        self.next += 1;
        self.queue.push_back(Pending {
            number: self.next,
            waiting: Waiting::Confirmed,
            conversation: event.details.conversation.id.clone(),
            fingerprint,
            event,
            follows: false,
            reply: None,
            counted: None,
            until: Instant::now() + REMEMBERED,
        });
    }

    /// The send that this message confirms, taken out of the queue. Of equal ones the earliest that somebody waits for;
    /// what was given up comes after all that is live, so that a lost send does not take a later one's confirmation.
    pub fn confirm(&mut self, message: &Event, from: From) -> Option<Pending> {
        if from == From::Another {
            return None;
        }
        let came = Fingerprint::of(message)?;
        let conversation = message.details.conversation.id.as_str();
        let here = |pending: &Pending| conversation.is_empty() || pending.conversation == conversation;
        let mut found = None;
        for waiting in [Waiting::Live, Waiting::Abandoned, Waiting::Expired, Waiting::Confirmed] {
            found = found.or_else(|| {
                self.queue
                    .iter()
                    .position(|pending| pending.waiting == waiting && here(pending) && came.is(&pending.fingerprint))
            });
        }
        // A backend may change what it is sent; what is certainly ours is then the earliest of its class.
        if found.is_none() && from == From::Us {
            found = self.queue.iter().position(|pending| {
                pending.waiting == Waiting::Live && here(pending) && pending.fingerprint.class == came.class
            });
        }
        self.queue.remove(found?)
    }

    /// A refusal names nothing: it is for the earliest that somebody waits for.
    pub fn refused(&mut self) -> Option<Pending> {
        let at = self.queue.iter().position(|pending| pending.waiting == Waiting::Live)?;
        self.queue.remove(at)
    }

    /// Its sender does not wait any more: it was told so, or it is gone.
    pub fn give_up(&mut self, number: u64, told: bool) {
        let Some(pending) = self.queue.iter_mut().find(|pending| pending.number == number) else { return };
        if pending.waiting == Waiting::Live {
            pending.waiting = if told { Waiting::Expired } else { Waiting::Abandoned };
            pending.reply = None;
            if let Some(counted) = pending.counted.take() {
                counted.end(if told { "late" } else { "abandoned" });
            }
        }
    }

    /// The connection is gone: nothing that waits can be confirmed any more.
    pub fn broken(&mut self, fault: &Fault) {
        for mut pending in self.queue.drain(..) {
            if let Some(counted) = pending.counted.take() {
                counted.end("broken");
            }
            if let Some(reply) = pending.reply.take() {
                let _ = reply.send(Err(fault.clone()));
            }
        }
    }

    /// Whether nobody waits.
    pub fn is_idle(&self) -> bool {
        !self.queue.iter().any(|pending| pending.waiting == Waiting::Live)
    }

    /// Lets go of what cannot come back any more.
    fn forget(&mut self) {
        let now = Instant::now();
        self.queue.retain(|pending| pending.waiting == Waiting::Live || pending.until > now);
        while self.queue.len() > LONGEST {
            let Some(at) = self.queue.iter().position(|pending| pending.waiting != Waiting::Live) else { return };
            self.queue.remove(at);
        }
    }
}
