//! Files between their upload and the message that names them. In: a stored file, later a handle of it. Out: the
//! attachment with every handle and fact. Only the uploader uses a file that is bound to no conversation yet.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::auth::Principal;
use crate::backend::{Caller, Grant, Kept, UploadIntent};
use crate::directory::{document, parsed};
use crate::event::{Attachment, Event, EventKind, Field, MessageKind, Role, Timestamp};
use crate::fault::{Fault, Reason};
use crate::journal::{Collection, Journal, Put};
use crate::naming::fault;

use super::{lifecycle, unfinished};

/// How long a permission to upload is good for.
const GRANT_LIFETIME: Duration = Duration::from_secs(15 * 60);
/// How long a token that stands for a file is good for.
const TOKEN_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// A stored file as the journal keeps it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Upload {
    pub kind: MessageKind,
    pub attachment: Attachment,
    /// Who uploaded it.
    pub owner: String,
    /// Where; absent in what earlier versions kept.
    #[serde(default)]
    pub route: Option<String>,
    /// The conversation it may be used in; bound by the upload or by its first use.
    pub conversation: Option<String>,
    /// Until when its token is good.
    token_until: Timestamp,
    /// What was said with it, where the upload itself is the message.
    #[serde(default)]
    pub body: Option<String>,
    pub uploaded_at: Timestamp,
    #[serde(flatten)]
    pub kept: Kept,
    /// Every handle by which a message can name it, as the journal has them.
    pub(super) handles: Vec<String>,
}

/// What a message came to name.
pub struct Attached {
    /// Whether the file is one of ours; else it is a link.
    pub is_ours: bool,
    /// What must become durable with the message.
    pub documents: Vec<Put>,
}

/// Who may upload, until when. Found by the digest of its token.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Permission {
    party: String,
    role: Option<Role>,
    until: Timestamp,
}

/// What was uploaded, by its handles.
#[derive(Clone)]
pub struct Library {
    journal: Arc<dyn Journal>,
}

impl Library {
    pub fn new(journal: Arc<dyn Journal>) -> Self {
        Library { journal }
    }

    /// Gives a stored file its token and owner. The documents make it known by all its handles, once written; `chat_id` is
    /// the message that the upload created, where it did, and `is_message` says that everybody sees that at once.
    pub fn enter(
        &self,
        caller: &Caller,
        kind: MessageKind,
        file: &mut Attachment,
        intent: &UploadIntent,
        is_message: bool,
    ) -> Vec<Put> {
        let id = Uuid::now_v7().to_string();
        let token = unguessable();
        file.token = Some(token.clone());
        file.owner = Some(caller.principal.id.to_string());
        let path = file.path.as_deref().map(|path| format!("path{path}"));
        let message = file.chat_id.as_deref().filter(|id| !id.is_empty()).map(|id| format!("message/{id}"));
        let upload = Upload {
            kind,
            attachment: Attachment { token: None, ..file.clone() },
            owner: caller.principal.id.to_string(),
            route: Some(caller.route.to_string()),
            conversation: intent.conversation.clone(),
            token_until: later(TOKEN_LIFETIME),
            body: intent.body.clone(),
            uploaded_at: Timestamp::now(),
            kept: intent.kept.clone(),
            handles: path.into_iter().chain(message).chain([format!("token/{}", digest(&token))]).collect(),
        };
        let mut documents: Vec<Put> = document(Collection::Uploads, &id, &upload).into_iter().collect();
        let objects = upload.kept.stores.iter().map(|store| lifecycle::object(store, &upload.kept.key));
        let named = is_message.then(|| lifecycle::named(&id));
        let handles = upload.handles.iter().cloned().chain(objects).chain(named);
        documents.extend(handles.filter_map(|handle| document(Collection::Handles, &handle, &id)));
        documents.extend(intent.note.as_deref().map(unfinished::taken_away));
        documents
    }

