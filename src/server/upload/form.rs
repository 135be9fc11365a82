//! The form of an upload: its parts in any order, texts bounded, the file passed on piece by piece.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use hyper::body::{Body, Incoming};
use multer::{Constraints, Multipart, SizeLimit};

use crate::dialect::{Check, Part, Request};
use crate::event::{Fields, MessageKind};
use crate::fault::{Fault, Reason};
use crate::media::file_name;

use super::super::asked::Asked;
use super::super::body;
use super::AROUND_FILE;
use super::extent::{Extent, Fit};
use super::intake::{FilePart, Intake};

/// Bytes of a text part.
const TEXT_LIMIT: u64 = 64 * 1024;
/// Parts of one body.
const PARTS: usize = 64;

/// Reads a form; the fields it names, and the file on its way into the store.
pub(super) async fn multipart(
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
    let extent = Extent::new(incoming.size_hint().exact(), &boundary);
    let pieces = pieces(asked.site.bounds.body_idle, incoming, extent.counter());
    let mut multipart = Multipart::with_constraints(pieces, boundary, constraints);
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
                let mut intake = Intake::begin(asked, &declared, mime.as_deref(), wanted)?;
                // A client that waits for a sign is not asked for a file that is refused whatever it holds.
                if intake.is_lost_ahead(&extent) && has_required(asked, fields) {
                    return Ok(intake.end());
                }
                while let Some(chunk) = part.chunk().await.map_err(malformed)? {
                    intake.take(asked, fields, &extent, chunk).await?;
                    let fit = extent.against(intake.extent());
                    if fit == Fit::Outgrows {
                        intake.refuse_size();
                    }
                    // What must be said first may still follow the file.
                    if intake.is_lost(fit == Fit::Fits) && has_required(asked, fields) {
                        return Ok(intake.end());
                    }
                }
                file = intake.end();
            }
            _ => while part.chunk().await.map_err(malformed)?.is_some() {},
        }
    }
    Err(Fault::new(Reason::Malformed).detail("too many parts"))
}

/// Whether all fields came without which the call is refused anyway.
fn has_required(asked: &Asked<'_>, fields: &Fields<'_>) -> bool {
    asked.call.required.keys().all(|check| !matches!(check, Check::Field(field) if !fields.has(*field)))
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

/// A body that is the file itself.
pub(super) async fn raw_body(
    asked: &Asked<'_>,
    fields: &Fields<'static>,
    wanted: Option<MessageKind>,
    content_type: &str,
    incoming: &mut Incoming,
) -> Result<FilePart, Fault> {
    let mime = content_type.split(';').next().unwrap_or_default().trim();
    let types = asked.route.dialect.types.kinds.values();
    let extension = types.flat_map(|types| &types.extensions).find(|(_, known)| known.as_str() == mime);
    let name = extension.map_or_else(|| "file".to_owned(), |(extension, _)| format!("file.{extension}"));
    let mut intake = Intake::begin(asked, &name, Some(mime), wanted)?;
    let extent = Extent::of_file(incoming.size_hint().exact());
    let (limit, _) = intake.extent();
    let size = incoming.size_hint().exact();
    if size.is_some_and(|size| size > limit) {
        intake.refuse_size();
    }
    if intake.is_lost(size.is_some()) {
        return Ok(intake.end());
    }
    let mut pace = body::Pace::begin(asked.site.bounds.body_idle);
    while let Some(chunk) = body::next(incoming, asked.site.bounds.body_idle).await? {
        pace.keep(chunk.len())?;
        intake.take(asked, fields, &extent, chunk).await?;
        if intake.is_lost(false) {
            break;
        }
    }
    Ok(intake.end())
}

/// The body as multer wants it. It polls until nothing is ready, which would gather a fast body in memory; giving way
/// after each piece keeps one piece in memory.
fn pieces(
    idle: Duration,
    incoming: &mut Incoming,
    read: Arc<AtomicU64>,
) -> impl futures_util::Stream<Item = Result<Bytes, Fault>> + Send {
    let pace = body::Pace::begin(idle);
    stream::unfold(Some((incoming, pace, read)), move |state| async move {
        let (incoming, mut pace, read) = state?;
        tokio::task::yield_now().await;
        let piece = body::next(incoming, idle).await;
        match piece.and_then(|piece| piece.map(|piece| pace.keep(piece.len()).map(|()| piece)).transpose()) {
            Ok(Some(piece)) => {
                read.fetch_add(piece.len() as u64, Ordering::Relaxed);
                Some((Ok(piece), Some((incoming, pace, read))))
            }
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
