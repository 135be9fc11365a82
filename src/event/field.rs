//! The closed list of fields that a hole of a shape may name: the event's, and those of the HTTP calls around it.
//! One table gives name, type and meaning; the dialect checker, the schemas and the reference pages read it.

use std::sync::{OnceLock, RwLock};

use super::id::Resource;

/// What a field holds, and so which codecs fit it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldType {
    Text,
    /// A text that names something; dialects may want it as an integer or a UUID.
    Id,
    Integer,
    Number,
    Boolean,
    Time,
    /// JSON carried unread.
    Json,
    /// Several records, written with `each … as …`.
    List,
    /// One nested record, written with `… as …`.
    Record,
}

macro_rules! fields {
    ($($variant:ident $path:literal $type:ident $doc:literal;)+) => {
        /// A fact that a hole may name. `Extension` is what no field holds, named by the dialect that needs it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Field {
            $(#[doc = $doc] $variant,)+
            /// `ext.<dialect>.<name>`: carried unread for a dialect that knows it.
            Extension(ExtensionName),
        }

        impl Field {
    /// Those that name parties.
    pub const PARTIES: [Field; 8] = [
        Field::SenderId,
        Field::ReceiverId,
        Field::OtherId,
        Field::ProfileId,
        Field::AttachmentOwner,
        Field::ConversationOwner,
        Field::ConversationAgent,
        Field::GuestId,
    ];

            /// Every field of the closed list.
            pub const ALL: &'static [Field] = &[$(Field::$variant),+];

            /// The name used in shapes, `sender.id` for instance.
            pub fn path(self) -> std::borrow::Cow<'static, str> {
                match self {
                    $(Field::$variant => $path.into(),)+
                    Field::Extension(name) => format!("ext.{}", name.text()).into(),
                }
            }

            /// The field of this name; an unknown `ext.` name is made known.
            pub fn parse(path: &str) -> Option<Self> {
                match path {
                    $($path => Some(Field::$variant),)+
                    _ => path.strip_prefix("ext.").and_then(ExtensionName::new).map(Field::Extension),
                }
            }

            pub const fn field_type(self) -> FieldType {
                match self {
                    $(Field::$variant => FieldType::$type,)+
                    Field::Extension(_) => FieldType::Json,
                }
            }

            /// One line for reference pages.
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(Field::$variant => $doc,)+
                    Field::Extension(_) => "carried unread for the dialect that named it",
                }
            }
        }
    };
}

