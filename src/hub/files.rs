//! Files between their upload and the message that names them. In: a stored file, later a handle of it. Out: the
//! attachment with every handle and fact. Only the uploader uses a file that is bound to no conversation yet.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::auth::Principal;
use crate::backend::{Announce, Caller, Grant, UploadIntent};
use crate::event::{Attachment, Conversation, Event, EventKind, MessageKind, Role, Timestamp};
use crate::fault::{Fault, Reason};
use crate::journal::{Append, Collection, Put};
use crate::naming::fault;

use super::announcer::UPLOADED;
use super::directory::document;
use super::room::Room;
use super::{Hub, access};

/// How long a permission to upload is good for.
const GRANT_LIFETIME: Duration = Duration::from_secs(15 * 60);
/// How long a token that stands for a file is good for.
const TOKEN_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// A stored file as the journal keeps it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Upload {
    kind: MessageKind,
    attachment: Attachment,
    owner: String,
    /// The conversation it may be used in; bound by the upload or by its first use.
    conversation: Option<String>,
    /// Until when its token is good.
    token_until: Timestamp,
}

/// Who may upload, until when. Found by the digest of its token.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Permission {
    party: String,
    role: Option<Role>,
    until: Timestamp,
}

impl Hub {
    pub(super) async fn permit(&self, caller: &Caller, intent: &UploadIntent) -> Result<(), Fault> {
        self.directory.remember(&caller.principal).await?;
        let Some(id) = &intent.conversation else { return Ok(()) };
        match self.directory.room(id).await? {
            Some(room) => access::may_see(caller, &room),
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
        let id = Uuid::now_v7().to_string();
        let token = unguessable();
        file.token = Some(token.clone());
        file.owner = Some(caller.principal.id.to_string());
        let upload = Upload {
            kind,
            attachment: Attachment { token: None, ..file.clone() },
            owner: caller.principal.id.to_string(),
            conversation: intent.conversation.clone(),
            token_until: later(TOKEN_LIFETIME),
        };
        let mut documents: Vec<Put> = document(Collection::Uploads, &id, &upload).into_iter().collect();
        let path = file.path.as_deref().map(|path| format!("path{path}"));
        let handles = path.into_iter().chain([format!("token/{}", digest(&token))]);
        documents.extend(handles.filter_map(|handle| document(Collection::Handles, &handle, &id)));
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
        access::may_see(caller, &room)?;
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
        let recorded = self.journal.append(Append { event, key: None, documents }).await.map_err(fault)?;
        Ok(recorded.event)
    }

    async fn other_member(&self, room: &Room, sender: &str) -> Result<crate::event::Party, Fault> {
        let other = room.members.iter().find(|member| room.is_direct() && *member != sender);
        match other {
            Some(other) => Ok(self.directory.party(other).await?.unwrap_or_default()),
            None => Ok(crate::event::Party::default()),
        }
    }

    /// Completes a message that names a file by any of its handles.
    pub(super) async fn attach(&self, caller: &Caller, room: &Room, event: &mut Event) -> Result<(), Fault> {
        let attachment = &event.details.attachment;
        let handle = match (&attachment.token, &attachment.url) {
            (Some(token), _) => format!("token/{}", digest(token)),
            (None, Some(url)) => format!("path{}", path_of(url)),
            (None, None) => return Err(Fault::missing(crate::event::Field::AttachmentUrl)),
        };
        let id: Option<String> = self.directory.find(Collection::Handles, &handle).await?;
        let Some(id) = id else {
            let is_link = attachment.token.is_none() && caller.foreign_files;
            return if is_link { Ok(()) } else { Err(Fault::new(Reason::FileNotFound)) };
        };
        let upload: Option<Upload> = self.directory.find(Collection::Uploads, &id).await?;
        let mut upload = upload.ok_or_else(|| Fault::new(Reason::FileNotFound))?;
        let expired = attachment.token.is_some() && upload.token_until < Timestamp::now();
        let elsewhere = upload.conversation.as_ref().is_some_and(|bound| *bound != room.conversation.id);
        let somebody_elses =
            upload.owner != *caller.principal.id && (upload.conversation.is_none() || attachment.token.is_some());
        if expired || elsewhere || somebody_elses {
            return Err(Fault::new(Reason::FileNotFound));
        }
        if upload.conversation.is_none() && attachment.token.is_none() {
            upload.conversation = Some(room.conversation.id.clone());
            let put = document(Collection::Uploads, &id, &upload);
            self.journal.put(put.into_iter().collect()).await.map_err(fault)?;
        }
        // The stored kind is trusted over what the frame says.
        event.kind = EventKind::Message(upload.kind);
        event.details.kind = Some(upload.kind);
        let said = std::mem::replace(&mut event.details.attachment, upload.attachment);
        if let Some(name) = said.name.filter(|name| !name.is_empty()) {
            event.details.attachment.name = Some(name);
        }
        Ok(())
    }

    pub(super) async fn grant(&self, caller: &Caller) -> Result<Grant, Fault> {
        self.directory.remember(&caller.principal).await?;
        let token = unguessable();
        let permission = Permission {
            party: caller.principal.id.to_string(),
            role: caller.principal.role,
            until: later(GRANT_LIFETIME),
        };
        let put = document(Collection::Grants, &digest(&token), &permission);
        self.journal.put(put.into_iter().collect()).await.map_err(fault)?;
        Ok(Grant { token, lifetime: GRANT_LIFETIME })
    }

    pub(super) async fn granted(&self, token: &str) -> Result<Principal, Fault> {
        let permission: Option<Permission> = self.directory.find(Collection::Grants, &digest(token)).await?;
        match permission.filter(|permission| permission.until > Timestamp::now()) {
            Some(permission) => Ok(Principal { role: permission.role, ..Principal::named(permission.party) }),
            None => Err(Fault::new(Reason::Unauthorized)),
        }
    }
}

fn later(lifetime: Duration) -> Timestamp {
    let micros = i64::try_from(lifetime.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_micros(Timestamp::now().micros().saturating_add(micros))
}

/// 244 random bits.
fn unguessable() -> String {
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}

/// Tokens are kept as digests: whoever reads the journal cannot use them.
fn digest(token: &str) -> String {
    use std::fmt::Write;

    Sha256::digest(token.as_bytes()).iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The path of a URL, or of what is only a path; without query and fragment.
fn path_of(url: &str) -> &str {
    let path = match url.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("", |at| &rest[at..]),
        None => url,
    };
    path.split(['?', '#']).next().unwrap_or_default()
}
