//! The one place where a fault becomes an HTTP answer: status, words and body by the dialect, `Retry-After` where a
//! retry helps. Detail stays in the log.

use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};

use crate::dialect::{Call, RefusedFrame};
use crate::fault::{Blame, Fault, Reason};
use crate::metrics;

use super::body::{self, Answer};
use super::route::Route;

/// A JSON answer.
pub fn json(status: u16, text: String) -> Response<Answer> {
    let mut response = Response::new(body::full(text));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// A refusal in the route's dialect.
pub fn refusal(route: &Route, call: Option<&Call>, fault: &Fault) -> Response<Answer> {
    log(route, fault);
    let refused = route.dialect.refuse_call(call, fault);
    with_retry_after(json(refused.status, refused.body), fault)
}

/// A refused handshake, in the words of the socket.
pub fn refused_handshake(route: &Route, refused: RefusedFrame, fault: &Fault) -> Response<Answer> {
    log(route, fault);
    with_retry_after(json(refused.status, refused.body), fault)
}

/// A refusal where no route can be told: plain JSON.
pub fn unknown(fault: &Fault) -> Response<Answer> {
    let words = serde_json::json!({ "error": fault.words.as_deref().unwrap_or(fault.reason.words()) });
    with_retry_after(json(fault.reason.status(), words.to_string()), fault)
}

/// The path is there, with other methods.
pub fn method_not_allowed(route: &Route, allowed: &str) -> Response<Answer> {
    let mut response = refusal(route, None, &Fault::new(Reason::Method));
    if let Ok(value) = HeaderValue::from_str(allowed) {
        response.headers_mut().insert(ALLOW, value);
    }
    response
}

/// A request that could be understood in two ways.
pub fn malformed(words: &'static str) -> Response<Answer> {
    json(400, serde_json::json!({ "error": words }).to_string())
}

fn with_retry_after(mut response: Response<Answer>, fault: &Fault) -> Response<Answer> {
    if fault.reason.retry_helps() {
        let seconds = fault.retry_after.map_or(1, |wait| wait.as_secs() + u64::from(wait.subsec_nanos() > 0));
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
    }
    response
}

/// Whose fault it is decides how loud it is said.
fn log(route: &Route, fault: &Fault) {
    metrics::count_refused(&route.name, fault.reason.as_str());
    match fault.reason.blame() {
        Blame::Client => tracing::debug!(route = %route.name, %fault, "refused"),
        Blame::Upstream => tracing::warn!(route = %route.name, %fault, "upstream failed"),
        Blame::Gateway => tracing::error!(route = %route.name, %fault, "failed"),
    }
}
