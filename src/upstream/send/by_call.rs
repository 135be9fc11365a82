//! A message as a call. In: the event as the upstream is told it. Out: the event as accepted, as the answer says; or why it
//! was not.

use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::backend::{Caller, Sent};
use crate::event::{Event, Field, Fields, Timestamp};
use crate::fault::{Fault, Reason};
use crate::metrics::Unconfirmed;
use crate::upstream::Inner;
use crate::upstream::account::Account;
use crate::upstream::correlator::Expected;
use crate::upstream::once::Turn;

use super::Way;
use super::told::{Told, caption_fields, words};

/// A call about to be made.
struct Asking {
    caller: Caller,
    account: Arc<Account>,
    event: Event,
    told: Told,
    /// Its place among what may come back.
    number: Option<u64>,
}

impl Inner {
    /// Sends by a call, whose answer is the confirmation. The call goes on when its sender is gone: whoever else listens
    /// hears of what the upstream took.
    pub(super) async fn call_out(
        self: &Arc<Self>,
        caller: &Caller,
        account: &Arc<Account>,
        event: Event,
        told: Told,
        turn: &mut Option<Turn>,
    ) -> Result<Sent, Fault> {
        if let Some(turn) = turn {
            turn.intend().await?;
        }
        let expected = Expected {
            event: event.clone(),
            follows: false,
            within: self.patience(caller),
            counted: Some(Unconfirmed::begin(&self.settings.name)),
            turn: turn.take(),
        };
        let sent = self.as_sent(&event, &told.fields);
        let number = account.answered().call(&sent, expected)?;
        let asking = Asking { caller: caller.clone(), account: Arc::clone(account), event, told, number };
        let (tell, outcome) = oneshot::channel();
        let inner = Arc::clone(self);
        self.tasks.spawn(async move {
            // Whoever waited may have gone.
            let _ = tell.send(inner.called_out(asking).await);
        });
        let came = outcome.await.unwrap_or_else(|_| Err(Fault::new(Reason::Internal)))?;
        Ok(Sent::Accepted(came))
    }

    async fn called_out(&self, asking: Asking) -> Result<Arc<Event>, Fault> {
        let account = Arc::clone(&asking.account);
        match self.answer_to(&asking).await {
            Ok(answer) => {
                let mut came = asking.event.clone();
                came.details.id = self.answered_id(&answer).unwrap_or_else(|| self.fresh_id());
                came.details.sent_at = Some(Timestamp::now());
                came.details.receipt.status = Some("sent".to_owned());
                self.note_sender(&account, &came);
                self.say_caption(&asking).await;
                // It is there: that nobody else could be told must not make its sender send it again.
                if let Err(fault) = self.tell(&account, came.clone()).await {
                    tracing::error!(upstream = %self.settings.name, %fault, "what was sent could not be passed on");
                }
                let came = Arc::new(came);
                if let Some(number) = asking.number {
                    account.answered().answered(number, &came);
                }
                Ok(came)
            }
            Err(fault) => {
                let came = asking.number.and_then(|number| account.answered().unanswered(number, &fault));
                match came {
                    // It arrived all the same.
                    Some((pending, echo)) if !fault.is_certain() => self.told_of(&account, pending, &echo).await,
                    Some((_, echo)) => self.tell(&account, echo).await.and(Err(fault)),
                    None => Err(fault),
                }
            }
        }
    }

    async fn answer_to(&self, asking: &Asking) -> Result<Fields<'static>, Fault> {
        let Asking { caller, account, event, told, .. } = asking;
        let Some(Way::Call(call)) = self.way(caller, &told.fields) else { return Err(Fault::new(Reason::Internal)) };
        let asked = timeout(self.patience(caller), self.ask(caller, call, &told.fields, None)).await;
        let answered = asked
            .unwrap_or_else(|_| Err(Fault::new(Reason::UpstreamTimeout).detail("the upstream did not answer in time")));
        if told.kept && answered.as_ref().is_err_and(is_forgotten) {
            // A handle that was kept too long: the file is uploaded once more.
            let mut fields = told.fields.clone();
            self.forget_handle(account, event, &told.fields).await?;
            let (wanted, _) = self.told_by(&Way::Call(call), fields.kind());
            self.give_handle(caller, account, event, &mut fields, &wanted).await?;
            return self.ask(caller, call, &fields, None).await;
        }
        answered
    }

    /// The words of a file that have no place beside it. The file is there: that its words are not must not make its sender
    /// send it again.
    async fn say_caption(&self, asking: &Asking) {
        let Asking { caller, account, event, told, .. } = asking;
        let Some(caption) = &told.caption else { return };
        let mut fields = told.fields.clone();
        caption_fields(&mut fields, caption);
        let Some(Way::Call(call)) = self.way(caller, &fields) else { return };
        let mut said = words(event, caption.clone());
        let within = self.patience(caller);
        let expected = Expected { event: said.clone(), follows: true, within, counted: None, turn: None };
        let Ok(Some(number)) = account.answered().call(&said, expected) else { return };
        match self.ask(caller, call, &fields, None).await {
            Ok(answer) => {
                said.details.id = self.answered_id(&answer).unwrap_or_default();
                self.note_sender(account, &said);
                account.answered().answered(number, &Arc::new(said));
            }
            Err(fault) => {
                tracing::warn!(upstream = %self.settings.name, %fault, "the caption of a file was not taken");
                drop(account.answered().unanswered(number, &fault));
            }
        }
    }

    fn answered_id(&self, answer: &Fields<'_>) -> Option<String> {
        let of_message = answer.list(Field::LastMessage).first().and_then(|record| record.id(Field::Id));
        of_message.or_else(|| answer.id(Field::Id)).map(|id| id.into_owned())
    }
}

/// Whether the upstream does not know a handle that it gave itself.
pub fn is_forgotten(fault: &Fault) -> bool {
    matches!(fault.reason, Reason::FileNotFound | Reason::Invalid | Reason::MessageNotFound)
}
