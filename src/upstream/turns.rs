//! Who goes first. In: the key of something that must be done by one at a time. Out: a turn, held until it is dropped;
//! different keys do not wait for each other.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OwnedMutexGuard;

type Lock = Arc<tokio::sync::Mutex<()>>;

/// Turns by key. A key is kept only while somebody holds it or waits for it.
#[derive(Clone, Default)]
pub struct Turns(Arc<Mutex<HashMap<String, Lock>>>);

/// Somebody's turn.
pub struct Turn {
    turns: Turns,
    key: String,
    held: Option<OwnedMutexGuard<()>>,
}

impl Turns {
    /// Waits until nobody else is at this key. First come, first served.
    pub async fn take(&self, key: impl Into<String>) -> Turn {
        let key = key.into();
        let lock = Arc::clone(self.locks().entry(key.clone()).or_default());
        // Made before waiting, so that whoever stops waiting leaves nothing behind.
        let mut turn = Turn { turns: self.clone(), key, held: None };
        turn.held = Some(lock.lock_owned().await);
        turn
    }

    fn locks(&self) -> MutexGuard<'_, HashMap<String, Lock>> {
        // Each change is whole before anything could panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut locks = self.turns.locks();
        drop(self.held.take());
        // The map has one; whoever holds it or waits has another, and all of those are taken under this lock.
        if locks.get(&self.key).is_some_and(|lock| Arc::strong_count(lock) == 1) {
            locks.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::poll_immediate;

    use super::*;

    #[tokio::test]
    async fn one_at_a_time_for_each_key() {
        let turns = Turns::default();
        let first = turns.take("a").await;
        assert!(poll_immediate(turns.take("a")).await.is_none(), "somebody is at it");
        let other = poll_immediate(turns.take("b")).await;
        assert!(other.is_some(), "another key does not wait");
        drop(first);
        assert!(poll_immediate(turns.take("a")).await.is_some());
    }

    #[tokio::test]
    async fn nothing_is_kept_of_those_who_went_or_gave_up() {
        let turns = Turns::default();
        let held = turns.take("a").await;
        assert!(poll_immediate(turns.take("a")).await.is_none(), "gave up waiting");
        assert_eq!(turns.locks().len(), 1);
        drop(held);
        drop(turns.take("b").await);
        assert_eq!(turns.locks().len(), 0);
    }
}
