//! The typed event: what the journal keeps and backends reason about. Its members that a shape can name are listed once,
//! in [`Event::leaf`], which is all there is to turning an event into [`Fields`] and back.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::field::Field;
use super::fields::{Fields, Value};
use super::kind::{ConversationKind, ConversationState, EventKind, MessageKind, Role, Side};
use super::leaf::{Leaf, RawJson};
use super::timestamp::Timestamp;

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Something that happened in a conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    pub kind: EventKind,
    pub details: Details,
}

/// Declares a record of the model: every member optional, left out of JSON when absent.
macro_rules! record {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $member:ident: $type:ty),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
        #[serde(default)]
        pub struct $name { $($(#[$doc])* #[serde(skip_serializing_if = "is_default")] pub $member: $type),+ }

        impl $name {
            /// Whether nothing is known.
            pub fn is_empty(&self) -> bool {
                is_default(self)
            }
        }
    };
}

record! {
    /// The `data` of the CloudEvents form.
    Details {
        /// The message's id; unique in this installation.
        id: String,
        /// The place in its conversation, from 1, without holes. Given by the journal.
        sequence: Option<u64>,
        conversation: Conversation,
        sender: Party,
        receiver: Party,
        /// What a message carries; absent for other events.
        kind: Option<MessageKind>,
        /// The words; the caption, when there is a file.
        body: Option<String>,
        attachment: Attachment,
        profile: Profile,
        location: Location,
        guest: Guest,
        buttons: Buttons,
        sent_at: Option<Timestamp>,
        received_at: Option<Timestamp>,
        updated_at: Option<Timestamp>,
        receipt: Receipt,
        typing: Typing,
        presence: Presence,
        error: Failure,
        /// A line of text beside the event: why a session ended, who joined.
        reason: Option<String>,
        origin: Origin,
        /// `<dialect>.<name>` of what no member holds.
        ext: BTreeMap<String, RawJson>,
        /// What a target could not carry, named when it was lost.
        degraded: Vec<String>,
    }
}

record! {
    /// Where something was said.
    Conversation {
        id: String,
        kind: Option<ConversationKind>,
        state: Option<ConversationState>,
        department: Option<String>,
        business: Option<String>,
        /// The business's own id of the customer.
        customer: Option<String>,
        post_token: Option<String>,
        /// For whom it was opened.
        owner: Option<String>,
        /// Who took it.
        agent: Option<String>,
        created_at: Option<Timestamp>,
        updated_at: Option<Timestamp>,
        last_message_at: Option<Timestamp>,
        closed_at: Option<Timestamp>,
        preview: Option<String>,
        unread: Option<i64>,
    }
}

record! {
    /// Somebody who takes part.
    Party {
        id: String,
        role: Option<Role>,
        side: Option<Side>,
        name: Option<String>,
        avatar: Option<String>,
        /// Never logged; shown only where a route allows it.
        email: Option<String>,
        /// Never logged; shown only where a route allows it.
        phone: Option<String>,
    }
}

record! {
    /// A file, with every handle of it that is known.
    Attachment {
        url: Option<String>,
        path: Option<String>,
        name: Option<String>,
        stored_name: Option<String>,
        mime: Option<String>,
        /// Bytes.
        size: Option<i64>,
        /// Hexadecimal.
        sha256: Option<String>,
        token: Option<String>,
        chat_id: Option<String>,
        /// Pixels.
        width: Option<i64>,
        /// Pixels.
        height: Option<i64>,
        /// Seconds.
        duration: Option<f64>,
        thumbnail: Option<String>,
        /// Who uploaded it.
        owner: Option<String>,
    }
}

record! {
    /// A user or contact that a message refers to.
    Profile { id: Option<String>, name: Option<String>, phone: Option<String> }
}

record! {
    /// A place, in degrees.
    Location { latitude: Option<f64>, longitude: Option<f64> }
}

record! {
    /// The guest whom a conversation is with.
    Guest { id: Option<String>, name: Option<String>, room_number: Option<String>, whatsapp_number: Option<String> }
}

record! {
    /// Grids of buttons, carried unread, by who sees them.
    Buttons {
        both: Option<RawJson>,
        sender: Option<RawJson>,
        receiver: Option<RawJson>,
        /// What they offer, for those whose dialect has no buttons.
        choices: Vec<Choice>,
    }
}

record! {
    /// What one button offers, in words.
    Choice {
        label: Option<String>,
        link: Option<String>,
        /// Who sees it, `sender` or `receiver`; nobody named: both.
        to: Option<String>,
    }
}

impl Choice {
    /// As the value of a field.
    pub fn list(choices: &[Choice]) -> Value<'static> {
        Value::Json(serde_json::to_string(choices).unwrap_or_default().into())
    }

    /// Of the JSON of such a field; empty where it is none.
    pub fn read_list(json: &str) -> Vec<Choice> {
        serde_json::from_str(json).unwrap_or_default()
    }
}

record! {
    /// How far a message came.
    Receipt {
        /// `sent`, `delivered` or `read`.
        status: Option<String>,
        seen: Option<bool>,
        deleted: Option<bool>,
        /// The role of who read.
        reader: Option<String>,
    }
}

record! {
    /// Whether a party types.
    Typing { active: Option<bool> }
}

record! {
    /// `online`, `offline`, `subscribed` or `unsubscribed`.
    Presence { state: Option<String> }
}

record! {
    /// Why something was refused.
    Failure { text: Option<String>, code: Option<i64> }
}

