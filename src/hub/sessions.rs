//! Sessions: opened, claimed, closed, reopened. One active session per guest and business, one claim per session.

use crate::backend::{Caller, SessionRequest};
use crate::directory::{self, Room};
use crate::event::{Conversation, ConversationKind, ConversationState, Event, EventKind, Guest, Role, Timestamp};
use crate::fault::{Fault, Reason};
use crate::journal::Put;

use super::Hub;

use std::sync::Arc;

use uuid::Uuid;

impl Hub {
    /// The caller's active session, or a new one.
    pub(super) async fn find_or_open(&self, caller: &Caller, request: SessionRequest) -> Result<Conversation, Fault> {
        self.directory.remember(&caller.principal).await?;
        let business = request.business.as_deref().unwrap_or_default();
        let new = request.guest.as_ref().map(|guest| new_service(&request, guest.clone()));
        let number = new.as_ref().and_then(|room| room.guest.whatsapp_number.as_deref());
        let of_guest = new.as_ref().zip(number).map(|(room, number)| guest_key(&room.conversation, number));
        let guest = of_guest.as_deref().or(request.customer.as_deref()).unwrap_or(&caller.principal.id);
        let _once = self.decide(&format!("{business}\u{1f}{guest}")).await?;
        if let Some(id) = self.directory.session(business, guest).await?
            && let Some(mut room) = self.directory.room(&id).await?
            && room.conversation.state != Some(ConversationState::Closed)
        {
            if request.guest.is_some() {
                directory::may_see(caller, &room)?;
                return Ok(room.conversation);
            }
            if room.members.insert(caller.principal.id.to_string()) {
                room.conversation.owner.get_or_insert_with(|| caller.principal.id.to_string());
                self.directory.save(&room, Vec::new()).await?;
            }
            return Ok(room.conversation);
        }
        let room = new.unwrap_or_else(|| new_session(caller, &request));
        let documents = vec![self.directory.active_session(business, guest, Some(&room.conversation.id))];
        self.directory.save(&room, documents).await?;
        self.tell(caller, EventKind::SessionStarted, &room).await?;
        Ok(room.conversation)
    }

    /// Takes an open session. Whoever comes second is told so.
    pub(super) async fn take_over(&self, caller: &Caller, conversation: &str) -> Result<Conversation, Fault> {
        if !directory::may_lead(&caller.principal) {
            return Err(Fault::new(Reason::Role));
        }
        self.directory.remember(&caller.principal).await?;
        let _once = self.decide(conversation).await?;
        let mut room = self.visible_room(caller, conversation).await?;
        if room.conversation.state == Some(ConversationState::Closed) {
            return Err(Fault::new(Reason::Ended));
        }
        if room.conversation.agent.is_some() {
            return Err(Fault::new(Reason::Conflict));
        }
        room.conversation.agent = Some(caller.principal.id.to_string());
        room.conversation.state = Some(ConversationState::Claimed);
        room.conversation.updated_at = Some(Timestamp::now());
        self.directory.save(&room, Vec::new()).await?;
        self.tell(caller, EventKind::SessionClaimed, &room).await?;
        Ok(room.conversation)
    }

    /// Ends a conversation; its history stays.
    pub(super) async fn end(&self, caller: &Caller, conversation: &str) -> Result<Conversation, Fault> {
        if !directory::may_lead(&caller.principal) {
            return Err(Fault::new(Reason::Role));
        }
        let _once = self.decide(conversation).await?;
        let mut room = self.visible_room(caller, conversation).await?;
        if room.conversation.state == Some(ConversationState::Closed) {
            return Err(Fault::new(Reason::Ended));
        }
        if room.conversation.agent.as_ref().is_some_and(|agent| *agent != *caller.principal.id)
            && caller.principal.role == Some(Role::Agent)
        {
            return Err(Fault::new(Reason::Forbidden));
        }
        let now = Timestamp::now();
        room.conversation.state = Some(ConversationState::Closed);
        room.conversation.closed_at = Some(now);
        room.conversation.updated_at = Some(now);
        self.directory.save(&room, self.freed_sessions(&room)).await?;
        self.tell(caller, EventKind::SessionEnded, &room).await?;
        Ok(room.conversation)
    }

    /// Makes a closed conversation usable again.
    pub(super) async fn reopen(&self, caller: &Caller, conversation: &str) -> Result<Conversation, Fault> {
        if !directory::may_lead(&caller.principal) {
            return Err(Fault::new(Reason::Role));
        }
        let _once = self.decide(conversation).await?;
        let mut room = self.visible_room(caller, conversation).await?;
        if room.conversation.state == Some(ConversationState::Closed) {
            room.conversation.state = Some(ConversationState::Active);
            room.conversation.closed_at = None;
            room.conversation.updated_at = Some(Timestamp::now());
            self.directory.save(&room, Vec::new()).await?;
            self.tell(caller, EventKind::ConversationUpdated, &room).await?;
        }
        Ok(room.conversation)
    }

    /// The guest of a closed session may open another.
    fn freed_sessions(&self, room: &Room) -> Vec<Put> {
        let business = room.conversation.business.as_deref().unwrap_or_default();
        let of_guest = room.guest.whatsapp_number.as_ref().map(|number| guest_key(&room.conversation, number));
        let guests = room.conversation.customer.iter().chain(&room.conversation.owner).chain(&of_guest);
        guests.map(|guest| self.directory.active_session(business, guest, None)).collect()
    }

    /// Tells a room what became of it.
    async fn tell(&self, caller: &Caller, kind: EventKind, room: &Room) -> Result<(), Fault> {
        let mut event = Event::new(kind);
        event.details.conversation = room.conversation.clone();
        event.details.guest = room.guest.clone();
        event.details.sender = self.directory.remember(&caller.principal).await?;
        event.details.sent_at = Some(Timestamp::now());
        event.details.origin.dialect = Some(caller.dialect.to_string());
        self.announce(&Arc::new(event)).await
    }
}

/// The house has one conversation with a guest in each department.
fn guest_key(conversation: &Conversation, number: &str) -> String {
    format!("{}/{number}", conversation.department.as_deref().map(directory::folded).unwrap_or_default())
}

/// A conversation that the house begins with a guest: it is nobody's of the house.
fn new_service(request: &SessionRequest, guest: Guest) -> Room {
    let now = Timestamp::now();
    let conversation = Conversation {
        id: Uuid::now_v7().to_string(),
        kind: Some(ConversationKind::Service),
        state: Some(ConversationState::Active),
        department: request.department.clone(),
        business: request.business.clone(),
        created_at: Some(now),
        updated_at: Some(now),
        ..Conversation::default()
    };
    Room { conversation, guest, ..Room::default() }
}

fn new_session(caller: &Caller, request: &SessionRequest) -> Room {
    let now = Timestamp::now();
    let conversation = Conversation {
        id: Uuid::now_v7().to_string(),
        kind: Some(request.kind.unwrap_or(ConversationKind::Visitor)),
        state: Some(ConversationState::Open),
        department: request.department.clone(),
        business: request.business.clone(),
        customer: request.customer.clone(),
        owner: Some(caller.principal.id.to_string()),
        created_at: Some(now),
        updated_at: Some(now),
        ..Conversation::default()
    };
    Room { conversation, members: [caller.principal.id.to_string()].into(), ..Room::default() }
}
