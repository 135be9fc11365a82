//! One socket at an upstream: opened on demand, kept alive, opened again while anybody needs it. In: frames to send,
//! each with its place among what waits. Out: texts that came, handed to [`Hears`], and why it ended.

mod backoff;
mod conversing;
mod run;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use crate::event::{Field, Fields, Timestamp, Value};
use crate::fault::{Fault, Reason};
use crate::socket::{Socket, Text};

use super::correlator::{Correlator, Outcome};

pub use run::run;

/// Frames that may wait to be written.
const OUTGOING: usize = 1_024;

/// How a socket stands.
#[derive(Debug, Clone, PartialEq)]
pub enum Status {
    Opening,
    Open,
    /// It is not there now, for this reason, and is tried again.
    Down(Fault),
    /// It does not come back.
    Over(Fault),
}

/// Why a socket that was open is not any more.
pub enum End {
    /// Worth another attempt.
    Lost(Fault),
    /// The upstream said that it is for good.
    Over(Fault),
    /// Nobody needs it: it was let go of before it was closed.
    Idle,
    Stopped,
}

/// A socket that was open and is not: what was said meanwhile was missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outage {
    /// A moment at which all was heard, by our clock: in the middle of the time that the socket was open, so that it is
    /// one by the upstream's clock too, unless theirs differ by more than half of that time.
    pub heard: Timestamp,
}

/// Whoever owns a socket.
#[async_trait]
pub trait Hears: Send + Sync + 'static {
    type Socket: Socket + 'static;
    /// What is to be kept as long as the socket is open.
    type Kept: Send;

    /// Opens it once. An error says whether another attempt may help: `Down` or `Over`.
    async fn open(&self) -> Result<(Self::Socket, Self::Kept), Status>;

    /// It is open again, and nothing was read from it yet. Says whether what was missed is told now.
    async fn catch_up(&self, link: &Link, outage: Outage) -> bool;

    /// A text came.
    async fn hear(&self, link: &Link, text: &str);

    /// A send was written that is accepted by that, as nothing will confirm it.
    async fn wrote(&self, link: &Link, send: u64);

    /// The upstream closed, with this code if it said one.
    async fn closed(&self, code: Option<u16>) -> End;

    /// Whether anybody needs it.
    fn is_needed(&self) -> bool;

    /// How long it may confirm nothing of what it was sent, before another socket is opened in its place.
    fn stalled_after(&self) -> Duration;

    /// Lets go of it if nobody needs it and nobody asked for it for so long: whoever asks from now on gets another.
    fn let_go(&self, link: &Arc<Link>, unasked: Duration, why: &Fault) -> bool;

    /// It is over although somebody needed it: the last thing that is said.
    fn over(&self, link: &Arc<Link>, why: &Fault);
}

/// What waits to be written.
pub struct Frame {
    text: Text,
    /// The send that it belongs to: given up meanwhile, it is not written any more.
    send: Option<u64>,
    /// Whether that send is accepted once this is written.
    accepts: bool,
}

impl Frame {
    fn new(text: String) -> Self {
        Frame { text: text.into(), send: None, accepts: false }
    }
}

/// One socket, as those who write see it.
pub struct Link {
    /// Of a socket for one conversation.
    pub conversation: Option<String>,
    upstream: Arc<str>,
    outgoing: mpsc::Sender<Frame>,
    correlator: Mutex<Correlator>,
    status: watch::Sender<Status>,
    /// When somebody last asked for it.
    asked: Mutex<Instant>,
    /// Frames that were given a number.
    numbered: AtomicI64,
}

impl Link {
    /// The number of the next frame, from 1, where its dialect numbers what clients say.
    pub fn number(&self, fields: &mut Fields<'_>) {
        fields.set(Field::FrameNumber, Value::Integer(self.numbered.fetch_add(1, Ordering::Relaxed) + 1));
    }

