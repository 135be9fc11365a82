//! Conversations at the upstream: found, opened, claimed, closed, read. In: canonical ids. Out: what is known of them
//! here, after the upstream did its part.

use std::sync::Arc;

use crate::backend::{Caller, SessionRequest};
use crate::dialect::{ConversationName, CreateConversation, Op};
use crate::directory::{Room, may_see, session_key};
use crate::event::{Conversation, ConversationState, Event, EventKind, Field, Fields, Timestamp};
use crate::fault::{Fault, Reason};
use crate::journal::Collection;

use super::Inner;
use super::account::Account;

/// The keys by which `[[conversations]]` says what a session is found by.
const KEYS: [(&str, Field); 4] = [
    ("business", Field::ConversationBusiness),
    ("department", Field::ConversationDepartment),
    ("external_customer_id", Field::ConversationCustomer),
    ("customer", Field::ConversationCustomer),
];

impl Inner {
    /// The room, if the caller may see it. Where each caller is an account of its own, the upstream decides that.
    pub async fn visible(&self, caller: &Caller, account: &Account, conversation: &str) -> Result<Room, Fault> {
        let room = match self.directory.room(conversation).await? {
            Some(room) => room,
            None if self.names.conversation(conversation).await?.is_some() => {
                let conversation = Conversation { id: conversation.to_owned(), ..Conversation::default() };
                Room { conversation, ..Room::default() }
            }
            None => return Err(Fault::new(Reason::ConversationNotFound)),
        };
        let confined = &caller.principal.conversations;
        let elsewhere = !confined.is_empty() && !confined.contains(&room.conversation.id);
        if elsewhere || account.shared {
            may_see(caller, &room)?;
        }
        Ok(room)
    }

    /// The room that a message goes to, with a name at the upstream.
    pub async fn room_for(&self, caller: &Caller, account: &Account, event: &Event) -> Result<Room, Fault> {
        let said = &event.details.conversation;
        let mut room = match self.visible(caller, account, &said.id).await {
            // Naming an unknown conversation makes it, where both dialects have it so.
            Err(fault) if fault.reason == Reason::ConversationNotFound && said.kind.is_some() => {
                if self.settings.dialect.naming.create == CreateConversation::Never {
                    return Err(fault);
                }
                self.directory.create(said, &[&caller.principal.id, &event.details.receiver.id]).await?
            }
            other => other?,
        };
        if room.members.insert(caller.principal.id.to_string()) {
            self.directory.save(&room, Vec::new()).await?;
        }
        self.ensure_named(caller, &room).await?;
        Ok(room)
    }

    /// Gives a conversation a name at the upstream: the one it has, a session opened there, or its own id where the
    /// upstream takes any.
    pub async fn ensure_named(&self, caller: &Caller, room: &Room) -> Result<(), Fault> {
        let id = &room.conversation.id;
        if self.settings.dialect.naming.name == ConversationName::Pair || self.names.conversation(id).await?.is_some() {
            return Ok(());
        }
        match self.settings.dialect.naming.create {
            CreateConversation::Session => self.open_there(caller, &room.conversation).await.map(|_| ()),
            CreateConversation::Send => self.names.name_conversation(id, id).await.map(|_| ()),
            CreateConversation::Never => {
                Err(Fault::new(Reason::ConversationNotFound).detail("the operator gave it no name at the upstream"))
            }
        }
    }

    /// Opens a session at the upstream, which may have one already.
    async fn open_there(&self, caller: &Caller, conversation: &Conversation) -> Result<String, Fault> {
        let mut fields = Fields::new();
        for (key, field) in KEYS {
            if let Some(value) = self.names.keys(&conversation.id).and_then(|keys| keys.get(key)) {
                fields.set_text(field, value.clone());
            }
        }
        let known = [
            (Field::ConversationBusiness, &conversation.business),
            (Field::ConversationDepartment, &conversation.department),
            (Field::ConversationCustomer, &conversation.customer),
        ];
        for (field, value) in known {
            if let Some(value) = value.as_ref().filter(|_| !fields.has(field)) {
                fields.set_text(field, value.clone());
            }
        }
        let call = self.call_for(Op::SessionOpen, caller, &fields, None);
        let call =
            call.ok_or_else(|| Fault::new(Reason::ConversationNotFound).detail("no session can be opened there"))?;
        let answer = self.ask(caller, call, &fields, None).await?;
        let native = answer.id(Field::ConversationId).map(|id| id.into_owned());
        let native = native.ok_or_else(|| Fault::new(Reason::Upstream).detail("the session has no id"))?;
        self.names.name_conversation(&conversation.id, &native).await
    }

