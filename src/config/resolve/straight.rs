//! Whether files can go straight from clients of one dialect to an upstream of another. In: both dialects. Out: what is in
//! the way, and what would do instead.

use crate::dialect::{Call, Dialect, Op, Request};
use crate::event::Field;

/// What is in the way of every upload; `None`: nothing is. `beside`: the file is kept in a store too.
pub(super) fn obstacle(clients: &Dialect, upstream: &Dialect, beside: bool) -> Option<(String, &'static str)> {
    let name = &upstream.name;
    if uploads(upstream).any(|call| call.announce_created) {
        let message =
            format!("{name} makes a message of each upload, so files wait in a store for the message that sends them");
        return Some((message, "name a store alone"));
    }
    let needed: Vec<Field> = uploads(upstream).next().map(needed).unwrap_or_default();
    let said = |field: &Field| uploads(clients).any(|call| says(call, *field));
    // A conversation of two is known by the other one, and the other way round.
    let either = [Field::ConversationId, Field::ReceiverId];
    let known = |field: &Field| said(field) || (either.contains(field) && either.iter().any(&said));
    if let Some(field) = needed.iter().find(|field| !known(field)) {
        let message = format!("uploads to {name} name the {}, which uploads in {} do not", field.path(), clients.name);
        return Some((message, "name a store alone: the file goes there when a message names it"));
    }
    let gives = |field| {
        uploads(upstream).any(|call| !call.answer.shapes.is_empty() && call.answer.shapes.told(0).contains(&field))
    };
    if !beside && !gives(Field::AttachmentUrl) && !gives(Field::AttachmentPath) {
        let message = format!("{name} gives no address of an uploaded file, so clients could not read it");
        return Some((message, "name a store beside it, as in `[\"upstream\", \"local\"]`"));
    }
    None
}

fn uploads(dialect: &Dialect) -> impl Iterator<Item = &Call> {
    dialect.calls.iter().filter(|call| call.op == Op::Upload)
}

/// What the form of a call must have.
fn needed(call: &Call) -> Vec<Field> {
    match &call.request {
        Request::Multipart { parts, .. } => {
            parts.iter().filter(|part| part.written && !part.optional).filter_map(|part| part.field).collect()
        }
        Request::Json(_) | Request::Empty => Vec::new(),
    }
}

/// Whether a call has a place for a field.
fn says(call: &Call, field: Field) -> bool {
    let in_form = match &call.request {
        Request::Multipart { parts, .. } => parts.iter().any(|part| part.field == Some(field)),
        Request::Json(_) | Request::Empty => false,
    };
    in_form
        || call.query.iter().any(|(known, _)| *known == field)
        || call.paths.iter().any(|path| path.contains(&format!("{{{}}}", field.path())))
}
