//! A frame from the client on its way in: dialect → canonical names → backend. Out: what became of it, or the fault.

use std::time::Instant;

use crate::activity::{self, Happening, Step};
use crate::backend::{Caller, Sent, SessionRequest};
use crate::dialect::CreateConversation;
use crate::event::{Conversation, Event, Field, Fields, Value};
use crate::fault::{Fault, Reason};
use crate::trace::{self, Span};

use super::Place;

/// A frame that was taken.
pub struct Taken {
    pub sent: Sent,
    /// When it came, if it is a message.
    pub came: Option<Instant>,
    /// The number that its sender gave it.
    pub number: Option<i64>,
    /// Of a message: it ends with its confirmation.
    pub span: Span,
}

/// A frame that was not, and the number that its sender gave it.
pub struct Refused {
    pub fault: Fault,
    pub number: Option<i64>,
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Self {
        Refused { fault, number: None }
    }
}

/// Takes one text frame.
pub async fn take(place: &Place, caller: &Caller, bound: Option<&Conversation>, text: &str) -> Result<Taken, Refused> {
    let came = Instant::now();
    if let Some(rate) = &place.rate {
        rate.check(&caller.principal.id)?;
    }
    let client = &place.contract().client;
    let read = client.read(text).inspect_err(|fault| show_unread(place, fault))?;
    let number = read.fields.integer(Field::FrameNumber);
    let came = read.fields.message_kind().map(|_| came);
    match hand_over(place, caller, bound, read.fields).await {
        Ok((sent, span)) => Ok(Taken { sent, came, number, span }),
        Err(fault) => Err(Refused { fault, number }),
    }
}

async fn hand_over(
    place: &Place,
    caller: &Caller,
    bound: Option<&Conversation>,
    mut fields: Fields<'_>,
) -> Result<(Sent, Span), Fault> {
    match bound {
        // A socket that is confined to one conversation cannot name another.
        Some(conversation) => fields.set(Field::ConversationId, Value::text(&conversation.id)),
        None => place.naming.inward(&place.dialect, caller, &mut fields).await?,
    }
    let mut event = Event::from_fields(&fields).ok_or_else(|| Fault::new(Reason::UnknownAction))?;
    if event.details.conversation.id.is_empty() && event.details.attachment.chat_id.is_none() {
        event.details.conversation.id = implied_conversation(place, caller).await?;
    }
    event.details.sender.id = caller.principal.id.to_string();
    event.details.origin.route = Some(caller.route.to_string());
    event.details.origin.dialect = Some(caller.dialect.to_string());
    event.details.origin.connection = Some(caller.connection);
    let is_message = event.kind.message().is_some();
    if is_message {
        place.counts.sends.accept();
    }
    let happening = Happening::seen(Step::Accepted, &place.route, &place.dialect.name, &event);
    let (sent, span) = match is_message {
        true => {
            let conversation = event.details.conversation.id.clone();
            let span = trace::message_span(&place.route, &conversation);
            event.details.origin.trace = span.as_parent();
            let sent = trace::about_message(&conversation, &span, place.backend.send(caller, event)).await;
            (sent.inspect_err(|fault| span.fail(fault.reason.as_str())), span)
        }
        false => (place.backend.send(caller, event).await, Span::NONE),
    };
    activity::tell_taken(happening, sent.as_ref().err().map(|fault| fault.reason.as_str()));
    let sent = sent?;
    if is_message {
        place.counts.sends.hand_on();
    }
    Ok((sent, span))
}

/// Shows whoever watches that a frame was not understood.
fn show_unread(place: &Place, fault: &Fault) {
    activity::tell(|| Happening {
        reason: Some(fault.reason.as_str()),
        ..Happening::unknown(Step::Refused, &place.route, &place.dialect.name)
    });
}

/// The conversation of a frame that names none: the caller's one session, where the dialect knows sessions.
async fn implied_conversation(place: &Place, caller: &Caller) -> Result<String, Fault> {
    match place.dialect.naming.create {
        CreateConversation::Session => {
            let conversation = place.backend.open_session(caller, SessionRequest::default()).await?;
            Ok(conversation.id)
        }
        CreateConversation::Never | CreateConversation::Send => Err(Fault::missing(Field::ConversationId)),
    }
}
