//! An upload, streamed: counted, hashed and looked at on its way into the store, never held. In: a multipart (or raw)
//! body. Out: a file that the backend knows, or nothing at all.

mod extent;
mod form;
mod intake;
mod keep;
mod picture;
mod place;
mod scan;
mod spool;

use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use hyper::body::Incoming;

use crate::backend::{Announce, UploadIntent};
use crate::dialect::{Check, Part, Request};
use crate::event::{ConversationKind, Field, Fields, MessageKind};
use crate::fault::{Fault, Reason};

use super::asked::{Asked, has_role};
use super::body;
use form::{multipart, raw_body};
use intake::FilePart;

/// Bytes of all that is not the file.
const AROUND_FILE: u64 = 1024 * 1024;

/// Takes an upload and gives the fields of its answer.
pub async fn take(
    asked: &Asked<'_>,
    mut fields: Fields<'static>,
    parts: &[Part],
    raw: bool,
    mut incoming: Incoming,
) -> Result<Fields<'static>, Fault> {
    let (wanted, limit) = match ahead(asked, &fields) {
        Ok(ahead) => ahead,
        Err(fault) => {
            body::decline(asked.site, incoming, &asked.parts.headers);
            return Err(fault);
        }
    };
    let content_type = asked.parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut taken = if content_type.to_ascii_lowercase().starts_with("multipart/form-data") {
        multipart(asked, &mut fields, parts, wanted, content_type, &mut incoming).await
    } else if raw && content_type.contains('/') {
        raw_body(asked, &fields, wanted, content_type, &mut incoming).await
    } else {
        Ok(FilePart::Missing)
    };
    // A form may be whole in a body that is not: its sender thinks that it failed, and will send it again.
    if matches!(taken, Ok(FilePart::Missing | FilePart::Taken(_)))
        && let Err(fault) = body::finish(&mut incoming, asked.site.bounds.body_idle).await
    {
        taken = Err(fault);
    }
    body::let_go(asked.site, incoming);
    let file = taken.map_err(|fault| match (fault.reason, fault.limit) {
        (Reason::TooLarge, None) => Fault { limit: Some(limit), ..fault },
        _ => fault,
    })?;
    finish(asked, fields, file).await
}

/// What the head alone decides: the kind, where the path says one, and the most bytes that a file may have.
fn ahead(asked: &Asked<'_>, fields: &Fields<'_>) -> Result<(Option<MessageKind>, u64), Fault> {
    let wanted = wanted_kind(asked, fields)?;
    let limit = asked.route.upload_limit_of(wanted);
    let declared = asked.parts.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    match declared.is_some_and(|length| length > limit.saturating_add(AROUND_FILE)) {
        true => Err(Fault::larger_than(limit)),
        false => Ok((wanted, limit)),
    }
}

/// The kind that the path says, where it says one.
fn wanted_kind(asked: &Asked<'_>, fields: &Fields<'_>) -> Result<Option<MessageKind>, Fault> {
    if asked.call.media.is_empty() {
        return Ok(None);
    }
    let word = fields.text(Field::MediaKind).unwrap_or_default();
    asked.call.media.get(word).map(|kind| Some(*kind)).ok_or_else(|| Fault::new(Reason::NotFound))
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
            Check::Size => {
                if let FilePart::TooLarge(limit) = file {
                    return Err(Fault::larger_than(limit));
                }
            }
            Check::Type if matches!(file, FilePart::UnsupportedType) => return Err(Reason::UnsupportedType.into()),
            Check::Role if !has_role(asked.call, &asked.caller.principal) => return Err(Reason::Role.into()),
            Check::Conversation | Check::Access if intent.is_none() => {
                asked.checked_form(&named)?;
                let checked = intent_of(asked, &mut fields).await?;
                asked.route.backend.permit_upload(&asked.caller, &checked).await?;
                intent = Some(checked);
            }
            Check::File | Check::Type | Check::Role | Check::Conversation | Check::Access => {}
        }
    }
    let (Some(intent), FilePart::Taken(taken)) = (intent, file) else {
        return Err(Fault::missing(Field::AttachmentName));
    };
    keep::keep(asked, intent, named, *taken).await
}

/// What the upload is for, in canonical names.
async fn intent_of(asked: &Asked<'_>, fields: &mut Fields<'static>) -> Result<UploadIntent, Fault> {
    // An upload that makes a message may make its conversation too.
    if asked.call.announce_created {
        fields.set_kind(crate::event::EventKind::Message(MessageKind::Document));
    }
    match asked.route.naming.inward(&asked.route.dialect, &asked.caller, fields).await {
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
        ..UploadIntent::default()
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