    /// The caller's session: the one of its keys, else a new one, opened at the upstream.
    pub async fn find_or_open(&self, caller: &Caller, request: SessionRequest) -> Result<Conversation, Fault> {
        let business = request.business.as_deref().unwrap_or_default();
        let guest = request.customer.as_deref().unwrap_or(&caller.principal.id).to_owned();
        let key = session_key(business, &guest);
        let _once = self.decisions.lock().await;
        let known: Option<String> = self.directory.find(Collection::ActiveSessions, &key).await?;
        let room = match known {
            Some(id) => self.directory.room(&id).await?,
            None => self.own_room(caller).await?,
        };
        let mut room = match room {
            Some(room) => room,
            None => {
                let now = Timestamp::now();
                let conversation = Conversation {
                    id: uuid::Uuid::now_v7().to_string(),
                    kind: request.kind,
                    business: request.business.clone(),
                    department: request.department.clone(),
                    customer: request.customer.clone(),
                    owner: Some(caller.principal.id.to_string()),
                    state: Some(ConversationState::Open),
                    created_at: Some(now),
                    updated_at: Some(now),
                    ..Conversation::default()
                };
                Room { conversation, ..Room::default() }
            }
        };
        // An ended session comes back by opening it again: the upstream decides which one it is then.
        if room.conversation.state == Some(ConversationState::Closed) {
            room.conversation.state = Some(ConversationState::Open);
            if self.settings.dialect.naming.create == CreateConversation::Session {
                self.open_there(caller, &room.conversation).await?;
            }
        }
        self.ensure_named(caller, &room).await?;
        room.members.insert(caller.principal.id.to_string());
        let documents = vec![crate::directory::active_session(business, &guest, &room.conversation.id)];
        self.directory.save(&room, documents).await?;
        Ok(room.conversation)
    }

    /// The one conversation that the caller is a member of, for dialects whose clients name none.
    async fn own_room(&self, caller: &Caller) -> Result<Option<Room>, Fault> {
        let key = session_key("", &caller.principal.id);
        let known: Option<String> = self.directory.find(Collection::ActiveSessions, &key).await?;
        match known {
            Some(id) => self.directory.room(&id).await,
            None => Ok(None),
        }
    }

    /// Ends a conversation at the upstream, by a call or a frame.
    pub async fn close_at(self: &Arc<Self>, caller: &Caller, conversation: &str) -> Result<Conversation, Fault> {
        self.change(caller, conversation, Op::Close, EventKind::SessionEnded, ConversationState::Closed).await
    }

    /// Takes a conversation at the upstream.
    pub async fn claim_at(self: &Arc<Self>, caller: &Caller, conversation: &str) -> Result<Conversation, Fault> {
        self.change(caller, conversation, Op::Claim, EventKind::SessionClaimed, ConversationState::Claimed).await
    }

    async fn change(
        self: &Arc<Self>,
        caller: &Caller,
        conversation: &str,
        op: Op,
        kind: EventKind,
        state: ConversationState,
    ) -> Result<Conversation, Fault> {
        let account = self.account(caller);
        let mut room = self.visible(caller, &account, conversation).await?;
        if account.shared && !crate::directory::may_lead(&caller.principal) {
            return Err(Fault::new(Reason::Role));
        }
        let mut fields = Fields::new();
        fields.set_text(Field::ConversationId, conversation);
        self.names.outward(&mut fields).await?;
        match self.call_for(op, caller, &fields, None) {
            Some(call) => drop(self.ask(caller, call, &fields, None).await?),
            None => {
                let mut event = Event::new(kind);
                event.details.conversation.id = conversation.to_owned();
                if !self.say_signal(caller, &account, &event).await? {
                    return Err(Fault::new(Reason::NotSupported).detail("the upstream's dialect has no form for it"));
                }
            }
        }
        let now = Timestamp::now();
        room.conversation.state = Some(state);
        room.conversation.updated_at = Some(now);
        match state {
            ConversationState::Closed => room.conversation.closed_at = Some(now),
            ConversationState::Claimed => room.conversation.agent = Some(caller.principal.id.to_string()),
            ConversationState::Open | ConversationState::Active => {}
        }
        self.directory.save(&room, Vec::new()).await?;
        let mut event = Event::new(kind);
        event.details.conversation = room.conversation.clone();
        event.details.sent_at = Some(now);
        self.speak_for(&account, &mut event);
        self.tell(&account, event).await?;
        Ok(room.conversation)
    }

    /// Marks a conversation as read at the upstream, where it has a form for that.
    pub async fn read_at(self: &Arc<Self>, caller: &Caller, conversation: &str) -> Result<(), Fault> {
        let account = self.account(caller);
        self.visible(caller, &account, conversation).await?;
        let mut fields = Fields::new();
        fields.set_text(Field::ConversationId, conversation);
        let mut event = Event::new(EventKind::Receipt);
        event.details.conversation.id = conversation.to_owned();
        event.details.receipt.status = Some("read".to_owned());
        if self.say_signal(caller, &account, &event).await? {
            return Ok(());
        }
        self.names.outward(&mut fields).await?;
        match self.call_for(Op::Read, caller, &fields, None) {
            Some(call) => self.ask(caller, call, &fields, None).await.map(|_| ()),
            None => {
                crate::metrics::count_untold(&self.settings.dialect.name, EventKind::Receipt.as_str());
                Ok(())
            }
        }
    }
}
