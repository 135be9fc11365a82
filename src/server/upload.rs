//! An upload, streamed: counted, hashed and looked at on its way into the store, never held. In: a multipart (or raw)
//! body. Out: a file that the backend knows, or nothing at all.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use hyper::body::Incoming;
use multer::{Constraints, Multipart, SizeLimit};
use sha2::{Digest, Sha256};

use crate::backend::{Announce, UploadIntent};
use crate::dialect::{Check, Part, Request};
use crate::event::{Attachment, ConversationKind, Field, Fields, MessageKind, Role, Value};
use crate::fault::{Fault, Reason};
use crate::metrics;
use crate::store::{Store, StoreError, Writing};
use crate::tasks::Tasks;

use super::call::{Asked, has_role};
use super::{body, file_name, guard, perform, sniff, storage_key};

/// Bytes of a text part, and of all that is not the file.
const TEXT_LIMIT: u64 = 64 * 1024;
const AROUND_FILE: u64 = 1024 * 1024;
/// Parts of one body.
const PARTS: usize = 64;

/// What became of the file part.
enum FilePart {
    Missing,
    Refused(Reason),
    Stored { writing: Box<dyn Writing>, kind: MessageKind, file: Box<Attachment> },
}

/// Takes an upload and gives the fields of its answer.
pub async fn take(
    asked: &Asked<'_>,
    mut fields: Fields<'static>,
    parts: &[Part],
    raw: bool,
    mut incoming: Incoming,
) -> Result<Fields<'static>, Fault> {
    let limit = asked.route.largest_upload();
    let declared = asked.parts.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|length| length > limit.saturating_add(AROUND_FILE)) {
        body::drain(incoming, asked.site.bounds.body_idle).await;
        return Err(Fault::new(Reason::TooLarge));
    }
    let wanted = wanted_kind(asked, &fields)?;
    let content_type = asked.parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut taken = if content_type.to_ascii_lowercase().starts_with("multipart/form-data") {
        multipart(asked, &mut fields, parts, wanted, content_type, &mut incoming).await
    } else if raw && content_type.contains('/') {
        raw_body(asked, wanted, content_type, &mut incoming).await
    } else {
        Ok(FilePart::Missing)
    };
    // A form may be whole in a body that is not: its sender thinks that it failed, and will send it again.
    if taken.is_ok()
        && let Err(fault) = body::finish(&mut incoming, asked.site.bounds.body_idle).await
    {
        taken = Err(fault);
    }
    // A client that is still sending when the connection closes never reads why it was refused.
    body::drain(incoming, asked.site.bounds.body_idle).await;
    let file = taken?;
    finish(asked, fields, file).await
}

/// The kind that the path says, where it says one.
fn wanted_kind(asked: &Asked<'_>, fields: &Fields<'_>) -> Result<Option<MessageKind>, Fault> {
    if asked.call.media.is_empty() {
        return Ok(None);
    }
    let word = fields.text(Field::MediaKind).unwrap_or_default();
    asked.call.media.get(word).map(|kind| Some(*kind)).ok_or_else(|| Fault::new(Reason::NotFound))
}

async fn multipart(
    asked: &Asked<'_>,
    fields: &mut Fields<'static>,
    parts: &[Part],
    wanted: Option<MessageKind>,
    content_type: &str,
    incoming: &mut Incoming,
) -> Result<FilePart, Fault> {
    if content_type.to_ascii_lowercase().matches("boundary=").count() > 1 {
        return Err(Fault::new(Reason::Malformed).detail("two boundaries"));
    }
    let boundary = multer::parse_boundary(content_type).map_err(malformed)?;
    let whole = asked.route.largest_upload().saturating_add(AROUND_FILE);
    let constraints = Constraints::new().size_limit(SizeLimit::new().whole_stream(whole));
    let mut multipart =
        Multipart::with_constraints(pieces(asked.site.bounds.body_idle, incoming), boundary, constraints);
    let mut file = FilePart::Missing;
    for _ in 0..PARTS {
        let Some(mut part) = multipart.next_field().await.map_err(malformed)? else { return Ok(file) };
        let name = part.name().unwrap_or_default().to_owned();
        let known = parts.iter().find(|known| known.name == name);
        let is_only_file = raw_fallback(asked) && known.is_none() && declared_name(&part).is_some();
        match known {
            Some(known) if !known.file => {
                let text = text_part(&mut part).await?;
                put(fields, known, &text);
            }
            known if known.is_some() || is_only_file => {
                // A field named like the file, without a file name, is not a file.
                let Some(declared) = declared_name(&part) else { continue };
                let mime = part.content_type().map(ToString::to_string);
                let mut intake = Intake::begin(asked, &declared, mime.as_deref(), wanted).await?;
                while let Some(chunk) = part.chunk().await.map_err(malformed)? {
                    intake.take(chunk).await?;
                }
                file = intake.end();
            }
            _ => while part.chunk().await.map_err(malformed)?.is_some() {},
        }
    }
    Err(Fault::new(Reason::Malformed).detail("too many parts"))
}

