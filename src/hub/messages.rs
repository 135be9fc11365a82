//! What clients send. In: an event as a client said it. Out: the event as accepted: complete, numbered, durable.

use std::sync::Arc;

use crate::backend::Caller;
use crate::event::{Conversation, ConversationState, Event, EventKind, MessageKind, Party, Profile, Timestamp};
use crate::fault::{Fault, Reason};
use crate::journal::{Append, Put};
use crate::naming::fault;
use crate::trace;

use super::Hub;
use super::announcer::UPLOADED;
use crate::directory::Room;

impl Hub {
    pub(super) async fn take(&self, caller: &Caller, event: Event) -> Result<Arc<Event>, Fault> {
        let sender = self.directory.remember(&caller.principal).await?;
        match event.kind {
            EventKind::Message(kind) => self.take_message(caller, sender, kind, event).await,
            EventKind::Typing | EventKind::Presence => self.pass_by(caller, sender, event).await,
            EventKind::Receipt => {
                self.mark_read(caller, &event.details.conversation.id).await?;
                Ok(Arc::new(event))
            }
            EventKind::SessionEnded => {
                let conversation = self.end(caller, &event.details.conversation.id).await?;
                Ok(with_conversation(event, conversation))
            }
            EventKind::SessionClaimed => {
                let conversation = self.take_over(caller, &event.details.conversation.id).await?;
                Ok(with_conversation(event, conversation))
            }
            EventKind::ConversationUpdated => {
                let conversation = self.reopen(caller, &event.details.conversation.id).await?;
                Ok(with_conversation(event, conversation))
            }
            EventKind::SessionStarted | EventKind::Error => Err(Fault::new(Reason::NotSupported)),
        }
    }

    async fn take_message(
        &self,
        caller: &Caller,
        sender: Party,
        kind: MessageKind,
        mut event: Event,
    ) -> Result<Arc<Event>, Fault> {
        if let Some(chat_id) = event.details.attachment.chat_id.clone() {
            return self.announce_upload(caller, &chat_id).await;
        }
        let room = self.room_of(caller, &event).await?;
        let mut documents = Vec::new();
        if kind.is_file() || event.details.attachment.token.is_some() || event.details.attachment.url.is_some() {
            documents = self.library.attach(caller, &room.conversation.id, &mut event).await?.documents;
        } else if kind == MessageKind::Profile {
            event.details.profile = self.profile(&event.details.profile).await?;
        } else if event.details.body.as_deref().is_none_or(str::is_empty) && kind == MessageKind::Text {
            return Err(Fault::missing(crate::event::Field::Body));
        }
        self.record(room, sender, event, documents).await
    }

    /// Completes and records a message; whoever is in the room is told in the same step.
    pub(super) async fn record(
        &self,
        room: Room,
        sender: Party,
        mut event: Event,
        documents: Vec<Put>,
    ) -> Result<Arc<Event>, Fault> {
        let now = Timestamp::now();
        let audience = Some(room.audience(&sender.id));
        let details = &mut event.details;
        details.id.clear();
        details.sequence = None;
        details.receiver = self.receiver(&room, &sender).await?;
        details.sender = sender;
        details.conversation = room.conversation;
        details.guest = room.guest;
        // A client's clock orders nothing and dates nothing.
        details.sent_at = Some(now);
        details.received_at = Some(now);
        if details.receipt.status.is_none() {
            details.receipt.status = Some("sent".to_owned());
        }
        let key = details.origin.key.clone();
        let recorded = self.journal.append(Append { event, key, documents, audience }).await.map_err(fault)?;
        trace::say_message(&recorded.event.details.id);
        if recorded.repeated {
            self.confirm_again(&recorded.event).await?;
        }
        Ok(recorded.event)
    }

    /// The other one of a conversation between two.
    async fn receiver(&self, room: &Room, sender: &Party) -> Result<Party, Fault> {
        if !room.is_direct() {
            return Ok(Party::default());
        }
        match room.members.iter().find(|member| **member != sender.id) {
            Some(other) => Ok(self.directory.party(other).await?.unwrap_or_default()),
            None => Ok(Party::default()),
        }
    }

    /// The room an event goes to; made when its names said that naming it makes it.
    async fn room_of(&self, caller: &Caller, event: &Event) -> Result<Room, Fault> {
        let wanted: &Conversation = &event.details.conversation;
        let room = match self.directory.room(&wanted.id).await? {
            Some(room) => room,
            None if wanted.kind.is_some() => {
                let members = [&*caller.principal.id, event.details.receiver.id.as_str()];
                self.directory.create(wanted, &members).await?
            }
            None => return Err(Fault::new(Reason::ConversationNotFound)),
        };
        crate::directory::may_see(caller, &room)?;
        if room.conversation.state == Some(ConversationState::Closed) {
            return Err(Fault::new(Reason::Ended));
        }
        Ok(room)
    }

    /// What is known of a user whom a message refers to.
    async fn profile(&self, profile: &Profile) -> Result<Profile, Fault> {
        let id = profile.id.clone().unwrap_or_default();
        let party = self.directory.party(&id).await?.ok_or_else(|| Fault::new(Reason::PartyNotFound))?;
        Ok(Profile { id: Some(id), name: party.name, phone: None })
    }

    /// Typing and presence: told, never kept.
    async fn pass_by(&self, caller: &Caller, sender: Party, mut event: Event) -> Result<Arc<Event>, Fault> {
        let room = self.visible_room(caller, &event.details.conversation.id).await?;
        event.details.conversation = room.conversation;
        event.details.sender = sender;
        event.details.sent_at = Some(Timestamp::now());
        let event = Arc::new(event);
        self.announce(&event).await?;
        Ok(event)
    }

    /// Says an upload that created a message: delivered once, confirmed as often as it is said.
    async fn announce_upload(&self, caller: &Caller, id: &str) -> Result<Arc<Event>, Fault> {
        let found = self.journal.event(id).await.map_err(fault)?;
        let event = found.filter(|event| event.details.attachment.chat_id.is_some());
        let event = event.ok_or_else(|| Fault::new(Reason::MessageNotFound))?;
        if event.details.sender.id != *caller.principal.id {
            return Err(Fault::new(Reason::Forbidden));
        }
        let _once = self.decide(id).await?;
        let current = self.journal.event(id).await.map_err(fault)?.unwrap_or(event);
        if current.details.receipt.status.as_deref() != Some(UPLOADED) {
            self.confirm_again(&current).await?;
            return Ok(current);
        }
        let mut announced = (*current).clone();
        announced.details.receipt.status = Some("sent".to_owned());
        announced.details.origin.connection = (caller.connection != 0).then_some(caller.connection);
        let room = self.directory.room(&announced.details.conversation.id).await?;
        let audience = room.map(|room| room.audience(&announced.details.sender.id));
        self.journal.amend(announced, Vec::new(), audience).await.map_err(fault)
    }
}

fn with_conversation(mut event: Event, conversation: Conversation) -> Arc<Event> {
    event.details.conversation = conversation;
    Arc::new(event)
}
