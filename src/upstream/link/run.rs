//! The life of one socket at an upstream: opened, read and written, pinged, lost, opened again. In: what is to be
//! written. Out: what came, to its owner; where it stands, to those who wait.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use crate::event::Timestamp;
use crate::fault::{Fault, Reason};
use crate::metrics::OpenUpstreamSocket;

use super::backoff::Backoff;
use super::conversing::converse;
use super::{End, Frame, Hears, Link, Outage, Status};

/// A socket that was open for this long worked.
const LASTING: Duration = Duration::from_secs(10);
/// The longest that an upstream may put us off for. Unlike a pause of our own it is not tried before.
const LONGEST_ASKED: Duration = Duration::from_secs(300);
/// How long reading what was missed may take. Nothing is read or written meanwhile, and the upstream may ask whether we
/// are there.
const CATCH_UP: Duration = Duration::from_secs(15);

/// Why a socket does not come back.
enum Last {
    /// Somebody needed it.
    Over(Fault),
    LetGo,
}

/// Runs a socket until it is over.
pub async fn run<H: Hears>(link: Arc<Link>, mut outgoing: mpsc::Receiver<Frame>, owner: H, stop: CancellationToken) {
    match keep_open(&link, &mut outgoing, &owner, &stop).await {
        Last::Over(fault) => {
            link.break_off(&mut outgoing, Status::Over(fault.clone()), &fault);
            owner.over(&link, &fault);
        }
        // It says that already, and nothing was queued.
        Last::LetGo => {}
    }
}

async fn keep_open<H: Hears>(
    link: &Arc<Link>,
    outgoing: &mut mpsc::Receiver<Frame>,
    owner: &H,
    stop: &CancellationToken,
) -> Last {
    let mut backoff = Backoff::default();
    let mut outage = None;
    loop {
        let opened = tokio::select! {
            opened = open(link, owner, &mut outage) => opened,
            () = stop.cancelled() => return stopped(),
        };
        let fault = match opened {
            Ok((socket, kept)) => {
                let (began, since) = (Instant::now(), Timestamp::now());
                let open = OpenUpstreamSocket::begin(&link.upstream);
                let end = converse(link, socket, outgoing, owner, stop).await;
                drop((open, kept));
                // What was missed before and could not be told is still to be told.
                outage.get_or_insert(Outage { heard: middle(since, Timestamp::now()) });
                // One that opens and closes in turn is no better than one that does not open.
                if began.elapsed() >= LASTING {
                    backoff.reset();
                }
                match end {
                    End::Lost(fault) => fault,
                    End::Over(fault) => return Last::Over(fault),
                    End::Idle => return Last::LetGo,
                    End::Stopped => return stopped(),
                }
            }
            Err(Status::Down(fault)) => fault,
            Err(Status::Over(fault)) => return Last::Over(fault),
            Err(Status::Open | Status::Opening) => Fault::new(Reason::Internal),
        };
        tracing::warn!(upstream = %link.upstream, %fault, "the upstream's socket is not there");
        link.break_off(outgoing, Status::Down(fault.clone()), &fault);
        if owner.let_go(link, Duration::ZERO, &fault) {
            return Last::LetGo;
        }
        let asked = fault.retry_after.unwrap_or_default().min(LONGEST_ASKED);
        tokio::select! {
            () = tokio::time::sleep(backoff.pause().max(asked)) => {}
            () = stop.cancelled() => return stopped(),
        }
        link.stand(Status::Opening);
    }
}

/// Opens it; what was missed is told before anything that is said from now on.
async fn open<H: Hears>(
    link: &Arc<Link>,
    owner: &H,
    outage: &mut Option<Outage>,
) -> Result<(H::Socket, H::Kept), Status> {
    let opened = owner.open().await?;
    if let Some(missed) = *outage
        && timeout(CATCH_UP, owner.catch_up(link, missed)).await == Ok(true)
    {
        *outage = None;
    }
    if outage.is_none() {
        // Nothing that was sent before comes back any more. Until all is read it may yet be found in a history.
        link.correlator().reset();
    }
    link.stand(Status::Open);
    Ok(opened)
}

fn stopped() -> Last {
    Last::Over(Fault::new(Reason::GoingAway))
}

fn middle(from: Timestamp, to: Timestamp) -> Timestamp {
    Timestamp::from_micros(from.micros() + (to.micros() - from.micros()) / 2)
}