/// The name of a part that is a file. A form that was sent without choosing one has an empty name.
fn declared_name(part: &multer::Field<'_>) -> Option<String> {
    let disposition = part.headers().get(http::header::CONTENT_DISPOSITION)?;
    file_name::declared(disposition.as_bytes()).filter(|name| !name.is_empty())
}

/// Dialects that take a bare body also take the only file part, whatever its name.
fn raw_fallback(asked: &Asked<'_>) -> bool {
    matches!(asked.call.request, Request::Multipart { raw: true, .. })
}

async fn text_part(part: &mut multer::Field<'_>) -> Result<String, Fault> {
    let mut text = Vec::new();
    while let Some(chunk) = part.chunk().await.map_err(malformed)? {
        if (text.len() + chunk.len()) as u64 > TEXT_LIMIT {
            return Err(Fault::new(Reason::TooLarge).detail("a text part"));
        }
        text.extend_from_slice(&chunk);
    }
    String::from_utf8(text).map_err(|_| Fault::new(Reason::Malformed).detail("a text part is not UTF-8"))
}

/// Absent, empty and `null` are the same in a form.
fn put(fields: &mut Fields<'static>, part: &Part, text: &str) {
    let Some(field) = part.field else { return };
    if text.is_empty() || (text == "null" && part.optional) {
        return;
    }
    fields.set_text(field, text);
}

async fn raw_body(
    asked: &Asked<'_>,
    wanted: Option<MessageKind>,
    content_type: &str,
    incoming: &mut Incoming,
) -> Result<FilePart, Fault> {
    let mime = content_type.split(';').next().unwrap_or_default().trim();
    let types = asked.route.dialect.types.kinds.values();
    let extension = types.flat_map(|types| &types.extensions).find(|(_, known)| known.as_str() == mime);
    let name = extension.map_or_else(|| "file".to_owned(), |(extension, _)| format!("file.{extension}"));
    let mut intake = Intake::begin(asked, &name, Some(mime), wanted).await?;
    let mut pace = body::Pace::begin(asked.site.bounds.body_idle);
    while let Some(chunk) = body::next(incoming, asked.site.bounds.body_idle).await? {
        pace.keep(chunk.len())?;
        intake.take(chunk).await?;
    }
    Ok(intake.end())
}

/// The body as multer wants it. It polls until nothing is ready, which would gather a fast body in memory; giving way
/// after each piece keeps one piece in memory.
fn pieces(idle: Duration, incoming: &mut Incoming) -> impl futures_util::Stream<Item = Result<Bytes, Fault>> + Send {
    let pace = body::Pace::begin(idle);
    stream::unfold(Some((incoming, pace)), move |state| async move {
        let (incoming, mut pace) = state?;
        tokio::task::yield_now().await;
        let piece = body::next(incoming, idle).await;
        match piece.and_then(|piece| piece.map(|piece| pace.keep(piece.len()).map(|()| piece)).transpose()) {
            Ok(Some(piece)) => Some((Ok(piece), Some((incoming, pace)))),
            Ok(None) => None,
            Err(fault) => Some((Err(fault), None)),
        }
    })
}

fn malformed(error: multer::Error) -> Fault {
    let reason = match &error {
        multer::Error::StreamSizeExceeded { .. } | multer::Error::FieldSizeExceeded { .. } => Reason::TooLarge,
        multer::Error::StreamReadFailed(cause) => {
            cause.downcast_ref::<Fault>().map_or(Reason::Malformed, |fault| fault.reason)
        }
        _ => Reason::Malformed,
    };
    let fault = Fault::new(reason).detail(error.to_string());
    if reason == Reason::Malformed { Fault { words: Some("Malformed multipart body".into()), ..fault } } else { fault }
}

