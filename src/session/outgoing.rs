//! An event on its way out: canonical → the dialect's names → frames for this viewer. Losses are counted here, as this
//! is where they happen.

use crate::backend::Caller;
use crate::dialect::{Audience, Unwritable};
use crate::event::{Event, EventKind, Field, Fields, Timestamp, Value};
use crate::fault::Fault;
use crate::metrics;

use super::Place;

/// The frames by which this session's client learns of the event; none when it is not for it. `number` says in the fields
/// which frame of the socket they become.
pub async fn frames(
    place: &Place,
    caller: &Caller,
    event: &Event,
    number: impl Fn(&mut Fields<'_>),
) -> Result<Vec<String>, Fault> {
    let contract = place.contract();
    let own = event.details.sender.id == *caller.principal.id;
    let from_here = event.details.origin.connection == Some(caller.connection);
    // What passes by (typing, presence) is no news to the socket that said it; a message is its confirmation.
    if own && (!contract.echo || (from_here && event.kind.message().is_none() && is_transient(event.kind))) {
        return Ok(Vec::new());
    }
    let Some(mut fields) = place.naming.outward(&place.dialect, &caller.principal, event).await? else {
        return Ok(Vec::new());
    };
    number(&mut fields);
    let audience = match own {
        true if from_here => Audience::Origin,
        true => Audience::Sender,
        false => Audience::Receiver,
    };
    match place.dialect.carry(&[&contract.server], &fields, audience) {
        Ok(carried) => {
            let from = event.details.origin.dialect.as_deref().unwrap_or_default();
            let lost = carried.lost.iter().map(|field| field.path());
            metrics::count_losses(from, &place.dialect.name, lost, carried.degraded.iter().map(|why| why.as_str()));
            Ok(carried.frames)
        }
        Err(Unwritable::NoShape) => {
            metrics::count_untold(&place.dialect.name, event.kind.as_str());
            Ok(Vec::new())
        }
        Err(Unwritable::Needs(field)) => {
            metrics::count_untold(&place.dialect.name, event.kind.as_str());
            tracing::warn!(dialect = %place.dialect.name, kind = %event.kind, needs = %field.path(), "event cannot be told");
            Ok(Vec::new())
        }
    }
}

/// The frame by which the socket that said something which is no message learns that it was taken; where there is one.
pub async fn answer(
    place: &Place,
    caller: &Caller,
    event: &Event,
    number: Option<i64>,
) -> Result<Option<String>, Fault> {
    let server = &place.contract().server;
    let has_one = server.frames.iter().any(|frame| frame.is_answer() && frame.is_about(Some(event.kind)));
    if !has_one || event.kind.message().is_some() {
        return Ok(None);
    }
    let Some(mut fields) = place.naming.outward(&place.dialect, &caller.principal, event).await? else {
        return Ok(None);
    };
    if !fields.has(Field::SentAt) {
        fields.set(Field::SentAt, Value::Time(Timestamp::now()));
    }
    if let Some(number) = number {
        fields.set(Field::FrameNumber, Value::Integer(number));
    }
    Ok(server.answer(&fields))
}

fn is_transient(kind: EventKind) -> bool {
    match kind {
        EventKind::Typing | EventKind::Presence => true,
        EventKind::Message(_)
        | EventKind::Receipt
        | EventKind::SessionStarted
        | EventKind::SessionClaimed
        | EventKind::SessionEnded
        | EventKind::ConversationUpdated
        | EventKind::Error => false,
    }
}
