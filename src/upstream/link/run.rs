//! The life of one socket at an upstream: opened, read and written, pinged, lost, opened again. In: what is to be
//! written. Out: what came, to its owner; where it stands, to those who wait.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use crate::fault::{Fault, Reason};
use crate::metrics::OpenUpstreamSocket;
use crate::socket::{Gone, Incoming, Socket, WebSocket};

use super::backoff::Backoff;
use super::{End, Frame, Hears, Link, Status};

/// Frames that are written before the socket is read again.
const BATCH: usize = 64;
/// A socket from which nothing came for this long is pinged, and given up after three times that.
const PING_EVERY: Duration = Duration::from_secs(20);
/// A socket that nobody needs is kept this long.
const KEPT: Duration = Duration::from_secs(60);
/// A socket that was open for this long worked.
const LASTING: Duration = Duration::from_secs(10);
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// Runs a socket until it is over.
pub async fn run<H: Hears>(link: Arc<Link>, mut outgoing: mpsc::Receiver<Frame>, owner: H, stop: CancellationToken) {
    let mut backoff = Backoff::default();
    let last = loop {
        let opened = tokio::select! {
            opened = owner.open() => opened,
            () = stop.cancelled() => break Fault::new(Reason::GoingAway),
        };
        let fault = match opened {
            Ok(socket) => {
                let began = Instant::now();
                link.status.send_replace(Status::Open);
                let open = OpenUpstreamSocket::begin(&link.upstream);
                let end = converse(&link, socket, &mut outgoing, &owner, &stop).await;
                drop(open);
                // One that opens and closes in turn is no better than one that does not open.
                if began.elapsed() >= LASTING {
                    backoff.reset();
                }
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
        link.status.send_replace(Status::Down(fault.clone()));
        {
            let mut correlator = link.correlator();
            while outgoing.try_recv().is_ok() {}
            correlator.broken(&fault);
        }
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
    owner.over(&link, &last);
}

async fn converse<H: Hears>(
    link: &Link,
    mut socket: WebSocket,
    outgoing: &mut mpsc::Receiver<Frame>,
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
                    Incoming::Closed(code) => return owner.closed(code).await,
                    Incoming::TooLarge => return give_up(socket, 1009, "it sent too large a message").await,
                    Incoming::Broken(code) => return give_up(socket, code, "it broke the protocol").await,
                }
            }
            Some(frame) = outgoing.recv() => {
                needed = Instant::now();
                match timeout(WRITE_TIMEOUT, write(link, &mut socket, frame, outgoing)).await {
                    Ok(Ok(accepted)) => {
                        for send in accepted {
                            owner.wrote(link, send).await;
                        }
                    }
                    Ok(Err(Gone)) | Err(_) => {
                        return End::Lost(Fault::new(Reason::Upstream).detail("it does not take what is written"));
                    }
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

/// Writes what is ready in one go; says which sends are accepted by that.
async fn write(
    link: &Link,
    socket: &mut WebSocket,
    first: Frame,
    outgoing: &mut mpsc::Receiver<Frame>,
) -> Result<Vec<u64>, Gone> {
    let mut accepted = Vec::new();
    let mut next = Some(first);
    for _ in 0..BATCH {
        let Some(frame) = next.take().or_else(|| outgoing.try_recv().ok()) else { break };
        if frame.send.is_some_and(|send| link.correlator().is_void(send)) {
            continue;
        }
        accepted.extend(frame.send.filter(|_| frame.accepts));
        socket.feed(frame.text).await?;
    }
    socket.flush().await?;
    Ok(accepted)
}

async fn give_up(socket: WebSocket, code: u16, why: &'static str) -> End {
    let _ = timeout(WRITE_TIMEOUT, socket.close(code, why)).await;
    End::Lost(Fault::new(Reason::Upstream).detail(why))
}
