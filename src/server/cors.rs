//! Pages of other origins: which may read answers (Fetch Standard, CORS protocol). In: a request's `Origin` and the
//! route's list. Out: the headers that a browser asks for. Tokens travel in headers of their own, so cookies and other
//! ambient credentials are never allowed.

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};

use super::body::{self, Answer};
use super::route::Route;

/// What calls of any dialect carry: credentials, a type, a key against repetition.
const REQUEST_HEADERS: HeaderValue =
    HeaderValue::from_static("Authorization, Content-Type, Idempotency-Key, X-API-Key, X-Access-Token");
/// What pages may read besides the body.
const ANSWER_HEADERS: HeaderValue = HeaderValue::from_static("Retry-After, X-Visitor-Token");
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

/// The answer to it; `allowed` are the methods of the path.
pub fn preflight(allowed: &str) -> Response<Answer> {
    let mut response = Response::new(body::full(""));
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    if let Ok(methods) = HeaderValue::from_str(allowed) {
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
    }
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS);
    headers.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    response
}

/// Lets a page of this origin read the answer.
pub fn permit(response: &mut Response<Answer>, origin: HeaderValue) {
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, ANSWER_HEADERS);
    headers.append(VARY, HeaderValue::from_static("Origin"));
}
