//! One socket at an upstream: opened on demand, kept alive, opened again while anybody needs it. In: frames to send,
//! each with its place among what waits. Out: texts that came, handed to [`Hears`], and why it ended.

mod backoff;
mod run;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tokio::sync::{mpsc, watch};

use crate::fault::{Fault, Reason};
use crate::socket::{Text, WebSocket};

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
    /// Nobody needs it.
    Idle,
    Stopped,
}

/// Whoever owns a socket.
#[async_trait]
pub trait Hears: Send + Sync + 'static {
    /// Opens it once. An error says whether another attempt may help: `Down` or `Over`.
    async fn open(&self) -> Result<WebSocket, Status>;

    /// A text came.
    async fn hear(&self, link: &Link, text: &str);

    /// A send was written that is accepted by that, as nothing will confirm it.
    async fn wrote(&self, link: &Link, send: u64);

    /// The upstream closed, with this code if it said one.
    async fn closed(&self, code: Option<u16>) -> End;

    /// Whether anybody needs it.
    fn is_needed(&self) -> bool;

    /// It is over: the last thing that is said.
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
}

impl Link {
    /// A socket that is about to be opened, and what is to be written on it.
    pub fn new(upstream: Arc<str>, conversation: Option<String>) -> (Arc<Self>, mpsc::Receiver<Frame>) {
        let (outgoing, waiting) = mpsc::channel(OUTGOING);
        let status = watch::Sender::new(Status::Opening);
        let link = Link { conversation, upstream, outgoing, correlator: Mutex::default(), status };
        (Arc::new(link), waiting)
    }

    pub fn correlator(&self) -> MutexGuard<'_, Correlator> {
        // Each change is whole before anything could panic.
        self.correlator.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn is_over(&self) -> bool {
        matches!(*self.status.borrow(), Status::Over(_))
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

    fn queue(&self, frames: usize) -> Result<impl Iterator<Item = mpsc::Permit<'_, Frame>>, Fault> {
        let room = self.outgoing.try_reserve_many(frames);
        room.map_err(|_| Fault::new(Reason::Busy).detail("too much waits for the upstream"))
    }
}