    /// Completes a message that names a file by its URL or token. A foreign file is a link, where the route allows it.
    pub async fn attach(&self, caller: &Caller, conversation: &str, event: &mut Event) -> Result<Attached, Fault> {
        let attachment = &event.details.attachment;
        let by_token = attachment.token.is_some();
        let handle = match (&attachment.token, &attachment.url) {
            (Some(token), _) => format!("token/{}", digest(token)),
            (None, Some(url)) => format!("path{}", path_of(url)),
            (None, None) => return Err(Fault::missing(Field::AttachmentUrl)),
        };
        let Some((id, mut upload)) = self.find(&handle).await? else {
            return if !by_token && caller.terms.foreign_files {
                Ok(Attached { is_ours: false, documents: Vec::new() })
            } else {
                Err(Fault::new(Reason::FileNotFound))
            };
        };
        let expired = by_token && upload.token_until < Timestamp::now();
        let elsewhere = upload.conversation.as_ref().is_some_and(|bound| bound != conversation);
        let somebody_elses = upload.owner != *caller.principal.id && (upload.conversation.is_none() || by_token);
        if expired || elsewhere || somebody_elses {
            return Err(Fault::new(Reason::FileNotFound));
        }
        let mut documents: Vec<Put> = named(&id).into_iter().collect();
        if upload.conversation.is_none() && !by_token {
            upload.conversation = Some(conversation.to_owned());
            documents.extend(document(Collection::Uploads, &id, &upload));
        }
        // The stored kind is trusted over what the frame says.
        event.kind = EventKind::Message(upload.kind);
        event.details.kind = Some(upload.kind);
        let said = std::mem::replace(&mut event.details.attachment, upload.attachment);
        if let Some(name) = said.name.filter(|name| !name.is_empty()) {
            event.details.attachment.name = Some(name);
        }
        Ok(Attached { is_ours: true, documents })
    }

    /// An upload that is a message at once, by the id of that message; only for who uploaded it.
    pub async fn announced(&self, caller: &Caller, chat_id: &str) -> Result<Upload, Fault> {
        let (id, upload) =
            self.find(&format!("message/{chat_id}")).await?.ok_or_else(|| Fault::new(Reason::MessageNotFound))?;
        if upload.owner != *caller.principal.id {
            return Err(Fault::new(Reason::Forbidden));
        }
        self.journal.put(named(&id).into_iter().collect()).await.map_err(fault)?;
        Ok(upload)
    }

    /// The upload that was given this path; of a URL only its path matters.
    pub async fn at(&self, path: &str) -> Result<Option<Upload>, Fault> {
        match self.find(&format!("path{path}")).await {
            Ok(found) => Ok(found.map(|(_, upload)| upload)),
            // Of a file that was removed a handle may be left for a while.
            Err(fault) if fault.reason == Reason::FileNotFound => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    async fn find(&self, handle: &str) -> Result<Option<(String, Upload)>, Fault> {
        let Some(bytes) = self.journal.get(Collection::Handles, handle).await.map_err(fault)? else { return Ok(None) };
        let id: String = parsed(&bytes)?;
        let found = self.journal.get(Collection::Uploads, &id).await.map_err(fault)?;
        let upload = parsed(&found.ok_or_else(|| Fault::new(Reason::FileNotFound))?)?;
        Ok(Some((id, upload)))
    }

    /// Permits an upload to whoever holds the token.
    pub async fn grant(&self, caller: &Caller) -> Result<Grant, Fault> {
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

    /// Who was granted an upload by this token.
    pub async fn granted(&self, token: &str) -> Result<Principal, Fault> {
        let found = self.journal.get(Collection::Grants, &digest(token)).await.map_err(fault)?;
        let permission: Option<Permission> = found.map(|bytes| parsed(&bytes)).transpose()?;
        match permission.filter(|permission| permission.until > Timestamp::now()) {
            Some(permission) => Ok(Principal { role: permission.role, ..Principal::named(permission.party) }),
            None => Err(Fault::new(Reason::Unauthorized)),
        }
    }
}

/// Says that a message names an upload, once written.
fn named(id: &str) -> Option<Put> {
    document(Collection::Handles, &lifecycle::named(id), &id)
}

fn later(lifetime: Duration) -> Timestamp {
    let micros = i64::try_from(lifetime.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_micros(Timestamp::now().micros().saturating_add(micros))
}

/// 244 random bits.
pub(super) fn unguessable() -> String {
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}

/// Tokens are kept as digests: whoever reads the journal cannot use them.
pub(super) fn digest(token: &str) -> String {
    hexadecimal(&Sha256::digest(token.as_bytes()))
}

pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write;

    bytes.iter().fold(String::with_capacity(64), |mut text, byte| {
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
