//! Uploads to the hub. In: a stored file. Out: the file made known, and the message where the upload creates one.

use std::sync::Arc;

use crate::backend::{Announce, Caller, UploadIntent};
use crate::directory::{self, Room};
use crate::event::{Attachment, Conversation, Event, EventKind, MessageKind, Party, Timestamp};
use crate::fault::{Fault, Reason};
use crate::journal::{Append, Put};
use crate::naming::fault;

use super::Hub;
use super::announcer::UPLOADED;

impl Hub {
    pub(super) async fn permit(&self, caller: &Caller, intent: &UploadIntent) -> Result<(), Fault> {
        self.directory.remember(&caller.principal).await?;
        let Some(id) = &intent.conversation else { return Ok(()) };
        match self.directory.room(id).await? {
            Some(room) => directory::may_see(caller, &room),
            // A conversation of two comes into being with what is uploaded to it.
            None if intent.receiver.is_some() => Ok(()),
            None => Err(Fault::new(Reason::ConversationNotFound)),
        }
    }

    /// Makes a stored file known by all its handles.
    pub(super) async fn register(
        &self,
        caller: &Caller,
        intent: UploadIntent,
        kind: MessageKind,
        mut file: Attachment,
    ) -> Result<Arc<Event>, Fault> {
        let documents = self.library.enter(caller, kind, &mut file, &intent, intent.announce == Announce::Created);
        let mut event = Event::new(EventKind::Message(kind));
        event.details.body = intent.body.clone();
        event.details.attachment = file;
        event.details.conversation.id = intent.conversation.clone().unwrap_or_default();
        match intent.announce {
            Announce::Later => {
                self.journal.put(documents).await.map_err(fault)?;
                event.details.sent_at = Some(Timestamp::now());
                event.details.sender = self.directory.remember(&caller.principal).await?;
                Ok(Arc::new(event))
            }
            Announce::Created => self.create_message(caller, &intent, event, documents).await,
        }
    }

    /// An upload that is a message at once: in history, not yet told.
    async fn create_message(
        &self,
        caller: &Caller,
        intent: &UploadIntent,
        mut event: Event,
        documents: Vec<Put>,
    ) -> Result<Arc<Event>, Fault> {
        let sender = self.directory.remember(&caller.principal).await?;
        let id = intent.conversation.as_deref().ok_or_else(|| Fault::new(Reason::ConversationNotFound))?;
        let room = match self.directory.room(id).await? {
            Some(room) => room,
            None => {
                let conversation = Conversation { id: id.to_owned(), kind: intent.kind, ..Conversation::default() };
                let receiver = intent.receiver.as_deref().unwrap_or_default();
                self.directory.create(&conversation, &[&caller.principal.id, receiver]).await?
            }
        };
        directory::may_see(caller, &room)?;
        let now = Timestamp::now();
        event.details.receiver = self.other_member(&room, &sender.id).await?;
        event.details.sender = sender;
        event.details.guest = room.guest;
        event.details.conversation = room.conversation;
        event.details.sent_at = Some(now);
        event.details.receipt.status = Some(UPLOADED.to_owned());
        // Its own id is known only after it is recorded; until then this says that it will have one.
        event.details.attachment.chat_id = Some(String::new());
        event.details.origin.dialect = Some(caller.dialect.to_string());
        event.details.origin.route = Some(caller.route.to_string());
        let recorded =
            self.journal.append(Append { event, key: None, documents, audience: None }).await.map_err(fault)?;
        Ok(recorded.event)
    }

    async fn other_member(&self, room: &Room, sender: &str) -> Result<Party, Fault> {
        let other = room.members.iter().find(|member| room.is_direct() && *member != sender);
        match other {
            Some(other) => Ok(self.directory.party(other).await?.unwrap_or_default()),
            None => Ok(Party::default()),
        }
    }
}
