//! The canonical model: what happened, in no dialect.
//!
//! In: nothing but data. Out: [`Event`] (typed, owned, what the journal keeps), [`Fields`] (the same facts as flat
//! slots that borrow from a frame, what the dialect engine reads and writes) and the CloudEvents envelope.

mod audience;
mod cloudevent;
mod field;
mod fields;
mod id;
mod kind;
mod leaf;
mod model;
mod timestamp;

pub use audience::{Announced, Audience, Missed, Place, Topic};
pub use cloudevent::{CloudEvent, UnknownEvent};
pub use field::{ExtensionName, Field, FieldType};
pub use fields::{Fields, Value};
pub use id::{IdForm, Resource};
pub use kind::{ConversationKind, ConversationState, EventKind, MessageKind, Role, Side};
pub use leaf::RawJson;
pub use model::{
    Attachment, Buttons, Choice, Conversation, Details, Event, Failure, Guest, Location, Origin, Party, Presence,
    Profile, Receipt, Typing,
};
pub use timestamp::Timestamp;

#[cfg(test)]
mod tests;
