//! What a session tells its client. In: parcels of its mailbox, and what the client missed. Out: frames written, and where
//! it is to be known, whether they were read.

use std::time::Duration;

use tokio::time::timeout;

use crate::dialect::Scope;
use crate::event::EventKind;
use crate::fault::Reason;
use crate::relay::{MailboxEnd, MailboxReceiver, Parcel};
use crate::socket::{Incoming, Socket};

use super::farewell::{End, Farewell};
use super::outgoing;
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
        let mut next = Some(received);
        let mut frames = Vec::new();
        let mut ended = None;
        for left in (0..BATCH).rev() {
            let parcel = match next.take() {
                Some(Ok(parcel)) => parcel,
                Some(Err(end)) => {
                    ended = Some(self.mailbox_farewell(end));
                    break;
                }
                None => break,
            };
            if self.progress.as_mut().is_none_or(|progress| progress.take(&parcel)) {
                match self.told(&parcel).await {
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
            // What is taken out is told: after the last of a batch nothing is.
            next = if left > 0 { mailbox.try_recv() } else { None };
        }
        self.write(socket, frames).await?;
        ended.map_or(Ok(()), Err)?;
        self.ask(socket).await
    }

    /// Writes what the client missed, before anything new.
    pub async fn catch_up<S: Socket>(&mut self, socket: &mut S) -> Result<(), Farewell> {
        for some in std::mem::take(&mut self.missed).chunks(BATCH) {
            let mut frames = Vec::new();
            for parcel in some {
                frames.extend(self.told(parcel).await?);
            }
            self.write(socket, frames).await?;
        }
        self.ask(socket).await
    }

    /// The frames of a parcel.
    async fn told(&self, parcel: &Parcel) -> Result<Vec<String>, Farewell> {
        outgoing::frames(self.place, self.caller, &parcel.event).await.map_err(|fault| {
            tracing::error!(route = %self.caller.route, %fault, "an event could not be brought to its reader");
            Farewell::with(End::Failed, 1011, "internal error")
        })
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
