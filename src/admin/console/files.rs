//! The page itself: four files, part of the program. In: a path. Out: the file with what a browser must not do with it.

use bytes::Bytes;
use http::Response;
use http::header::{self, HeaderName, HeaderValue};
use http_body_util::{BodyExt, Full};

use super::super::Answer;

const PAGE: &str = include_str!("page/console.html");
const SCRIPT: &str = include_str!("page/console.js");
const METRICS: &str = include_str!("page/metrics.js");
const STYLE: &str = include_str!("page/console.css");

/// Nothing from elsewhere, nothing inline, in nobody's frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(super) fn find(path: &str) -> Option<Response<Answer>> {
    let (kind, text) = match path {
        "/console" | "/console/" => ("text/html; charset=utf-8", PAGE),
        "/console/console.js" => ("text/javascript; charset=utf-8", SCRIPT),
        "/console/metrics.js" => ("text/javascript; charset=utf-8", METRICS),
        "/console/console.css" => ("text/css; charset=utf-8", STYLE),
        _ => return None,
    };
    let mut response = Response::new(Full::from(Bytes::from_static(text.as_bytes())).boxed_unsync());
    let said: [(HeaderName, &'static str); 5] = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    for (name, value) in said {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    Some(response)
}
