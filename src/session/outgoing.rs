//! An event on its way out: canonical → the dialect's names → frames for this viewer. Losses are counted here, as this
//! is where they happen.

use crate::activity::{self, Happening, Step};
use crate::backend::Caller;
use crate::dialect::{Audience, Carried, Unwritable};
use crate::event::{Event, EventKind, Field, Timestamp, Value};
use crate::fault::Fault;
use crate::metrics::{self, Deliveries};

use super::Place;

/// What a client is told of an event; no frames when it is not for it.
#[derive(Default)]
pub struct Told {
    pub frames: Vec<String>,
    /// Whether that brings it another's message.
    pub is_news: bool,
}

/// The frames by which this session's client learns of the event. `next` is the number of the first, where its dialect
/// numbers them.
pub async fn frames(
    place: &Place,
    caller: &Caller,
    event: &Event,
    next: Option<i64>,
    deliveries: &mut Deliveries,
) -> Result<Told, Fault> {
    let contract = place.contract();
    if !contract.hears(event.kind) {
        return Ok(Told::default());
    }
    let own = event.details.sender.id == *caller.principal.id;
    let from_here = event.details.origin.connection == Some(caller.connection);
    // What passes by (typing, presence) is no news to the socket that said it; a message is its confirmation.
    if own && (!contract.echo || (from_here && event.kind.message().is_none() && is_transient(event.kind))) {
        return Ok(Told::default());
    }
    let Some(mut fields) = place.naming.outward(&place.dialect, &caller.principal, event).await? else {
        return Ok(Told::default());
    };
    if let Some(next) = next {
        fields.set(Field::FrameNumber, Value::Integer(next));
    }
    let audience = match own {
        true if from_here => Audience::Origin,
        true => Audience::Sender,
        false => Audience::Receiver,
    };
    match place.dialect.carry(&[&contract.server], &fields, audience) {
        Ok(carried) => {
            let from = event.details.origin.dialect.as_deref().unwrap_or_default();
            let lost = carried.lost.iter().map(|field| field.path());
            deliveries.lose(from, lost, carried.degraded.iter().map(|why| why.as_str()));
            show(place, event, &carried);
            let is_news = !own && event.kind.message().is_some() && !carried.frames.is_empty();
            Ok(Told { frames: carried.frames, is_news })
        }
        Err(Unwritable::NoShape) => {
            metrics::count_untold(&place.dialect.name, event.kind.as_str());
            show_untold(place, event, None);
            Ok(Told::default())
        }
        Err(Unwritable::Needs(field)) => {
            metrics::count_untold(&place.dialect.name, event.kind.as_str());
            tracing::warn!(dialect = %place.dialect.name, kind = %event.kind, needs = %field.path(), "event cannot be told");
            show_untold(place, event, Some(field));
            Ok(Told::default())
        }
    }
}

/// Shows whoever watches what a client was told.
fn show(place: &Place, event: &Event, carried: &Carried) {
    activity::tell(|| Happening {
        in_words: carried.degraded.iter().map(|why| why.as_str()).collect(),
        lost: carried.lost.iter().map(|field| field.path().into_owned()).collect(),
        ..towards(Step::Told, place, event)
    });
}

/// Shows that it could not be told, and what it lacked.
fn show_untold(place: &Place, event: &Event, lacks: Option<Field>) {
    activity::tell(|| Happening {
        lost: lacks.iter().map(|field| field.path().into_owned()).collect(),
        ..towards(Step::Untold, place, event)
    });
}

fn towards(step: Step, place: &Place, event: &Event) -> Happening {
    let from = event.details.origin.dialect.as_deref().unwrap_or_default();
    Happening { to: Some(place.dialect.name.to_string()), ..Happening::of(step, &place.route, from, event) }
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
