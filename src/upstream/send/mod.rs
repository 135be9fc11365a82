//! An event of a client on its way to the upstream. In: the event in canonical names. Out: a frame on a socket or a
//! call, whichever the dialect has for it; and who waits for the confirmation.

mod by_call;
mod by_socket;
mod signal;
mod told;

use std::sync::Arc;
use std::time::Duration;

use crate::backend::{Caller, Sent};
use crate::dialect::{Call, FrameSet, Op, Request};
use crate::event::{Event, EventKind, Field, Fields, MessageKind, Party, Timestamp};
use crate::fault::{Fault, Reason};
use crate::naming::fault;

use super::Inner;
use super::account::{Account, Whom};
use super::call::unwritable;
use super::once::{Begun, Turn, UnderWay};
pub use by_call::is_forgotten;
use told::Told;

/// The place in the upstream's dialect where an event is said.
pub enum Way<'a> {
    /// A socket, by its index.
    Socket(usize),
    Call(&'a Call),
}

impl Inner {
    /// Sends a message; what is no message is sent where the dialect has a form for it and passed over where not.
    pub async fn send_event(self: &Arc<Self>, caller: &Caller, mut event: Event) -> Result<Sent, Fault> {
        let account = self.account(caller);
        let Some(kind) = event.kind.message() else { return self.signal(caller, &account, event).await };
        let from_upload = event.details.attachment.chat_id.clone();
        if let Some(chat_id) = &from_upload {
            self.announce(caller, chat_id, &mut event).await?;
        }
        let room = self.room_for(caller, &account, &event).await?;
        if self.take_back(&mut event).await? {
            // The upstream has it already.
        } else if event.details.attachment.url.is_some() || event.details.attachment.token.is_some() {
            let attached = self.library.attach(caller, &room.conversation.id, &mut event).await?;
            // Under our own addresses there are only files that we know: a guess is no foreign file.
            if !attached.is_ours && event.details.attachment.url.as_deref().is_some_and(|url| self.sources.is_ours(url))
            {
                return Err(Fault::new(Reason::FileNotFound));
            }
            if !attached.documents.is_empty() {
                self.journal.put(attached.documents).await.map_err(fault)?;
            }
        } else if kind == MessageKind::Text && event.details.body.as_deref().is_none_or(str::is_empty) {
            return Err(Fault::missing(Field::Body));
        }
        let principal = &caller.principal;
        event.details.sender = Party {
            id: principal.id.to_string(),
            role: principal.role,
            name: principal.name.clone(),
            ..Party::default()
        };
        event.details.conversation = room.conversation.clone();
        event.details.guest = room.guest.clone();
        event.details.sent_at = Some(Timestamp::now());
        event.details.received_at = event.details.sent_at;
        match key_of(&event, from_upload) {
            Some(key) => self.send_once(caller, &account, event, &key).await,
            None => self.dispatch(caller, &account, event, &mut None).await,
        }
    }

    /// Sends what its sender may repeat. The second time it only hears what became of the first.
    async fn send_once(
        self: &Arc<Self>,
        caller: &Caller,
        account: &Arc<Account>,
        event: Event,
        key: &str,
    ) -> Result<Sent, Fault> {
        match self.once.begin(key).await? {
            Begun::First(turn) => {
                let mut turn = Some(turn);
                let sent = self.dispatch(caller, account, event, &mut turn).await;
                if let (Err(fault), Some(turn)) = (&sent, turn) {
                    turn.failed(fault);
                }
                sent
            }
            Begun::Done(event) => self.confirm_again(account, &event).await.map(|()| Sent::Accepted(event)),
            Begun::UnderWay(other) => {
                let (inner, account, within) = (Arc::clone(self), Arc::clone(account), self.patience(caller));
                Ok(Sent::Pending(Box::pin(async move { inner.same(&account, other, within).await })))
            }
        }
    }

    async fn same(&self, account: &Account, other: UnderWay, within: Duration) -> Result<Arc<Event>, Fault> {
        let event = other.outcome(within).await?;
        self.confirm_again(account, &event).await?;
        Ok(event)
    }

