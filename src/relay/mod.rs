//! How events reach sockets, on this replica and on others. In: parcels addressed to topics. Out: the same in the
//! mailboxes that subscribed, in order of publication. One trait, one suite of promises (`relay::promises`).

mod mailbox;
mod memory;
#[cfg(test)]
mod promises;
mod redis;

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::watch;

use crate::event::{Announced, Event, Missed, Place};

pub use crate::event::Topic;
pub use mailbox::{Mailbox, MailboxEnd, MailboxLimits, MailboxMeter, MailboxReceiver, mailbox};
pub use memory::MemoryRelay;
pub use redis::{RedisRelay, RedisRelaySettings};

/// An event on its way.
#[derive(Debug, Clone)]
pub struct Parcel {
    pub event: Arc<Event>,
    /// Delivered once to a mailbox that listens at any of these.
    pub topics: Vec<Topic>,
    /// Mailboxes of this party are served last, so that a receiver never learns of a message after its sender does.
    pub last: Option<Arc<str>>,
    /// As of [`Announced`]; 0 for what is told in passing.
    pub turn: u64,
    /// How far each topic came with it, where the journal that recorded it said so.
    pub places: Vec<(Topic, Place)>,
}

impl Parcel {
    /// Something told in passing.
    pub fn new(event: Arc<Event>, topics: Vec<Topic>) -> Self {
        Parcel { event, topics, last: None, turn: 0, places: Vec::new() }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    #[error("the relay is unavailable: {0}")]
    Unavailable(String),
}

/// Topics that may have missed something, each with how far it was heard. While this lives nobody joins a topic that nobody
/// listened at: what is filled is delivered to the topics that were asked about, and who joined another one after that
/// and before it was recorded would hear neither of the two.
#[derive(Default)]
pub struct Behind {
    pub topics: Vec<(Topic, Place)>,
    _nobody_joins: Option<Box<dyn Send + Sync>>,
}

impl Behind {
    fn new(topics: Vec<(Topic, Place)>, nobody_joins: impl Send + Sync + 'static) -> Self {
        Behind { topics, _nobody_joins: Some(Box::new(nobody_joins)) }
    }
}

#[async_trait]
pub trait Relay: Send + Sync + 'static {
    /// Starts delivering to the mailbox; ends when the subscription is dropped.
    async fn subscribe(
        &self,
        party: Arc<str>,
        topics: Vec<Topic>,
        mailbox: Mailbox,
    ) -> Result<Subscription, RelayError>;

    /// Hands the parcel to every mailbox that listens, here and on other replicas. Never waits for a slow reader: a
    /// mailbox that is full is ended instead.
    async fn publish(&self, parcel: Parcel) -> Result<(), RelayError>;

    async fn healthy(&self) -> Result<(), RelayError>;

    /// How many parcels a mailbox was given, and how far these topics had come with them, at one moment. A topic of which
    /// nothing is known yet is left out.
    fn filled(&self, topics: &[Topic], mailbox: &MailboxMeter) -> (u64, Vec<(Topic, Place)>);

    /// Changes when something told may have been missed: its reader asks [`Relay::behind`], then the journal for what was
    /// missed, and gives that to [`Relay::fill`], until nothing is behind. Absent where nothing can be missed.
    fn gaps(&self) -> Option<watch::Receiver<u64>> {
        None
    }

    /// What may have missed something. Until it is filled, what is recorded and told there waits in the journal.
    async fn behind(&self) -> Behind {
        Behind::default()
    }

    /// Delivers what was missed, once and in turn.
    async fn fill(&self, _behind: Behind, _missed: Missed) {}
}

impl From<Announced> for Parcel {
    fn from(announced: Announced) -> Self {
        let Announced { event, audience, turn, places } = announced;
        Parcel { event, topics: audience.topics, last: audience.last, turn, places }
    }
}

/// Keeps a mailbox subscribed while it lives.
pub struct Subscription(Option<Box<dyn FnOnce() + Send + Sync>>);

impl Subscription {
    /// `end` is called once, when the subscription is dropped.
    pub fn new(end: impl FnOnce() + Send + Sync + 'static) -> Self {
        Subscription(Some(Box::new(end)))
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if let Some(end) = self.0.take() {
            end();
        }
    }
}
