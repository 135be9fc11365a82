//! Files in the route's own stores. In: an address of ours. Out: the bytes, a part of them, or where the store itself
//! gives them for a while.

use std::sync::Arc;
use std::time::UNIX_EPOCH;

use futures_util::TryStreamExt;
use http::header::{
    ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, ETAG, IF_MODIFIED_SINCE, IF_UNMODIFIED_SINCE, LAST_MODIFIED, LOCATION,
};
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;

use crate::dialect::FileAccess;
use crate::fault::{Fault, Reason};
use crate::media::Upload;
use crate::store::{About, Object, Presigned, Store, StoreError};

use super::super::body::{self, Answer};
use super::super::respond;
use super::super::route::Route;
use super::access::{self, Readable};
use super::conditions::{self, Send, Version};
use super::{Shown, kept_for, set, unsatisfiable};

/// Answers GET and HEAD of a file in the stores of one of these routes. A fault comes with the route in whose words it is
/// said.
pub(super) async fn find<'a>(
    first: &'a (Arc<Route>, String),
    places: &'a [(Arc<Route>, String)],
    parts: &Parts,
) -> Result<Response<Answer>, (&'a Arc<Route>, Fault)> {
    let readable = access::check(first, places, parts).await?;
    let route = readable.route;
    let mut failed = None;
    for store in route.stores.iter().flat_map(|stores| &stores.all) {
        match served(&**store, &readable, parts).await {
            Ok(response) => return Ok(response),
            Err(StoreError::NotFound | StoreError::Key) => {}
            // Another may have it.
            Err(error) => failed = Some(error),
        }
    }
    Err((route, failed.map_or_else(|| Fault::new(Reason::FileNotFound), Fault::from)))
}

async fn served(store: &dyn Store, readable: &Readable<'_>, parts: &Parts) -> Result<Response<Answer>, StoreError> {
    let Readable { route, key, upload } = readable;
    let shown = Shown::of(key);
    let presigned = match parts.method == Method::GET {
        true => {
            store.presign(Presigned { key, content_type: shown.mime, content_disposition: &shown.disposition }).await?
        }
        false => None,
    };
    if presigned.is_none()
        && let Some(response) = at_once(store, readable, parts, &shown).await?
    {
        return Ok(response);
    }
    let about = store.about(key).await?;
    let version = version(&about, upload.as_ref());
    let send = conditions::judge(&parts.method, &parts.headers, &version, about.size);
    let range = match send {
        Send::Unchanged => return Ok(headed(StatusCode::NOT_MODIFIED, body::full(""), &version, route.file_access)),
        Send::Changed => {
            return Ok(respond::json(412, "{\"error\":\"Precondition failed\"}".to_owned()));
        }
        Send::Outside => return Ok(unsatisfiable(Some(about.size))),
        Send::Whole => None,
        Send::Part(range) => Some(range),
    };
    if parts.method == Method::HEAD {
        let mut response = headed(StatusCode::OK, body::full(""), &version, route.file_access);
        response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(about.size));
        complete(&mut response, &shown);
        return Ok(response);
    }
    if let Some(url) = presigned {
        return redirected(&url);
    }
    let is_part = range.is_some();
    let object = store.read(key, range).await?;
    Ok(sent(object, is_part, &version, route.file_access, &shown))
}

/// What the journal knows of the file is enough to ask the store for its bytes without asking about them before. `None`
/// where it is not: the client's conditions need more, or the store has another file than the journal.
async fn at_once(
    store: &dyn Store,
    readable: &Readable<'_>,
    parts: &Parts,
    shown: &Shown,
) -> Result<Option<Response<Answer>>, StoreError> {
    let Readable { route, key, upload } = readable;
    let size = upload.as_ref().and_then(|upload| u64::try_from(upload.attachment.size?).ok());
    let has_dates = [IF_MODIFIED_SINCE, IF_UNMODIFIED_SINCE].iter().any(|name| parts.headers.contains_key(name));
    let Some(size) = size.filter(|_| parts.method == Method::GET && !has_dates) else { return Ok(None) };
    let known = version(&About { size, modified: None, tag: None }, upload.as_ref());
    let range = match conditions::judge(&parts.method, &parts.headers, &known, size) {
        Send::Whole => None,
        Send::Part(range) => Some(range),
        Send::Unchanged | Send::Changed | Send::Outside => return Ok(None),
    };
    let is_part = range.is_some();
    let object = store.read(key, range).await?;
    if object.about.size != size {
        return Ok(None);
    }
    let version = version(&object.about, upload.as_ref());
    Ok(Some(sent(object, is_part, &version, route.file_access, shown)))
}

/// The bytes, or a part of them.
fn sent(object: Object, is_part: bool, version: &Version, access: FileAccess, shown: &Shown) -> Response<Answer> {
    let Object { about, range, chunks } = object;
    let frames = chunks.map_ok(Frame::data).map_err(std::io::Error::other);
    let status = if is_part { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
    let mut response = headed(status, BodyExt::boxed_unsync(StreamBody::new(frames)), version, access);
    let headers = response.headers_mut();
    if is_part {
        let (first, last) = (range.start, range.end.saturating_sub(1));
        set(headers, CONTENT_RANGE, &format!("bytes {first}-{last}/{}", about.size));
    }
    headers.insert(CONTENT_LENGTH, HeaderValue::from(range.end - range.start));
    complete(&mut response, shown);
    response
}

/// An answer that says which state of the file it is about.
fn headed(status: StatusCode, body: Answer, version: &Version, access: FileAccess) -> Response<Answer> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    set(headers, ETAG, &version.tag);
    if let Some(modified) = version.modified.and_then(conditions::written_date) {
        set(headers, LAST_MODIFIED, &modified);
    }
    kept_for(headers, access);
    response
}

fn complete(response: &mut Response<Answer>, shown: &Shown) {
    let headers = response.headers_mut();
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    shown.tell(headers);
}

/// The way to the store itself, which whoever asks again is told anew.
fn redirected(url: &str) -> Result<Response<Answer>, StoreError> {
    let location = HeaderValue::from_str(url);
    let location =
        location.map_err(|_| StoreError::Unavailable("the store gives no URL that can be sent".to_owned()))?;
    let mut response = Response::new(body::full(""));
    *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
    response.headers_mut().insert(LOCATION, location);
    set(response.headers_mut(), http::header::CACHE_CONTROL, "private, no-store");
    // The URL is a credential for a while.
    set(response.headers_mut(), http::header::REFERRER_POLICY, "no-referrer");
    Ok(response)
}

/// By the digest of the bytes, which is the same whichever store and replica answers; else by size and time.
fn version(about: &About, upload: Option<&Upload>) -> Version {
    let digest = upload.filter(|upload| upload.attachment.size == i64::try_from(about.size).ok());
    let digest = digest.and_then(|upload| upload.attachment.sha256.as_deref()).and_then(|digest| digest.get(..32));
    let tag = match digest {
        Some(digest) => format!("\"{digest}\""),
        None => {
            let modified = about.modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
            format!("\"{:x}-{:x}\"", about.size, modified.map_or(0, |time| time.as_millis()))
        }
    };
    Version { tag, modified: about.modified }
}
