//! An event of an upstream on its way to clients. In: fields in the upstream's names. Out: a confirmation for the one
//! who waits, or an event for those who listen; our own echo goes no further.

use std::sync::Arc;

use crate::activity::{self, Happening, Step};
use crate::dialect::as_text;
use crate::directory::Room;
use crate::event::{
    Attachment, Conversation, ConversationState, Event, EventKind, Field, Fields, MessageKind, Party, Timestamp,
};
use crate::fault::Fault;

use super::Told;
use super::claims::Found;
use crate::upstream::Inner;
use crate::upstream::account::{Account, Whom, passes_by};
use crate::upstream::correlator::{Came, From, Pending, Waiting};
use crate::upstream::link::Link;

impl Inner {
    /// Takes what came for an account: by a socket of its own, else by a call of the upstream. `is_copy`: the frame is one
    /// that only its sender gets.
    pub async fn take_in(
        &self,
        account: &Arc<Account>,
        link: Option<&Link>,
        mut fields: Fields<'static>,
        is_copy: bool,
    ) -> Result<(), Fault> {
        let whom = if link.is_some() { Whom::Everybody } else { Whom::Allowed };
        let told = Told::of(&fields);
        let native_id = fields.id(Field::Id).map(|id| id.into_owned());
        let known = account.known();
        let caller = account.caller();
        let us = known.id.as_deref().filter(|_| !account.shared).map(|id| (id, &*caller.principal.id));
        self.names.inward(&mut fields, us).await?;
        if let Some(conversation) = link.and_then(|link| link.conversation.as_deref()) {
            fields.set_text(Field::ConversationId, conversation);
        }
        let Some(mut event) = Event::from_fields(&fields) else { return Ok(()) };
        if event.kind == EventKind::Receipt && event.details.conversation.id.is_empty() {
            event.details.conversation.id = account.seen().conversation_of(&event.details.id).unwrap_or_default();
        }
        event.details.origin.dialect = Some(self.settings.dialect.name.to_string());
        event.details.origin.native_id = native_id;
        event.details.sent_at.get_or_insert_with(Timestamp::now);
        event.details.received_at = Some(Timestamp::now());
        activity::tell(|| Happening::of(Step::Heard, &self.settings.name, &self.settings.dialect.name, &event));
        if event.kind.message().is_some() {
            if event.details.sender.id.is_empty() {
                event.details.sender.id = self.unnamed(&event);
            }
            if event.details.id.is_empty() {
                event.details.id = self.synthetic_id(&event, told.id.as_deref());
            }
            let from = if is_copy { From::Us } else { self.whose(account, &told) };
            if account.seen().was_told(&event.details.id) {
                return Ok(());
            }
            if self.comes_back(account, link, &event, &told, from).await? {
                return Ok(());
            }
            return self.tell_news(account, event, from, whom).await;
        }
        self.tell_to(account, event, whom).await
    }

    /// Whether a message that came, said or read, is a send that came back; then that is told to whom it concerns.
    pub async fn comes_back(
        &self,
        account: &Arc<Account>,
        link: Option<&Link>,
        event: &Event,
        told: &Told,
        from: From,
    ) -> Result<bool, Fault> {
        let Found { came, is_certain } = self.confirmed_by(account, link, event, from);
        let pending = match came {
            Came::Back(pending) => Some(pending),
            Came::Noted => None,
            Came::Unknown => return Ok(false),
        };
        if is_certain {
            account.learn(told.id.clone(), told.name.clone());
        }
        if let Some(pending) = pending {
            self.confirm(account, *pending, event).await?;
        }
        account.seen().note(&event.details.conversation.id, &event.details.id, event.details.sent_at);
        Ok(true)
    }

    /// Tells of a message that nobody here sent.
    pub async fn tell_news(
        &self,
        account: &Arc<Account>,
        mut event: Event,
        from: From,
        whom: Whom,
    ) -> Result<(), Fault> {
        if from == From::Us {
            self.speak_for(account, &mut event);
        }
        // Where the file is cannot be said; that it was sent, and what was said with it, can.
        if let Err(fault) = self.show_files(&account.caller(), &mut event).await {
            tracing::warn!(upstream = %self.settings.name, %fault, "a file is told in words");
            event = in_words(event);
        } else if event.details.attachment.url.is_none() && event.details.attachment.token.is_none() {
            event = in_words(event);
        }
        self.tell_to(account, event, whom).await
    }

    /// Whether the account itself sent it, as far as can be told.
    pub fn whose(&self, account: &Arc<Account>, told: &Told) -> From {
        let known = account.known();
        if let Some(id) = &told.id {
            return match &known.id {
                Some(own) if own == id => From::Us,
                Some(_) => From::Another,
                None if **id == *account.caller().principal.id => From::Us,
                None if self.accounts.is_another(account, id) => From::Another,
                None => From::Unsaid,
            };
        }
        let other_side = told.role.is_some_and(|role| role.is_house() != self.speaks_for_house(&account.caller()));
        let other_name = matches!((&told.name, &known.name), (Some(told), Some(own)) if told != own);
        if other_side || other_name { From::Another } else { From::Unsaid }
    }

    fn confirmed_by(&self, account: &Arc<Account>, link: Option<&Link>, event: &Event, from: From) -> Found {
        match link.map(|link| self.confirmed_on(account, link, event, from)) {
            Some(Found { came: Came::Unknown, .. }) | None => {
                Found { came: account.answered().confirm(event, from), is_certain: true }
            }
            Some(found) => found,
        }
    }

