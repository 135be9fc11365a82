//! The relay of one process: mailboxes by topic. In: parcels. Out: the same, once to each mailbox that listens.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::{Mailbox, Parcel, Relay, RelayError, Subscription, Topic};

struct Listener {
    party: Arc<str>,
    mailbox: Mailbox,
}

#[derive(Default)]
struct State {
    next: u64,
    /// In order of subscription, so that delivery order does not depend on chance.
    by_topic: HashMap<Topic, BTreeMap<u64, Arc<Listener>>>,
}

/// Delivers within this process.
#[derive(Clone, Default)]
pub struct MemoryRelay(Arc<Mutex<State>>);

impl MemoryRelay {
    pub fn new() -> Self {
        MemoryRelay::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Each mailbox once, whichever of the topics it listens at.
    fn listeners(&self, topics: &[Topic]) -> BTreeMap<u64, Arc<Listener>> {
        let state = self.state();
        let lists = topics.iter().filter_map(|topic| state.by_topic.get(topic));
        lists.flatten().map(|(number, listener)| (*number, Arc::clone(listener))).collect()
    }
}

#[async_trait]
impl Relay for MemoryRelay {
    async fn subscribe(
        &self,
        party: Arc<str>,
        topics: Vec<Topic>,
        mailbox: Mailbox,
    ) -> Result<Subscription, RelayError> {
        let listener = Arc::new(Listener { party, mailbox });
        let number = {
            let mut state = self.state();
            state.next += 1;
            let number = state.next;
            for topic in &topics {
                state.by_topic.entry(topic.clone()).or_default().insert(number, Arc::clone(&listener));
            }
            number
        };
        let relay = self.clone();
        Ok(Subscription::new(move || {
            let mut state = relay.state();
            for topic in &topics {
                if let Some(list) = state.by_topic.get_mut(topic) {
                    list.remove(&number);
                    if list.is_empty() {
                        state.by_topic.remove(topic);
                    }
                }
            }
        }))
    }

    async fn publish(&self, parcel: Parcel) -> Result<(), RelayError> {
        let listeners = self.listeners(&parcel.topics);
        let is_last = |listener: &Listener| parcel.last.as_ref().is_some_and(|last| *last == listener.party);
        let (last, first): (Vec<_>, Vec<_>) = listeners.into_values().partition(|listener| is_last(listener));
        for listener in first.into_iter().chain(last) {
            // A mailbox that ended tells its reader, who drops the subscription.
            listener.mailbox.push(parcel.clone());
        }
        Ok(())
    }

    async fn healthy(&self) -> Result<(), RelayError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{MailboxLimits, mailbox, promises};
    use super::*;
    use crate::event::{Event, EventKind};

    #[tokio::test]
    async fn promises_hold() {
        promises::hold(Arc::new(MemoryRelay::new())).await;
    }

    #[tokio::test]
    async fn the_sender_is_served_last() {
        let relay = MemoryRelay::new();
        let limits = MailboxLimits { messages: 1, bytes: 1 << 20 };
        let (sender, _receiver) = mailbox(limits);
        let _first = relay.subscribe("ann".into(), vec![Topic::Everyone], sender).await.expect("subscribed");
        let (other, _other) = mailbox(limits);
        let _second = relay.subscribe("bob".into(), vec![Topic::Everyone], other).await.expect("subscribed");
        let listeners = relay.listeners(&[Topic::Everyone, Topic::Everyone]);
        assert_eq!(listeners.len(), 2);
        let event = Arc::new(Event::new(EventKind::Typing));
        relay
            .publish(Parcel { event, topics: vec![Topic::Everyone], last: Some("ann".into()) })
            .await
            .expect("published");
    }

    #[tokio::test]
    async fn nothing_is_left_of_who_left() {
        let relay = MemoryRelay::new();
        let (sender, _receiver) = mailbox(MailboxLimits { messages: 1, bytes: 1 });
        drop(relay.subscribe("ann".into(), vec![Topic::Everyone, Topic::Party("ann".into())], sender).await);
        assert!(relay.state().by_topic.is_empty());
    }
}
