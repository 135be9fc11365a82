//! What a dialect file says, after it was checked: the types that the rest of the gateway asks. Compiled shapes hide
//! behind [`FrameSet`].

mod call;
mod files;
mod pattern;
mod refusals;
mod socket;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::event::{ConversationKind, Field, IdForm, Resource};

use super::buttons::Grid;
use super::frame::FrameSet;
use super::redact::Redaction;

pub use call::{Answer, Behalf, Call, Check, ListingKind, Op, PageRule, Part, Request};
pub use files::{AnyType, FileAccess, FileTypes, KeyPiece, KeyTemplate, KindTypes, Storage};
pub use pattern::{Audience, EventPattern};
pub use refusals::{Refusal, Refusals, Words};
pub use socket::{Binding, Confirm, Scope, Socket};

/// A chat API as a contract.
#[derive(Debug)]
pub struct Dialect {
    /// `name`, or `name@variant`.
    pub name: Arc<str>,
    pub summary: String,
    /// The document it was written from.
    pub source: String,
    pub ids: Ids,
    pub naming: ConversationNaming,
    /// By name; the default one is called `""`.
    pub credentials: BTreeMap<String, Credential>,
    pub types: FileTypes,
    pub storage: Storage,
    pub longest: Longest,
    pub options: BTreeMap<String, OptionValue>,
    pub sockets: Vec<Socket>,
    pub calls: Vec<Call>,
    pub webhooks: Vec<Webhook>,
    pub refusals: Refusals,
    /// What an upstream of this dialect may say and no client hears.
    pub redaction: Redaction,
    /// How its grids of buttons read; `None` where it has none.
    pub buttons: Option<Arc<Grid>>,
    /// Of the file's text and of what was chosen of it.
    pub digest: [u8; 32],
}

/// The same text, of which the same was chosen.
impl PartialEq for Dialect {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest
    }
}

impl Dialect {
    /// Whether an option of this name is there and true.
    pub fn flag(&self, option: &str) -> bool {
        self.options.get(option) == Some(&OptionValue::Flag(true))
    }
}

/// How many characters a message may say, as client; what is longer is said in several messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Longest {
    /// Of a text; absent: any number.
    pub text: Option<usize>,
    /// Of the words of a file; absent: any number.
    pub caption: Option<usize>,
}

/// The form of native ids, per resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ids {
    pub message: IdForm,
    pub conversation: IdForm,
    pub party: IdForm,
}

/// A dialect's name without its variant: variants of one dialect share its ids, and the operator's names for things.
pub fn family(name: &str) -> &str {
    name.split_once('@').map_or(name, |(family, _)| family)
}

impl Ids {
    pub fn form(&self, resource: Resource) -> IdForm {
        match resource {
            Resource::Message => self.message,
            Resource::Conversation => self.conversation,
            Resource::Party => self.party,
        }
    }
}

/// How clients of the dialect name a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConversationNaming {
    pub name: ConversationName,
    /// The kind of a conversation that comes into being through this dialect.
    pub kind: ConversationKind,
    pub create: CreateConversation,
    /// Whether only members may see a conversation, whatever their role.
    pub members_only: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConversationName {
    /// By one id.
    Id,
    /// By the two parties: the sender and `receiver.id`.
    Pair,
    /// By an id; these fields together find one when a session is opened.
    Keys(Vec<Field>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CreateConversation {
    Never,
    /// An unknown id in a send makes one.
    Send,
    /// Opening a session makes one.
    Session,
}

/// A credential: its places, the first of which is written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Credential {
    pub http: Vec<CredentialPlace>,
    pub socket: Vec<CredentialPlace>,
    /// The call that issues it, when it is not given by the operator.
    pub issued_by: Option<Op>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CredentialPlace {
    /// A header; its value follows the scheme and one space, or is the whole of it.
    Header {
        name: String,
        scheme: Option<String>,
    },
    Query {
        name: String,
    },
    /// `Sec-WebSocket-Protocol: <name>, <credential>`; the answer echoes the name, never the credential.
    Subprotocol {
        name: String,
    },
}

/// The value of a knob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OptionValue {
    Flag(bool),
    Text(String),
}

/// A call outwards: what the route's events URL is told.
#[derive(Debug)]
pub struct Webhook {
    pub id: String,
    pub shapes: FrameSet,
    /// Header → template; `{credential}` is the key that the route sends.
    pub headers: Vec<(String, String)>,
    /// Which event subscription is for it; none: it needs none.
    pub subscription: Option<SubscriptionRule>,
}

/// Which event subscription lets an app hear of something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriptionRule {
    /// Its `subscription.type`.
    pub kind: String,
    /// The field of the event that a subscription to one resource names.
    pub resource: Option<Field>,
    /// Without a subscription nothing is told.
    pub needed: bool,
}
