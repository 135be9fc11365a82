//! Files, served: streamed, in parts on request, and inert: a browser is told to show only what cannot run.

mod access;
mod conditions;
mod relayed;
mod stored;

use std::sync::Arc;

use http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_RANGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Response};

use crate::dialect::FileAccess;
use crate::fault::Reason;
use crate::media::FOLDER;
use crate::percent;

use super::body::Answer;
use super::respond;
use super::route::Route;

/// Answers GET and HEAD of a file that one of these routes has under its address; `None` where none has it.
pub async fn find(places: &[(Arc<Route>, String)], parts: &Parts) -> Option<Response<Answer>> {
    let first = places.first()?;
    if !first.1.starts_with(FOLDER) {
        return match stored::find(first, places, parts).await {
            Ok(response) => Some(response),
            Err((_, fault)) if fault.reason == Reason::FileNotFound => None,
            Err((route, fault)) => Some(respond::refusal(route, None, &fault)),
        };
    }
    for (route, key) in places {
        match relayed::find(route, key, parts).await {
            Ok(response) => return Some(response),
            Err(fault) if fault.reason == Reason::FileNotFound => {}
            Err(fault) => return Some(respond::refusal(route, None, &fault)),
        }
    }
    None
}

/// How a browser is to show a file.
struct Shown {
    mime: &'static str,
    disposition: String,
}

impl Shown {
    /// By the name that its key ends with; what could run is a download.
    fn of(key: &str) -> Self {
        let name = key.rsplit('/').next().unwrap_or(key);
        let mime = mime_guess::from_path(name).first_raw().unwrap_or("application/octet-stream");
        let (mime, disposition) =
            if is_inert(mime) { (mime, "inline") } else { ("application/octet-stream", "attachment") };
        Shown { mime, disposition: format!("{disposition}; filename*=UTF-8''{}", percent::encode(name)) }
    }

    /// What a browser is told, so that it shows only what cannot run.
    fn tell(&self, headers: &mut HeaderMap) {
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.mime));
        set(headers, CONTENT_DISPOSITION, &self.disposition);
    }
}

/// How long a browser may keep it. Where access is checked it asks each time, and mostly hears that nothing changed.
fn kept_for(headers: &mut HeaderMap, access: FileAccess) {
    let words = match access {
        FileAccess::Url => "private, max-age=31536000, immutable",
        FileAccess::Conversation => "private, no-cache",
    };
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(words));
}

fn unsatisfiable(size: Option<u64>) -> Response<Answer> {
    let mut response = respond::json(416, "{\"error\":\"Range not satisfiable\"}".to_owned());
    if let Some(size) = size {
        set(response.headers_mut(), CONTENT_RANGE, &format!("bytes */{size}"));
    }
    response
}

/// What a browser only shows: raster images, PDF, sound, moving pictures.
fn is_inert(mime: &str) -> bool {
    const RASTER: &[&str] =
        &["image/png", "image/jpeg", "image/gif", "image/webp", "image/heic", "image/heif", "image/bmp"];
    RASTER.contains(&mime) || mime == "application/pdf" || mime.starts_with("audio/") || mime.starts_with("video/")
}

fn set(headers: &mut HeaderMap, name: http::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
