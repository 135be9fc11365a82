//! Connections from which no request came yet. In: a connection that arrives. Out: whether it may go on waiting: there are
//! only so many, and where one more comes the oldest goes. Whoever opens connections and says little pushes out its own;
//! somebody who speaks at once is served however many of these there are.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

/// All that wait on one listener.
pub struct Newcomers {
    most: usize,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    next: u64,
    /// By order of arrival.
    tokens: BTreeMap<u64, CancellationToken>,
}

/// One that waits; no longer when it is dropped.
pub struct Newcomer {
    number: u64,
    pushed_out: CancellationToken,
    of: Arc<Newcomers>,
}

impl Newcomers {
    pub fn new(most: usize) -> Arc<Self> {
        Arc::new(Newcomers { most, waiting: Mutex::default() })
    }

    /// One more.
    pub fn arrive(self: &Arc<Self>) -> Newcomer {
        let pushed_out = CancellationToken::new();
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let number = waiting.next;
        waiting.next += 1;
        waiting.tokens.insert(number, pushed_out.clone());
        if waiting.tokens.len() > self.most
            && let Some((_, oldest)) = waiting.tokens.pop_first()
        {
            oldest.cancel();
        }
        Newcomer { number, pushed_out, of: Arc::clone(self) }
    }
}

impl Newcomer {
    /// Resolves when others came and this one is the oldest.
    pub async fn pushed_out(&self) {
        self.pushed_out.cancelled().await;
    }

    /// A request came: it waits no longer, and is not pushed out any more.
    pub fn settle(&self) {
        self.of.waiting.lock().unwrap_or_else(PoisonError::into_inner).tokens.remove(&self.number);
    }
}

impl Drop for Newcomer {
    fn drop(&mut self) {
        self.settle();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_that_still_waits_goes() {
        let newcomers = Newcomers::new(2);
        let (first, second) = (newcomers.arrive(), newcomers.arrive());
        first.settle();
        let third = newcomers.arrive();
        assert!(!second.pushed_out.is_cancelled(), "there was room");
        drop(newcomers.arrive());
        let gone = [&first, &second, &third].map(|newcomer| newcomer.pushed_out.is_cancelled());
        assert_eq!(gone, [false, true, false]);
        assert_eq!(newcomers.waiting.lock().unwrap().tokens.len(), 1);
    }
}
