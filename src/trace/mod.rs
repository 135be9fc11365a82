//! What is at work: the request, its route, the message, the span of a trace. In: heads of requests. Out: ids for lines of the
//! log, for answers and for those who are called meanwhile; spans. Nothing is written down before a line is, and where
//! nothing is traced there is no span.

mod call;
mod parent;
mod request_id;
mod scope;
mod span;

pub use call::{about_call, method, say_method};
pub use opentelemetry::trace::SpanKind;
pub use parent::{go_on, of_headers};
pub use request_id::{REQUEST_ID, RequestId};
pub use scope::{
    Scope, about_message, about_messaging, current, each_label, long, message_span, say_message, say_route, show,
};
pub use span::{Incoming, Span, install};
