//! Which send a confirmation belongs to. No dialect has a client nonce: what waits is found by its conversation, its
//! content and its place in the queue of one connection. Never by time, and never by text alone.

mod confirming;
mod fingerprint;
mod pending;
mod refusing;
mod silence;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::event::Event;
use crate::fault::{Fault, Reason};

use fingerprint::Fingerprint;
use silence::Silence;

pub use pending::{Acknowledged, Expected, Outcome, Pending, Waiting};

/// How long something that nobody waits for any more is still recognised when it comes back.
const REMEMBERED: Duration = Duration::from_secs(120);
/// How many of those are kept.
const LONGEST: usize = 1_024;
/// How many sends may wait on one connection.
const WAITING: usize = 16 * 1_024;
/// How often what is over is let go of.
const SWEPT: Duration = Duration::from_secs(1);

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

/// What a message that came in was found to be.
pub enum Came {
    /// The confirmation of this send.
    Back(Box<Pending>),
    /// The echo of a send whose call will tell.
    Noted,
    /// Nothing that waits here.
    Unknown,
}

/// Where the send stands that such a message would confirm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    None,
    /// Nothing that was said before it in its conversation waits.
    First,
    /// Something else does, or nobody waits for it any more.
    Later,
}

/// What became of a send that its sender stopped waiting for.
#[derive(Debug, Clone, PartialEq)]
pub enum GaveUp {
    /// It was confirmed or refused just now: that is being told.
    TooLate,
    /// Nothing came.
    Nothing,
    /// Nothing came, but somebody else said the same: perhaps that was we, under a name that we do not know.
    Doubted,
    /// A refusal came that may have been another's; now it is this one's.
    Refused(Fault),
    /// Only its acknowledgment came: it was taken.
    Acknowledged(Acknowledged),
}

/// What waits on one connection, in the order in which it was sent.
pub struct Correlator {
    /// By ascending number.
    queue: VecDeque<Pending>,
    next: u64,
    swept: Instant,
    /// Refusals name nothing: those of which it is not known yet which send they are for.
    refusals: VecDeque<Fault>,
    silence: Silence,
}

impl Default for Correlator {
    fn default() -> Self {
        Correlator {
            queue: VecDeque::new(),
            next: 0,
            swept: Instant::now(),
            refusals: VecDeque::new(),
            silence: Silence::default(),
        }
    }
}

impl Correlator {
    /// Takes its place behind all that was sent before; `None` for what nothing confirms. The number is for
    /// [`Correlator::give_up`]. Busy when too many wait.
    pub fn expect(&mut self, sent: &Event, expected: Expected) -> Result<Option<(u64, Outcome)>, Fault> {
        let (reply, outcome) = oneshot::channel();
        let number = self.enter(sent, expected, Waiting::Live, Some(reply))?;
        Ok(number.map(|number| (number, outcome)))
    }

    /// The same for a call, whose answer will tell.
    pub fn call(&mut self, sent: &Event, expected: Expected) -> Result<Option<u64>, Fault> {
        self.enter(sent, expected, Waiting::Called, None)
    }

    fn enter(
        &mut self,
        sent: &Event,
        expected: Expected,
        waiting: Waiting,
        reply: Option<oneshot::Sender<Result<Arc<Event>, Fault>>>,
    ) -> Result<Option<u64>, Fault> {
        let Some(fingerprint) = Fingerprint::of(sent) else { return Ok(None) };
        self.forget();
        if self.queue.len() >= WAITING {
            let fault = Fault::new(Reason::Busy).detail("too many sends wait for the upstream's confirmation");
            expected.refused(&fault);
            return Err(fault);
        }
        self.next += 1;
        let pending = Pending::new(self.next, expected, fingerprint, waiting, reply);
        if waiting == Waiting::Live {
            self.silence.waits_until(pending.due);
        }
        self.queue.push_back(pending);
        Ok(Some(self.next))
    }

    /// What somebody waits for, with its place.
    fn open(&self) -> impl Iterator<Item = (usize, &Pending)> {
        let now = Instant::now();
        self.queue
            .iter()
            .enumerate()
            .filter(move |(_, pending)| pending.waiting == Waiting::Live && (!pending.follows || now < pending.due))
    }

