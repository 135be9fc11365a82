//! A message as frames on the account's socket. In: the event as the upstream is told it. Out: its confirmation, which is
//! still to come.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use crate::backend::{Caller, Confirmation, Sent};
use crate::dialect::Audience;
use crate::event::{Event, Field};
use crate::fault::{Fault, Reason};
use crate::metrics::Unconfirmed;
use crate::upstream::Inner;
use crate::upstream::account::Account;
use crate::upstream::call::unwritable;
use crate::upstream::correlator::{Acknowledged, Expected, GaveUp, Outcome};
use crate::upstream::link::Link;
use crate::upstream::once::Turn;

use super::told::{Told, caption_fields, words};

impl Inner {
    /// Writes on the account's socket, behind all that was said before.
    pub(super) async fn say(
        self: &Arc<Self>,
        caller: &Caller,
        account: &Arc<Account>,
        socket: usize,
        event: Event,
        told: Told,
        turn: &mut Option<Turn>,
    ) -> Result<Sent, Fault> {
        let link = self.link(account, caller, socket, &event.details.conversation.id);
        link.ready().await?;
        let mut told = told;
        let contract = &self.settings.dialect.sockets[socket];
        if contract.client.is_numbered {
            link.number(&mut told.fields);
        }
        let sent = self.as_sent(&event, &told.fields);
        let frames = contract.client.write(&told.fields, Audience::Sender).map_err(unwritable)?;
        let mut follow = Vec::new();
        let beside = told.fields.text(Field::Body).map(str::to_owned);
        if let Some(text) = frames.get(1).and(beside).or(told.caption.clone()) {
            follow.push(words(&event, text));
        }
        let mut all = frames;
        if let Some(caption) = &told.caption {
            let mut fields = told.fields.clone();
            caption_fields(&mut fields, caption);
            if contract.client.is_numbered {
                link.number(&mut fields);
            }
            all.extend(contract.client.write(&fields, Audience::Sender).map_err(unwritable)?);
        }
        if let Some(turn) = turn {
            turn.intend().await?;
        }
        let within = self.patience(caller);
        let on_write = !contract.confirms_sends();
        let waiting = link.send(all, on_write, |correlator| {
            let counted = Some(Unconfirmed::begin(&self.settings.name));
            let expected = Expected { event: event.clone(), follows: false, within, counted, turn: turn.take() };
            let first = correlator.expect(&sent, expected)?;
            // What belongs to a send comes back too, and is nobody's message.
            for more in follow.iter().filter(|_| !on_write) {
                let expected = Expected { event: more.clone(), follows: true, within, counted: None, turn: None };
                drop(correlator.expect(more, expected));
            }
            Ok(first)
        })?;
        match waiting {
            Some((number, outcome)) => {
                let waits = Waits { upstream: Arc::clone(self), link, account: Arc::clone(account), number };
                Ok(Sent::Pending(waits.until(outcome, within)))
            }
            None => Ok(Sent::Accepted(Arc::new(event))),
        }
    }
}

/// A sender that waits; gone, it is not waited for.
struct Waits {
    upstream: Arc<Inner>,
    link: Arc<Link>,
    account: Arc<Account>,
    number: u64,
}

impl Waits {
    /// Resolves to the outcome, or to one failure when none came in time.
    fn until(self, mut outcome: Outcome, within: Duration) -> Confirmation {
        Box::pin(async move {
            match timeout(within, &mut outcome).await {
                Ok(Ok(outcome)) => outcome,
                Ok(Err(_)) => {
                    Err(Fault::new(Reason::Upstream).detail("the connection ended before a confirmation came"))
                }
                Err(_) => self.too_late(outcome).await,
            }
        })
    }

    async fn too_late(&self, mut outcome: Outcome) -> Result<Arc<Event>, Fault> {
        let fault = Fault::new(Reason::UpstreamTimeout).detail("the upstream did not confirm in time");
        let gave_up = self.link.correlator().give_up(self.number, true);
        match gave_up {
            // It came while the time ran out, and is being told.
            GaveUp::TooLate => outcome.try_recv().unwrap_or(Err(fault)),
            GaveUp::Refused(fault) => Err(fault),
            GaveUp::Nothing => Err(fault),
            GaveUp::Acknowledged(acknowledged) => self.taken(acknowledged).await,
            GaveUp::Doubted => {
                // What we take for our name there may be another's.
                self.account.unlearn();
                Err(fault)
            }
        }
    }
}

impl Waits {
    /// It was taken, and did not come back: it is told of with what its acknowledgment said.
    async fn taken(&self, acknowledged: Acknowledged) -> Result<Arc<Event>, Fault> {
        let pending = self.link.correlator().take(self.number);
        let pending = pending.ok_or_else(|| Fault::new(Reason::Internal).detail("a send is not there any more"))?;
        let mut came = pending.event.clone();
        came.details.id = acknowledged.id;
        came.details.sent_at = acknowledged.at.or(came.details.sent_at);
        self.account.seen().tell(&came.details.id);
        self.upstream.told_of(&self.account, pending, &came).await
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        self.link.correlator().give_up(self.number, false);
    }
}
