//! What the span of an HTTP call says, both ways (OpenTelemetry's semantic conventions). In: a method, where it goes. Out:
//! words of a small number.

use http::Method;

use super::span::Span;

const METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"];

/// The name of a span of this method: the method, if it is one of the few.
pub fn method(method: &Method) -> &'static str {
    known(method).unwrap_or("HTTP")
}

/// The method as an attribute.
pub fn say_method(span: &Span, method: &Method) {
    span.set("http.request.method", known(method).unwrap_or("_OTHER"));
}

/// A call of ours.
pub fn about_call(span: &Span, method: &Method, host: &str, port: u16) {
    say_method(span, method);
    span.say("server.address", host);
    span.set("server.port", i64::from(port));
}

fn known(method: &Method) -> Option<&'static str> {
    METHODS.iter().find(|known| **known == method.as_str()).copied()
}