    fn place_of(&self, number: u64) -> Option<usize> {
        self.queue.binary_search_by_key(&number, |pending| pending.number).ok()
    }

    /// Takes one out, whoever waits for it.
    pub fn take(&mut self, number: u64) -> Option<Pending> {
        let at = self.place_of(number)?;
        let taken = self.queue.remove(at);
        self.heard();
        taken
    }

    /// Whether its sender was told of a failure: then it must not be sent any more.
    pub fn is_void(&self, number: u64) -> bool {
        self.place_of(number).is_some_and(|at| self.queue[at].waiting == Waiting::Expired)
    }

    /// Its sender does not wait any more: it was told so, or it is gone.
    pub fn give_up(&mut self, number: u64, told: bool) -> GaveUp {
        let Some(at) = self.place_of(number).filter(|at| self.queue[*at].waiting == Waiting::Live) else {
            return GaveUp::TooLate;
        };
        if told && let Some(acknowledged) = self.queue[at].acknowledged.take() {
            return GaveUp::Acknowledged(acknowledged);
        }
        let refusal = if told { self.refusals.pop_front() } else { None };
        let pending = &mut self.queue[at];
        let doubted = pending.doubted;
        match &refusal {
            Some(fault) => pending.refuse(fault.clone()),
            None => pending.abandon(told),
        }
        self.attribute();
        match (refusal, doubted) {
            (Some(fault), _) => GaveUp::Refused(fault),
            (None, true) => GaveUp::Doubted,
            (None, false) => GaveUp::Nothing,
        }
    }

    /// A call was answered with success: an echo that is still to come is known.
    pub fn answered(&mut self, number: u64, event: &Arc<Event>) {
        let Some(at) = self.place_of(number) else { return };
        let pending = &mut self.queue[at];
        pending.settled(Ok(Arc::clone(event)));
        pending.waiting = Waiting::Confirmed;
        pending.until = Instant::now() + REMEMBERED;
        if pending.echo.is_some() {
            drop(self.queue.remove(at));
        }
    }

    /// A call failed. What came back all the same is given: the send itself where the fault leaves open whether it arrived,
    /// else somebody's who said the same.
    pub fn unanswered(&mut self, number: u64, fault: &Fault) -> Option<(Pending, Event)> {
        let at = self.place_of(number)?;
        if let Some(echo) = self.queue[at].echo.take() {
            let mut pending = self.queue.remove(at)?;
            if fault.is_certain() {
                pending.settled(Err(fault.clone()));
            }
            return Some((pending, echo));
        }
        if fault.is_certain() {
            self.queue.remove(at)?.settle(Err(fault.clone()));
        } else {
            self.queue[at].abandon(true);
        }
        None
    }

    /// The connection is gone. Whoever waits is told so; a history may show yet what arrived.
    pub fn broken(&mut self, fault: &Fault) {
        self.silence = Silence::default();
        self.refusals.clear();
        for pending in &mut self.queue {
            pending.lost(fault);
        }
    }

    /// What was sent on connections before this one will not come back.
    pub fn reset(&mut self) {
        self.silence = Silence::default();
        self.refusals.clear();
        self.queue.clear();
    }

    /// For how long the backend has answered nothing that it was sent, once the first sender that waited in vain was told so.
    pub fn silent_for(&self) -> Duration {
        self.silence.lasts()
    }

    /// The backend answered something.
    fn heard(&mut self) {
        let first = self.open().map(|(_, pending)| pending.due).next();
        self.silence.broken(first);
    }

    /// Whether nobody waits.
    pub fn is_idle(&self) -> bool {
        self.open().next().is_none()
    }

    /// Lets go of what cannot come back any more.
    fn forget(&mut self) {
        let now = Instant::now();
        if now.duration_since(self.swept) < SWEPT && self.queue.len() < WAITING {
            return;
        }
        self.swept = now;
        self.queue.retain(|pending| pending.is_held() || pending.until > now);
        let mut surplus = self.queue.iter().filter(|pending| !pending.is_held()).count().saturating_sub(LONGEST);
        self.queue.retain(|pending| {
            let goes = surplus > 0 && !pending.is_held();
            surplus -= usize::from(goes);
            !goes
        });
    }
}
