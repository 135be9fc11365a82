//! The page itself: files that are part of the program. In: a path. Out: the file with what a browser must not do with it.

use bytes::Bytes;
use http::Response;
use http::header::{self, HeaderName, HeaderValue};
use http_body_util::{BodyExt, Full};

use super::super::Answer;

const PAGE: &str = include_str!("page/console.html");
const STYLE: &str = include_str!("page/console.css");

/// The modules of the page, by the ends of their paths.
const SCRIPTS: &[(&str, &str)] = &[
    ("ask.js", include_str!("page/ask.js")),
    ("bench.js", include_str!("page/bench.js")),
    ("console.js", include_str!("page/console.js")),
    ("events.js", include_str!("page/events.js")),
    ("figures.js", include_str!("page/figures.js")),
    ("metrics.js", include_str!("page/metrics.js")),
    ("parts.js", include_str!("page/parts.js")),
];

/// Nothing from elsewhere, nothing inline, in nobody's frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(super) fn find(path: &str) -> Option<Response<Answer>> {
    let (kind, text) = match path {
        "/console" | "/console/" => ("text/html; charset=utf-8", PAGE),
        "/console/console.css" => ("text/css; charset=utf-8", STYLE),
        path => ("text/javascript; charset=utf-8", script(path)?),
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

fn script(path: &str) -> Option<&'static str> {
    let name = path.strip_prefix("/console/")?;
    SCRIPTS.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}
