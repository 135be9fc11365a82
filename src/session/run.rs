//! The loop of one session: one task, one socket, one mailbox. It ends with a reason, and the other side is told in its
//! dialect's way.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Fuse, FusedFuture, FutureExt};
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use crate::backend::{Caller, Sent};
use crate::dialect::RefusedFrame;
use crate::event::{Conversation, Event, EventKind, Fields};
use crate::fault::{Fault, Reason};
use crate::relay::{MailboxReceiver, Parcel};
use crate::socket::{Gone, Incoming, Socket, Text};
use crate::tasks::Stay;

use super::admission::Admitted;
use super::farewell::{End, Farewell};
use super::replay::Progress;
use super::{Place, incoming, outgoing};

/// How many sends may wait for their confirmation before the socket is read again.
const PENDING: usize = 256;

/// How often it is kept how far a client has heard.
const KEEP_EVERY: Duration = Duration::from_secs(1);

/// Runs a session to its end.
pub async fn run<S: Socket>(place: Place, admitted: Admitted, mut socket: S, mut stay: Stay) -> End {
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
    let farewell = match session.converse(&mut socket, &mut mailbox, &mut stay).await {
        Ok(never) => match never {},
        Err(farewell) => farewell,
    };
    drop(connected);
    if farewell.code.is_some() {
        session.settle(&mut socket).await;
    }
    if let Some(progress) = session.progress.take() {
        // A journal that does not answer must not keep the socket.
        let _ = timeout(place.settings.write_timeout, progress.leave()).await;
    }
    if let Some(code) = farewell.code {
        // A peer that does not read must not keep the session alive.
        let _ = timeout(place.settings.write_timeout, socket.close(code, &farewell.reason)).await;
    }
    // Until here: whoever waits for it to leave waits for its last words too.
    drop(stay);
    farewell.end
}

/// One session while it runs.
pub struct Session<'a> {
    pub place: &'a Place,
    pub caller: &'a Caller,
    conversation: Option<&'a Conversation>,
    last_heard: Instant,
    /// How far the client has heard, where its route replays.
    pub progress: Option<Progress>,
    /// What it has yet to hear before anything new.
    pub missed: Vec<Parcel>,
}

impl Session<'_> {
    async fn converse<S: Socket>(
        &mut self,
        socket: &mut S,
        mailbox: &mut MailboxReceiver,
        stay: &mut Stay,
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
                    Ok(Sent::Accepted(event)) => self.answer(socket, &event).await?,
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

    /// Tells this socket alone that what it said was taken, where its dialect has a frame for that. A message is confirmed
    /// by how it comes back.
    async fn answer<S: Socket>(&self, socket: &mut S, event: &Event) -> Result<(), Farewell> {
        let Some(frame) = outgoing::answer(self.place, self.caller, event).await.map_err(|fault| {
            tracing::error!(route = %self.caller.route, %fault, "what was taken could not be answered");
            Farewell::with(End::Failed, 1011, "internal error")
        })?
        else {
            return Ok(());
        };
        self.write(socket, vec![frame]).await
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

    pub fn farewell_of(&self, reason: Reason, end: End, otherwise: u16) -> Farewell {
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

    pub async fn write<S: Socket>(&self, socket: &mut S, frames: Vec<String>) -> Result<(), Farewell> {
        if frames.is_empty() {
            return Ok(());
        }
        for frame in frames {
            self.in_time(socket.feed(frame.into())).await?;
        }
        self.in_time(socket.flush()).await
    }

    /// A reader that does not read must not hold the session for ever.
    pub async fn in_time(&self, writing: impl Future<Output = Result<(), Gone>>) -> Result<(), Farewell> {
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
