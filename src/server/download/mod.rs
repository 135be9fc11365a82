//! Stored files, served: streamed, in parts on request, and inert: a browser is told to show only what cannot run.

mod relayed;

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use futures_util::TryStreamExt;
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_SECURITY_POLICY,
    CONTENT_TYPE, ETAG, IF_NONE_MATCH, IF_RANGE, LAST_MODIFIED, RANGE, X_CONTENT_TYPE_OPTIONS,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;

use crate::fault::{Fault, Reason};
use crate::media::FOLDER;
use crate::percent;
use crate::store::{About, Object, StoreError};

use super::body::{self, Answer};
use super::respond;
use super::route::Route;

/// Answers GET and HEAD of a file that one of these routes has under its key; `None` where none has it.
pub async fn find(places: &[(Arc<Route>, String)], parts: &Parts) -> Option<Response<Answer>> {
    for (route, key) in places {
        let found = match key.starts_with(FOLDER) {
            true => relayed::find(route, key, parts).await,
            false => stored(route, key, parts).await,
        };
        match found {
            Ok(response) => return Some(response),
            Err(fault) if fault.reason == Reason::FileNotFound => {}
            Err(fault) => return Some(respond::refusal(route, None, &fault)),
        }
    }
    None
}

/// A file in one of the route's own stores.
async fn stored(route: &Route, key: &str, parts: &Parts) -> Result<Response<Answer>, Fault> {
    let wanted = parts.headers.get(RANGE).and_then(|value| value.to_str().ok());
    for store in route.stores.iter().flat_map(|stores| stores.all()) {
        match open(&**store, key, wanted, &parts.headers).await {
            Ok(Opened::Part(object, partial)) => return Ok(served(key, object, partial, parts)),
            Ok(Opened::Unsatisfiable(size)) => return Ok(unsatisfiable(Some(size))),
            Err(StoreError::NotFound | StoreError::Key) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Fault::new(Reason::FileNotFound))
}

/// What a browser is told, so that it shows only what cannot run.
fn shown_safely(headers: &mut HeaderMap, name: &str) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, max-age=31536000, immutable"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox"));
    let mime = mime_guess::from_path(name).first_raw().unwrap_or("application/octet-stream");
    set(headers, CONTENT_TYPE, if is_inert(mime) { mime } else { "application/octet-stream" });
    let disposition = if is_inert(mime) { "inline" } else { "attachment" };
    set(headers, CONTENT_DISPOSITION, &format!("{disposition}; filename*=UTF-8''{}", percent::encode(name)));
}

enum Opened {
    Part(Object, bool),
    Unsatisfiable(u64),
}

async fn open(
    store: &dyn crate::store::Store,
    key: &str,
    wanted: Option<&str>,
    headers: &HeaderMap,
) -> Result<Opened, StoreError> {
    let Some(wanted) = wanted else { return Ok(Opened::Part(store.read(key, None).await?, false)) };
    let about = store.about(key).await?;
    // A part is of use only beside parts of the same file; by its date alone nobody knows that it is.
    let same = headers.get(IF_RANGE).is_none_or(|known| known.as_bytes() == tag(&about).as_bytes());
    match parse_range(wanted, about.size).filter(|_| same) {
        None => Ok(Opened::Part(store.read(key, None).await?, false)),
        Some(Some(range)) => Ok(Opened::Part(store.read(key, Some(range)).await?, true)),
        Some(None) => Ok(Opened::Unsatisfiable(about.size)),
    }
}

/// One range of bytes; `Some(None)` when it lies outside. Several ranges, or another unit, are answered with the whole.
fn parse_range(text: &str, size: u64) -> Option<Option<std::ops::Range<u64>>> {
    let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    if last.contains(',') {
        return None;
    }
    let range = match (first.trim(), last.trim()) {
        ("", suffix) => size.saturating_sub(suffix.parse().ok()?)..size,
        (first, "") => first.parse().ok()?..size,
        (first, last) => {
            let (first, last) = (first.parse::<u64>().ok()?, last.parse::<u64>().ok()?);
            // Backwards it is no range at all.
            if last < first {
                return None;
            }
            first..last.saturating_add(1).min(size)
        }
    };
    Some((range.start < range.end).then_some(range))
}

fn unsatisfiable(size: Option<u64>) -> Response<Answer> {
    let mut response = respond::json(416, "{\"error\":\"Range not satisfiable\"}".to_owned());
    if let Some(size) = size {
        set(response.headers_mut(), CONTENT_RANGE, &format!("bytes */{size}"));
    }
    response
}

fn served(key: &str, object: Object, partial: bool, parts: &Parts) -> Response<Answer> {
    let name = key.rsplit('/').next().unwrap_or(key);
    let tag = tag(&object.about);
    let unchanged = has(&parts.headers, &tag);
    let modified = object.about.modified.and_then(http_date);
    let (size, range) = (object.about.size, object.range.clone());
    let body = if unchanged || parts.method == Method::HEAD {
        body::full("")
    } else {
        let frames = object.chunks.map_ok(Frame::data).map_err(std::io::Error::other);
        BodyExt::boxed_unsync(StreamBody::new(frames))
    };
    let mut response = Response::new(body);
    *response.status_mut() = match (unchanged, partial) {
        (true, _) => StatusCode::NOT_MODIFIED,
        (false, true) => StatusCode::PARTIAL_CONTENT,
        (false, false) => StatusCode::OK,
    };
    let headers = response.headers_mut();
    set(headers, ETAG, &tag);
    if let Some(modified) = modified {
        set(headers, LAST_MODIFIED, &modified);
    }
    if unchanged {
        return response;
    }
    if partial {
        set(headers, CONTENT_RANGE, &format!("bytes {}-{}/{size}", range.start, range.end.saturating_sub(1)));
    }
    headers.insert(CONTENT_LENGTH, HeaderValue::from(range.end - range.start));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    shown_safely(headers, name);
    response
}

/// What a browser only shows: raster images, PDF, sound, moving pictures.
fn is_inert(mime: &str) -> bool {
    const RASTER: &[&str] =
        &["image/png", "image/jpeg", "image/gif", "image/webp", "image/heic", "image/heif", "image/bmp"];
    RASTER.contains(&mime) || mime == "application/pdf" || mime.starts_with("audio/") || mime.starts_with("video/")
}

/// Files never change under their name; size and time tell them apart from one that was put in their place by hand.
fn tag(about: &About) -> String {
    let modified = about.modified.and_then(|time: SystemTime| time.duration_since(UNIX_EPOCH).ok());
    format!("\"{:x}-{:x}\"", about.size, modified.map_or(0, |time| time.as_millis()))
}

/// Whether the client has what carries this tag (RFC 9110 §13.1.2).
fn has(headers: &HeaderMap, tag: &str) -> bool {
    let lines = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut known = lines.flat_map(|line| line.split(',')).map(str::trim);
    known.any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`
fn http_date(time: SystemTime) -> Option<String> {
    let seconds = i64::try_from(time.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok()?;
    let time = jiff::Timestamp::from_second(seconds).ok()?;
    Some(time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string())
}

fn set(headers: &mut HeaderMap, name: http::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