fields! {
    Kind "kind" Text "what the message carries: text, image, video, audio, document, profile, location, contact, system";
    Id "id" Id "the message";
    ConversationId "conversation.id" Id "the conversation";
    ConversationKind "conversation.kind" Text "direct, department, visitor, post, bot, support or service";
    ConversationState "conversation.state" Text "open, claimed, active or closed";
    ConversationActive "conversation.active" Boolean "whether the conversation is not closed";
    ConversationDepartment "conversation.department" Text "the department it belongs to";
    ConversationBusiness "conversation.business" Text "the business it belongs to";
    ConversationCustomer "conversation.customer" Text "the business's own id of the customer";
    ConversationPostToken "conversation.post_token" Text "the post it is about";
    ConversationOwner "conversation.owner" Id "the party for whom it was opened";
    ConversationAgent "conversation.agent" Id "the party who took it";
    ConversationCreatedAt "conversation.created_at" Time "when it was opened";
    ConversationUpdatedAt "conversation.updated_at" Time "when it last changed";
    ConversationLastAt "conversation.last_message_at" Time "when its last message was accepted";
    ConversationClosedAt "conversation.closed_at" Time "when it was closed";
    ConversationPreview "conversation.preview" Text "the beginning of its last message";
    ConversationUnread "conversation.unread" Integer "messages the reader has not read";
    SenderId "sender.id" Id "who sent it";
    SenderRole "sender.role" Text "what the sender is: staff, guest, visitor, agent, admin, store, user, bot, system";
    SenderSide "sender.side" Text "buyer or seller";
    SenderName "sender.name" Text "the sender's display name";
    SenderAvatar "sender.avatar" Text "a URL of the sender's picture";
    SenderEmail "sender.email" Text "the sender's mail address, shown only where the route allows";
    SenderPhone "sender.phone" Text "the sender's phone number, shown only where the route allows";
    ReceiverId "receiver.id" Id "to whom it is addressed";
    ReceiverRole "receiver.role" Text "what the receiver is";
    ReceiverSide "receiver.side" Text "buyer or seller";
    ReceiverName "receiver.name" Text "the receiver's display name";
    ReceiverAvatar "receiver.avatar" Text "a URL of the receiver's picture";
    ReceiverEmail "receiver.email" Text "the receiver's mail address, shown only where the route allows";
    ReceiverPhone "receiver.phone" Text "the receiver's phone number, shown only where the route allows";
    OtherId "other.id" Id "the counterpart of the reader in a conversation of two";
    OtherRole "other.role" Text "what the counterpart is";
    OtherSide "other.side" Text "buyer or seller";
    OtherName "other.name" Text "the counterpart's display name";
    OtherAvatar "other.avatar" Text "a URL of the counterpart's picture";
    OtherEmail "other.email" Text "the counterpart's mail address, shown only where the route allows";
    OtherPhone "other.phone" Text "the counterpart's phone number, shown only where the route allows";
    Body "body" Text "the words of the message; the caption, when it carries a file";
    AttachmentUrl "attachment.url" Text "where the file can be fetched";
    AttachmentPath "attachment.path" Text "the path part of that URL";
    AttachmentName "attachment.name" Text "the file's name as its sender gave it";
    AttachmentStoredName "attachment.stored_name" Text "the file's name as a store keeps it";
    AttachmentMime "attachment.mime" Text "its MIME type";
    AttachmentSize "attachment.size" Integer "its size in bytes";
    AttachmentSha256 "attachment.sha256" Text "the SHA-256 of its bytes, in hexadecimal";
    AttachmentToken "attachment.token" Text "the upload token that stands for it";
    AttachmentChatId "attachment.chat_id" Id "the message that its upload created";
    AttachmentWidth "attachment.width" Integer "its width in pixels";
    AttachmentHeight "attachment.height" Integer "its height in pixels";
    AttachmentDuration "attachment.duration" Number "its length in seconds";
    AttachmentThumbnail "attachment.thumbnail" Text "a URL of a small picture of it";
    AttachmentOwner "attachment.owner" Id "who uploaded it";
    ProfileId "profile.id" Id "the user that the message refers to";
    ProfileName "profile.name" Text "that user's name, or a contact's";
    ProfilePhone "profile.phone" Text "that user's phone number, or a contact's";
    LocationLatitude "location.latitude" Number "degrees north";
    LocationLongitude "location.longitude" Number "degrees east";
    GuestId "guest.id" Id "the guest whom the conversation is with";
    GuestName "guest.name" Text "the guest's name";
    GuestRoom "guest.room_number" Text "the guest's room";
    GuestWhatsapp "guest.whatsapp_number" Text "the guest's WhatsApp number";
    ButtonsBoth "buttons.both" Json "a grid of buttons shown to both sides";
    ButtonsSender "buttons.sender" Json "a grid of buttons shown to the sender";
    ButtonsReceiver "buttons.receiver" Json "a grid of buttons shown to the receiver";
    ButtonsChoices "buttons.choices" Json "what all these buttons offer, in no dialect's form: a list of {label, link, to}";
    SentAt "sent_at" Time "when the sender's side says it was sent";
    ReceivedAt "received_at" Time "when the gateway accepted it";
    UpdatedAt "updated_at" Time "when it last changed";
    ReceiptStatus "receipt.status" Text "sent, delivered or read";
    ReceiptSeen "receipt.seen" Boolean "whether it was read";
    ReceiptDeleted "receipt.deleted" Boolean "whether its sender took it back";
    ReceiptReader "receipt.reader" Text "the role of who read";
    TypingActive "typing.active" Boolean "whether the party types";
    PresenceState "presence.state" Text "online, offline, subscribed or unsubscribed";
    ErrorText "error.text" Text "what was wrong, in the dialect's words";
    ErrorCode "error.code" Integer "the dialect's number of what was wrong";
    ErrorStatus "error.status" Integer "the HTTP status of a refusal";
    ErrorReason "error.reason" Text "the name of a refusal's reason in the gateway's closed list";
    FrameNumber "frame.number" Integer "the number of a frame on its socket: as a client gave it, or how many frames its server wrote before";
    Reason "reason" Text "a line of text beside an event: why a session ended, who joined";
    GrantToken "grant.token" Text "a token that permits an upload";
    VisitorToken "visitor.token" Text "a token that lets an anonymous visitor connect";
    MediaKind "media.kind" Text "the kind of file an upload is for";
    Messages "messages" List "the messages asked for";
    Conversations "conversations" List "the conversations asked for";
    LastMessage "last_message" Record "the last message of a conversation";
    Count "count" Integer "how many there are";
    PageNumber "page.number" Integer "which page, from 1";
    PageSize "page.size" Integer "how many to a page";
    LoginName "login.username" Text "the name that somebody logs in with";
    LoginPassword "login.password" Text "the password that somebody logs in with; never logged or kept";
    LoginAccess "login.access" Text "the token that a login gives";
    LoginRefresh "login.refresh" Text "the token for which another one is given";
    SenderDepartments "sender.departments" Json "the departments that somebody works for, a list of texts";
    SubscriptionType "subscription.type" Text "the kind of event subscribed to";
    SubscriptionResource "subscription.resource" Text "the one resource subscribed to";
    SubscriptionMetadata "subscription.metadata" Json "given back with each event";
}

