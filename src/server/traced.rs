//! What the span of a request says (OpenTelemetry's semantic conventions for HTTP servers). In: a request, its route, its
//! answer. Out: attributes; none where the span is not recorded. A query is in none of them, nor the key of a file.

use http::request::Parts;
use http::{StatusCode, Version};

use crate::edge::Client;
use crate::trace::{self, Span};

use super::route::Route;
use super::table::{Target, parameter_names};

/// What is known before anything was looked at.
pub fn request(span: &Span, client: Client, parts: &Parts) {
    if !span.is_recorded() {
        return;
    }
    span.rename(trace::method(&parts.method).to_owned());
    trace::say_method(span, &parts.method);
    span.set("url.scheme", client.scheme());
    span.say("client.address", &client.address.to_canonical().to_string());
    let version = match parts.version {
        Version::HTTP_10 => "1.0",
        Version::HTTP_2 => "2",
        _ => "1.1",
    };
    span.set("network.protocol.version", version);
}

/// Where it goes. `None`: there is no such path.
pub fn target(span: &Span, parts: &Parts, found: Option<(&Route, &Target)>) {
    if !span.is_recorded() {
        return;
    }
    let Some((route, target)) = found else { return span.say("url.path", parts.uri.path()) };
    let dialect = &route.dialect;
    let template = match target {
        Target::Calls { calls, parameters } => {
            let mut paths = dialect.calls[calls[0]].paths.iter();
            paths.find(|path| parameter_names(path).count() == parameters.len()).cloned()
        }
        Target::Socket(socket) => dialect.sockets[*socket].paths.first().cloned(),
        Target::File { .. } => Some(format!("{}{{key}}", dialect.storage.public)),
        Target::Rest | Target::Method { .. } => None,
    };
    span.say("dragoman.route", &route.name);
    span.say("dragoman.dialect", &dialect.name);
    let Some(template) = template else { return span.say("url.path", parts.uri.path()) };
    let template = format!("{}{template}", route.prefix);
    span.rename(format!("{} {template}", trace::method(&parts.method)));
    match target {
        Target::File { .. } => span.say("url.path", &template),
        _ => span.say("url.path", parts.uri.path()),
    }
    span.set("http.route", template);
}

/// What came of it.
pub fn answer(span: &Span, status: StatusCode) {
    span.set("http.response.status_code", i64::from(status.as_u16()));
    if status.is_server_error() {
        span.fail(status.as_str().to_owned());
    }
}
