//! The head of an answer. In: status and headers of a stranger. Out: where else to look, what is known of the file, or
//! why it is none.

use http::header::{
    ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_TYPE, ETAG, LAST_MODIFIED, LOCATION,
    TRANSFER_ENCODING,
};
use http::response::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::fault::{Fault, Reason};
use crate::media::file_name;
use crate::percent;

use super::url::Url;
use super::{Extent, Version, refused};

/// The longest media type that is believed, in bytes.
const LONGEST_TYPE: usize = 127;

/// Where a redirect leads; `None` for what is none.
pub(super) fn redirect(head: &Parts, from: &Url) -> Result<Option<Url>, Fault> {
    let is_redirect = matches!(
        head.status,
        StatusCode::MOVED_PERMANENTLY
            | StatusCode::FOUND
            | StatusCode::SEE_OTHER
            | StatusCode::TEMPORARY_REDIRECT
            | StatusCode::PERMANENT_REDIRECT
    );
    if !is_redirect {
        return Ok(None);
    }
    let mut locations = head.headers.get_all(LOCATION).iter();
    let (Some(location), None) = (locations.next(), locations.next()) else {
        return Err(failed(from, "redirects to no single place"));
    };
    let location =
        std::str::from_utf8(location.as_bytes()).map_err(|_| failed(from, "redirects to what is no text"))?;
    let next = from.redirected(location);
    next.map(Some).map_err(|why| refused(format!("{} redirects: the URL {why}", from.origin)))
}

/// Which part of a file follows the head, as it is. `in_part`: not all of it was asked for.
pub(super) fn check(head: &Parts, size: Option<u64>, from: &Url, in_part: bool) -> Result<Extent, Fault> {
    match head.status {
        StatusCode::OK => {}
        StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE if in_part => {}
        StatusCode::NOT_FOUND | StatusCode::GONE => return Err(refused(format!("{} does not have it", from.origin))),
        status => return Err(failed(from, &format!("answers with status {}", status.as_u16()))),
    }
    if !says_only(&head.headers, CONTENT_ENCODING, "identity")
        || !says_only(&head.headers, TRANSFER_ENCODING, "chunked")
    {
        return Err(failed(from, "sends it compressed, which was not asked for"));
    }
    let extent = Extent::of(head, size).map_err(|why| failed(from, why))?;
    if size == Some(0) && !matches!(extent, Extent::Outside { .. }) {
        return Err(failed(from, "sends nothing"));
    }
    Ok(extent)
}

/// What the host says of the file's version. What it says of no text is nothing.
pub(super) fn version(headers: &HeaderMap) -> Version {
    let one = |name| headers.get(name).filter(|value: &&HeaderValue| value.to_str().is_ok()).cloned();
    let ranges = headers.get(ACCEPT_RANGES).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"bytes"));
    Version { tag: one(ETAG), modified: one(LAST_MODIFIED), ranges }
}

/// The media type without parameters, in lower case.
pub(super) fn mime(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let essence = value.split(';').next()?.trim().to_ascii_lowercase();
    let (kind, subtype) = essence.split_once('/')?;
    let is_token = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
    };
    (essence.len() <= LONGEST_TYPE && is_token(kind) && is_token(subtype)).then_some(essence)
}

/// The name to show: what the host calls the file, or the end of the path.
pub(super) fn name(headers: &HeaderMap, url: &Url) -> Option<String> {
    let declared = headers.get(CONTENT_DISPOSITION).and_then(|value| file_name::declared(value.as_bytes()));
    let declared = declared.or_else(|| percent::decode(url.last_segment()))?;
    (!declared.is_empty()).then(|| file_name::shown(&declared))
}

/// Whether a header is absent or lists nothing but this one word.
fn says_only(headers: &HeaderMap, name: HeaderName, word: &str) -> bool {
    headers.get_all(name).iter().all(|value| {
        let mut words = value.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
        words.all(|said| said.is_empty() || said.eq_ignore_ascii_case(word.as_bytes()))
    })
}

/// A failure of the host's.
fn failed(from: &Url, what: &str) -> Fault {
    Fault::new(Reason::Upstream).detail(format!("{} {what}", from.origin))
}
