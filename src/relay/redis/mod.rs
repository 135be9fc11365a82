//! The relay of several processes, over Redis pub/sub. In: parcels, and what journals tell. Out: the same, once and in
//! turn, in the mailboxes of this process; word of every time when something may have been missed.
//!
//! A channel is subscribed to while a socket here needs it. Delivery to mailboxes is the memory relay's.

mod hearing;
mod state;
#[cfg(test)]
mod tests;
mod wire;

use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use rand::RngExt;
use tokio::sync::{Notify, mpsc, watch};

use crate::event::{Audience, Missed, Place, Topic};
use crate::metrics;
use crate::redis::{Link, Names, PushInfo, Pushes, RedisSettings, Script, telling};
use crate::tasks::Tasks;

use super::{Behind, Mailbox, MailboxMeter, MemoryRelay, Parcel, Relay, RelayError, Subscription};
use state::State;
use wire::Wire;

/// What the server has said and nobody here has read yet. What is beyond is missed, and asked for.
const UNREAD: usize = 4_096;

/// Says one thing on several channels, with nothing in between.
static SAY: LazyLock<Script> =
    LazyLock::new(|| Script::new("for at = 3, #ARGV do redis.call(ARGV[2], ARGV[at], ARGV[1]) end"));
static SCRIPTS: LazyLock<[&'static Script; 1]> = LazyLock::new(|| [&*SAY]);

/// How a relay over Redis works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisRelaySettings {
    pub redis: RedisSettings,
    /// Whether what pub/sub did not bring is taken from the journal. Else it is counted and left out, which measures what
    /// pub/sub alone would lose.
    pub fill_gaps: bool,
}

/// A relay over Redis; clones share it.
#[derive(Clone)]
pub struct RedisRelay(Arc<Inner>);

struct Inner {
    link: Link,
    names: Names,
    local: MemoryRelay,
    state: Mutex<State>,
    /// Held while channels are subscribed to or left, so that the server hears of these in order; and while what was
    /// missed is asked for and filled.
    wire: Arc<tokio::sync::Mutex<Wire>>,
    /// How many times something may have been missed.
    gaps: watch::Sender<u64>,
    /// A channel is nobody's any more.
    unused: Notify,
}

impl RedisRelay {
    /// Starts to connect; what is told before somebody subscribed is nobody's.
    pub fn open(settings: RedisRelaySettings, tasks: &Tasks) -> Self {
        let RedisRelaySettings { redis, fill_gaps } = settings;
        let (unread, arriving) = mpsc::channel::<PushInfo>(UNREAD);
        let overflowed = Arc::new(Notify::new());
        let overflowing = Arc::clone(&overflowed);
        let pushes: Pushes = Arc::new(move |push| {
            if unread.try_send(push).is_err() {
                overflowing.notify_one();
            }
        });
        let names = Names::new(&redis);
        let inner = Arc::new(Inner {
            link: Link::open(redis, &*SCRIPTS, Some(pushes), tasks),
            names,
            local: MemoryRelay::new(),
            state: Mutex::new(State::new(fill_gaps)),
            wire: Arc::default(),
            gaps: watch::Sender::new(0),
            unused: Notify::new(),
        });
        let (hearing, wiring) = (Arc::clone(&inner), Arc::clone(&inner));
        let (stop, also_stop) = (tasks.stopping(), tasks.stopping());
        tasks.spawn(async move {
            tokio::select! {
                () = hearing.hear_all(arriving, &overflowed) => {}
                () = stop.cancelled() => {}
            }
        });
        tasks.spawn(async move {
            tokio::select! {
                () = wiring.keep_wired() => {}
                () = also_stop.cancelled() => {}
            }
        });
        RedisRelay(inner)
    }

    /// Waits for a connection, at most this long.
    pub async fn ready(&self, within: std::time::Duration) -> Result<(), RelayError> {
        Ok(self.0.link.ready(within).await?)
    }
}

impl From<crate::redis::RedisError> for RelayError {
    fn from(error: crate::redis::RedisError) -> Self {
        RelayError::Unavailable(error.to_string())
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says that something may have been missed.
    fn gap(&self) {
        metrics::relayed("gap", 1);
        self.gaps.send_modify(|gaps| *gaps += 1);
    }

    fn leave(&self, topics: &[Topic]) {
        if self.state().leave(topics) {
            self.unused.notify_one();
        }
    }
}

#[async_trait]
impl Relay for RedisRelay {
    async fn subscribe(
        &self,
        party: Arc<str>,
        topics: Vec<Topic>,
        mailbox: Mailbox,
    ) -> Result<Subscription, RelayError> {
        let local = self.0.local.subscribe(party, topics.clone(), mailbox).await?;
        self.0.state().join(&topics);
        let inner = Arc::clone(&self.0);
        let wanted = topics.clone();
        // Made before anything can fail, so that it is undone whatever happens, also when nobody waits any more.
        let subscription = Subscription::new(move || {
            drop(local);
            inner.leave(&topics);
        });
        self.0.wire_up(&wanted).await?;
        Ok(subscription)
    }

    async fn publish(&self, parcel: Parcel) -> Result<(), RelayError> {
        let audience = Audience { topics: parcel.topics.clone(), last: parcel.last.clone() };
        let mark = rand::rng().random();
        let payload = telling::passing(mark, &parcel.event, &audience)
            .map_err(|error| RelayError::Unavailable(error.to_string()))?;
        let channels: Vec<String> = audience.topics.iter().map(|topic| self.0.names.channel(topic)).collect();
        let said = self.0.link.ask::<()>(SAY.call(&[]).arg(payload).arg(self.0.names.publish()).arg(channels)).await;
        if let Err(error) = said {
            // Those here need no Redis to hear what is only said in passing; if it was said after all, the mark tells.
            tracing::debug!(%error, "told in this process only");
            metrics::relayed("unsaid", 1);
            let mut state = self.0.state();
            if state.hear_in_passing(mark) {
                self.0.local.deliver(&parcel);
            }
        }
        Ok(())
    }

    async fn healthy(&self) -> Result<(), RelayError> {
        Ok(self.0.link.healthy()?)
    }

    fn filled(&self, topics: &[Topic], mailbox: &MailboxMeter) -> (u64, Vec<(Topic, Place)>) {
        // Mailboxes are filled under this lock only.
        let state = self.0.state();
        (mailbox.pushed(), state.places(topics))
    }

    fn gaps(&self) -> Option<watch::Receiver<u64>> {
        Some(self.0.gaps.subscribe())
    }

    async fn behind(&self) -> Behind {
        let wire = Arc::clone(&self.0.wire).lock_owned().await;
        Behind::new(self.0.state().behind(), wire)
    }

    async fn fill(&self, behind: Behind, missed: Missed) {
        self.0.state().fill(missed, &self.0.local);
        drop(behind);
    }
}
