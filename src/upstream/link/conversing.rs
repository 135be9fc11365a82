//! A socket while it is open. In: frames to write, texts that come. Out: why it ended. Writing does not wait for what a
//! text that came sets off, and neither starves the other.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Fuse, FusedFuture, FutureExt};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use crate::fault::{Fault, Reason};
use crate::socket::{Gone, Incoming, Socket};

use super::{End, Frame, Hears, Link};

/// Frames that are written before the socket is read again.
const BATCH: usize = 64;
/// A socket from which nothing came for this long is pinged, and given up after three times that.
const PING_EVERY: Duration = Duration::from_secs(20);
/// A socket that nobody needs is kept this long.
const KEPT: Duration = Duration::from_secs(60);
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long is read what the upstream had to say before it stopped taking what is written.
const LAST_WORDS: Duration = Duration::from_secs(1);

pub(super) async fn converse<H: Hears>(
    link: &Arc<Link>,
    mut socket: H::Socket,
    outgoing: &mut mpsc::Receiver<Frame>,
    owner: &H,
    stop: &CancellationToken,
) -> End {
    let stalled_after = owner.stalled_after();
    let mut pings = interval((PING_EVERY / 4).min(stalled_after / 4));
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut heard = Instant::now();
    // One text after the other; what comes meanwhile waits in the connection.
    let mut hearing = pin!(Fuse::terminated());
    let end = loop {
        // In no fixed order: a side that always has something must not keep the other from its turn.
        tokio::select! {
            () = stop.cancelled() => break End::Stopped,
            () = &mut hearing => heard = Instant::now(),
            received = socket.receive(), if hearing.is_terminated() => {
                heard = Instant::now();
                match received {
                    Incoming::Text(text) => hearing.set(async move { owner.hear(link, &text).await }.fuse()),
                    Incoming::Binary => crate::metrics::count_unreadable(&link.upstream),
                    Incoming::Alive | Incoming::Pong(_) => {}
                    Incoming::Closed(code) => return owner.closed(code).await,
                    Incoming::TooLarge => return give_up(socket, 1009, "it sent too large a message").await,
                    Incoming::Broken(code) => return give_up(socket, code, "it broke the protocol").await,
                }
            }
            Some(frame) = outgoing.recv() => {
                link.ask();
                match timeout(WRITE_TIMEOUT, write(link, &mut socket, frame, outgoing)).await {
                    Ok(Ok(accepted)) => for send in accepted {
                        owner.wrote(link, send).await;
                    },
                    Ok(Err(Gone)) | Err(_) => break lost("it does not take what is written"),
                }
            }
            _ = pings.tick() => {
                if owner.is_needed() || !link.correlator().is_idle() {
                    link.ask();
                }
                if hearing.is_terminated() && owner.let_go(link, KEPT, &unneeded()) {
                    break End::Idle;
                }
                if link.correlator().silent_for() >= stalled_after {
                    // It answers pings, perhaps: what it is there for it does not do.
                    crate::metrics::count_stall(&link.upstream);
                    return give_up(socket, 1001, "it takes messages and confirms none").await;
                }
                let silent = if hearing.is_terminated() { heard.elapsed() } else { Duration::ZERO };
                if silent >= PING_EVERY * 3 {
                    return give_up(socket, 1001, "it does not answer pings").await;
                }
                if silent >= PING_EVERY && timeout(WRITE_TIMEOUT, socket.ping(0)).await != Ok(Ok(())) {
                    break lost("it is gone");
                }
            }
        }
    };
    match end {
        End::Lost(fault) => {
            // What it said before is heard: it may be why it is gone.
            if !hearing.is_terminated() {
                hearing.await;
            }
            last_words(link, socket, owner).await.unwrap_or(End::Lost(fault))
        }
        End::Idle => {
            let _ = timeout(WRITE_TIMEOUT, socket.close(1000, "")).await;
            End::Idle
        }
        End::Stopped | End::Over(_) => {
            let _ = timeout(WRITE_TIMEOUT, socket.close(1001, "going away")).await;
            end
        }
    }
}

/// Writes what is ready in one go; says which sends are accepted by that.
async fn write<S: Socket>(
    link: &Link,
    socket: &mut S,
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

/// Reads on until the close. `None` when it does not come.
async fn last_words<H: Hears>(link: &Arc<Link>, mut socket: H::Socket, owner: &H) -> Option<End> {
    let until = Instant::now() + LAST_WORDS;
    loop {
        match tokio::time::timeout_at(until, socket.receive()).await.ok()? {
            Incoming::Text(text) => owner.hear(link, &text).await,
            Incoming::Binary | Incoming::Alive | Incoming::Pong(_) => {}
            Incoming::Closed(code) => return Some(owner.closed(code).await),
            Incoming::TooLarge | Incoming::Broken(_) => return None,
        }
    }
}

async fn give_up<S: Socket>(socket: S, code: u16, why: &'static str) -> End {
    let _ = timeout(WRITE_TIMEOUT, socket.close(code, why)).await;
    lost(why)
}

/// Whoever held on to it all the same asks for another.
fn unneeded() -> Fault {
    Fault::new(Reason::Upstream).detail("its socket was not needed")
}

fn lost(why: &'static str) -> End {
    End::Lost(Fault::new(Reason::Upstream).detail(why))
}
