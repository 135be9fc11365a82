//! The closed sets of the model: kinds of events and messages, roles, states. Matched without `_`, so that a new kind
//! stops the build wherever it matters.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Declares an enum whose members have one spelling, used in JSON, in dialect files and in metrics.
macro_rules! spelled {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        pub enum $name { $($(#[$doc])* #[serde(rename = $text)] $variant),+ }

        impl $name {
            /// Every member, in order of declaration.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The one spelling of this member.
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text),+ }
            }

            /// The member of this spelling, if there is one.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some($name::$variant),)+ _ => None }
            }
        }
    };
}

spelled! {
    /// What a message carries.
    MessageKind {
        /// Words only.
        Text = "text",
        /// A raster image.
        Image = "image",
        /// A moving picture.
        Video = "video",
        /// Sound, a voice note included.
        Audio = "audio",
        /// Any other file.
        Document = "document",
        /// A reference to another user.
        Profile = "profile",
        /// A place on earth.
        Location = "location",
        /// A name and a phone number.
        Contact = "contact",
        /// Written by the system, not by a party.
        System = "system",
    }
}

impl MessageKind {
    /// Whether a message of this kind carries a file.
    pub const fn is_file(self) -> bool {
        match self {
            MessageKind::Image | MessageKind::Video | MessageKind::Audio | MessageKind::Document => true,
            MessageKind::Text
            | MessageKind::Profile
            | MessageKind::Location
            | MessageKind::Contact
            | MessageKind::System => false,
        }
    }

    /// The kind of a file by its MIME type: `image/*`, `video/*` and `audio/*` by name, all else is a document.
    pub fn of_mime(mime: &str) -> Self {
        match mime.split('/').next() {
            Some("image") => MessageKind::Image,
            Some("video") => MessageKind::Video,
            Some("audio") => MessageKind::Audio,
            Some(_) | None => MessageKind::Document,
        }
    }
}

/// What happened. Outside the process it is the CloudEvents `type`, `dragoman.` followed by [`EventKind::as_str`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EventKind {
    /// Somebody said or sent something.
    Message(MessageKind),
    /// A message reached or was read by somebody.
    Receipt,
    /// Somebody types, or stopped.
    Typing,
    /// Somebody came, left, or watches a conversation.
    Presence,
    /// A conversation was opened for a visitor or store.
    SessionStarted,
    /// An agent took a conversation.
    SessionClaimed,
    /// A conversation was closed.
    SessionEnded,
    /// Something about a conversation changed: reopened, a preview, a count.
    ConversationUpdated,
    /// A call or frame was refused.
    Error,
}

impl EventKind {
    /// Every kind, a message once per message kind.
    pub fn all() -> impl Iterator<Item = EventKind> {
        let others = [
            EventKind::Receipt,
            EventKind::Typing,
            EventKind::Presence,
            EventKind::SessionStarted,
            EventKind::SessionClaimed,
            EventKind::SessionEnded,
            EventKind::ConversationUpdated,
            EventKind::Error,
        ];
        MessageKind::ALL.iter().map(|kind| EventKind::Message(*kind)).chain(others)
    }

    /// The family: `message`, `receipt`, `session.started` …
    pub const fn as_str(self) -> &'static str {
        match self {
            EventKind::Message(_) => "message",
            EventKind::Receipt => "receipt",
            EventKind::Typing => "typing",
            EventKind::Presence => "presence",
            EventKind::SessionStarted => "session.started",
            EventKind::SessionClaimed => "session.claimed",
            EventKind::SessionEnded => "session.ended",
            EventKind::ConversationUpdated => "conversation.updated",
            EventKind::Error => "error",
        }
    }

    /// The kind of this family; a message needs its message kind beside it.
    pub fn parse(family: &str, message: Option<MessageKind>) -> Option<Self> {
        match family {
            "message" => message.map(EventKind::Message),
            "receipt" => Some(EventKind::Receipt),
            "typing" => Some(EventKind::Typing),
            "presence" => Some(EventKind::Presence),
            "session.started" => Some(EventKind::SessionStarted),
            "session.claimed" => Some(EventKind::SessionClaimed),
            "session.ended" => Some(EventKind::SessionEnded),
            "conversation.updated" => Some(EventKind::ConversationUpdated),
            "error" => Some(EventKind::Error),
            _ => None,
        }
    }

    /// The message kind, when this is a message.
    pub const fn message(self) -> Option<MessageKind> {
        match self {
            EventKind::Message(kind) => Some(kind),
            EventKind::Receipt
            | EventKind::Typing
            | EventKind::Presence
            | EventKind::SessionStarted
            | EventKind::SessionClaimed
            | EventKind::SessionEnded
            | EventKind::ConversationUpdated
            | EventKind::Error => None,
        }
    }
}

impl std::fmt::Display for EventKind {
    /// `message/text`, `session.ended` …: the spelling of dialect files.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.message() {
            Some(kind) => write!(formatter, "message/{}", kind.as_str()),
            None => formatter.write_str(self.as_str()),
        }
    }
}

spelled! {
    /// What a party is to a conversation.
    Role {
        /// Works for the house.
        Staff = "staff",
        /// Is a guest of the house.
        Guest = "guest",
        /// Visits a web site.
        Visitor = "visitor",
        /// Answers visitors.
        Agent = "agent",
        /// Administers the service.
        Admin = "admin",
        /// A shop.
        Store = "store",
        /// A user among users.
        User = "user",
        /// A program.
        Bot = "bot",
        /// The service itself.
        System = "system",
    }
}

impl Role {
    /// Whether it answers for the house.
    pub fn is_house(self) -> bool {
        match self {
            Role::Staff | Role::Agent | Role::Admin | Role::Bot | Role::System => true,
            Role::Guest | Role::Visitor | Role::Store | Role::User => false,
        }
    }
}

spelled! {
    /// The side of a trade that a party is on.
    Side {
        /// Wants to buy.
        Buyer = "buyer",
        /// Wants to sell.
        Seller = "seller",
    }
}

spelled! {
    /// What a conversation is about, and so who may see it.
    ConversationKind {
        /// Between two users, never shown to a group.
        Direct = "direct",
        /// With a department of the house.
        Department = "department",
        /// Of a web site's visitor with agents.
        Visitor = "visitor",
        /// About a post on a market place.
        Post = "post",
        /// With a program.
        Bot = "bot",
        /// Of a shop with the administrators.
        Support = "support",
        /// With a guest who is also reached outside the gateway.
        Service = "service",
    }
}

spelled! {
    /// How far a conversation is.
    ConversationState {
        /// Waits for somebody to take it.
        Open = "open",
        /// Somebody took it.
        Claimed = "claimed",
        /// In use.
        Active = "active",
        /// Over.
        Closed = "closed",
    }
}