fn store_fault(error: StoreError) -> Fault {
    let reason = match &error {
        StoreError::Full => Reason::StorageFull,
        StoreError::NotFound => Reason::FileNotFound,
        StoreError::Key => Reason::Internal,
        StoreError::Unavailable(_) => Reason::Unavailable,
    };
    Fault::new(reason).detail(error.to_string())
}

/// A file on its way into the store.
struct Intake {
    shown: String,
    /// What the name stands for; `None` when the dialect takes no such file.
    accepted: Option<(MessageKind, String)>,
    writing: Option<Box<dyn Writing>>,
    hash: Sha256,
    beginning: Vec<u8>,
    size: u64,
    limit: u64,
}

impl Intake {
    async fn begin(
        asked: &Asked<'_>,
        declared: &str,
        mime: Option<&str>,
        wanted: Option<MessageKind>,
    ) -> Result<Self, Fault> {
        let shown = file_name::shown(declared);
        let accepted = asked.route.dialect.types.find(&shown, mime, wanted);
        let limit = accepted
            .as_ref()
            .map_or_else(|| asked.route.largest_upload(), |(kind, _)| asked.route.upload_limit_of(*kind));
        let stores = asked.route.stores.as_ref().ok_or_else(|| Fault::new(Reason::NotSupported))?;
        let writing = match &accepted {
            Some((kind, _)) => Some(stores.of(*kind).create().await.map_err(store_fault)?),
            None => None,
        };
        Ok(Intake { shown, accepted, writing, hash: Sha256::new(), beginning: Vec::new(), size: 0, limit })
    }

    /// Takes a piece. Beyond the limit nothing is kept; the rest is only read, so that fields after it are still seen.
    async fn take(&mut self, chunk: Bytes) -> Result<(), Fault> {
        self.size += chunk.len() as u64;
        if self.size > self.limit {
            self.writing = None;
            return Ok(());
        }
        let missing = sniff::LOOKED_AT.saturating_sub(self.beginning.len()).min(chunk.len());
        self.beginning.extend_from_slice(&chunk[..missing]);
        if let Some(writing) = &mut self.writing {
            self.hash.update(&chunk);
            writing.write(chunk).await.map_err(store_fault)?;
        }
        Ok(())
    }

