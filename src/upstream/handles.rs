//! The handle of a file that the upstream needs: its own URL, token or message. In: a file with any handle. Out: the
//! same with the upstream's, which is asked for once per content and place; the bytes stream from where they are.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::backend::Caller;
use crate::dialect::{Op, Request};
use crate::directory::{document, parsed};
use crate::event::{Attachment, Event, EventKind, Field, Fields, MessageKind};
use crate::fault::{Fault, Reason};
use crate::journal::{Collection, Put};
use crate::media::Source;
use crate::naming::fault;

use super::Inner;
use super::account::Account;
use super::call::Outgoing;

/// What an upstream gave for a file.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Handle {
    url: Option<String>,
    token: Option<String>,
    name: Option<String>,
}

impl Handle {
    /// What the answer of an upload gives.
    fn of(answer: &Fields<'_>) -> Self {
        let text = |field| answer.text(field).map(str::to_owned);
        Handle {
            url: text(Field::AttachmentUrl).or(text(Field::AttachmentPath)),
            token: text(Field::AttachmentToken),
            name: text(Field::AttachmentName),
        }
    }
}

impl Inner {
    /// Puts the handle that the shape tells into the fields. `fields` are in the upstream's names already. Gives whether it
    /// was kept from an earlier send: the upstream may have forgotten it.
    pub async fn give_handle(
        &self,
        caller: &Caller,
        account: &Account,
        event: &Event,
        fields: &mut Fields<'static>,
        told: &[Field],
    ) -> Result<bool, Fault> {
        let file = &event.details.attachment;
        if told.contains(&Field::AttachmentChatId) {
            // The upload is the message: it cannot be used a second time.
            let answer = self.upload_there(caller, event, fields).await?;
            let id = answer.id(Field::Id).or_else(|| answer.id(Field::AttachmentChatId));
            let id = id.ok_or_else(|| Fault::new(Reason::Upstream).detail("the upload has no id"))?.into_owned();
            fields.set_text(Field::AttachmentChatId, id);
            return Ok(false);
        }
        let wants_token = told.contains(&Field::AttachmentToken);
        if !wants_token && let Some(url) = self.known_there(file).await? {
            fields.set_text(Field::AttachmentUrl, url);
            return Ok(false);
        }
        let key = self.key_of(account, event, fields);
        // Two who send the same file at once upload it once.
        let turn = self.turns.take(key.as_str()).await;
        let (handle, kept) = self.handle_of(caller, event, fields, &key).await?;
        drop(turn);
        match (wants_token, handle) {
            (true, Handle { token: Some(token), .. }) => fields.set_text(Field::AttachmentToken, token),
            (false, Handle { url: Some(url), name, .. }) => {
                fields.set_text(Field::AttachmentUrl, url);
                if let Some(name) = name.filter(|_| !fields.has(Field::AttachmentName)) {
                    fields.set_text(Field::AttachmentName, name);
                }
            }
            _ => return Err(Fault::new(Reason::Upstream).detail("the upload gave no handle")),
        }
        Ok(kept)
    }

    /// The upstream's own URL of a file that it has already: one that it sent us, under our address now.
    async fn known_there(&self, file: &Attachment) -> Result<Option<String>, Fault> {
        let Some(url) = &file.url else { return Ok(None) };
        if let Some(original) = self.hosted.original(url).await? {
            return Ok(Some(original));
        }
        // A foreign link that may not be fetched is passed on as it is.
        Ok((!self.sources.permits(url)).then(|| url.clone()))
    }

    async fn handle_of(
        &self,
        caller: &Caller,
        event: &Event,
        fields: &Fields<'static>,
        key: &str,
    ) -> Result<(Handle, bool), Fault> {
        if let Some(bytes) = self.journal.get(Collection::RemoteFiles, key).await.map_err(fault)? {
            return Ok((parsed(&bytes)?, true));
        }
        let handle = Handle::of(&self.upload_there(caller, event, fields).await?);
        let put = document(Collection::RemoteFiles, key, &handle);
        self.journal.put(put.into_iter().collect()).await.map_err(fault)?;
        Ok((handle, false))
    }

    /// Keeps what an upload gave, for the message that will name the file. `fields` are in the upstream's names. Gives the
    /// upstream's own address of the file, if it told one.
    pub async fn keep_handle(
        &self,
        caller: &Caller,
        event: &Event,
        fields: &Fields<'_>,
        answer: &Fields<'_>,
    ) -> Result<Option<String>, Fault> {
        let handle = Handle::of(answer);
        let key = self.key_of(&self.account(caller), event, fields);
        let put = document(Collection::RemoteFiles, &key, &handle);
        self.journal.put(put.into_iter().collect()).await.map_err(fault)?;
        Ok(handle.url)
    }

    /// The same content for the same place of the same account.
    fn key_of(&self, account: &Account, event: &Event, fields: &Fields<'_>) -> String {
        let file = &event.details.attachment;
        let content = file.sha256.as_deref().or(file.url.as_deref()).unwrap_or_default();
        let place = match self.upload_names_conversation() {
            true => fields.id(Field::ConversationId).unwrap_or_default().into_owned(),
            false => String::new(),
        };
        let kind = event.kind.message().map_or("", MessageKind::as_str);
        let owner = if account.shared { Arc::clone(&account.key) } else { account.caller().principal.id };
        format!("handle/{}/{owner}/{place}/{kind}/{content}", self.settings.name)
    }

