//! Answers out of which something may have to be taken. In: a request on its way and the answer to it. Out: the request
//! without what would make the answer unreadable here; the answer as its reader may have it.

use bytes::{Bytes, BytesMut};
use http::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderName, IF_RANGE, RANGE,
};
use http::{HeaderMap, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Body;

use crate::dialect::Redaction;
use crate::fault::{Fault, Reason};

use super::super::body::{self, Answer, Pace};

/// Bytes of an answer that is read to be redacted.
const LARGEST: usize = 16 * 1024 * 1024;

/// Digests of what the backend said, which is not what the client gets.
const DIGESTS: [&str; 5] = ["content-md5", "content-digest", "repr-digest", "digest", "x-content-digest"];

/// Asks for an answer that can be read: not compressed, and whole.
pub fn ask_readable(headers: &mut HeaderMap) {
    for name in [ACCEPT_ENCODING, RANGE, IF_RANGE] {
        headers.remove(name);
    }
}

/// The answer without what no client hears. `grace`: how long its first pieces may take.
pub async fn answer(
    redaction: &Redaction,
    response: Response<Answer>,
    grace: std::time::Duration,
) -> Result<Response<Answer>, Fault> {
    let declared = response.headers().get(CONTENT_TYPE).map(|value| is_json(value.as_bytes()));
    if redaction.is_empty() || declared == Some(false) {
        return Ok(response);
    }
    let (mut head, body) = response.into_parts();
    if body.is_end_stream() {
        // The length of an answer to HEAD would be that of what the backend says.
        head.headers.remove(CONTENT_LENGTH);
        return Ok(Response::from_parts(head, body));
    }
    let unreadable = |what: &str| Fault::new(Reason::Upstream).detail(format!("to be redacted, but {what}"));
    let encoded = head.headers.get(CONTENT_ENCODING).is_some_and(|coding| coding != "identity");
    if encoded {
        return Err(unreadable("compressed though nobody asked for that"));
    }
    if head.status == StatusCode::PARTIAL_CONTENT {
        return Err(unreadable("a part of an answer though nobody asked for one"));
    }
    let bytes = whole(body, grace).await?;
    let left = match std::str::from_utf8(&bytes) {
        // NUL stands in no JSON, but between the letters of UTF-16, which some readers guess.
        Ok(text) if declared.is_none() || !text.contains('\0') => redaction.apply(text)?,
        Ok(_) | Err(_) if declared.is_some() => return Err(unreadable("not UTF-8")),
        // Of no type, and no text: it is no JSON either.
        Ok(_) | Err(_) => None,
    };
    let body = match left {
        None => body::full(bytes),
        Some(left) => {
            for name in DIGESTS.map(HeaderName::from_static).into_iter().chain([ETAG, CONTENT_LENGTH]) {
                head.headers.remove(name);
            }
            body::full(left)
        }
    };
    Ok(Response::from_parts(head, body))
}

/// `application/json`, `application/problem+json; charset=utf-8`, `application/x-ndjson` …
fn is_json(content_type: &[u8]) -> bool {
    let essence = content_type.split(|byte| *byte == b';').next().unwrap_or_default();
    String::from_utf8_lossy(essence).to_ascii_lowercase().contains("json")
}

async fn whole(mut body: Answer, grace: std::time::Duration) -> Result<Bytes, Fault> {
    let too_large = || Fault::new(Reason::Upstream).detail("to be redacted, but larger than 16 MiB");
    if body.size_hint().lower() > LARGEST as u64 {
        return Err(too_large());
    }
    let mut bytes = BytesMut::new();
    let mut pace = Pace::begin(grace);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            let late = error.kind() == std::io::ErrorKind::TimedOut;
            Fault::new(if late { Reason::UpstreamTimeout } else { Reason::Upstream }).detail(error.to_string())
        })?;
        // Trailers are about the body as it was.
        let Ok(piece) = frame.into_data() else { continue };
        if bytes.len() + piece.len() > LARGEST {
            return Err(too_large());
        }
        let slow = |_| Fault::new(Reason::UpstreamTimeout).detail("the answer comes too slowly");
        pace.keep(piece.len()).map_err(slow)?;
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes.freeze())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    async fn redacted(builder: http::response::Builder, body: &[u8]) -> Result<(HeaderMap, Vec<u8>), Fault> {
        let redaction = Redaction::new(vec!["password".to_owned()]);
        let response = builder.body(body::full(body.to_vec())).unwrap();
        let response = answer(&redaction, response, Duration::from_secs(1)).await?;
        let (head, body) = response.into_parts();
        Ok((head.headers, body.collect().await.unwrap().to_bytes().to_vec()))
    }

    const SECRET: &[u8] = br#"{ "id" : 1.0, "password": "x" }"#;

    #[tokio::test]
    async fn json_of_every_name_is_redacted_and_its_digests_go() {
        for kind in ["application/json", "application/problem+json; charset=utf-8", "text/JSON", "application/x-ndjson"]
        {
            let builder = Response::builder()
                .header("content-type", kind)
                .header("content-length", "31")
                .header("etag", "\"1\"")
                .header("digest", "sha-256=x")
                .header("x-other", "1");
            let (headers, body) = redacted(builder, SECRET).await.unwrap();
            assert_eq!(body, br#"{ "id" : 1.0 }"#, "{kind}");
            let names: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
            assert_eq!(names, ["content-type", "x-other"], "{kind}");
        }
        assert_eq!(redacted(Response::builder(), SECRET).await.unwrap().1, br#"{ "id" : 1.0 }"#, "no type at all");
    }

    #[tokio::test]
    async fn all_else_is_as_it_was() {
        let text = Response::builder().header("content-type", "text/plain");
        assert_eq!(redacted(text, SECRET).await.unwrap().1, SECRET);
        let json = || Response::builder().header("content-type", "application/json").header("etag", "\"1\"");
        let (headers, body) = redacted(json(), b" {\"a\" : 1.50 } ").await.unwrap();
        assert_eq!((body.as_slice(), headers["etag"].to_str().unwrap()), (&b" {\"a\" : 1.50 } "[..], "\"1\""));
        assert_eq!(redacted(Response::builder(), &[0xff, 0]).await.unwrap().1, [0xff, 0]);
    }

    #[tokio::test]
    async fn what_nobody_can_tell_is_refused() {
        let json = || Response::builder().header("content-type", "application/json");
        for (builder, body) in [
            (json().header("content-encoding", "gzip"), &b"\x1f\x8b"[..]),
            (json().status(206), b"word\":\"x\"}"),
            (json(), b"{\"password\":\"\xff\"}"),
            (json(), b"{\"password\":"),
            (json(), b"{\0\"\0p\0a\0s\0s\0w\0o\0r\0d\0\"\0:\0\x31\0}\0"),
            (json(), &vec![b' '; LARGEST + 1]),
        ] {
            assert_eq!(redacted(builder, body).await.unwrap_err().reason, Reason::Upstream);
        }
    }
}
