//! The loop of one session: one task, one socket, one mailbox. It ends with a reason, and the other side is told in its
//! dialect's way.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Fuse, FusedFuture, FutureExt};
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use crate::backend::Sent;
use crate::dialect::{RefusedFrame, Scope};
use crate::event::{Event, EventKind, Fields};
use crate::fault::{Fault, Reason};
use crate::relay::{MailboxEnd, MailboxReceiver, Parcel};
use crate::tasks::Stay;

use super::admission::Admitted;
use super::replay::Progress;
use super::{Place, incoming, outgoing};
use crate::socket::{Gone, Incoming, Socket, Text};

/// How many events are written before the socket is read again.
const BATCH: usize = 64;
/// How many sends may wait for their confirmation before the socket is read again.
const PENDING: usize = 256;

/// How often it is kept how far a client has heard.
const KEEP_EVERY: Duration = Duration::from_secs(1);

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The client went.
    Closed,
    /// The client broke the protocol or the limits.
    Refused(Reason),
    /// The conversation is over.
    Ended,
    /// The client did not read.
    Overflowed,
    /// Nothing came for too long, or writing took too long.
    Dead,
    /// The gateway stops.
    Stopped,
    /// The gateway failed.
    Failed,
}

impl End {
    /// The spelling of metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            End::Closed => "closed",
            End::Refused(reason) => reason.as_str(),
            End::Ended => "ended",
            End::Overflowed => "overflowed",
            End::Dead => "dead",
            End::Stopped => "stopped",
            End::Failed => "failed",
        }
    }
}

/// The closing words: why, and with which code; no code when the connection is gone already.
struct Farewell {
    end: End,
    code: Option<u16>,
    reason: String,
}

impl Farewell {
    fn silent(end: End) -> Self {
        Farewell { end, code: None, reason: String::new() }
    }

    fn with(end: End, code: u16, reason: impl Into<String>) -> Self {
        Farewell { end, code: Some(code), reason: reason.into() }
    }
}

impl From<Gone> for Farewell {
    fn from(_: Gone) -> Self {
        Farewell::silent(End::Dead)
    }
}

/// Runs a session to its end.
pub async fn run<S: Socket>(place: Place, admitted: Admitted, mut socket: S, stay: Stay) -> End {
    let Admitted { caller, conversation, mut connected, mut mailbox } = admitted;
    let (progress, missed) = connected.replay.take().map(Progress::begin).unzip();
    let mut session = Session {
        place: &place,
        caller: &caller,
        conversation: conversation.as_ref(),
        last_heard: Instant::now(),
        progress,
        missed: missed.unwrap_or_default(),
    };
    let farewell = match session.converse(&mut socket, &mut mailbox, stay).await {
        Ok(never) => match never {},
        Err(farewell) => farewell,
    };
    drop(connected);
    if let Some(progress) = session.progress.take() {
        // A journal that does not answer must not keep the socket.
        let _ = timeout(place.settings.write_timeout, progress.leave()).await;
    }
    if let Some(code) = farewell.code {
        // A peer that does not read must not keep the session alive.
        let _ = timeout(place.settings.write_timeout, socket.close(code, &farewell.reason)).await;
    }
    farewell.end
}

struct Session<'a> {
    place: &'a Place,
    caller: &'a crate::backend::Caller,
    conversation: Option<&'a crate::event::Conversation>,
    last_heard: Instant,
    /// How far the client has heard, where its route replays.
    progress: Option<Progress>,
    /// What it has yet to hear before anything new.
    missed: Vec<Parcel>,
}

