//! One account at an upstream and who listens through it. In: callers that the upstream takes for the same. Out: the
//! sockets of the account, and the mailboxes that its events go to.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::backend::Caller;
use crate::directory::{Room, may_see};
use crate::event::{Event, EventKind};
use crate::fault::{Fault, Reason};
use crate::relay::{Mailbox, Parcel};

use super::correlator::Correlator;
use super::link::Link;
use super::seen::Seen;

/// How long an account that nobody needs is kept.
const RESTS: Duration = Duration::from_secs(150);

/// Everybody who is one account at the upstream.
pub struct Account {
    pub key: Arc<str>,
    /// Whether all callers are this account: then the gateway decides who may hear what, not the upstream.
    pub shared: bool,
    /// The latest caller, for credentials of sockets that the gateway opens by itself.
    caller: Mutex<Caller>,
    known: Mutex<Known>,
    /// What the operator says that we are called there.
    pinned: Known,
    listeners: Mutex<Vec<(u64, Listener)>>,
    links: Mutex<HashMap<Option<String>, Arc<Link>>>,
    /// What was confirmed by the answers of calls; its echo may come by a socket or a callback.
    answered: Mutex<Correlator>,
    seen: Mutex<Seen>,
    next: AtomicU64,
    /// When somebody last asked for it.
    asked: Mutex<Instant>,
}

/// What we are called there.
#[derive(Debug, Clone, Default)]
pub struct Known {
    pub id: Option<String>,
    pub name: Option<String>,
}

/// Who is told of a message, of those who may hear it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whom {
    Everybody,
    /// The same, of what the upstream did not say to this very account: who may hear it is for the gateway to say.
    Allowed,
    /// All but the party that sent it.
    Others,
    /// Only the party that sent it.
    Sender,
}

/// A mailbox, and what it may hear.
pub struct Listener {
    pub caller: Caller,
    /// Of a socket that is confined to one conversation.
    pub conversation: Option<String>,
    mailbox: Mailbox,
}

impl Listener {
    pub fn new(caller: Caller, conversation: Option<String>, mailbox: Mailbox) -> Self {
        Listener { caller, conversation, mailbox }
    }

    /// Whether what happens in this room is for it. `decide`: whether that is for the gateway to say.
    fn hears(&self, room: &Room, decide: bool) -> bool {
        let confined = self.conversation.as_ref().is_none_or(|conversation| *conversation == room.conversation.id);
        confined && (!decide || may_see(&self.caller, room).is_ok())
    }
}