    /// Tells only who sent it: a confirmation once more.
    async fn confirm_again(&self, account: &Account, event: &Arc<Event>) -> Result<(), Fault> {
        let room = self.room_of(event).await?;
        account.deliver(&room, event, Whom::Sender);
        Ok(())
    }

    /// How long this caller's sends may wait for their confirmation.
    fn patience(&self, caller: &Caller) -> Duration {
        caller.terms.confirm_within.unwrap_or(self.settings.confirm_within)
    }

    /// Finds the way, the handle of the file and the words, and sends. The turn is taken once something was sent.
    async fn dispatch(
        self: &Arc<Self>,
        caller: &Caller,
        account: &Arc<Account>,
        event: Event,
        turn: &mut Option<Turn>,
    ) -> Result<Sent, Fault> {
        let plain = self.plan(caller, account, &event, turn.as_ref()).await;
        let told = match plain {
            Ok(told) => told,
            Err(fault) => self.degraded(caller, &event, fault).await?,
        };
        let way = self.way(caller, &told.fields).ok_or_else(|| unwritable(crate::dialect::Unwritable::NoShape))?;
        match way {
            Way::Socket(socket) if told.kept => self.say_kept(caller, account, socket, event, told, turn).await,
            Way::Socket(socket) => self.say(caller, account, socket, event, told, turn).await,
            Way::Call(_) => self.call_out(caller, account, event, told, turn).await,
        }
    }

    /// Says a file under a handle of an earlier send; once more, under a new one, if that is not known there any more.
    async fn say_kept(
        self: &Arc<Self>,
        caller: &Caller,
        account: &Arc<Account>,
        socket: usize,
        event: Event,
        told: Told,
        turn: &mut Option<Turn>,
    ) -> Result<Sent, Fault> {
        let (again, mut anew) = (event.clone(), told.clone());
        let first = match self.say(caller, account, socket, event, told, turn).await? {
            Sent::Pending(first) => first,
            sent @ Sent::Accepted(_) => return Ok(sent),
        };
        let (inner, caller, account) = (Arc::clone(self), caller.clone(), Arc::clone(account));
        Ok(Sent::Pending(Box::pin(async move {
            match first.await {
                Err(fault) if fault.reason == Reason::FileNotFound => {}
                outcome => return outcome,
            }
            inner.forget_handle(&account, &again, &anew.fields).await?;
            let (wanted, _) = inner.told_by(&Way::Socket(socket), anew.fields.kind());
            inner.give_handle(&caller, &account, &again, &mut anew.fields, &wanted).await?;
            inner.say(&caller, &account, socket, again, anew, &mut None).await?.outcome().await
        })))
    }

    /// A socket where the dialect says such things there, else a call.
    pub fn way(&self, caller: &Caller, fields: &Fields<'_>) -> Option<Way<'_>> {
        let dialect = &self.settings.dialect;
        if let Some(socket) = self.socket_for(caller)
            && dialect.sockets[socket].client.has_form(fields.kind())
        {
            return Some(Way::Socket(socket));
        }
        self.call_for(Op::Send, caller, fields, None).map(Way::Call)
    }

    /// Which facts a message of this kind tells there, and whether words and file exclude each other.
    pub(super) fn told_by(&self, way: &Way<'_>, kind: Option<EventKind>) -> (Vec<Field>, bool) {
        let set: &FrameSet = match way {
            Way::Socket(socket) => &self.settings.dialect.sockets[*socket].client,
            Way::Call(call) => match &call.request {
                Request::Json(set) => set,
                Request::Empty | Request::Multipart { .. } => return (Vec::new(), false),
            },
        };
        let at = set.frames.iter().position(|frame| frame.is_about(kind));
        let alone = at.is_some_and(|at| set.frames[at].need.as_ref().is_some_and(|need| need.exclusive));
        (at.map(|at| set.told(at)).unwrap_or_default(), alone)
    }
}

/// By which a sender may repeat a message: what it called it, or the upload that the message is.
fn key_of(event: &Event, from_upload: Option<String>) -> Option<String> {
    let details = &event.details;
    let sender = &details.sender.id;
    let of_upload = from_upload.map(|id| format!("upload/{sender}/{id}"));
    of_upload
        .or_else(|| details.origin.key.as_ref().map(|key| format!("key/{}/{sender}/{key}", details.conversation.id)))
}