    fn upload_names_conversation(&self) -> bool {
        self.settings.dialect.calls.iter().filter(|call| call.op == Op::Upload).any(|call| match &call.request {
            Request::Multipart { parts, .. } => parts.iter().any(|part| part.field == Some(Field::ConversationId)),
            Request::Json(_) | Request::Empty => false,
        })
    }

    /// Lets go of a handle that the upstream does not know any more: the one in these fields, which it was told.
    pub async fn forget_handle(&self, account: &Account, event: &Event, told: &Fields<'_>) -> Result<(), Fault> {
        let key = self.key_of(account, event, told);
        let Some(bytes) = self.journal.get(Collection::RemoteFiles, &key).await.map_err(fault)? else { return Ok(()) };
        let kept: Handle = parsed(&bytes)?;
        let is_told = |field, kept: &Option<String>| kept.is_some() && told.text(field) == kept.as_deref();
        if !is_told(Field::AttachmentToken, &kept.token) && !is_told(Field::AttachmentUrl, &kept.url) {
            // Somebody else who was refused has a new one already.
            return Ok(());
        }
        let put = Put { collection: Collection::RemoteFiles, key, value: None };
        self.journal.put(vec![put]).await.map_err(fault)
    }

    /// Uploads a file, straight from where it is.
    async fn upload_there(
        &self,
        caller: &Caller,
        event: &Event,
        fields: &Fields<'static>,
    ) -> Result<Fields<'static>, Fault> {
        let kind = event.kind.message().unwrap_or(MessageKind::Document);
        let file = &event.details.attachment;
        let call = self.call_for(Op::Upload, caller, fields, Some(kind));
        let call = call.ok_or_else(|| Fault::new(Reason::UnsupportedType).detail("it takes no upload of this kind"))?;
        let url = file.url.as_deref().ok_or_else(|| Fault::missing(Field::AttachmentUrl))?;
        let source = self.open_source(url).await?;
        if file.sha256.is_some() && source.size.zip(file.size).is_some_and(|(now, then)| i64::try_from(now) != Ok(then))
        {
            return Err(Fault::new(Reason::Unavailable).detail("the stored file is not as it was uploaded"));
        }
        let size = source.size.or(file.size.and_then(|size| u64::try_from(size).ok()));
        let size = size.ok_or_else(|| Fault::new(Reason::Lossy).detail("nobody says how large the file is"))?;
        let most = self.settings.dialect.types.max(kind);
        if most.is_some_and(|most| size > most) {
            return Err(Fault::new(Reason::TooLarge).detail("the upstream's dialect does not take such a file"));
        }
        let name = file.name.clone().or(file.stored_name.clone()).unwrap_or_else(|| kind.as_str().to_owned());
        let mime = file.mime.clone().unwrap_or_else(|| "application/octet-stream".to_owned());
        let outgoing = Outgoing { name, mime, size: Some(size), chunks: source.chunks };
        let mut asked = fields.clone();
        if let Some(owner) = self.owner_there(caller) {
            asked.set_text(Field::AttachmentOwner, owner);
        }
        if let Some(body) = &event.details.body {
            asked.set_text(Field::Body, body.clone());
        }
        self.ask(caller, call, &asked, Some((kind, outgoing))).await
    }

    /// Who uploads, in the upstream's names: as it calls us, else as our credential does.
    pub fn owner_there(&self, caller: &Caller) -> Option<String> {
        self.account(caller).known().id.or_else(|| self.credentials.subject(caller))
    }

    /// Whether a message names a file of the upstream by the address that the gateway gave it. What the message does not
    /// say of it follows from that address.
    pub async fn take_back(&self, event: &mut Event) -> Result<bool, Fault> {
        let file = &mut event.details.attachment;
        let Some(url) = file.url.as_deref().filter(|_| file.token.is_none()) else { return Ok(false) };
        if self.hosted.original(url).await?.is_none() {
            return Ok(false);
        }
        let tail = url.split(['?', '#']).next().and_then(|path| path.rsplit('/').next());
        let name = tail.and_then(crate::percent::decode);
        if file.name.as_deref().is_none_or(str::is_empty) {
            file.name.clone_from(&name);
        }
        file.mime = name.and_then(|name| mime_guess::from_path(name).first_raw()).map(str::to_owned);
        Ok(true)
    }

    async fn open_source(&self, url: &str) -> Result<Source, Fault> {
        match self.hosted.original(url).await? {
            Some(original) => Ok(Source::fetched(self.hosted.fetch(&original, None).await?)),
            None => self.sources.open(url).await,
        }
    }

    /// Turns the announcement of an upload into the message that it is.
    pub async fn announce(&self, caller: &Caller, chat_id: &str, event: &mut Event) -> Result<(), Fault> {
        let upload = self.library.announced(caller, chat_id).await?;
        event.kind = EventKind::Message(upload.kind);
        event.details.kind = Some(upload.kind);
        event.details.attachment = Attachment { chat_id: None, ..upload.attachment };
        event.details.body = upload.body;
        event.details.conversation.id = upload.conversation.unwrap_or_default();
        Ok(())
    }
}
