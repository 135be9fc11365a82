//! What is at work: the request, its route, the message. In: heads of requests. Out: ids for lines of the log, for answers
//! and for those who are called meanwhile. Nothing is written down before a line is.

mod request_id;
mod scope;

pub use request_id::{REQUEST_ID, RequestId};
pub use scope::{Scope, about_message, carried, current, each_label, say_message, say_route, show};
