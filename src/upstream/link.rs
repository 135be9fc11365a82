//! One socket at an upstream: opened on demand, kept alive, opened again while anybody needs it. In: frames to send,
//! each with its place among what waits. Out: texts that came, handed to [`Hears`], and why it ended.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use crate::fault::{Fault, Reason};
use crate::metrics::OpenUpstreamSocket;
use crate::socket::{Gone, Incoming, Socket, Text, WebSocket};

use super::backoff::Backoff;
use super::correlator::Correlator;

/// Frames that may wait to be written.
const OUTGOING: usize = 1_024;
/// Frames that are written before the socket is read again.
const BATCH: usize = 64;
/// A socket from which nothing came for this long is pinged, and given up after three times that.
const PING_EVERY: Duration = Duration::from_secs(20);
/// A socket that nobody needs is kept this long.
const KEPT: Duration = Duration::from_secs(60);
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

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

    /// The upstream closed, with this code if it said one.
    async fn closed(&self, link: &Link, code: Option<u16>) -> End;

    /// Whether anybody needs it.
    fn is_needed(&self) -> bool;

    /// It is over: the last thing that is said.
    fn over(&self, link: &Arc<Link>);
}

/// One socket, as those who write see it.
pub struct Link {
    /// Of a socket for one conversation.
    pub conversation: Option<String>,
    upstream: Arc<str>,
    outgoing: mpsc::Sender<Text>,
    correlator: Mutex<Correlator>,
    status: watch::Sender<Status>,
}

impl Link {
    /// A socket that is about to be opened, and what is to be written on it.
    pub fn new(upstream: Arc<str>, conversation: Option<String>) -> (Arc<Self>, mpsc::Receiver<Text>) {
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

    /// Queues a frame; `expect` takes its place among what waits in the same step, so that both have one order.
    pub fn write<T>(&self, frames: Vec<String>, expect: impl FnOnce(&mut Correlator) -> T) -> Result<T, Fault> {
        let mut correlator = self.correlator();
        let room = self.outgoing.try_reserve_many(frames.len());
        let room = room.map_err(|_| Fault::new(Reason::Busy).detail("too much waits for the upstream"))?;
        let expected = expect(&mut correlator);
        for (place, frame) in room.zip(frames) {
            place.send(frame.into());
        }
        Ok(expected)
    }
}

/// Runs a socket until it is over.
pub async fn run<H: Hears>(link: Arc<Link>, mut outgoing: mpsc::Receiver<Text>, owner: H, stop: CancellationToken) {
    let mut backoff = Backoff::default();
    let last = loop {
        let opened = tokio::select! {
            opened = owner.open() => opened,
            () = stop.cancelled() => break Fault::new(Reason::GoingAway),
        };
        let fault = match opened {
            Ok(socket) => {
                backoff.reset();
                link.status.send_replace(Status::Open);
                let open = OpenUpstreamSocket::begin(&link.upstream);
                let end = converse(&link, socket, &mut outgoing, &owner, &stop).await;
                drop(open);
                match end {
                    End::Lost(fault) => fault,
                    End::Over(fault) => break fault,
                    End::Idle => break Fault::new(Reason::Upstream),
                    End::Stopped => break Fault::new(Reason::GoingAway),
                }
            }
            Err(Status::Down(fault)) => fault,
            Err(Status::Over(fault)) => break fault,
            Err(Status::Open | Status::Opening) => Fault::new(Reason::Internal),
        };
        tracing::warn!(upstream = %link.upstream, %fault, "the upstream's socket is not there");
        // What is queued was handed over before the loss: whether it arrived nobody knows, so it is not sent again.
        while outgoing.try_recv().is_ok() {}
        link.status.send_replace(Status::Down(fault.clone()));
        link.correlator().broken(&fault);
        if !owner.is_needed() {
            break fault;
        }
        tokio::select! {
            () = tokio::time::sleep(backoff.pause()) => {}
            () = stop.cancelled() => break Fault::new(Reason::GoingAway),
        }
        link.status.send_if_modified(|status| std::mem::replace(status, Status::Opening) != Status::Opening);
    };
    link.status.send_replace(Status::Over(last.clone()));
    outgoing.close();
    link.correlator().broken(&last);
    owner.over(&link);
}

async fn converse<H: Hears>(
    link: &Link,
    mut socket: WebSocket,
    outgoing: &mut mpsc::Receiver<Text>,
    owner: &H,
    stop: &CancellationToken,
) -> End {
    let mut pings = interval(PING_EVERY / 4);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut heard, mut needed) = (Instant::now(), Instant::now());
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => {
                let _ = timeout(WRITE_TIMEOUT, socket.close(1001, "going away")).await;
                return End::Stopped;
            }
            received = socket.receive() => {
                heard = Instant::now();
                match received {
                    Incoming::Text(text) => owner.hear(link, &text).await,
                    Incoming::Binary => crate::metrics::count_unreadable(&link.upstream),
                    Incoming::Alive => {}
                    Incoming::Closed(code) => return owner.closed(link, code).await,
                    Incoming::TooLarge => return give_up(socket, 1009, "it sent too large a message").await,
                    Incoming::Broken(code) => return give_up(socket, code, "it broke the protocol").await,
                }
            }
            Some(text) = outgoing.recv() => {
                needed = Instant::now();
                if timeout(WRITE_TIMEOUT, write(&mut socket, text, outgoing)).await != Ok(Ok(())) {
                    return End::Lost(Fault::new(Reason::Upstream).detail("it does not take what is written"));
                }
            }
            _ = pings.tick() => {
                if owner.is_needed() || !link.correlator().is_idle() {
                    needed = Instant::now();
                }
                if needed.elapsed() >= KEPT {
                    let _ = timeout(WRITE_TIMEOUT, socket.close(1000, "")).await;
                    return End::Idle;
                }
                if heard.elapsed() >= PING_EVERY * 3 {
                    return give_up(socket, 1001, "it does not answer pings").await;
                }
                if heard.elapsed() >= PING_EVERY && timeout(WRITE_TIMEOUT, socket.ping()).await != Ok(Ok(())) {
                    return End::Lost(Fault::new(Reason::Upstream).detail("it is gone"));
                }
            }
        }
    }
}

/// Writes what is ready in one go.
async fn write(socket: &mut WebSocket, first: Text, outgoing: &mut mpsc::Receiver<Text>) -> Result<(), Gone> {
    socket.feed(first).await?;
    for _ in 1..BATCH {
        match outgoing.try_recv() {
            Ok(text) => socket.feed(text).await?,
            Err(_) => break,
        }
    }
    socket.flush().await
}

async fn give_up(socket: WebSocket, code: u16, why: &'static str) -> End {
    let _ = timeout(WRITE_TIMEOUT, socket.close(code, why)).await;
    End::Lost(Fault::new(Reason::Upstream).detail(why))
}
