//! The relay of one process: mailboxes by topic. In: parcels. Out: the same, once to each mailbox that listens.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::metrics;

use super::mailbox::weight;
use super::{Mailbox, MailboxMeter, Parcel, Place, Relay, RelayError, Subscription, Topic};

struct Listener {
    party: Arc<str>,
    mailbox: Mailbox,
}

#[derive(Default)]
struct State {
    next: u64,
    /// In order of subscription, so that delivery order does not depend on chance.
    by_topic: HashMap<Topic, BTreeMap<u64, Arc<Listener>>>,
    /// How far those topics came at which somebody listens.
    places: HashMap<Topic, Place>,
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
}

/// How late a message is that the journal announced. One that came into being with its upload is announced when its sender
/// says so.
fn show_lag(parcel: &Parcel) {
    let details = &parcel.event.details;
    let is_timed = parcel.turn > 0 && parcel.event.kind.message().is_some() && details.attachment.chat_id.is_none();
    if let Some(accepted) = details.received_at.filter(|_| is_timed) {
        metrics::relayed_after(accepted.micros());
    }
}

/// Those who listen at any of the topics, each once.
fn listeners<'state>(state: &'state State, topics: &'state [Topic]) -> impl Iterator<Item = &'state Listener> {
    let list = |topic| state.by_topic.get(topic);
    topics.iter().enumerate().flat_map(move |(at, topic)| {
        let is_served = move |number| topics[..at].iter().filter_map(list).any(|list| list.contains_key(number));
        let all = list(topic).into_iter().flatten();
        all.filter(move |(number, _)| !is_served(*number)).map(|(_, listener)| &**listener)
    })
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
                        state.places.remove(topic);
                    }
                }
            }
        }))
    }

    async fn publish(&self, parcel: Parcel) -> Result<(), RelayError> {
        self.deliver(&parcel);
        Ok(())
    }

    async fn healthy(&self) -> Result<(), RelayError> {
        Ok(())
    }

    fn filled(&self, topics: &[Topic], mailbox: &MailboxMeter) -> (u64, Vec<(Topic, Place)>) {
        let state = self.state();
        let place = |topic: &Topic| Some((topic.clone(), *state.places.get(topic)?));
        (mailbox.pushed(), topics.iter().filter_map(place).collect())
    }
}

impl MemoryRelay {
    /// How many mailboxes listen at any of its topics.
    pub(super) fn readers(&self, parcel: &Parcel) -> usize {
        listeners(&self.state(), &parcel.topics).count()
    }

    /// Puts a parcel into every mailbox that listens at any of its topics; says how many these are.
    pub(super) fn deliver(&self, parcel: &Parcel) -> usize {
        let weight = weight(&parcel.event);
        show_lag(parcel);
        // Under the lock, so that all mailboxes see all parcels in one order. Pushing never waits.
        let mut state = self.state();
        for (topic, place) in &parcel.places {
            if state.by_topic.contains_key(topic) {
                state.places.insert(topic.clone(), *place);
            }
        }
        let mut served_last = Vec::new();
        let mut count = 0;
        for listener in listeners(&state, &parcel.topics) {
            count += 1;
            if parcel.last.as_ref() == Some(&listener.party) {
                served_last.push(listener);
            } else {
                // A mailbox that ended tells its reader, who drops the subscription.
                listener.mailbox.push_weighed(parcel.clone(), weight);
            }
        }
        for listener in served_last {
            listener.mailbox.push_weighed(parcel.clone(), weight);
        }
        count
    }

    /// Ends every mailbox that listens here, as one that overflowed.
    pub(super) fn end(&self, topic: &Topic) {
        for listener in self.state().by_topic.get(topic).into_iter().flat_map(BTreeMap::values) {
            listener.mailbox.end();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{MailboxLimits, mailbox, promises};
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn promises_hold() {
        promises::hold(Arc::new(MemoryRelay::new())).await;
    }

    #[tokio::test]
    async fn nothing_is_left_of_who_left() {
        let relay = MemoryRelay::new();
        let (sender, _receiver) = mailbox(MailboxLimits { messages: 1, bytes: 1 });
        drop(relay.subscribe("ann".into(), vec![Topic::Everyone, Topic::Party("ann".into())], sender).await);
        assert!(relay.state().by_topic.is_empty());
    }
}
