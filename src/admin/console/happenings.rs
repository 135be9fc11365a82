//! What happens, for the page. In: whether words may be shown. Out: JSON, a line each, for as long as somebody reads.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use serde_json::json;
use tokio::time::timeout;

use crate::activity::{Happening, Seen, Watching};

use super::super::{Answer, Site};
use super::refused;

/// Pages that may watch at a time.
const PAGES: usize = 8;
/// An empty line this often says that the gateway is there, and finds out who is not.
const SILENCE: Duration = Duration::from_secs(5);

pub(super) fn follow(shows_words: bool, site: &Site) -> Response<Answer> {
    let Some(watching) = Watching::begin(PAGES) else {
        return refused(StatusCode::SERVICE_UNAVAILABLE, "eight pages watch already: close one");
    };
    let stop = site.tasks.stopping();
    let lines = stream::unfold((watching, true), move |(mut watching, is_first)| {
        let stop = stop.clone();
        async move {
            // The page learns at once that it watches.
            if is_first {
                return Some((frame("\n".to_owned()), (watching, false)));
            }
            let line = tokio::select! {
                () = stop.cancelled() => return None,
                seen = timeout(SILENCE, watching.next()) => seen.map_or_else(|_| "\n".to_owned(), |seen| line(&seen, shows_words)),
            };
            Some((frame(line), (watching, false)))
        }
    });
    let mut response = Response::new(BodyExt::boxed_unsync(StreamBody::new(lines)));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn frame(line: String) -> Result<Frame<Bytes>, Infallible> {
    Ok(Frame::data(line.into()))
}

fn line(seen: &Seen, shows_words: bool) -> String {
    let value = match seen {
        Seen::Missed(missed) => json!({ "missed": missed }),
        Seen::Happened(happening) if shows_words => json!(**happening),
        Seen::Happened(happening) => json!(Happening { words: None, ..Happening::clone(happening) }),
    };
    format!("{value}\n")
}
