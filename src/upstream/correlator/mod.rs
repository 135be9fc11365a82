//! Which send a confirmation belongs to. No dialect has a client nonce: what waits is found by its conversation, its
//! content and its place in the queue of one connection. Never by time, and never by text alone.

mod fingerprint;
mod pending;
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
    unanswered: Option<Unanswered>,
}

/// Since a send the backend has not said a word about any.
struct Unanswered {
    since: Instant,
    /// When the sender of that one gives up.
    due: Instant,
}

impl Default for Correlator {
    fn default() -> Self {
        Correlator {
            queue: VecDeque::new(),
            next: 0,
            swept: Instant::now(),
            refusals: VecDeque::new(),
            unanswered: None,
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
        if waiting == Waiting::Live && self.unanswered.is_none() {
            self.unanswered = Some(Unanswered { since: Instant::now(), due: pending.due });
        }
        self.queue.push_back(pending);
        Ok(Some(self.next))
    }

    /// What this message is to those who wait. `from` decides who it cannot be for.
    pub fn confirm(&mut self, message: &Event, from: From) -> Came {
        let Some(came) = Fingerprint::of(message) else { return Came::Unknown };
        let conversation = message.details.conversation.id.as_str();
        let mut found = self.equal(&came, conversation);
        if from == From::Another {
            if let Some(pending) = found.and_then(|at| self.queue.get_mut(at)) {
                pending.doubted = true;
            }
            return Came::Unknown;
        }
        // A backend may change what it is sent; what is certainly ours is then the earliest that it can have come from.
        let is_changed = found.is_none() && from == From::Us;
        if is_changed {
            found = self.queue.iter().position(|pending| {
                pending.waiting == Waiting::Live && pending.is_in(conversation) && came.comes_from(&pending.fingerprint)
            });
        }
        let Some(at) = found else { return Came::Unknown };
        if let Some(pending) = self.queue.get_mut(at).filter(|pending| pending.waiting == Waiting::Called) {
            pending.echo = Some(message.clone());
            return Came::Noted;
        }
        let Some(mut pending) = self.queue.remove(at) else { return Came::Unknown };
        self.reassign(&message.details.id, pending.acknowledged.take());
        if is_changed && message.details.body.is_some() {
            pending.event.details.body.clone_from(&message.details.body);
        }
        if pending.waiting == Waiting::Live {
            self.overtaken(at, &pending.conversation);
        }
        self.heard();
        Came::Back(Box::new(pending))
    }

    /// The message shows what its acknowledgment was for. Had another send been given that one, it gets what this one had.
    fn reassign(&mut self, id: &str, had: Option<Acknowledged>) {
        let same = |acknowledged: &Acknowledged| acknowledged.id == id;
        if had.as_ref().is_some_and(same) {
            return;
        }
        let other = self.queue.iter_mut().find(|pending| pending.acknowledged.as_ref().is_some_and(same));
        if let Some(other) = other {
            other.acknowledged = had;
        }
    }

    /// A send was confirmed by its place alone, as all are on this connection: those that were refused before are passed over.
    pub fn confirm_first(&mut self) -> Option<Pending> {
        let (at, _) = self.open().nth(self.refusals.len())?;
        let pending = self.queue.remove(at)?;
        self.overtaken(at, &pending.conversation);
        Some(pending)
    }

    /// Something said in this conversation was taken. Which it was, the message itself shows when it comes; where it never
    /// comes, the acknowledgment is what there is.
    pub fn acknowledge(&mut self, conversation: &str, acknowledged: Acknowledged) {
        let waits = |pending: &&mut Pending| {
            pending.waiting == Waiting::Live && pending.acknowledged.is_none() && pending.is_in(conversation)
        };
        if let Some(pending) = self.queue.iter_mut().find(waits) {
            pending.acknowledged = Some(acknowledged);
            self.heard();
        }
    }

    /// Whether something here waits for such a message, and for nothing else before.
    pub fn standing(&self, message: &Event) -> Standing {
        let Some(came) = Fingerprint::of(message) else { return Standing::None };
        let conversation = message.details.conversation.id.as_str();
        match self.open().find(|(_, pending)| pending.is_in(conversation)) {
            Some((_, first)) if came.is(&first.fingerprint) => Standing::First,
            _ if self.equal(&came, conversation).is_some() => Standing::Later,
            _ => Standing::None,
        }
    }

    /// Where the send is that such a message confirms: the first of the lowest rank, most often the very first.
    fn equal(&self, came: &Fingerprint, conversation: &str) -> Option<usize> {
        let now = Instant::now();
        let mut best: Option<(u8, usize)> = None;
        for (at, pending) in self.queue.iter().enumerate() {
            if !pending.is_in(conversation) || !came.is(&pending.fingerprint) {
                continue;
            }
            let Some(rank) = pending.rank(now) else { continue };
            if best.is_none_or(|(lowest, _)| rank < lowest) {
                best = Some((rank, at));
            }
            if rank == 0 {
                break;
            }
        }
        best.map(|(_, at)| at)
    }

    /// Something was refused. Where one send waits it was that one; where several do, the answers to the others will show
    /// which it was. False when nobody waits.
    pub fn refused(&mut self, fault: Fault) -> bool {
        let waits = self.open().next().is_some();
        if waits {
            self.refusals.push_back(fault);
            self.attribute();
        }
        self.heard();
        waits
    }

    /// The backend answers what is said in one conversation in order: what it passed over was refused, if anything was.
    fn overtaken(&mut self, at: usize, conversation: &str) {
        while let Some(fault) = self.refusals.pop_front() {
            let passed = self.open().find(|(place, pending)| *place < at && pending.conversation == conversation);
            let Some((place, _)) = passed else {
                self.refusals.push_front(fault);
                break;
            };
            self.queue[place].refuse(fault);
        }
        self.attribute();
    }

    /// As many refusals as sends that wait: each is refused.
    fn attribute(&mut self) {
        let open: Vec<usize> = self.open().map(|(at, _)| at).collect();
        if self.refusals.len() < open.len() {
            return;
        }
        let refusals = std::mem::take(&mut self.refusals);
        for (at, fault) in open.into_iter().zip(refusals) {
            self.queue[at].refuse(fault);
        }
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
        self.unanswered = None;
        self.refusals.clear();
        for pending in &mut self.queue {
            pending.lost(fault);
        }
    }

    /// What was sent on connections before this one will not come back.
    pub fn reset(&mut self) {
        self.unanswered = None;
        self.refusals.clear();
        self.queue.clear();
    }

    /// For how long the backend has answered nothing that it was sent, once the first sender that waited in vain was told so.
    pub fn silent_for(&self) -> Duration {
        let now = Instant::now();
        self.unanswered.as_ref().filter(|first| first.due <= now).map_or(Duration::ZERO, |first| now - first.since)
    }

    /// The backend answered something: whoever waits now has waited since then.
    fn heard(&mut self) {
        let first = self.open().map(|(_, pending)| pending.due).next();
        self.unanswered = first.map(|due| Unanswered { since: Instant::now(), due });
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
