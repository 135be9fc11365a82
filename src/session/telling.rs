//! What a session tells its client. In: parcels of its mailbox, and what the client missed. Out: frames written, and where
//! it is to be known, whether they were read.

use std::time::{Duration, SystemTime};

use tokio::time::timeout;

use crate::dialect::Scope;
use crate::event::{Event, EventKind};
use crate::fault::Reason;
use crate::relay::{MailboxEnd, MailboxReceiver, Parcel};
use crate::socket::{Incoming, Socket};
use crate::trace::{self, Span};

use super::farewell::{End, Farewell};
use super::outgoing::{self, Told};
use super::replay::Progress;
use super::run::Session;

/// How many events are written before the socket is read again.
const BATCH: usize = 64;
/// How long a client that is about to be closed may take to answer the last ping.
const SETTLE: Duration = Duration::from_millis(250);

impl Session<'_> {
    /// Writes what is in the mailbox, up to a batch, in one go.
    pub async fn deliver<S: Socket>(
        &mut self,
        socket: &mut S,
        mailbox: &mut MailboxReceiver,
        received: Result<Parcel, MailboxEnd>,
    ) -> Result<(), Farewell> {
        let (parcels, end) = batch(mailbox, received);
        let mut frames = Vec::new();
        let mut ended = end.map(|end| self.mailbox_farewell(end));
        for parcel in parcels {
            if self.progress.as_mut().is_none_or(|progress| progress.take(&parcel)) {
                match self.told(&parcel, accepted(&parcel)).await {
                    Ok(written) => frames.extend(written),
                    Err(farewell) => {
                        ended = Some(farewell);
                        break;
                    }
                }
            }
            if parcel.event.kind == EventKind::SessionEnded && self.place.contract().scope == Scope::Conversation {
                ended = Some(self.farewell_of(Reason::Ended, End::Ended, 1000));
                break;
            }
        }
        self.write(socket, frames).await?;
        self.spans.clear();
        self.deliveries.flush();
        ended.map_or(Ok(()), Err)?;
        self.ask(socket).await
    }

    /// Writes what the client missed, before anything new.
    pub async fn catch_up<S: Socket>(&mut self, socket: &mut S) -> Result<(), Farewell> {
        for some in std::mem::take(&mut self.missed).chunks(BATCH) {
            let mut frames = Vec::new();
            for parcel in some {
                frames.extend(self.told(parcel, None).await?);
            }
            self.write(socket, frames).await?;
            self.deliveries.flush();
        }
        self.ask(socket).await
    }

    /// The frames of a parcel. `accepted`: when it was, where the time it took counts.
    async fn told(&mut self, parcel: &Parcel, accepted: Option<i64>) -> Result<Vec<String>, Farewell> {
        let trace = parcel.event.details.origin.trace.as_deref().filter(|_| accepted.is_some());
        let trace = trace.map(|trace| (SystemTime::now(), trace));
        let next = self.next_number();
        let told = outgoing::frames(self.place, self.caller, &parcel.event, next, &mut self.deliveries).await;
        let Told { frames, is_news } = told.map_err(|fault| {
            tracing::error!(route = %self.caller.route, %fault, "an event could not be brought to its reader");
            Farewell::with(End::Failed, 1011, "internal error")
        })?;
        if is_news {
            let from = parcel.event.details.origin.dialect.as_deref().unwrap_or_default();
            self.deliveries.write(from, accepted);
            if let Some((began, trace)) = trace {
                self.spans.extend(self.span_of(began, trace, &parcel.event));
            }
        }
        self.count(&frames);
        Ok(frames)
    }

    /// The telling of a message whose trace is recorded; it ends when it is written.
    fn span_of(&self, began: SystemTime, trace: &str, event: &Event) -> Option<Span> {
        let span = Span::since(began, trace, || format!("send {}", self.place.route))?;
        let details = &event.details;
        trace::about_messaging(&span, "send", &self.place.route, &details.conversation.id);
        span.say("messaging.message.id", &details.id);
        Some(span)
    }

    /// Asks whether what was written has been read, where that is to be known.
    pub async fn ask<S: Socket>(&mut self, socket: &mut S) -> Result<(), Farewell> {
        match self.progress.as_mut().and_then(Progress::ask) {
            Some(number) => self.in_time(socket.ping(number)).await,
            None => Ok(()),
        }
    }

    /// Waits a moment for the answer to the last ping, so that what was heard is not told again.
    pub async fn settle<S: Socket>(&mut self, socket: &mut S) {
        let Some(progress) = &mut self.progress else { return };
        let answered = async {
            while progress.is_asking() {
                match socket.receive().await {
                    Incoming::Pong(number) => progress.answered(number),
                    Incoming::Text(_) | Incoming::Binary | Incoming::Alive => {}
                    Incoming::TooLarge | Incoming::Broken(_) | Incoming::Closed(_) => return,
                }
            }
        };
        // A client that does not answer is told again what it may not have heard.
        let _ = timeout(SETTLE, answered).await;
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
}

/// When a message was accepted, in microseconds of Unix. Nothing of one that came into being with its upload, and is told when
/// its sender says so.
fn accepted(parcel: &Parcel) -> Option<i64> {
    let details = &parcel.event.details;
    details.received_at.filter(|_| details.attachment.chat_id.is_none()).map(|accepted| accepted.micros())
}

/// What is in a mailbox, up to a batch, from what was received first; and why no more comes, if that is so.
fn batch(mailbox: &mut MailboxReceiver, first: Result<Parcel, MailboxEnd>) -> (Vec<Parcel>, Option<MailboxEnd>) {
    let mut parcels = Vec::new();
    let mut next = Some(first);
    while let Some(received) = next {
        match received {
            Ok(parcel) => parcels.push(parcel),
            Err(end) => return (parcels, Some(end)),
        }
        // What is taken out is told: after the last of a batch nothing is.
        next = if parcels.len() < BATCH { mailbox.try_recv() } else { None };
    }
    (parcels, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Event;
    use crate::relay::{MailboxLimits, MemoryRelay, Relay, Topic, mailbox};

    #[tokio::test]
    async fn of_more_than_a_batch_nothing_is_dropped() {
        let relay = MemoryRelay::new();
        let (sender, mut receiver) = mailbox(MailboxLimits { messages: 1_000, bytes: 1 << 20 });
        let topics = vec![Topic::Everyone];
        let subscription = relay.subscribe("ann".into(), topics.clone(), sender).await.expect("subscribed");
        // Full batches and one that is not; the one after a full batch is the one that was lost once.
        let count = BATCH as u64 * 2 + 5;
        for turn in 1..=count {
            let event = Event::new(EventKind::Typing);
            relay.publish(Parcel { turn, ..Parcel::new(event.into(), topics.clone()) }).await.expect("published");
        }
        drop(subscription);
        let (mut turns, mut sizes) = (Vec::new(), Vec::new());
        let end = loop {
            let first = receiver.recv().await;
            let (parcels, end) = batch(&mut receiver, first);
            sizes.push(parcels.len());
            turns.extend(parcels.iter().map(|parcel| parcel.turn));
            if let Some(end) = end {
                break end;
            }
        };
        assert_eq!((sizes, end), (vec![BATCH, BATCH, 5], MailboxEnd::Closed));
        assert_eq!(turns, (1..=count).collect::<Vec<_>>());
    }
}
