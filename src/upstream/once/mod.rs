//! A send that its sender may repeat is one message at the upstream. In: the sender's key (an `Idempotency-Key`, the id
//! of an upload). Out: leave to send, or what became of the send before. An intent is durable before the send and
//! completed after it: of one that was cut off nobody knows whether it arrived, so it is not sent again.

mod record;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use crate::event::Event;
use crate::fault::{Fault, Reason};
use crate::journal::Journal;
use crate::tasks::Tasks;

use record::{Record, Records};

/// The keys of one upstream.
pub struct Once {
    records: Arc<Records>,
    tasks: Tasks,
    /// Those whose send is on its way in this process.
    under_way: Mutex<HashMap<String, watch::Receiver<Became>>>,
}

/// What became of a send.
#[derive(Debug, Clone, Default)]
enum Became {
    #[default]
    Nothing,
    Done(Arc<Event>),
    /// It certainly did not arrive.
    Undone(Fault),
    Unknown,
}

/// Leave to send, or not.
pub enum Begun {
    First(Turn),
    /// The same was confirmed before.
    Done(Arc<Event>),
    /// The same is on its way.
    UnderWay(UnderWay),
}

/// The outcome of somebody else's send.
pub struct UnderWay(watch::Receiver<Became>);

/// The one that may send under a key. Dropped without a word, what became of it is unknown.
pub struct Turn {
    once: Arc<Once>,
    key: String,
    became: watch::Sender<Became>,
    /// Whether the intent is durable.
    intended: AtomicBool,
    told: bool,
}

impl Once {
    pub fn new(upstream: &str, journal: Arc<dyn Journal>, tasks: Tasks) -> Arc<Self> {
        let records = Arc::new(Records::new(upstream, journal));
        Arc::new(Once { records, tasks, under_way: Mutex::default() })
    }

    /// Whether this is the first send under a key. Fails with a fault that a retry may help when an earlier one was cut
    /// off, and when the journal does not answer.
    pub async fn begin(self: &Arc<Self>, key: &str) -> Result<Begun, Fault> {
        let key = record::name(key);
        let turn = {
            let mut under_way = self.under_way();
            if let Some(other) = under_way.get(&key) {
                return Ok(Begun::UnderWay(UnderWay(other.clone())));
            }
            let (became, outcome) = watch::channel(Became::Nothing);
            under_way.insert(key.clone(), outcome);
            Turn { once: Arc::clone(self), key, became, intended: AtomicBool::new(false), told: false }
        };
        match self.records.read(&turn.key).await {
            Ok(None) => Ok(Begun::First(turn)),
            Ok(Some(Record::Done(event))) => {
                turn.was(Became::Done(Arc::clone(&event)));
                Ok(Begun::Done(event))
            }
            Ok(Some(Record::Intent)) => {
                turn.was(Became::Unknown);
                Err(unknown())
            }
            Err(fault) => {
                turn.was(Became::Undone(fault.clone()));
                Err(fault)
            }
        }
    }

    fn under_way(&self) -> MutexGuard<'_, HashMap<String, watch::Receiver<Became>>> {
        // Each change is whole before anything could panic.
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl UnderWay {
    /// Waits for the outcome, at most this long.
    pub async fn outcome(mut self, within: Duration) -> Result<Arc<Event>, Fault> {
        let settled = timeout(within, self.0.wait_for(|became| !matches!(became, Became::Nothing))).await;
        match settled.map(|became| became.map(|became| became.clone())) {
            Ok(Ok(Became::Done(event))) => Ok(event),
            Ok(Ok(Became::Undone(fault))) => Err(fault),
            Ok(Ok(Became::Nothing | Became::Unknown) | Err(_)) => Err(unknown()),
            Err(_) => Err(Fault::new(Reason::UpstreamTimeout).detail("the same send still waits for the upstream")),
        }
    }
}

impl Turn {
    /// Makes durable that something is about to be sent; to be called before the first byte goes.
    pub async fn intend(&self) -> Result<(), Fault> {
        if !self.intended.swap(true, Ordering::Relaxed) {
            self.once.records.write(&self.key, None).await?;
        }
        Ok(())
    }

    /// It was confirmed.
    pub fn done(mut self, event: &Arc<Event>) {
        self.end(Became::Done(Arc::clone(event)));
    }

    /// It certainly did not arrive: whoever asks again may send.
    pub fn undone(mut self, fault: &Fault) {
        self.end(Became::Undone(fault.clone()));
    }

    /// It failed, perhaps after it was sent.
    pub fn failed(self, fault: &Fault) {
        if fault.is_certain() || !self.intended.load(Ordering::Relaxed) {
            self.undone(fault);
        }
    }

    /// It was decided earlier: what is recorded stays.
    fn was(mut self, became: Became) {
        self.told = true;
        self.became.send_replace(became);
        drop(self.once.under_way().remove(&self.key));
    }

    fn end(&mut self, became: Became) {
        self.told = true;
        let (once, key) = (Arc::clone(&self.once), self.key.clone());
        let is_intended = self.intended.load(Ordering::Relaxed);
        let durable = match &became {
            Became::Done(event) => Some(Some(Arc::clone(event))),
            Became::Undone(_) => is_intended.then_some(None),
            Became::Nothing | Became::Unknown => None,
        };
        self.became.send_replace(became);
        let Some(outcome) = durable else { return drop(once.under_way().remove(&key)) };
        // Until it is durable the answer is what is known here.
        let tasks = once.tasks.clone();
        tasks.spawn(async move {
            let written = match outcome {
                Some(event) => once.records.write(&key, Some(&event)).await,
                None => once.records.remove(&key).await,
            };
            if let Err(fault) = written {
                tracing::warn!(%fault, "what became of a send that may be repeated could not be recorded");
            }
            drop(once.under_way().remove(&key));
        });
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if !self.told {
            self.end(Became::Unknown);
        }
    }
}

fn unknown() -> Fault {
    let mut fault = Fault::new(Reason::Unavailable).detail("an earlier send of the same key was cut off");
    fault.words = Some("Whether an earlier attempt was delivered is not known".into());
    fault
}