impl Session<'_> {
    async fn converse<S: Socket>(
        &mut self,
        socket: &mut S,
        mailbox: &mut MailboxReceiver,
        stay: Stay,
    ) -> Result<std::convert::Infallible, Farewell> {
        self.greet(socket).await?;
        self.catch_up(socket).await?;
        // One frame at a time is handed over, in order; what comes meanwhile waits in the connection. Confirmations that
        // the backend gives later are waited for beside, and deliveries go on all the while.
        let mut over = pin!(stay.over());
        let mut handing = pin!(Fuse::terminated());
        let mut pending = FuturesUnordered::new();
        let mut keeps = interval(KEEP_EVERY);
        keeps.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut pings = interval(self.place.settings.ping_every);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        pings.tick().await;
        loop {
            tokio::select! {
                biased;
                () = &mut over => return Err(self.farewell_of(Reason::GoingAway, End::Stopped, 1012)),
                received = mailbox.recv() => self.deliver(socket, mailbox, received).await?,
                handed = &mut handing => match handed {
                    Ok(Sent::Accepted(_)) => {}
                    Ok(Sent::Pending(confirmation)) => pending.push(confirmation),
                    Err(fault) => self.refuse(socket, &fault).await?,
                },
                Some(outcome) = pending.next(), if !pending.is_empty() => if let Err(fault) = outcome {
                    self.refuse(socket, &fault).await?;
                },
                received = socket.receive(), if handing.is_terminated() && pending.len() < PENDING => {
                    if let Some(text) = self.accept(socket, received).await? {
                        let (place, caller, bound) = (self.place, self.caller, self.conversation);
                        handing.set(async move { incoming::take(place, caller, bound, &text).await }.fuse());
                    }
                }
                _ = pings.tick() => self.keep_alive(socket).await?,
                _ = keeps.tick(), if self.progress.is_some() => self.progress.iter_mut().for_each(Progress::keep),
            }
        }
    }

    /// The frame that some dialects open with.
    async fn greet<S: Socket>(&self, socket: &mut S) -> Result<(), Farewell> {
        let event = self.conversation.map(|conversation| {
            let mut event = Event::new(EventKind::SessionStarted);
            event.details.conversation = conversation.clone();
            event
        });
        let fields = match &event {
            Some(event) => {
                self.place.naming.outward(&self.place.dialect, &self.caller.principal, event).await.unwrap_or_default()
            }
            None => None,
        };
        match self.place.contract().server.greeting(&fields.unwrap_or_else(|| Fields::about(EventKind::SessionStarted)))
        {
            Some(frame) => self.write(socket, vec![frame]).await,
            None => Ok(()),
        }
    }

    /// Writes what is in the mailbox, up to a batch, in one go.
    async fn deliver<S: Socket>(
        &mut self,
        socket: &mut S,
        mailbox: &mut MailboxReceiver,
        received: Result<crate::relay::Parcel, MailboxEnd>,
    ) -> Result<(), Farewell> {
        let mut next = Some(received);
        let mut frames = Vec::new();
        let mut ended = None;
        for _ in 0..BATCH {
            let parcel = match next.take() {
                Some(Ok(parcel)) => parcel,
                Some(Err(end)) => {
                    ended = Some(self.mailbox_farewell(end));
                    break;
                }
                None => break,
            };
            let is_new = self.progress.as_mut().is_none_or(|progress| progress.take(&parcel));
            match self.told(&parcel, is_new).await {
                Ok(written) => frames.extend(written),
                Err(farewell) => {
                    ended = Some(farewell);
                    break;
                }
            }
            if parcel.event.kind == EventKind::SessionEnded && self.place.contract().scope == Scope::Conversation {
                ended = Some(self.farewell_of(Reason::Ended, End::Ended, 1000));
                break;
            }
            next = mailbox.try_recv();
        }
        self.write(socket, frames).await?;
        ended.map_or(Ok(()), Err)?;
        self.ask(socket).await
    }

    /// Writes what the client missed, before anything new.
    async fn catch_up<S: Socket>(&mut self, socket: &mut S) -> Result<(), Farewell> {
        for some in std::mem::take(&mut self.missed).chunks(BATCH) {
            let mut frames = Vec::new();
            for parcel in some {
                frames.extend(self.told(parcel, true).await?);
            }
            self.write(socket, frames).await?;
        }
        self.ask(socket).await
    }

    /// The frames of a parcel; none of one that the client has already.
    async fn told(&self, parcel: &Parcel, is_new: bool) -> Result<Vec<String>, Farewell> {
        if !is_new {
            return Ok(Vec::new());
        }
        outgoing::frames(self.place, self.caller, &parcel.event).await.map_err(|fault| {
            tracing::error!(route = %self.caller.route, %fault, "an event could not be brought to its reader");
            Farewell::with(End::Failed, 1011, "internal error")
        })
    }

    /// Asks whether what was written has been read, where that is to be known.
    async fn ask<S: Socket>(&mut self, socket: &mut S) -> Result<(), Farewell> {
        match self.progress.as_mut().and_then(Progress::ask) {
            Some(number) => self.in_time(socket.ping(number)).await,
            None => Ok(()),
        }
    }

    fn mailbox_farewell(&self, end: MailboxEnd) -> Farewell {
        match end {
            MailboxEnd::Overflowed => {
                Farewell::with(End::Overflowed, self.place.contract().overflow, "reader too slow; reconnect")
            }
            MailboxEnd::Closed => Farewell::with(End::Stopped, 1012, "restarting"),
            MailboxEnd::Dismissed(why) => {
                // Who is refused for good must not come back at once.
                let code = if why.retry_helps() { 1012 } else { 1008 };
                self.farewell_of(why, End::Refused(why), code)
            }
        }
    }

    /// What the client sent: a text to be handed over, or what ends or refuses it here.
    async fn accept<S: Socket>(&mut self, socket: &mut S, received: Incoming) -> Result<Option<Text>, Farewell> {
        self.last_heard = Instant::now();
        let fault = match received {
            Incoming::Text(text) => return Ok(Some(text)),
            Incoming::Alive => return Ok(None),
            Incoming::Pong(number) => {
                if let Some(progress) = &mut self.progress {
                    progress.answered(number);
                }
                self.ask(socket).await?;
                return Ok(None);
            }
            Incoming::Binary => Fault::new(Reason::Binary),
            Incoming::TooLarge => {
                return Err(Farewell::with(End::Refused(Reason::TooLarge), 1009, "message too large"));
            }
            Incoming::Broken(code) => {
                return Err(Farewell::with(End::Refused(Reason::Malformed), code, "protocol error"));
            }
            Incoming::Closed(_) => return Err(Farewell::silent(End::Closed)),
        };
        self.refuse(socket, &fault).await.map(|()| None)
    }

    async fn refuse<S: Socket>(&self, socket: &mut S, fault: &Fault) -> Result<(), Farewell> {
        tracing::debug!(route = %self.caller.route, %fault, "frame refused");
        crate::metrics::count_refused(&self.caller.route, fault.reason.as_str());
        let RefusedFrame { frame, close, text, .. } = self.place.dialect.refuse_frame(self.place.contract(), fault);
        self.write(socket, frame.into_iter().collect()).await?;
        match close {
            Some(code) => Err(Farewell::with(End::Refused(fault.reason), code, text)),
            None => Ok(()),
        }
    }

    fn farewell_of(&self, reason: Reason, end: End, otherwise: u16) -> Farewell {
        let refused = self.place.dialect.refuse_frame(self.place.contract(), &Fault::new(reason));
        Farewell::with(end, refused.close.unwrap_or(otherwise), refused.text)
    }

    async fn keep_alive<S: Socket>(&self, socket: &mut S) -> Result<(), Farewell> {
        let silent_for = self.last_heard.elapsed();
        if silent_for >= self.place.settings.dead_after {
            return Err(Farewell::with(End::Dead, 1001, "no answer to pings"));
        }
        if silent_for >= self.place.settings.ping_every {
            self.in_time(socket.ping(0)).await?;
        }
        Ok(())
    }

    async fn write<S: Socket>(&self, socket: &mut S, frames: Vec<String>) -> Result<(), Farewell> {
        if frames.is_empty() {
            return Ok(());
        }
        for frame in frames {
            self.in_time(socket.feed(frame.into())).await?;
        }
        self.in_time(socket.flush()).await
    }

    /// A reader that does not read must not hold the session for ever.
    async fn in_time(&self, writing: impl Future<Output = Result<(), Gone>>) -> Result<(), Farewell> {
        let limit: Duration = self.place.settings.write_timeout;
        match timeout(limit, writing).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(gone)) => Err(gone.into()),
            Err(_) => {
                Err(Farewell::with(End::Overflowed, self.place.contract().overflow, "reader too slow; reconnect"))
            }
        }
    }
}
