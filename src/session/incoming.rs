//! A frame from the client on its way in: dialect → canonical names → backend. Out: what became of it, or the fault.

use crate::backend::{Caller, Sent, SessionRequest};
use crate::dialect::CreateConversation;
use crate::event::{Conversation, Event, Field, Value};
use crate::fault::{Fault, Reason};

use super::Place;

/// Takes one text frame.
pub async fn take(place: &Place, caller: &Caller, bound: Option<&Conversation>, text: &str) -> Result<Sent, Fault> {
    if let Some(rate) = &place.rate {
        rate.check(&caller.principal.id)?;
    }
    let read = place.contract().client.read(text)?;
    let mut fields = read.fields;
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
    place.backend.send(caller, event).await
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
