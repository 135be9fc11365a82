//! A send on its way. In: what was sent, and who wants to know. Out: its outcome, told once to each of those.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::event::{Event, Timestamp};
use crate::fault::Fault;
use crate::metrics::Unconfirmed;
use crate::upstream::once::Turn;

use super::REMEMBERED;
use super::fingerprint::Fingerprint;

/// Resolves to what became of a send.
pub type Outcome = oneshot::Receiver<Result<Arc<Event>, Fault>>;

/// Whether somebody still waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// Its sender does.
    Live,
    /// A call does; its answer tells, and what comes back meanwhile is only noted.
    Called,
    /// Its sender is gone; others want to hear of it all the same.
    Abandoned,
    /// Its sender was told of a failure: a late confirmation is not told to it.
    Expired,
    /// It was confirmed in another way; what comes back is only an echo.
    Confirmed,
}

/// What a backend says of something that it took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledged {
    pub id: String,
    pub at: Option<Timestamp>,
}

/// What is about to be sent.
pub struct Expected {
    /// As it will be told once it is confirmed, in canonical names.
    pub event: Event,
    /// It belongs to the send before it and is told to nobody.
    pub follows: bool,
    /// How long its sender waits.
    pub within: Duration,
    pub counted: Option<Unconfirmed>,
    /// Of a send that may be repeated: its place among those.
    pub turn: Option<Turn>,
}

impl Expected {
    /// It is not sent.
    pub(super) fn refused(self, fault: &Fault) {
        if let Some(turn) = self.turn {
            turn.undone(fault);
        }
        if let Some(counted) = self.counted {
            counted.end("refused");
        }
    }
}

/// A send on its way.
pub struct Pending {
    pub(super) number: u64,
    pub(super) waiting: Waiting,
    pub(super) conversation: String,
    pub(super) fingerprint: Fingerprint,
    /// As it will be told once it is confirmed, in canonical names.
    pub event: Event,
    /// It belongs to the send before it and is told to nobody.
    pub follows: bool,
    turn: Option<Turn>,
    reply: Option<oneshot::Sender<Result<Arc<Event>, Fault>>>,
    counted: Option<Unconfirmed>,
    /// What came back while its call was not answered yet.
    pub(super) echo: Option<Event>,
    /// Somebody else said the same meanwhile.
    pub(super) doubted: bool,
    /// The backend said that it took something, which may have been this; the message itself has not come.
    pub(super) acknowledged: Option<Acknowledged>,
    /// Until when it is as good as live.
    pub(super) due: Instant,
    /// Until when it is remembered.
    pub(super) until: Instant,
}

impl Pending {
    pub(super) fn new(
        number: u64,
        expected: Expected,
        fingerprint: Fingerprint,
        waiting: Waiting,
        reply: Option<oneshot::Sender<Result<Arc<Event>, Fault>>>,
    ) -> Self {
        let Expected { event, follows, within, counted, turn } = expected;
        let due = Instant::now() + within;
        Pending {
            number,
            waiting,
            conversation: event.details.conversation.id.clone(),
            fingerprint,
            event,
            follows,
            turn,
            reply,
            counted,
            echo: None,
            doubted: false,
            acknowledged: None,
            due,
            until: due + REMEMBERED,
        }
    }

    pub fn waiting(&self) -> Waiting {
        self.waiting
    }

    /// Tells who waits, and who may ask again.
    pub fn settle(mut self, outcome: Result<Arc<Event>, Fault>) {
        self.settled(outcome);
    }

    /// The same for one that stays, to be recognised when it comes back.
    pub(super) fn settled(&mut self, outcome: Result<Arc<Event>, Fault>) {
        if let Some(counted) = self.counted.take() {
            counted.end(if outcome.is_ok() { "confirmed" } else { "refused" });
        }
        match (self.turn.take(), &outcome) {
            (Some(turn), Ok(event)) => turn.done(event),
            (Some(turn), Err(fault)) => turn.undone(fault),
            (None, _) => {}
        }
        if let Some(reply) = self.reply.take() {
            // Whoever waited may have gone.
            let _ = reply.send(outcome);
        }
    }

    /// The backend refused it. Should it come back all the same, nothing is said twice.
    pub(super) fn refuse(&mut self, fault: Fault) {
        self.settled(Err(fault));
        self.waiting = Waiting::Expired;
    }

    /// Nobody waits any more. Whether it arrived is not known.
    pub(super) fn abandon(&mut self, told: bool) {
        self.waiting = if told { Waiting::Expired } else { Waiting::Abandoned };
        self.reply = None;
        if let Some(counted) = self.counted.take() {
            counted.end(if told { "late" } else { "abandoned" });
        }
    }

    /// The connection broke. Whether it arrived is not known.
    pub(super) fn lost(&mut self, fault: &Fault) {
        if matches!(self.waiting, Waiting::Live | Waiting::Called) {
            self.waiting = Waiting::Expired;
        }
        if let Some(counted) = self.counted.take() {
            counted.end("broken");
        }
        if let Some(reply) = self.reply.take() {
            let _ = reply.send(Err(fault.clone()));
        }
    }

    /// Whether what came in this conversation may be this; a frame that names none may be of any.
    pub(super) fn is_in(&self, conversation: &str) -> bool {
        conversation.is_empty() || self.conversation == conversation
    }

    /// Of equal ones the lowest is found: what was given up comes after all that is on its way, so that a lost send does
    /// not take a later one's confirmation.
    pub(super) fn rank(&self, now: Instant) -> Option<u8> {
        match self.waiting {
            Waiting::Called => self.echo.is_none().then_some(0),
            Waiting::Live if !self.follows => Some(0),
            Waiting::Live | Waiting::Abandoned => Some(if now < self.due { 0 } else { 1 }),
            Waiting::Expired => Some(2),
            Waiting::Confirmed => Some(3),
        }
    }

    /// Whether somebody sees to its end; all others end by their age.
    pub(super) fn is_held(&self) -> bool {
        matches!(self.waiting, Waiting::Live | Waiting::Called) && !self.follows
    }
}
