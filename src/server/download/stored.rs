//! Files in the route's own stores. In: an address of ours. Out: the bytes, a part of them, or where the store itself
//! gives them for a while.

use std::sync::Arc;
use std::time::UNIX_EPOCH;

use futures_util::TryStreamExt;
use http::header::{ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, ETAG, LAST_MODIFIED, LOCATION};
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
    let about = store.about(key).await?;
    let version = version(&about, upload.as_ref());
    let shown = Shown::of(key);
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
    let presigned = Presigned { key, content_type: shown.mime, content_disposition: &shown.disposition };
    if let Some(url) = store.presign(presigned).await? {
        return redirected(&url);
    }
    let is_part = range.is_some();
    let Object { about, range, chunks } = store.read(key, range).await?;
    let frames = chunks.map_ok(Frame::data).map_err(std::io::Error::other);
    let status = if is_part { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
    let body = BodyExt::boxed_unsync(StreamBody::new(frames));
    let mut response = headed(status, body, &version, route.file_access);
    let headers = response.headers_mut();
    if is_part {
        let (first, last) = (range.start, range.end.saturating_sub(1));
        set(headers, CONTENT_RANGE, &format!("bytes {first}-{last}/{}", about.size));
    }
    headers.insert(CONTENT_LENGTH, HeaderValue::from(range.end - range.start));
    complete(&mut response, &shown);
    Ok(response)
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