    /// Tells of a send that came back: once, to its sender and to whoever else listens.
    async fn confirm(&self, account: &Account, pending: Pending, came: &Event) -> Result<(), Fault> {
        self.told_of(account, pending, came).await.map(|_| ())
    }

    /// The same; gives the event as it was told.
    pub async fn told_of(&self, account: &Account, pending: Pending, came: &Event) -> Result<Arc<Event>, Fault> {
        let event = self.as_confirmed(&pending.event, came);
        self.note_sender(account, &event);
        let whom = match pending.waiting() {
            Waiting::Live | Waiting::Called | Waiting::Abandoned => Some(Whom::Everybody),
            // Its sender was told that it failed, and is not told otherwise; for all others it is as any message.
            Waiting::Expired => Some(Whom::Others),
            Waiting::Confirmed => None,
        };
        if let Some(whom) = whom.filter(|_| !pending.follows) {
            self.tell_to(account, event.clone(), whom).await?;
        }
        let event = Arc::new(event);
        pending.settle(Ok(Arc::clone(&event)));
        Ok(event)
    }

    /// Tells of a send that nothing confirms, once it was written.
    pub async fn confirm_unsaid(&self, account: &Account, pending: Pending) -> Result<(), Fault> {
        let mut came = pending.event.clone();
        came.details.sent_at = Some(Timestamp::now());
        came.details.id = if self.tells_ids() { self.fresh_id() } else { self.synthetic_id(&came, None) };
        self.confirm(account, pending, &came).await
    }

    /// What was sent, with what the upstream said of it.
    fn as_confirmed(&self, sent: &Event, came: &Event) -> Event {
        let mut event = sent.clone();
        event.details.id.clone_from(&came.details.id);
        event.details.origin.native_id.clone_from(&came.details.origin.native_id);
        event.details.sent_at = came.details.sent_at;
        event.details.received_at.get_or_insert_with(Timestamp::now);
        event.details.receipt.status.get_or_insert_with(|| "sent".to_owned());
        event
    }

    /// What the account says elsewhere is its caller's word here.
    pub fn speak_for(&self, account: &Account, event: &mut Event) {
        let principal = account.caller().principal;
        if account.shared {
            event.details.sender.role = event.details.sender.role.or(principal.role);
        } else {
            event.details.sender =
                Party { id: principal.id.to_string(), role: principal.role, name: principal.name, ..Party::default() };
        }
    }

    /// Hands an event to all who listen to an account that took part in it.
    pub async fn tell(&self, account: &Account, event: Event) -> Result<(), Fault> {
        self.tell_to(account, event, Whom::Everybody).await
    }

    /// Hands an event to those who listen, in the room as it is known.
    async fn tell_to(&self, account: &Account, mut event: Event, whom: Whom) -> Result<(), Fault> {
        if event.details.conversation.id.is_empty() {
            return Ok(());
        }
        let mut room = self.room_of(&event).await?;
        let state = match event.kind {
            EventKind::SessionEnded => Some(ConversationState::Closed),
            EventKind::SessionClaimed => Some(ConversationState::Claimed),
            _ if passes_by(event.kind) => None,
            _ => event.details.conversation.state,
        };
        if state.is_some() && state != room.conversation.state {
            room = self.change_room(room, |room| room.conversation.state = state).await?;
        }
        if whom != Whom::Allowed && !passes_by(event.kind) {
            room = self.admit(account, &account.caller(), room).await?;
        }
        complete(&mut event, &room);
        self.keep(&event).await?;
        if event.kind.message().is_some() {
            account.seen().note(&event.details.conversation.id, &event.details.id, event.details.sent_at);
        }
        account.deliver(&room, &Arc::new(event), whom);
        Ok(())
    }

    /// Tells of an end unless it was told already.
    pub async fn end_once(&self, account: &Account, event: Event) -> Result<(), Fault> {
        let room = self.directory.room(&event.details.conversation.id).await?;
        if room.is_some_and(|room| room.conversation.state == Some(ConversationState::Closed)) {
            return Ok(());
        }
        self.tell(account, event).await
    }

    /// The room of an event; known from now on.
    pub async fn room_of(&self, event: &Event) -> Result<Room, Fault> {
        let said = &event.details.conversation;
        if let Some(room) = self.directory.room(&said.id).await? {
            return Ok(room);
        }
        let kind = said.kind.or(Some(self.settings.dialect.naming.kind));
        let conversation = Conversation { kind, state: None, ..said.clone() };
        self.directory.create(&conversation, &[]).await
    }
}

/// A message whose file cannot be shown.
fn in_words(mut event: Event) -> Event {
    let Some(kind) = event.kind.message().filter(|kind| kind.is_file()) else { return event };
    event.details.attachment.url = None;
    let words = as_text(&event.fields(), kind);
    event.details.body = words.text(Field::Body).map(str::to_owned);
    event.details.attachment = Attachment::default();
    event.details.kind = Some(MessageKind::Text);
    event.kind = EventKind::Message(MessageKind::Text);
    event
}

/// What is known of a room stands in for what the event does not say.
fn complete(event: &mut Event, room: &Room) {
    let said = std::mem::replace(&mut event.details.conversation, room.conversation.clone());
    event.details.conversation.agent = said.agent.or(event.details.conversation.agent.take());
    event.details.conversation.owner = said.owner.or(event.details.conversation.owner.take());
    if event.details.guest.is_empty() {
        event.details.guest = room.guest.clone();
    }
}