    /// A socket that is about to be opened, and what is to be written on it.
    pub fn new(upstream: Arc<str>, conversation: Option<String>) -> (Arc<Self>, mpsc::Receiver<Frame>) {
        let (outgoing, waiting) = mpsc::channel(OUTGOING);
        let status = watch::Sender::new(Status::Opening);
        let asked = Mutex::new(Instant::now());
        let link = Link {
            conversation,
            upstream,
            outgoing,
            correlator: Mutex::default(),
            status,
            asked,
            numbered: AtomicI64::new(0),
        };
        (Arc::new(link), waiting)
    }

    pub fn correlator(&self) -> MutexGuard<'_, Correlator> {
        // Each change is whole before anything could panic.
        self.correlator.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn is_over(&self) -> bool {
        matches!(*self.status.borrow(), Status::Over(_))
    }

    /// Somebody asks for it.
    pub fn ask(&self) {
        *self.asked() = Instant::now();
    }

    /// How long nobody asked for it.
    pub fn unasked(&self) -> Duration {
        self.asked().elapsed()
    }

    fn asked(&self) -> MutexGuard<'_, Instant> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says how it stands. Under the lock under which frames are queued, so that each is queued for a socket that is open
    /// or not at all.
    fn stand(&self, status: Status) {
        let _correlator = self.correlator();
        self.status.send_replace(status);
    }

    /// It is not there any more. What is queued was handed over before that: whether it arrived nobody knows, so it is not
    /// sent again.
    fn break_off(&self, outgoing: &mut mpsc::Receiver<Frame>, status: Status, fault: &Fault) {
        let mut correlator = self.correlator();
        self.status.send_replace(status);
        while outgoing.try_recv().is_ok() {}
        correlator.broken(fault);
    }

    /// Ends it if nothing is queued and nobody waits.
    pub fn retire(&self, why: Fault) -> bool {
        let correlator = self.correlator();
        let is_free = correlator.is_idle() && self.outgoing.capacity() == self.outgoing.max_capacity();
        if is_free {
            self.status.send_replace(Status::Over(why));
        }
        is_free
    }

    /// Waits until it is open, or until it is known that it is not.
    pub async fn ready(&self) -> Result<(), Fault> {
        let mut status = self.status.subscribe();
        let settled = status.wait_for(|status| *status != Status::Opening).await;
        match settled.map(|status| status.clone()) {
            Ok(Status::Open) => Ok(()),
            Ok(Status::Down(fault) | Status::Over(fault)) => Err(fault),
            Ok(Status::Opening) | Err(_) => Err(Fault::new(Reason::Upstream)),
        }
    }

    /// Queues frames that nothing confirms.
    pub fn write(&self, frames: Vec<String>) -> Result<(), Fault> {
        let correlator = self.correlator();
        self.queue(frames.len())?.zip(frames).for_each(|(place, text)| place.send(Frame::new(text)));
        drop(correlator);
        Ok(())
    }

    /// Queues the frames of a send; `expect` takes its place among what waits in the same step, so that both have one
    /// order. `on_write`: it is accepted once it is written.
    pub fn send(
        &self,
        frames: Vec<String>,
        on_write: bool,
        expect: impl FnOnce(&mut Correlator) -> Result<Option<(u64, Outcome)>, Fault>,
    ) -> Result<Option<(u64, Outcome)>, Fault> {
        let mut correlator = self.correlator();
        let room = self.queue(frames.len())?;
        let expected = expect(&mut correlator)?;
        let send = expected.as_ref().map(|(number, _)| *number);
        let last = frames.len().saturating_sub(1);
        for (at, (place, text)) in room.zip(frames).enumerate() {
            place.send(Frame { send, accepts: on_write && at == last, ..Frame::new(text) });
        }
        Ok(expected)
    }

    /// Room for frames; the correlator must be held.
    fn queue(&self, frames: usize) -> Result<impl Iterator<Item = mpsc::Permit<'_, Frame>>, Fault> {
        match &*self.status.borrow() {
            Status::Open => {}
            Status::Down(fault) | Status::Over(fault) => return Err(fault.clone().untaken()),
            Status::Opening => return Err(Fault::new(Reason::Upstream).detail("its socket is not open").untaken()),
        }
        let room = self.outgoing.try_reserve_many(frames);
        room.map_err(|_| Fault::new(Reason::Busy).detail("too much waits for the upstream"))
    }
}
