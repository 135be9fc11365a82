//! The body of a call. In: fields in native names, perhaps a file. Out: JSON or a form, of known length if the file's is
//! known; the file's bytes pass through and are nowhere held.

use std::borrow::Cow;

use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;

use crate::dialect::{Audience, Call, FileTypes, Part, Request};
use crate::event::{Fields, MessageKind};
use crate::fault::{Fault, Reason};
use crate::upstream::transport::RequestBody;

use super::unwritable;

/// A file on its way to an upstream.
pub struct Outgoing {
    pub name: String,
    pub mime: String,
    /// In bytes; of one that is still being sent it may not be known.
    pub size: Option<u64>,
    pub chunks: BoxStream<'static, std::io::Result<Bytes>>,
}

/// Writes the body, and the headers that tell what it is.
pub(super) fn of(
    types: &FileTypes,
    call: &Call,
    fields: &Fields<'_>,
    file: Option<(MessageKind, Outgoing)>,
    headers: &mut HeaderMap,
) -> Result<RequestBody, Fault> {
    match &call.request {
        Request::Empty => Ok(whole(Bytes::new())),
        Request::Json(set) => {
            let written = set.write(fields, Audience::Sender).map_err(unwritable)?;
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            Ok(whole(written.into_iter().next().unwrap_or_default().into()))
        }
        Request::Multipart { parts, .. } => {
            let (kind, file) = file.ok_or_else(|| Fault::new(Reason::Internal).detail("an upload without a file"))?;
            let mime = types.declared(kind, &file.mime).to_owned();
            Ok(form(parts, fields, Outgoing { mime, ..file }, headers))
        }
    }
}

fn whole(bytes: Bytes) -> RequestBody {
    Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
}

/// A form with its length, as servers that know no chunked requests want it (RFC 7578), wherever that is known.
fn form(parts: &[Part], fields: &Fields<'_>, file: Outgoing, headers: &mut HeaderMap) -> RequestBody {
    let boundary = format!("dragoman-{}", uuid::Uuid::new_v4().simple());
    let (mut before, mut after) = (String::new(), String::new());
    let mut file_seen = false;
    for part in parts {
        let out = if file_seen { &mut after } else { &mut before };
        let open = |out: &mut String| {
            out.push_str(&format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"", part.name))
        };
        if part.file {
            open(out);
            let mime = typed(&file.mime);
            out.push_str(&format!("; filename=\"{}\"\r\nContent-Type: {mime}\r\n\r\n", quoted(&file.name)));
            file_seen = true;
            after.push_str("\r\n");
        } else if let Some(text) = said(part, fields) {
            open(out);
            out.push_str(&format!("\r\n\r\n{text}\r\n"));
        }
    }
    after.push_str(&format!("--{boundary}--\r\n"));
    if let Some(size) = file.size {
        let length = before.len() as u64 + size + after.len() as u64;
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    if let Ok(value) = HeaderValue::try_from(format!("multipart/form-data; boundary={boundary}")) {
        headers.insert(CONTENT_TYPE, value);
    }
    let text = |text: String| futures_util::stream::once(async move { Ok(Bytes::from(text)) });
    let pieces = text(before).chain(file.chunks).chain(text(after));
    StreamBody::new(pieces.map(|piece| piece.map(Frame::data))).boxed_unsync()
}

/// The text of a part that is not the file.
fn said<'a>(part: &'a Part, fields: &'a Fields<'_>) -> Option<Cow<'a, str>> {
    if !part.written {
        return None;
    }
    part.field.map_or_else(|| part.constant.as_deref().map(Cow::Borrowed), |field| fields.id(field))
}

/// A type that cannot end its line: whoever named the file may have named its type.
fn typed(mime: &str) -> &str {
    let is_plain = !mime.is_empty() && mime.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
    if is_plain { mime } else { "application/octet-stream" }
}

/// A file name between quotes, as browsers write it (WHATWG HTML, multipart/form-data).
fn quoted(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}
