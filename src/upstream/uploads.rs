//! Uploads of clients on a route to the upstream. In: a stored file. Out: the file made known; refused before its bytes
//! are read where the upstream could not take it and the route wants no loss.

use std::sync::Arc;

use crate::backend::{Announce, Caller, FileAhead, UploadIntent};
use crate::dialect::OnLoss;
use crate::event::{Attachment, Event, EventKind, Field, Fields, IdForm, MessageKind, Party, Resource, Timestamp};
use crate::fault::{Fault, Reason};
use crate::journal::Namespace;
use crate::naming::fault;

use super::Inner;

impl Inner {
    /// What the upstream's dialect says of such a file. Where a loss may be bridged there is no limit: what is not taken
    /// there is linked to.
    pub fn permit_file(&self, caller: &Caller, file: &FileAhead<'_>) -> Result<Option<u64>, Fault> {
        if caller.terms.on_loss == OnLoss::Degrade {
            return Ok(None);
        }
        let dialect = &self.settings.dialect;
        let mut fields = Fields::about(EventKind::Message(file.kind));
        fields.set_text(Field::AttachmentName, file.name);
        fields.set_text(Field::AttachmentMime, file.mime);
        match dialect.refuses_file(&fields) {
            Some(why) => {
                let detail = format!("the upstream's dialect does not take it ({})", why.as_str());
                Err(Fault::new(Reason::UnsupportedType).detail(detail))
            }
            None => Ok(dialect.types.max(file.kind)),
        }
    }

    pub async fn permit(&self, caller: &Caller, intent: &UploadIntent) -> Result<(), Fault> {
        let Some(id) = &intent.conversation else { return Ok(()) };
        let account = self.account(caller);
        match self.visible(caller, &account, id).await {
            Err(fault) if fault.reason == Reason::ConversationNotFound && intent.receiver.is_some() => Ok(()),
            other => other.map(|_| ()),
        }
    }

    /// Makes a stored file known by all its handles; nothing is told to the upstream before a message names it.
    pub async fn register(
        &self,
        caller: &Caller,
        intent: UploadIntent,
        kind: MessageKind,
        mut file: Attachment,
    ) -> Result<Arc<Event>, Fault> {
        let created = intent.announce == Announce::Created;
        let mut event = Event::new(EventKind::Message(kind));
        if created {
            let id = self.next_upload_id().await?;
            file.chat_id = Some(id.clone());
            event.details.id = id;
        }
        let documents = self.library.enter(caller, kind, &mut file, &intent, false);
        self.journal.put(documents).await.map_err(fault)?;
        event.details.body = intent.body;
        event.details.attachment = file;
        event.details.conversation.id = intent.conversation.clone().unwrap_or_default();
        if let Some(receiver) = intent.receiver {
            event.details.receiver = Party { id: receiver, ..Party::default() };
        }
        // A conversation that the caller may not see is told as little of as one that is not there.
        let account = self.account(caller);
        if let Ok(room) = self.visible(caller, &account, &event.details.conversation.id).await {
            event.details.conversation = room.conversation;
            event.details.guest = room.guest;
        }
        event.details.sent_at = Some(Timestamp::now());
        event.details.sender = self.directory.remember(&caller.principal).await?;
        Ok(Arc::new(event))
    }

    /// A number for an upload that is a message: the client's dialect wants one before the upstream has the file.
    async fn next_upload_id(&self) -> Result<String, Fault> {
        let owner = format!("uploads {}", self.settings.name).into();
        let namespace = Namespace { owner, resource: Resource::Message };
        let canonical = uuid::Uuid::now_v7().to_string();
        self.journal.native(&namespace, &canonical, IdForm::Integer).await.map_err(fault)
    }
}