record! {
    /// Where an event entered.
    Origin {
        route: Option<String>,
        dialect: Option<String>,
        /// The socket it came in on, a number that no other socket of any replica has.
        connection: Option<u64>,
        /// The id that the dialect it came from gave it.
        native_id: Option<String>,
        /// An id that the sender's side gave: two events of one key are one event.
        key: Option<String>,
        /// Which span of a trace it came from, as a `traceparent`; absent where nothing is traced.
        trace: Option<String>,
    }
}

impl Event {
    /// An event of this kind about which nothing else is known.
    pub fn new(kind: EventKind) -> Self {
        Event { kind, details: Details { kind: kind.message(), ..Details::default() } }
    }

    /// All that is known, as slots that borrow from this event.
    pub fn fields(&self) -> Fields<'_> {
        let mut fields = Fields::about(self.kind);
        for field in Field::ALL {
            if let Some(value) = leaf(&self.details, *field).and_then(Leaf::read) {
                fields.set(*field, value);
            }
        }
        if let Some(state) = self.details.conversation.state {
            fields.set(Field::ConversationActive, Value::Boolean(state != ConversationState::Closed));
        }
        for (name, json) in &self.details.ext {
            if let Some(field) = Field::parse(&format!("ext.{name}")) {
                fields.set(field, Value::Json(json.to_string().into()));
            }
        }
        fields
    }

    /// The event of these slots. Slots of calls (lists, grants, pages) are not part of an event and stay behind.
    /// `None` when the record is about no event.
    pub fn from_fields(fields: &Fields<'_>) -> Option<Self> {
        let mut event = Event::new(fields.kind()?);
        for (field, value) in fields.iter() {
            match field {
                Field::Extension(name) => {
                    if let Value::Json(text) = value
                        && let Some(json) = RawJson::parse(text)
                    {
                        event.details.ext.insert(name.text().to_owned(), json);
                    }
                }
                _ => {
                    if let Some(leaf) = leaf_mut(&mut event.details, field) {
                        leaf.write(value);
                    }
                }
            }
        }
        Some(event)
    }
}

/// The members that fields name, listed once for reading and for writing.
macro_rules! leaves {
    ($($variant:ident => $($member:ident).+;)+) => {
        fn leaf(details: &Details, field: Field) -> Option<&dyn Leaf> {
            match field {
                $(Field::$variant => Some(&details.$($member).+),)+
                _ => None,
            }
        }

        fn leaf_mut(details: &mut Details, field: Field) -> Option<&mut dyn Leaf> {
            match field {
                $(Field::$variant => Some(&mut details.$($member).+),)+
                _ => None,
            }
        }
    };
}

leaves! {
    Id => id;
    ConversationId => conversation.id;
    ConversationKind => conversation.kind;
    ConversationState => conversation.state;
    ConversationDepartment => conversation.department;
    ConversationBusiness => conversation.business;
    ConversationCustomer => conversation.customer;
    ConversationPostToken => conversation.post_token;
    ConversationOwner => conversation.owner;
    ConversationAgent => conversation.agent;
    ConversationCreatedAt => conversation.created_at;
    ConversationUpdatedAt => conversation.updated_at;
    ConversationLastAt => conversation.last_message_at;
    ConversationClosedAt => conversation.closed_at;
    ConversationPreview => conversation.preview;
    ConversationUnread => conversation.unread;
    SenderId => sender.id;
    SenderRole => sender.role;
    SenderSide => sender.side;
    SenderName => sender.name;
    SenderAvatar => sender.avatar;
    SenderEmail => sender.email;
    SenderPhone => sender.phone;
    ReceiverId => receiver.id;
    ReceiverRole => receiver.role;
    ReceiverSide => receiver.side;
    ReceiverName => receiver.name;
    ReceiverAvatar => receiver.avatar;
    ReceiverEmail => receiver.email;
    ReceiverPhone => receiver.phone;
    Body => body;
    AttachmentUrl => attachment.url;
    AttachmentPath => attachment.path;
    AttachmentName => attachment.name;
    AttachmentStoredName => attachment.stored_name;
    AttachmentMime => attachment.mime;
    AttachmentSize => attachment.size;
    AttachmentSha256 => attachment.sha256;
    AttachmentToken => attachment.token;
    AttachmentChatId => attachment.chat_id;
    AttachmentWidth => attachment.width;
    AttachmentHeight => attachment.height;
    AttachmentDuration => attachment.duration;
    AttachmentThumbnail => attachment.thumbnail;
    AttachmentOwner => attachment.owner;
    ProfileId => profile.id;
    ProfileName => profile.name;
    ProfilePhone => profile.phone;
    LocationLatitude => location.latitude;
    LocationLongitude => location.longitude;
    GuestId => guest.id;
    GuestName => guest.name;
    GuestRoom => guest.room_number;
    GuestWhatsapp => guest.whatsapp_number;
    ButtonsBoth => buttons.both;
    ButtonsSender => buttons.sender;
    ButtonsReceiver => buttons.receiver;
    ButtonsChoices => buttons.choices;
    SentAt => sent_at;
    ReceivedAt => received_at;
    UpdatedAt => updated_at;
    ReceiptStatus => receipt.status;
    ReceiptSeen => receipt.seen;
    ReceiptDeleted => receipt.deleted;
    ReceiptReader => receipt.reader;
    TypingActive => typing.active;
    PresenceState => presence.state;
    ErrorText => error.text;
    ErrorCode => error.code;
    Reason => reason;
}
