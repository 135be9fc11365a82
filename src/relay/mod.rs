//! How events reach sockets, on this replica and on others. In: parcels addressed to topics. Out: the same in the
//! mailboxes that subscribed, in order of publication. One trait, one suite of promises (`relay::promises`).

mod mailbox;
mod memory;
#[cfg(test)]
mod promises;

use std::sync::Arc;

use async_trait::async_trait;

use crate::event::Event;

pub use mailbox::{Mailbox, MailboxEnd, MailboxLimits, MailboxReceiver, mailbox};
pub use memory::MemoryRelay;

/// A place that sockets listen at.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Topic {
    /// All sockets within one conversation.
    Conversation(Arc<str>),
    /// All sockets of one party.
    Party(Arc<str>),
    /// All sockets of one department's staff.
    Department(Arc<str>),
    /// All sockets of those who see every conversation that is not one-to-one.
    Everyone,
}

/// An event on its way.
#[derive(Debug, Clone)]
pub struct Parcel {
    pub event: Arc<Event>,
    /// Delivered once to a mailbox that listens at any of these.
    pub topics: Vec<Topic>,
    /// Mailboxes of this party are served last, so that a receiver never learns of a message after its sender does.
    pub last: Option<Arc<str>>,
}

#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    #[error("the relay is unavailable: {0}")]
    Unavailable(String),
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
