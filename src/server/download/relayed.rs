//! Files of an upstream, served under an address of ours: straight from there, in parts where the upstream gives parts. In:
//! our key, what the client asks for. Out: the bytes; of what the upstream says of them only what cannot harm.

use std::sync::Arc;

use futures_util::TryStreamExt;
use http::header::{ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, LAST_MODIFIED};
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;

use crate::fault::{Fault, Reason};
use crate::media::fetch::{Extent, Fetched, Wanted};

use super::super::body::{self, Answer};
use super::super::route::Route;
use super::conditions::has;
use super::{Shown, access, is_inert, kept_for, set, unsatisfiable};

/// Answers GET and HEAD of a file of the route's upstream.
pub(super) async fn find(route: &Arc<Route>, key: &str, parts: &Parts) -> Result<Response<Answer>, Fault> {
    let hosted = route.hosted.as_ref().ok_or_else(|| Fault::new(Reason::FileNotFound))?;
    if !hosted.has(key).await? {
        return Err(Fault::new(Reason::FileNotFound));
    }
    access::check_relayed(route, parts).await?;
    let fetched = hosted.open(key, Wanted::of(&parts.headers).as_ref()).await?;
    Ok(served(route, key, fetched, parts))
}

fn served(route: &Route, key: &str, fetched: Fetched, parts: &Parts) -> Response<Answer> {
    let tag = fetched.version.tag.as_ref().and_then(|tag| tag.to_str().ok());
    let unchanged = tag.is_some_and(|tag| has(&parts.headers, tag));
    if let (Extent::Outside { of }, false) = (fetched.extent, unchanged) {
        return unsatisfiable(of);
    }
    let body = match parts.method {
        _ if unchanged => body::full(""),
        Method::HEAD => body::full(""),
        _ => BodyExt::boxed_unsync(StreamBody::new(fetched.chunks.map_ok(Frame::data))),
    };
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.extend(fetched.version.tag.map(|tag| (ETAG, tag)));
    headers.extend(fetched.version.modified.map(|modified| (LAST_MODIFIED, modified)));
    kept_for(headers, route.file_access);
    if unchanged {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return response;
    }
    let name = key.rsplit('/').next().unwrap_or(key);
    Shown::of(key).tell(headers);
    // A name without an ending says nothing; what the upstream says then is believed where nothing can run.
    if let Some(mime) = fetched.mime.filter(|mime| mime_guess::from_path(name).is_empty() && is_inert(mime)) {
        set(headers, CONTENT_TYPE, &mime);
    }
    if let Some(size) = fetched.size {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(size));
    }
    if fetched.version.ranges || fetched.extent != Extent::Whole {
        headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    }
    if let Extent::Part { first, last, of } = fetched.extent {
        let of = of.map_or_else(|| "*".to_owned(), |of| of.to_string());
        set(headers, CONTENT_RANGE, &format!("bytes {first}-{last}/{of}"));
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    response
}
