//! One frame by itself, without a conversation around it, for whoever wants to see what becomes of it. In: a frame, who says
//! it, and another dialect. Out: what it says, or the fault that says most; how the other dialect would say it.

use crate::event::{Field, Fields, IdForm, Resource, Role, Timestamp, Value};
use crate::fault::{Fault, Reason};

use super::carry::Carried;
use super::frame::FrameSet;
use super::model::{Audience, Dialect, Request};
use super::write::Unwritable;

mod call;

/// Who says a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Client,
    Server,
}

impl Dialect {
    /// The places where this side speaks.
    pub fn places(&self, side: Side) -> Vec<&FrameSet> {
        match side {
            Side::Client => self.client_places(),
            Side::Server => self.server_places(),
        }
    }

    /// What a place is called: `socket.chat`, `http.send`, `webhook.told`.
    pub fn place_name(&self, place: &FrameSet) -> String {
        let is_it = |set: &FrameSet| std::ptr::eq(set, place);
        let socket = self.sockets.iter().find(|socket| is_it(&socket.client) || is_it(&socket.server));
        let call = self.calls.iter().find(|call| matches!(&call.request, Request::Json(set) if is_it(set)));
        let webhook = self.webhooks.iter().find(|webhook| is_it(&webhook.shapes));
        let socket = socket.map(|socket| format!("socket.{}", socket.id));
        let call = call.map(|call| format!("http.{}", call.id));
        socket.or(call).or_else(|| webhook.map(|webhook| format!("webhook.{}", webhook.id))).unwrap_or_default()
    }

    /// What a frame says: the first place that understands it. Of places that do not, the fault of one whose constants
    /// agreed, as it knows better what is wrong.
    pub fn understand<'a>(&'a self, side: Side, frame: &'a str) -> Result<Fields<'a>, Fault> {
        let mut first: Option<Fault> = None;
        for place in self.places(side) {
            match place.read(frame) {
                Ok(read) => return Ok(read.fields),
                Err(fault) => {
                    let knows_more = fault.reason != Reason::UnknownAction;
                    if first.as_ref().is_none_or(|first| knows_more && first.reason == Reason::UnknownAction) {
                        first = Some(fault);
                    }
                }
            }
        }
        Err(first.unwrap_or_else(|| Fault::new(Reason::UnknownAction)))
    }
}

/// Frames as they would look, and what was made up for them.
#[derive(Debug, PartialEq)]
pub struct Shown {
    pub carried: Carried,
    /// Facts that the gateway would know of a real message: its id, its time, its sender. Here they are examples.
    pub made_up: Vec<Field>,
}

/// Says the fields as this side of a dialect would. What a conversation would have supplied is made up; fails where
/// something else is missing.
pub fn show(target: &Dialect, side: Side, fields: &Fields<'_>) -> Result<Shown, Unwritable> {
    let places = target.places(side);
    let mut fields = fields.clone();
    let mut made_up: Vec<Field> = Vec::new();
    loop {
        let needs = match target.carry(&places, &fields, Audience::Receiver) {
            Ok(carried) => return Ok(Shown { carried, made_up }),
            Err(Unwritable::Needs(field)) => field,
            Err(unwritable) => return Err(unwritable),
        };
        // Each fact once: an example that does not fit must not go round for ever.
        let examples = if made_up.contains(&needs) { Vec::new() } else { examples(target, needs) };
        let fits = |value: &Value<'static>| {
            let mut tried = fields.clone();
            tried.set(needs, value.clone());
            target.carry(&places, &tried, Audience::Receiver) != Err(Unwritable::Needs(needs))
        };
        let value = examples.into_iter().find(fits).ok_or(Unwritable::Needs(needs))?;
        fields.set(needs, value);
        made_up.push(needs);
    }
}

/// 2024-01-15T10:30:00Z: the same each time, so that what is shown can be compared.
const EXAMPLE_TIME: Timestamp = Timestamp::from_micros(1_705_314_600_000_000);

/// What a fact that the gateway supplies may look like in a dialect; empty for facts that only a sender knows.
fn examples(target: &Dialect, field: Field) -> Vec<Value<'static>> {
    let id = |resource| match target.ids.form(resource) {
        IdForm::Integer | IdForm::Text => Value::text("1"),
        IdForm::Uuid => Value::text("00000000-0000-4000-8000-000000000001"),
    };
    match field {
        Field::Id => vec![id(Resource::Message)],
        Field::ConversationId => vec![id(Resource::Conversation)],
        Field::SentAt | Field::ReceivedAt | Field::UpdatedAt => vec![Value::Time(EXAMPLE_TIME)],
        Field::SenderRole | Field::ReceiverRole | Field::OtherRole => {
            Role::ALL.iter().map(|role| Value::text(role.as_str())).collect()
        }
        Field::SenderName | Field::ReceiverName | Field::OtherName => vec![Value::text("Ann")],
        Field::FrameNumber => vec![Value::Integer(1)],
        field if Field::PARTIES.contains(&field) => vec![id(Resource::Party)],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
