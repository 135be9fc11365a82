//! Conversations at the upstream: found, opened, claimed, closed, read. In: canonical ids. Out: what is known of them
//! here, after the upstream did its part.

use std::sync::Arc;

use crate::backend::{Caller, SessionRequest};
use crate::dialect::{ConversationName, CreateConversation, Op};
use crate::directory::{Room, Subscriptions, may_see};
use crate::event::{Conversation, ConversationState, Event, EventKind, Field, Fields, Timestamp};
use crate::fault::{Fault, Reason};

use super::Inner;
use super::account::Account;
use super::rooms::unseen;

/// The keys by which `[[conversations]]` says what a session is found by.
const KEYS: [(&str, Field); 4] = [
    ("business", Field::ConversationBusiness),
    ("department", Field::ConversationDepartment),
    ("external_customer_id", Field::ConversationCustomer),
    ("customer", Field::ConversationCustomer),
];

impl Inner {
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
        // Of an account of its own the upstream says first that it takes part.
        if account.shared && !room.members.contains(&*caller.principal.id) {
            room = self.join(caller, room).await?;
        }
        self.ensure_named(caller, account, &room).await?;
        Ok(room)
    }

    /// Gives a conversation a name at the upstream: the one it has, a session opened there, or its own id where the
    /// upstream takes any.
    pub async fn ensure_named(&self, caller: &Caller, account: &Account, room: &Room) -> Result<(), Fault> {
        let named = self.name_there(caller, account, &room.conversation).await?;
        if named == room.conversation.id {
            return Ok(());
        }
        Err(Fault::new(Reason::ConversationNotFound).detail("the upstream has another conversation in its place"))
    }

    /// The conversation that stands for this one at the upstream: itself, unless what the upstream opens is known as
    /// another already.
    async fn name_there(
        &self,
        caller: &Caller,
        account: &Account,
        conversation: &Conversation,
    ) -> Result<String, Fault> {
        let id = &conversation.id;
        if self.settings.dialect.naming.name == ConversationName::Pair || self.names.conversation(id).await?.is_some() {
            return Ok(id.clone());
        }
        // Two who need it at once open one session.
        let _turn = self.turns.take(format!("name/{id}")).await;
        if self.names.conversation(id).await?.is_some() {
            return Ok(id.clone());
        }
        match self.settings.dialect.naming.create {
            CreateConversation::Session => self.open_there(caller, account, conversation).await,
            CreateConversation::Send => self.names.name_conversation(id, id).await,
            CreateConversation::Never => {
                Err(Fault::new(Reason::ConversationNotFound).detail("the operator gave it no name at the upstream"))
            }
        }
    }

    /// Opens a session at the upstream, which may have one already. The conversation that it is here.
    async fn open_there(
        &self,
        caller: &Caller,
        account: &Account,
        conversation: &Conversation,
    ) -> Result<String, Fault> {
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
        if account.shared && !fields.has(Field::ConversationCustomer) {
            // All callers are one account there: who it is for is told by this, or by nothing.
            let guest = conversation.owner.as_deref().unwrap_or(&caller.principal.id);
            fields.set_text(Field::ConversationCustomer, guest.to_owned());
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
        let guest = request.customer.as_deref().unwrap_or(&caller.principal.id);
        let account = self.account(caller);
        let _once = self.turns.take(format!("session/{business}\u{1f}{guest}")).await;
        let found = match self.directory.session(business, guest).await? {
            Some(id) => self.directory.room(&id).await?,
            None => self.own_room(caller).await?,
        };
        let is_new = found.is_none();
        let mut room = found.unwrap_or_else(|| new_room(caller, &request));
        let is_closed = room.conversation.state == Some(ConversationState::Closed);
        // A stranger with an account of its own: whether the session is also its own, the upstream says.
        let is_stranger = !account.shared && !is_new && may_see(caller, &room).is_err();
        // An ended session comes back by opening it again: the upstream decides which one it is then.
        let again = (is_closed || is_stranger) && self.settings.dialect.naming.create == CreateConversation::Session;
        let named = match again {
            true => self.open_there(caller, &account, &room.conversation).await?,
            // Nothing can be asked now: it says so at what the caller does there.
            false if is_stranger => return Ok(unseen(room).conversation),
            false => self.name_there(caller, &account, &room.conversation).await?,
        };
        if named != room.conversation.id {
            room = self.taken_for(caller, &account, named, room).await?;
        }
        if is_new {
            self.directory.save(&room, Vec::new()).await?;
        }
        let room = self.change_room(room, |room| {
            room.members.insert(caller.principal.id.to_string());
            if room.conversation.state == Some(ConversationState::Closed) {
                room.conversation.state = Some(ConversationState::Open);
            }
        });
        let room = room.await?;
        let session = self.directory.active_session(business, guest, Some(&room.conversation.id));
        self.journal.put(vec![session]).await.map_err(crate::naming::fault)?;
        Ok(room.conversation)
    }

    /// What the upstream opened is known here already: as the caller's, or as nobody's.
    async fn taken_for(&self, caller: &Caller, account: &Account, named: String, room: Room) -> Result<Room, Fault> {
        let known = self.directory.room(&named).await?;
        let known = known.unwrap_or_else(|| Room {
            conversation: Conversation { id: named, ..room.conversation },
            ..Room::default()
        });
        if account.shared && !known.members.is_empty() && may_see(caller, &known).is_err() {
            return Err(Fault::new(Reason::Forbidden).detail("the upstream gives the session of somebody else"));
        }
        Ok(known)
    }

    /// The one conversation that the caller is a member of, for dialects whose clients name none.
    async fn own_room(&self, caller: &Caller) -> Result<Option<Room>, Fault> {
        match self.directory.session("", &caller.principal.id).await? {
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
        let room = self.visible(caller, &account, conversation).await?;
        if account.shared && !crate::directory::may_lead(&caller.principal) {
            return Err(Fault::new(Reason::Role));
        }
        let mut fields = Fields::new();
        fields.set_text(Field::ConversationId, conversation);
        self.names.outward(&mut fields).await?;
        match self.call_for(op, caller, &fields, None) {
            Some(call) => drop(self.ask(caller, call, &fields, None).await?),
            None => {
                // Nothing says whether the upstream took a frame.
                may_see(caller, &room)?;
                let mut event = Event::new(kind);
                event.details.conversation.id = conversation.to_owned();
                if !self.say_signal(caller, &account, &event).await? {
                    return Err(Fault::new(Reason::NotSupported).detail("the upstream's dialect has no form for it"));
                }
            }
        }
        let now = Timestamp::now();
        let agent = caller.principal.id.to_string();
        let room = self.change_room(room, |room| {
            room.conversation.state = Some(state);
            room.conversation.updated_at = Some(now);
            match state {
                ConversationState::Closed => room.conversation.closed_at = Some(now),
                ConversationState::Claimed => room.conversation.agent = Some(agent),
                ConversationState::Open | ConversationState::Active => {}
            }
        });
        let room = room.await?;
        let mut event = Event::new(kind);
        event.details.conversation = room.conversation.clone();
        event.details.sent_at = Some(now);
        self.speak_for(&account, &mut event);
        self.tell(&account, event).await?;
        Ok(room.conversation)
    }

    /// Notes a subscription of one of our apps, and passes it to an upstream that has such a call.
    pub async fn subscribe_at(self: &Arc<Self>, caller: &Caller, fields: &Fields<'static>) -> Result<(), Fault> {
        if let Some(call) = self.call_for(Op::Subscribe, caller, fields, None) {
            self.ask(caller, call, fields, None).await?;
        }
        Subscriptions::new(Arc::clone(&self.journal)).add(&caller.route, fields).await
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

fn new_room(caller: &Caller, request: &SessionRequest) -> Room {
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
    Room { conversation, members: [caller.principal.id.to_string()].into(), ..Room::default() }
}