fn taken<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each change is whole before anything could panic.
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Account {
    pub fn new(key: Arc<str>, shared: bool, caller: Caller, known: Known) -> Self {
        Account {
            key,
            shared,
            caller: Mutex::new(caller),
            known: Mutex::new(known.clone()),
            pinned: known,
            listeners: Mutex::default(),
            links: Mutex::default(),
            answered: Mutex::default(),
            seen: Mutex::default(),
            next: AtomicU64::new(1),
            asked: Mutex::new(Instant::now()),
        }
    }

    /// Who the gateway acts for when it calls by itself.
    pub fn caller(&self) -> Caller {
        taken(&self.caller).clone()
    }

    /// A newer credential of the same caller.
    pub fn renew(&self, caller: &Caller) {
        *taken(&self.asked) = Instant::now();
        if caller.presented.is_some() {
            *taken(&self.caller) = caller.clone();
        }
    }

    pub fn known(&self) -> Known {
        taken(&self.known).clone()
    }

    /// Learns from a message that was certainly ours.
    pub fn learn(&self, id: Option<String>, name: Option<String>) {
        let mut known = taken(&self.known);
        known.id = id.or(known.id.take());
        known.name = name.or(known.name.take());
    }

    /// What was learnt may be wrong.
    pub fn unlearn(&self) {
        *taken(&self.known) = self.pinned.clone();
    }

    /// The sends whose outcome is the answer of a call.
    pub fn answered(&self) -> MutexGuard<'_, Correlator> {
        taken(&self.answered)
    }

    /// What was heard lately.
    pub fn seen(&self) -> MutexGuard<'_, Seen> {
        taken(&self.seen)
    }

    /// The conversations that somebody listens to and to nothing else.
    pub fn listened_to(&self) -> Vec<String> {
        taken(&self.listeners).iter().filter_map(|(_, listener)| listener.conversation.clone()).collect()
    }

    /// Listens until [`Account::leave`].
    pub fn listen(&self, listener: Listener) -> u64 {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        taken(&self.listeners).push((number, listener));
        number
    }

    pub fn leave(&self, number: u64) {
        taken(&self.listeners).retain(|(known, _)| *known != number);
    }

    /// Ends the mailboxes that hear by a socket which is over: of one conversation, or of all.
    pub fn dismiss(&self, conversation: Option<&str>, why: Reason) {
        taken(&self.listeners).retain(|(_, listener)| {
            let stays = conversation.is_some_and(|this| listener.conversation.as_deref() != Some(this));
            if !stays {
                listener.mailbox.dismiss(why);
            }
            stays
        });
    }

    /// Whether anybody listens who would hear this conversation; of a socket for all of them, whether anybody listens.
    pub fn is_heard(&self, conversation: Option<&str>) -> bool {
        taken(&self.listeners).iter().any(|(_, listener)| match (conversation, &listener.conversation) {
            (Some(this), Some(only)) => this == only,
            _ => true,
        })
    }

    /// Hands an event to everybody whom it concerns, receivers before the one who sent it. What passes by does not come
    /// back to the socket that said it.
    pub fn deliver(&self, room: &Room, event: &Arc<Event>, whom: Whom) {
        let mut listeners = taken(&self.listeners);
        // The sender last, so that a receiver never learns of a message after its sender does.
        let sender = &event.details.sender.id;
        listeners.sort_by_key(|(_, listener)| *listener.caller.principal.id == **sender);
        let decide = self.shared || whom == Whom::Allowed;
        let is_asked = |listener: &Listener| match (whom, *listener.caller.principal.id == **sender) {
            (Whom::Others, true) | (Whom::Sender, false) => false,
            (Whom::Everybody | Whom::Allowed, _) | (Whom::Others, false) | (Whom::Sender, true) => {
                listener.hears(room, decide)
            }
        };
        // Under the lock, in which nothing waits, so that all listeners hear all events in one order.
        for (_, listener) in listeners.iter().filter(|(_, listener)| is_asked(listener)) {
            listener.mailbox.push(Parcel::new(Arc::clone(event), Vec::new()));
        }
    }

    /// The socket for this, started by `start` where there is none that lives.
    pub fn link(&self, conversation: Option<String>, start: impl FnOnce() -> Arc<Link>) -> Arc<Link> {
        let mut links = taken(&self.links);
        if let Some(link) = links.get(&conversation).filter(|link| !link.is_over()) {
            link.ask();
            return Arc::clone(link);
        }
        let link = start();
        links.insert(conversation, Arc::clone(&link));
        link
    }

    /// The socket for this, if there is one.
    pub fn line(&self, conversation: Option<&str>) -> Option<Arc<Link>> {
        let links = taken(&self.links);
        let mut found = links.iter().filter(|(of, _)| of.as_deref() == conversation);
        found.next().map(|(_, link)| Arc::clone(link))
    }

    /// Lets go of a socket that is over; whether it was still the one for its conversation.
    pub fn unlink(&self, link: &Arc<Link>) -> bool {
        let mut links = taken(&self.links);
        let is_ours = links.get(&link.conversation).is_some_and(|known| Arc::ptr_eq(known, link));
        if is_ours {
            links.remove(&link.conversation);
        }
        is_ours
    }

    /// Lets go of a socket that nobody needs and nobody asked for for so long. In one step, so that whoever asks gets
    /// either this one, which then stays, or another.
    pub fn let_go(&self, link: &Arc<Link>, unasked: Duration, why: &Fault) -> bool {
        let mut links = taken(&self.links);
        if self.is_heard(link.conversation.as_deref()) || link.unasked() < unasked {
            return false;
        }
        let free = link.retire(why.clone());
        if free && links.get(&link.conversation).is_some_and(|known| Arc::ptr_eq(known, link)) {
            links.remove(&link.conversation);
        }
        free
    }

    /// Whether nobody needs it, and nobody did for so long that no echo of a send of its is still to come.
    pub fn is_forgotten(&self) -> bool {
        let unasked = taken(&self.asked).elapsed() >= RESTS;
        unasked && taken(&self.listeners).is_empty() && taken(&self.links).is_empty()
    }
}

/// Whether an event is told and not kept.
pub fn passes_by(kind: EventKind) -> bool {
    matches!(kind, EventKind::Typing | EventKind::Presence)
}

#[cfg(test)]
mod tests;
