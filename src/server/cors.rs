//! Pages of other origins: which may read answers (Fetch Standard, CORS protocol). In: a request's `Origin` and the
//! route's list. Out: the headers that a browser asks for. Tokens travel in headers of their own, so cookies and other
//! ambient credentials are allowed only where a route says that its upstream needs them, and never to every page.

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};

use crate::dialect::CredentialPlace;

use super::body::{self, Answer};
use super::route::Route;

/// What calls of any dialect carry: credentials, a type, a key against repetition.
const REQUEST_HEADERS: &[&str] =
    &["Authorization", "Content-Type", "Idempotency-Key", "X-API-Key", "X-Access-Token", "X-Request-Id", "Traceparent"];
/// Bytes of what a browser may ask for where a path is passed on, which knows its own headers.
const LONGEST_ASKED: usize = 1024;
/// What pages may read besides the body.
const ANSWER_HEADERS: HeaderValue = HeaderValue::from_static("Retry-After, X-Request-Id, X-Visitor-Token");
/// How long a browser need not ask again, in seconds.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");

/// The origin, if the route lists it. Pages of the same host need no permission and get none.
pub fn permitted(route: &Route, headers: &HeaderMap) -> Option<HeaderValue> {
    let origin = headers.get(ORIGIN)?;
    let text = origin.to_str().ok()?;
    let listed = route.origins.iter().any(|known| known == "*" || known.eq_ignore_ascii_case(text));
    listed.then(|| origin.clone())
}

/// Whether this is a browser's question before a call.
pub fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    *method == Method::OPTIONS && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// The answer to it; `allowed` are the methods of the path. `passed_on`: the upstream knows which headers it takes.
pub fn preflight(route: &Route, allowed: &str, asked: &HeaderMap, passed_on: bool) -> Response<Answer> {
    let mut response = Response::new(body::full(""));
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    if let Ok(methods) = HeaderValue::from_str(allowed) {
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
    }
    let asked = asked.get(ACCESS_CONTROL_REQUEST_HEADERS).filter(|asked| passed_on && asked.len() <= LONGEST_ASKED);
    if let Some(names) = asked.cloned().or_else(|| HeaderValue::try_from(request_headers(route)).ok()) {
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, names);
    }
    headers.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    response
}

/// What calls carry, and where the dialect has its credentials.
fn request_headers(route: &Route) -> String {
    let places = route.dialect.credentials.values().flat_map(|credential| &credential.http);
    let own = places.filter_map(|place| match place {
        CredentialPlace::Header { name, .. } => Some(name.as_str()),
        CredentialPlace::Query { .. } | CredentialPlace::Subprotocol { .. } => None,
    });
    let mut names = REQUEST_HEADERS.to_vec();
    for name in own {
        if !names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            names.push(name);
        }
    }
    names.join(", ")
}

/// Says to caches that an answer of this route may differ by the page that asks, whoever asks now.
pub fn vary(route: &Route, response: &mut Response<Answer>) {
    if !route.origins.is_empty() {
        response.headers_mut().append(VARY, HeaderValue::from_static("Origin"));
    }
}

/// Lets a page of this origin read the answer.
pub fn permit(route: &Route, response: &mut Response<Answer>, origin: HeaderValue) {
    let headers = response.headers_mut();
    if route.cookies {
        headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    }
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, ANSWER_HEADERS);
}
