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
    async fn subscribe(&self, party: Arc<str>, topics: Vec<Topic>, mailbox: Mailbox) -> Result<Subscription, RelayError> {
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