    fn end(self) -> FilePart {
        if self.size > self.limit {
            return FilePart::Refused(Reason::TooLarge);
        }
        let (Some((kind, mime)), Some(writing)) = (self.accepted, self.writing) else {
            return FilePart::Refused(Reason::UnsupportedType);
        };
        if !sniff::agrees(&self.beginning, &mime) {
            return FilePart::Refused(Reason::UnsupportedType);
        }
        let file = Attachment {
            name: Some(self.shown),
            mime: Some(mime),
            size: i64::try_from(self.size).ok(),
            sha256: Some(hexadecimal(&self.hash.finalize())),
            ..Attachment::default()
        };
        FilePart::Stored { writing, kind, file: Box::new(file) }
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write;

    bytes.iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// All checks, in the dialect's order; then the file becomes visible and known.
async fn finish(asked: &Asked<'_>, mut fields: Fields<'static>, file: FilePart) -> Result<Fields<'static>, Fault> {
    let named = fields.clone();
    let mut order = asked.call.order.clone();
    let fields_first = asked.call.required.keys().filter(|check| matches!(check, Check::Field(_))).copied();
    let rest = [Check::File, Check::Size, Check::Type, Check::Role, Check::Conversation, Check::Access];
    order.extend(fields_first.chain(rest));
    let mut intent = None;
    for check in order {
        match check {
            Check::Field(field) if asked.call.required.contains_key(&check) && !named.has(field) => {
                return Err(Fault::missing(field));
            }
            Check::Field(_) => asked.checked_form(&named)?,
            Check::File if matches!(file, FilePart::Missing) => return Err(Fault::missing(Field::AttachmentName)),
            Check::Size if matches!(file, FilePart::Refused(Reason::TooLarge)) => return Err(Reason::TooLarge.into()),
            Check::Type if matches!(file, FilePart::Refused(Reason::UnsupportedType)) => {
                return Err(Reason::UnsupportedType.into());
            }
            Check::Role if !has_role(asked.call, &asked.caller.principal) => return Err(Reason::Role.into()),
            Check::Conversation | Check::Access if intent.is_none() => {
                asked.checked_form(&named)?;
                let checked = intent_of(asked, &mut fields).await?;
                asked.site.backend.permit_upload(&asked.caller, &checked).await?;
                intent = Some(checked);
            }
            Check::File | Check::Size | Check::Type | Check::Role | Check::Conversation | Check::Access => {}
        }
    }
    let (Some(intent), FilePart::Stored { writing, kind, file }) = (intent, file) else {
        return Err(Fault::missing(Field::AttachmentName));
    };
    keep(asked, intent, named, writing, kind, *file).await
}

/// What the upload is for, in canonical names.
async fn intent_of(asked: &Asked<'_>, fields: &mut Fields<'static>) -> Result<UploadIntent, Fault> {
    // An upload that makes a message may make its conversation too.
    if asked.call.announce_created {
        fields.set_kind(crate::event::EventKind::Message(MessageKind::Document));
    }
    match asked.site.naming.inward(&asked.route.dialect, &asked.caller, fields).await {
        // A conversation that need not be named need not be there either: it only says where the file is kept.
        Err(fault) if fault.reason == Reason::ConversationNotFound && conversation_is_optional(asked) => {
            fields.remove(Field::ConversationId);
        }
        other => other?,
    }
    let text = |field| fields.id(field).map(std::borrow::Cow::into_owned);
    Ok(UploadIntent {
        conversation: text(Field::ConversationId),
        kind: fields.text(Field::ConversationKind).and_then(ConversationKind::parse),
        receiver: text(Field::ReceiverId),
        announce: if asked.call.announce_created { Announce::Created } else { Announce::Later },
        body: text(Field::Body),
    })
}

fn conversation_is_optional(asked: &Asked<'_>) -> bool {
    match &asked.call.request {
        Request::Multipart { parts, .. } => {
            parts.iter().any(|part| part.field == Some(Field::ConversationId) && part.optional)
        }
        Request::Json(_) | Request::Empty => false,
    }
}

async fn keep(
    asked: &Asked<'_>,
    intent: UploadIntent,
    named: Fields<'static>,
    writing: Box<dyn Writing>,
    kind: MessageKind,
    mut file: Attachment,
) -> Result<Fields<'static>, Fault> {
    let stores = asked.route.stores.as_ref().ok_or_else(|| Fault::new(Reason::NotSupported))?;
    let stored_name = file_name::safe(file.name.as_deref().unwrap_or_default());
    let key = storage_key::of(&asked.route.dialect.storage, &place(asked, named.clone()), &stored_name);
    let path = format!("{}{}{}", asked.route.prefix, asked.route.dialect.storage.public, guard::percent_encode(&key));
    file.url = Some(format!("{}{path}", stores.public_url));
    file.path = Some(path);
    file.stored_name = Some(stored_name);
    if let Some(display) = named.text(Field::AttachmentName) {
        file.name = Some(file_name::shown(display));
    }
    writing.finish(&key).await.map_err(store_fault)?;
    let mut unknown = Unknown { store: Some(Arc::clone(stores.of(kind))), key, tasks: asked.site.tasks.clone() };
    let size = file.size.and_then(|size| u64::try_from(size).ok()).unwrap_or(0);
    let event = asked.site.backend.upload(&asked.caller, intent, kind, file).await?;
    unknown.store = None;
    metrics::count_upload(&asked.route.name, size);
    let mut answer = match perform::record(asked, &event).await? {
        Some(record) => record,
        None => event.fields().into_owned(),
    };
    if let Some(conversation) = named.get(Field::ConversationId) {
        answer.set(Field::ConversationId, conversation.clone());
    }
    Ok(answer)
}

/// A stored file of which the backend does not know yet. Dropped like this, by a refusal or a client that hung up, the
/// file goes: it would lie there for ever.
struct Unknown {
    store: Option<Arc<dyn Store>>,
    key: String,
    tasks: Tasks,
}

impl Drop for Unknown {
    fn drop(&mut self) {
        let Some(store) = self.store.take() else { return };
        let key = std::mem::take(&mut self.key);
        self.tasks.spawn(async move {
            if let Err(error) = store.remove(&key).await {
                tracing::warn!(%error, "an upload that was refused could not be removed");
            }
        });
    }
}

/// What storage rules may name: the call's fields, and who calls as what.
fn place(asked: &Asked<'_>, mut named: Fields<'static>) -> Fields<'static> {
    let me = Value::from(asked.caller.principal.id.to_string());
    match asked.caller.principal.role {
        Some(Role::Store) => named.set(Field::ConversationOwner, me),
        Some(Role::Admin | Role::Agent | Role::Staff) => named.set(Field::ConversationAgent, me),
        Some(Role::Guest | Role::Visitor | Role::User | Role::Bot | Role::System) | None => {}
    }
    named
}
