//! Fields → the answer of a call: status, body and headers by the dialect file.

use http::{HeaderName, HeaderValue, Response};

use crate::dialect::{Audience, Unwritable};
use crate::event::{Field, Fields};
use crate::fault::{Fault, Reason};

use super::asked::Asked;
use super::body::{self, Answer};
use super::respond;

/// Writes the answer of a call.
pub fn write(asked: &Asked<'_>, fields: Fields<'static>) -> Result<Response<Answer>, Fault> {
    // What is older than the question was there already.
    let was_there = fields.time(Field::ConversationCreatedAt).is_some_and(|created| created < asked.began);
    let answer = asked.call.again.as_ref().filter(|_| was_there).unwrap_or(&asked.call.answer);
    let mut response = if answer.shapes.is_empty() {
        let mut empty = Response::new(body::full(""));
        *empty.status_mut() = http::StatusCode::from_u16(answer.status).unwrap_or(http::StatusCode::OK);
        empty
    } else {
        let written = answer.shapes.write(&fields, Audience::Sender).map_err(unwritable)?;
        respond::json(answer.status, written.into_iter().next().unwrap_or_default())
    };
    for (name, field) in &answer.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).ok();
        let value = fields.id(*field).and_then(|text| HeaderValue::from_str(&text).ok());
        if let (Some(name), Some(value)) = (name, value) {
            response.headers_mut().insert(name, value);
        }
    }
    Ok(response)
}

/// The answer's shape wants what the operation does not give: a mistake of the dialect file, not of the client.
fn unwritable(why: Unwritable) -> Fault {
    match why {
        Unwritable::Needs(field) => Fault::new(Reason::Internal).at(field).detail("the answer cannot be written"),
        Unwritable::NoShape => Fault::new(Reason::Internal).detail("no shape for the answer"),
    }
}
