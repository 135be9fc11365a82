//! The loop of one session: one task, one socket, one mailbox. It ends with a reason, and the other side is told in its
//! dialect's way.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Fuse, FusedFuture, FutureExt};
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use crate::auth::Standing;
use crate::backend::{Caller, Sent};
use crate::dialect::RefusedFrame;
use crate::event::{Conversation, Event, EventKind, Field, Fields, Value};
use crate::fault::{Fault, Reason};
use crate::metrics::Deliveries;
use crate::relay::{MailboxReceiver, Parcel};
use crate::socket::{Gone, Incoming, Socket, Text};
use crate::tasks::Stay;
use crate::trace::Span;

use super::Place;
use super::admission::Admitted;
use super::farewell::{End, Farewell};
use super::incoming::{self, Refused, Taken};
use super::outgoing;
use super::replay::Progress;

/// How many sends may wait for their confirmation before the socket is read again.
const PENDING: usize = 256;

/// How often it is kept how far a client has heard.
const KEEP_EVERY: Duration = Duration::from_secs(1);

/// Runs a session to its end.
pub async fn run<S: Socket>(place: Place, admitted: Admitted, mut socket: S, mut stay: Stay) -> End {
    let Admitted { caller, standing, conversation, mut connected, mut mailbox } = admitted;
    let (progress, missed) = connected.replay.take().map(Progress::begin).unzip();
    let mut session = Session {
        place: &place,
        caller: &caller,
        conversation: conversation.as_ref(),
        last_heard: Instant::now(),
        written: 0,
        deliveries: Deliveries::new(&place.route, &place.dialect.name),
        progress,
        missed: missed.unwrap_or_default(),
        spans: Vec::new(),
    };
    let farewell = match session.converse(&mut socket, &mut mailbox, &mut stay, &standing).await {
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
    /// How many frames the client was written, where its dialect numbers them.
    written: i64,
    pub deliveries: Deliveries,
    /// How far the client has heard, where its route replays.
    pub progress: Option<Progress>,
    /// What it has yet to hear before anything new.
    pub missed: Vec<Parcel>,
    /// Of messages that are being written to it.
    pub spans: Vec<Span>,
}

impl Session<'_> {
    async fn converse<S: Socket>(
        &mut self,
        socket: &mut S,
        mailbox: &mut MailboxReceiver,
        stay: &mut Stay,
        standing: &Standing,
    ) -> Result<std::convert::Infallible, Farewell> {
        self.greet(socket).await?;
        self.catch_up(socket).await?;
        // One frame at a time is handed over, in order; what comes meanwhile waits in the connection. Confirmations that
        // the backend gives later are waited for beside, and deliveries go on all the while.
        let mut over = pin!(stay.over());
        let mut revoked = pin!(standing.lost());
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
                () = &mut revoked => return Err(self.revoked(socket).await?),
                received = mailbox.recv() => self.deliver(socket, mailbox, received).await?,
                handed = &mut handing => match handed {
                    Ok(Taken { sent: Sent::Accepted(event), came, number, span }) => {
                        drop(span);
                        self.confirmed(came);
                        self.answer(socket, &event, number).await?;
                    }
                    Ok(Taken { sent: Sent::Pending(confirmation), came, number, span }) => {
                        pending.push(async move {
                            let outcome = confirmation.await.inspect_err(|fault| span.fail(fault.reason.as_str()));
                            (outcome, came, number)
                        });
                    }
                    Err(Refused { fault, number }) => self.refuse(socket, &fault, number).await?,
                },
                Some((outcome, came, number)) = pending.next(), if !pending.is_empty() => match outcome {
                    Ok(_) => self.confirmed(came),
                    Err(fault) => self.refuse(socket, &fault, number).await?,
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

    /// What came then is confirmed, if it is a message.
    fn confirmed(&self, came: Option<std::time::Instant>) {
        if let Some(came) = came {
            self.place.counts.sends.confirm(came);
        }
    }

    /// The frame that some dialects open with.
    async fn greet<S: Socket>(&mut self, socket: &mut S) -> Result<(), Farewell> {
        let place = self.place;
        if !place.contract().server.greets() {
            return Ok(());
        }
        let mut fields = self.opening().await.unwrap_or_else(|fault| {
            tracing::warn!(route = %self.caller.route, %fault, "a greeting lacks what it should say");
            Fields::about(EventKind::SessionStarted)
        });
        if let Some(next) = self.next_number() {
            fields.set(Field::FrameNumber, Value::Integer(next));
        }
        let frames: Vec<String> = place.contract().server.greeting(&fields).into_iter().collect();
        self.count(&frames);
        self.write(socket, frames).await
    }

    /// What a greeting may say: the conversation of a socket that is confined to one, else who connected.
    async fn opening(&self) -> Result<Fields<'static>, Fault> {
        let (dialect, naming) = (&self.place.dialect, &self.place.naming);
        let mut event = Event::new(EventKind::SessionStarted);
        if let Some(conversation) = self.conversation {
            event.details.conversation = conversation.clone();
            let seen = naming.outward(dialect, &self.caller.principal, &event).await?;
            return Ok(seen.unwrap_or_else(|| Fields::about(EventKind::SessionStarted)));
        }
        event.details.receiver.id = self.caller.principal.id.to_string();
        let mut fields = event.fields().into_owned();
        naming.rename(dialect, &mut fields).await?;
        Ok(fields)
    }

    /// The number of the next frame of this socket, where the dialect numbers its frames.
    pub fn next_number(&self) -> Option<i64> {
        self.place.contract().server.is_numbered.then_some(self.written)
    }

    /// These will be written.
    pub fn count(&mut self, frames: &[String]) {
        self.written += i64::try_from(frames.len()).unwrap_or(0);
    }

    /// What the client sent: a text to be handed over, or what ends or refuses it here.
    async fn accept<S: Socket>(&mut self, socket: &mut S, received: Incoming) -> Result<Option<Text>, Farewell> {
        self.last_heard = Instant::now();
        let fault = match received {
            Incoming::Text(text) => {
                self.place.counts.frames.came(1);
                return Ok(Some(text));
            }
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
        self.refuse(socket, &fault, None).await.map(|()| None)
    }

    /// Tells this socket alone that what it said was taken, where its dialect has a frame for that. A message is confirmed
    /// by how it comes back.
    async fn answer<S: Socket>(&self, socket: &mut S, event: &Event, number: Option<i64>) -> Result<(), Farewell> {
        let answer = outgoing::answer(self.place, self.caller, event, number).await.map_err(|fault| {
            tracing::error!(route = %self.caller.route, %fault, "what was taken could not be answered");
            Farewell::with(End::Failed, 1011, "internal error")
        })?;
        self.write(socket, answer.into_iter().collect()).await
    }

    async fn refuse<S: Socket>(&self, socket: &mut S, fault: &Fault, number: Option<i64>) -> Result<(), Farewell> {
        tracing::debug!(route = %self.caller.route, %fault, "frame refused");
        crate::metrics::count_refused(&self.caller.route, fault.reason.as_str());
        let contract = self.place.contract();
        let RefusedFrame { frame, close, text, .. } = self.place.dialect.refuse_numbered(contract, fault, number);
        self.write(socket, frame.into_iter().collect()).await?;
        match close {
            Some(code) => Err(Farewell::with(End::Refused(fault.reason), code, text)),
            None => Ok(()),
        }
    }

    /// The credential is not good any more: what its dialect says to one that never was, and then closes.
    async fn revoked<S: Socket>(&self, socket: &mut S) -> Result<Farewell, Farewell> {
        let refused = self.place.dialect.refuse_frame(self.place.contract(), &Fault::new(Reason::Unauthorized));
        self.write(socket, refused.frame.into_iter().collect()).await?;
        Ok(Farewell::with(End::Revoked, refused.close.unwrap_or(1008), refused.text))
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
        let count = frames.len();
        for frame in frames {
            self.in_time(socket.feed(frame.into())).await?;
        }
        self.in_time(socket.flush()).await?;
        self.place.counts.frames.went(count);
        Ok(())
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
