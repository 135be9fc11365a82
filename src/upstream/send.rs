//! An event of a client on its way to the upstream. In: the event in canonical names. Out: a frame on a socket or a
//! call, whichever the dialect has for it; and who waits for the confirmation.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use crate::backend::{Caller, Confirmation, Sent};
use crate::dialect::{Call, Degradation, FrameSet, OnLoss, Op, Request, as_text};
use crate::event::{Event, EventKind, Field, Fields, MessageKind, Party, Timestamp, Value};
use crate::fault::{Fault, Reason};
use crate::metrics::{self, Unconfirmed};

use super::Inner;
use super::account::{Account, passes_by};
use super::call::unwritable;
use super::correlator::Outcome;
use super::link::Link;

/// The place in the upstream's dialect where an event is said.
pub enum Way<'a> {
    /// A socket, by its index.
    Socket(usize),
    Call(&'a Call),
}

/// An event as the upstream is told it.
struct Told {
    fields: Fields<'static>,
    /// Words that need a message of their own, after the file.
    caption: Option<String>,
}

impl Inner {
    /// Sends a message; what is no message is sent where the dialect has a form for it and passed over where not.
    pub async fn send_event(self: &Arc<Self>, caller: &Caller, mut event: Event) -> Result<Sent, Fault> {
        let account = self.account(caller);
        let Some(kind) = event.kind.message() else { return self.signal(caller, &account, event).await };
        let from_upload = event.details.attachment.chat_id.clone();
        if let Some(chat_id) = from_upload {
            self.announce(caller, &chat_id, &mut event).await?;
        }
        let room = self.room_for(caller, &account, &event).await?;
        if event.details.attachment.url.is_some() || event.details.attachment.token.is_some() {
            self.library.attach(caller, &room.conversation.id, &mut event).await?;
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
        self.dispatch(caller, &account, event).await
    }

    /// Finds the way, the handle of the file and the words, and sends.
    async fn dispatch(self: &Arc<Self>, caller: &Caller, account: &Arc<Account>, event: Event) -> Result<Sent, Fault> {
        let plain = self.plan(caller, account, &event).await;
        let told = match plain {
            Ok(told) => told,
            Err(fault) => self.degraded(caller, &event, fault).await?,
        };
        let way = self.way(caller, &told.fields).ok_or_else(|| unwritable(crate::dialect::Unwritable::NoShape))?;
        match way {
            Way::Socket(socket) => self.say(caller, account, socket, event, told).await,
            Way::Call(call) => self.call_out(caller, account, call, event, told).await,
        }
    }

    /// The event in the upstream's names, with the handle that its shape needs. Fails with what the upstream cannot take.
    async fn plan(&self, caller: &Caller, account: &Arc<Account>, event: &Event) -> Result<Told, Fault> {
        let mut fields = event.fields().into_owned();
        let dialect = &self.settings.dialect;
        if let Some(why) = dialect.refuses_file(&fields) {
            return Err(Fault::new(match why {
                Degradation::Kind | Degradation::Type => Reason::UnsupportedType,
                Degradation::Size => Reason::TooLarge,
            })
            .detail("the upstream's dialect does not take such a file"));
        }
        let way = self.way(caller, &fields).ok_or_else(|| unwritable(crate::dialect::Unwritable::NoShape))?;
        let (told, alone) = self.told_by(&way, fields.kind());
        self.names.outward(&mut fields).await?;
        if event.kind.message().is_some_and(MessageKind::is_file) {
            self.give_handle(caller, account, event, &mut fields, &told).await?;
        }
        let by_upload = told.contains(&Field::AttachmentChatId);
        let untold = (!told.contains(&Field::Body) || alone) && !by_upload;
        let is_file = event.kind.message().is_some_and(MessageKind::is_file);
        let caption = if untold && is_file { fields.remove(Field::Body) } else { None };
        let caption = caption.and_then(|value| value.as_text().map(str::to_owned)).filter(|text| !text.is_empty());
        let lost: Vec<Field> = event.fields().iter().map(|(field, _)| field).collect();
        let uploaded = event.kind.message().map(|kind| dialect.told_by_uploads(kind)).unwrap_or_default();
        let lost = lost.into_iter().filter(|field| {
            // The words of a file follow where they have no place beside it.
            let told_apart = is_file && (by_upload || *field == Field::Body) || uploaded.contains(field);
            !crate::dialect::is_told(*field, &told) && !told_apart && !self.is_ours_to_say(*field)
        });
        metrics::count_losses(&caller.dialect, &dialect.name, lost.map(|field| field.path()), None);
        Ok(Told { fields, caption })
    }

    /// Facts that a client never says of itself: the upstream knows them, or gives them.
    fn is_ours_to_say(&self, field: Field) -> bool {
        let path = field.path();
        path.starts_with("sender.")
            || path.starts_with("conversation.")
            || path.starts_with("guest.")
            || path.starts_with("receiver.")
            || path.starts_with("receipt.")
            || matches!(field, Field::Id | Field::Kind | Field::SentAt | Field::ReceivedAt | Field::UpdatedAt)
    }

    /// The same in words, with a link to the file: or a refusal, where the route wants that.
    async fn degraded(&self, caller: &Caller, event: &Event, why: Fault) -> Result<Told, Fault> {
        let refused_here = matches!(
            why.reason,
            Reason::UnsupportedType | Reason::TooLarge | Reason::NotSupported | Reason::Lossy | Reason::Invalid
        );
        let Some(kind) = event.kind.message().filter(|kind| *kind != MessageKind::Text && refused_here) else {
            return Err(why);
        };
        if caller.terms.on_loss == OnLoss::Refuse {
            return Err(match why.reason {
                Reason::NotSupported => Fault::new(Reason::Lossy).detail("the upstream has no such message"),
                _ => why,
            });
        }
        let mut fields = event.fields().into_owned();
        fields = as_text(&fields, kind);
        self.names.outward(&mut fields).await?;
        let reason = match why.reason {
            Reason::UnsupportedType => "type",
            Reason::TooLarge => "size",
            _ => "kind",
        };
        metrics::count_losses(
            &caller.dialect,
            &self.settings.dialect.name,
            std::iter::once(Field::Kind.path()),
            Some(reason),
        );
        Ok(Told { fields, caption: None })
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
    fn told_by(&self, way: &Way<'_>, kind: Option<EventKind>) -> (Vec<Field>, bool) {
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

    /// Writes on the account's socket, behind all that was said before.
    async fn say(
        self: &Arc<Self>,
        caller: &Caller,
        account: &Arc<Account>,
        socket: usize,
        event: Event,
        told: Told,
    ) -> Result<Sent, Fault> {
        let link = self.link(account, caller, socket, &event.details.conversation.id);
        link.ready().await?;
        let sent = self.as_sent(&event, &told.fields);
        let client = &self.settings.dialect.sockets[socket].client;
        let frames = client.write(&told.fields, crate::dialect::Audience::Sender).map_err(unwritable)?;
        let mut follow = Vec::new();
        if let Some(text) = frames.get(1).and(event.details.body.clone()).or(told.caption.clone()) {
            follow.push(words(&event, text));
        }
        let mut all = frames;
        if told.caption.is_some() {
            let mut fields = told.fields.clone();
            caption_fields(&mut fields, told.caption.as_deref().unwrap_or_default());
            all.extend(client.write(&fields, crate::dialect::Audience::Sender).map_err(unwritable)?);
        }
        let name = &self.settings.name;
        let waiting = link.write(all, |correlator| {
            let first = correlator.expect(&sent, event.clone(), false, Unconfirmed::begin(name));
            for more in &follow {
                // What belongs to a send comes back too, and is nobody's message.
                drop(correlator.expect(more, more.clone(), true, Unconfirmed::begin(name)));
            }
            first
        })?;
        let within = caller.terms.confirm_within.unwrap_or(self.settings.confirm_within);
        match waiting {
            Some((number, outcome)) => Ok(Sent::Pending(waiting_for(link, number, outcome, within))),
            None => Ok(Sent::Accepted(Arc::new(event))),
        }
    }

    /// As the upstream will say it when it comes back: its own names, its own handle of the file.
    fn as_sent(&self, event: &Event, fields: &Fields<'_>) -> Event {
        let mut sent = Event::from_fields(fields).unwrap_or_else(|| event.clone());
        sent.details.conversation.id.clone_from(&event.details.conversation.id);
        if sent.details.attachment.name.is_none() {
            sent.details.attachment.name.clone_from(&event.details.attachment.name);
        }
        sent.details.id.clear();
        sent
    }

    /// Sends by a call, whose answer is the confirmation.
    async fn call_out(
        &self,
        caller: &Caller,
        account: &Arc<Account>,
        call: &Call,
        event: Event,
        told: Told,
    ) -> Result<Sent, Fault> {
        let counted = Unconfirmed::begin(&self.settings.name);
        let within = caller.terms.confirm_within.unwrap_or(self.settings.confirm_within);
        let asking = timeout(within, self.ask(caller, call, &told.fields, None));
        let mut answered = match asking.await {
            Ok(answered) => answered,
            Err(_) => {
                // It may have arrived all the same: an echo of it is nobody's message.
                let sent = self.as_sent(&event, &told.fields);
                self.remember_answered(account, &sent, &event);
                Err(Fault::new(Reason::UpstreamTimeout).detail("the upstream did not answer in time"))
            }
        };
        if answered.as_ref().is_err_and(|fault| self.is_forgotten(fault)) && told.fields.has(Field::AttachmentToken) {
            // A handle that was kept too long: the file is uploaded once more.
            let mut fields = told.fields.clone();
            self.forget_handle(account, &event).await?;
            let (wanted, _) = self.told_by(&Way::Call(call), fields.kind());
            self.give_handle(caller, account, &event, &mut fields, &wanted).await?;
            answered = self.ask(caller, call, &fields, None).await;
        }
        let answer = match answered {
            Ok(answer) => answer,
            Err(fault) => {
                counted.end("refused");
                return Err(fault);
            }
        };
        let sent = self.as_sent(&event, &told.fields);
        let mut came = event.clone();
        came.details.id = self
            .answered_id(&answer)
            .unwrap_or_else(|| format!("{}.{}", self.settings.name, uuid::Uuid::now_v7().simple()));
        came.details.sent_at = Some(Timestamp::now());
        came.details.received_at = came.details.sent_at;
        came.details.receipt.status = Some("sent".to_owned());
        self.remember_answered(account, &sent, &came);
        if let Some(caption) = &told.caption {
            let mut fields = told.fields.clone();
            caption_fields(&mut fields, caption);
            let said = words(&event, caption.clone());
            // The file is there: that its words are not must not make its sender send it again.
            match self.ask(caller, call, &fields, None).await {
                Ok(_) => self.remember_answered(account, &said, &said),
                Err(fault) => {
                    tracing::warn!(upstream = %self.settings.name, %fault, "the caption of a file was not taken")
                }
            }
        }
        counted.end("confirmed");
        self.tell(account, came.clone()).await?;
        Ok(Sent::Accepted(Arc::new(came)))
    }

    fn answered_id(&self, answer: &Fields<'_>) -> Option<String> {
        let of_message = answer.list(Field::LastMessage).first().and_then(|record| record.id(Field::Id));
        of_message.or_else(|| answer.id(Field::Id)).map(|id| id.into_owned())
    }

    fn remember_answered(&self, account: &Account, sent: &Event, came: &Event) {
        let mut answered = account.answered.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        answered.confirmed(sent, came.clone());
    }

    /// Whether the upstream does not know a handle that it gave itself.
    fn is_forgotten(&self, fault: &Fault) -> bool {
        matches!(fault.reason, Reason::FileNotFound | Reason::Invalid | Reason::MessageNotFound)
    }

    /// What is no message: said where there is a form for it.
    async fn signal(
        self: &Arc<Self>,
        caller: &Caller,
        account: &Arc<Account>,
        mut event: Event,
    ) -> Result<Sent, Fault> {
        let room = self.visible(caller, account, &event.details.conversation.id).await?;
        event.details.conversation = room.conversation.clone();
        match event.kind {
            EventKind::SessionEnded => {
                return self
                    .close_at(caller, &event.details.conversation.id)
                    .await
                    .map(|_| Sent::Accepted(Arc::new(event)));
            }
            EventKind::SessionClaimed => {
                return self
                    .claim_at(caller, &event.details.conversation.id)
                    .await
                    .map(|_| Sent::Accepted(Arc::new(event)));
            }
            EventKind::Receipt => {
                return self
                    .read_at(caller, &event.details.conversation.id)
                    .await
                    .map(|()| Sent::Accepted(Arc::new(event)));
            }
            EventKind::SessionStarted | EventKind::Error => return Err(Fault::new(Reason::NotSupported)),
            EventKind::Typing | EventKind::Presence | EventKind::ConversationUpdated | EventKind::Message(_) => {}
        }
        if !self.say_signal(caller, account, &event).await? {
            metrics::count_untold(&self.settings.dialect.name, event.kind.as_str());
            if !passes_by(event.kind) {
                return Err(Fault::new(Reason::NotSupported).detail("the upstream's dialect has no form for it"));
            }
        }
        Ok(Sent::Accepted(Arc::new(event)))
    }

    /// Writes a frame that nothing confirms; says whether the dialect has one.
    pub async fn say_signal(
        self: &Arc<Self>,
        caller: &Caller,
        account: &Arc<Account>,
        event: &Event,
    ) -> Result<bool, Fault> {
        let mut fields = event.fields().into_owned();
        let Some(socket) = self.socket_for(caller) else { return Ok(false) };
        let client = &self.settings.dialect.sockets[socket].client;
        if !client.frames.iter().any(|frame| frame.is_about(fields.kind())) {
            return Ok(false);
        }
        self.names.outward(&mut fields).await?;
        let Ok(frames) = client.write(&fields, crate::dialect::Audience::Sender) else { return Ok(false) };
        let link = self.link(account, caller, socket, &event.details.conversation.id);
        link.ready().await?;
        link.write(frames, |_| ())?;
        Ok(true)
    }
}

/// The words of a file as a message of their own.
fn words(event: &Event, text: String) -> Event {
    let mut said = Event::new(EventKind::Message(MessageKind::Text));
    said.details.conversation.id.clone_from(&event.details.conversation.id);
    said.details.sender = event.details.sender.clone();
    said.details.body = Some(text);
    said
}

/// The same record as words only.
fn caption_fields(fields: &mut Fields<'static>, text: &str) {
    let files: Vec<Field> =
        fields.iter().map(|(field, _)| field).filter(|field| field.path().starts_with("attachment.")).collect();
    for field in files {
        fields.remove(field);
    }
    fields.set_kind(EventKind::Message(MessageKind::Text));
    fields.remove(Field::Kind);
    fields.set(Field::Body, Value::Text(text.to_owned().into()));
}

/// Resolves to the outcome, or to one failure when none came in time. A sender that goes is not waited for.
fn waiting_for(link: Arc<Link>, number: u64, outcome: Outcome, within: Duration) -> Confirmation {
    struct Waits {
        link: Arc<Link>,
        number: u64,
        told: bool,
    }
    impl Drop for Waits {
        fn drop(&mut self) {
            self.link.correlator().give_up(self.number, self.told);
        }
    }
    let mut waits = Waits { link, number, told: false };
    Box::pin(async move {
        let mut outcome = outcome;
        match timeout(within, &mut outcome).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(Fault::new(Reason::Upstream).detail("the connection ended before a confirmation came")),
            Err(_) => {
                waits.told = true;
                waits.link.correlator().give_up(waits.number, true);
                // It may have come while the time ran out.
                outcome.try_recv().unwrap_or_else(|_| {
                    Err(Fault::new(Reason::UpstreamTimeout).detail("the upstream did not confirm in time"))
                })
            }
        }
    })
}