impl Field {
    /// What an id names; `None` for fields that are no ids.
    pub const fn resource(self) -> Option<Resource> {
        match self {
            Field::Id | Field::AttachmentChatId => Some(Resource::Message),
            Field::ConversationId => Some(Resource::Conversation),
            Field::ConversationOwner
            | Field::ConversationAgent
            | Field::SenderId
            | Field::ReceiverId
            | Field::OtherId
            | Field::AttachmentOwner
            | Field::ProfileId
            | Field::GuestId => Some(Resource::Party),
            _ => None,
        }
    }
}

/// Names of extension fields known to this process. Bounded: they come from dialect files only, never from frames.
static EXTENSIONS: OnceLock<RwLock<Vec<&'static str>>> = OnceLock::new();

/// The name of a field that only some dialects know: `<dialect>.<name>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExtensionName(u16);

impl ExtensionName {
    /// Makes a name known; refused unless it is lower-case words joined by `_`, with exactly one dot.
    pub fn new(text: &str) -> Option<Self> {
        let well_formed = text.split('.').count() == 2
            && text.split('.').all(|part| {
                !part.is_empty()
                    && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_' || byte.is_ascii_digit())
            });
        if !well_formed {
            return None;
        }
        let mut names =
            EXTENSIONS.get_or_init(RwLock::default).write().unwrap_or_else(|poisoned| poisoned.into_inner());
        let at = match names.iter().position(|name| *name == text) {
            Some(at) => at,
            None => {
                names.push(Box::leak(text.to_owned().into_boxed_str()));
                names.len() - 1
            }
        };
        u16::try_from(at).ok().map(ExtensionName)
    }

    /// The name, without `ext.`.
    pub fn text(self) -> &'static str {
        let names = EXTENSIONS.get_or_init(RwLock::default).read().unwrap_or_else(|poisoned| poisoned.into_inner());
        names.get(usize::from(self.0)).copied().unwrap_or_default()
    }
}
