//! What a dialect file says, after it was checked: the types that the rest of the gateway asks. Compiled shapes hide
//! behind [`FrameSet`].

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::event::{ConversationKind, EventKind, Field, IdForm, MessageKind, Resource, Role};
use crate::fault::Reason;

use super::frame::FrameSet;

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
    pub options: BTreeMap<String, OptionValue>,
    pub sockets: Vec<Socket>,
    pub calls: Vec<Call>,
    pub webhooks: Vec<Webhook>,
    pub refusals: Refusals,
}

impl Dialect {
    /// Whether an option of this name is there and true.
    pub fn flag(&self, option: &str) -> bool {
        self.options.get(option) == Some(&OptionValue::Flag(true))
    }
}

/// The form of native ids, per resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ids {
    pub message: IdForm,
    pub conversation: IdForm,
    pub party: IdForm,
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

/// Which files a dialect carries.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileTypes {
    /// By kind; a kind that is missing is not carried.
    pub kinds: BTreeMap<MessageKind, KindTypes>,
    /// Every type but some.
    pub any: Option<AnyType>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KindTypes {
    /// Bytes; this many are allowed.
    pub max: u64,
    /// Extension (lower case, no dot) → MIME type.
    pub extensions: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnyType {
    pub max: u64,
    /// Extensions that are refused.
    pub except: Vec<String>,
}

impl FileTypes {
    /// The kind and MIME type of a file name here, if files of its extension are carried. `wanted` narrows to one kind;
    /// of an extension that is listed under several kinds the declared type decides, else the first.
    pub fn find(
        &self,
        name: &str,
        declared: Option<&str>,
        wanted: Option<MessageKind>,
    ) -> Option<(MessageKind, String)> {
        let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
        if let Some(extension) = &extension {
            let mut listed = self
                .kinds
                .iter()
                .filter(|(kind, _)| wanted.is_none_or(|wanted| wanted == **kind))
                .filter_map(|(kind, types)| types.extensions.get(extension).map(|mime| (*kind, mime.clone())));
            let declared_kind = declared.map(MessageKind::of_mime);
            let first = listed.next();
            let agreeing = first
                .clone()
                .filter(|(kind, _)| Some(*kind) == declared_kind)
                .or_else(|| listed.find(|(kind, _)| Some(*kind) == declared_kind));
            if let Some(found) = agreeing.or(first) {
                return Some(found);
            }
        }
        let any = self.any.as_ref()?;
        if extension.as_ref().is_some_and(|extension| any.except.contains(extension)) {
            return None;
        }
        let mime = mime_guess::from_path(name).first_raw().unwrap_or("application/octet-stream").to_owned();
        let kind = MessageKind::of_mime(&mime);
        wanted.is_none_or(|wanted| wanted == kind).then_some((kind, mime))
    }

    /// The largest file of a kind, in bytes.
    pub fn max(&self, kind: MessageKind) -> Option<u64> {
        self.kinds.get(&kind).map(|types| types.max).or(self.any.as_ref().map(|any| any.max))
    }

    /// The largest file of all, in bytes.
    pub fn largest(&self) -> u64 {
        let listed = self.kinds.values().map(|types| types.max).max();
        listed.into_iter().chain(self.any.as_ref().map(|any| any.max)).max().unwrap_or(0)
    }
}

/// Where uploads are kept and served.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Storage {
    /// Key templates; the first whose fields are all there is taken.
    pub keys: Vec<KeyTemplate>,
    /// The path below which files are served, with slashes at both ends.
    pub public: String,
}

/// `chat/session-{conversation.id}/{stem}-{random}.{ext}`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyTemplate(pub Vec<KeyPiece>);

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyPiece {
    Text(String),
    Field(Field),
    /// 32 hexadecimal digits that nobody can guess.
    Random,
    /// The file's name, made safe.
    Name,
    /// The name without its extension, made safe.
    Stem,
    Extension,
    Year,
    Month,
    Day,
}

/// The value of a knob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OptionValue {
    Flag(bool),
    Text(String),
}

/// What a socket hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// One conversation, named when connecting.
    Conversation,
    /// All conversations that the party is a member of.
    Party,
    /// All conversations of the party's departments.
    Department,
    /// All conversations that are not one-to-one.
    Everyone,
}

#[derive(Debug)]
pub struct Socket {
    pub id: String,
    pub paths: Vec<String>,
    pub scope: Scope,
    /// Who may connect; none: anybody.
    pub roles: Vec<Role>,
    /// What the connection itself says.
    pub bindings: Vec<Binding>,
    /// Refusals before the first frame are closes after an accepted handshake.
    pub accept_first: bool,
    /// Whether the sender's party gets its own message.
    pub echo: bool,
    pub confirm: Confirm,
    pub refusals: Refusals,
    /// The close code for a reader that does not read.
    pub overflow: u16,
    /// Reads what clients send.
    pub client: FrameSet,
    /// Reads and writes what servers send.
    pub server: FrameSet,
    /// Field order in which several faults of one frame are named.
    pub order: Vec<Check>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirm {
    /// A frame of its own.
    Frame,
    /// The message itself comes back.
    Echo,
    /// The answer of the call.
    Response,
    None,
}

/// A query parameter that names a field of the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    pub field: Field,
    pub query: String,
    /// The reason when it is missing or not well-formed.
    pub required: bool,
    pub uuid: bool,
}

/// What is asked of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Op {
    Login,
    SessionOpen,
    SessionList,
    SessionShow,
    Claim,
    Close,
    Grant,
    Upload,
    Send,
    History,
    Threads,
    Files,
    Read,
    Subscribe,
    Notifications,
}

impl Op {
    const NAMES: &'static [(Op, &'static str)] = &[
        (Op::Login, "login"),
        (Op::SessionOpen, "session.open"),
        (Op::SessionList, "session.list"),
        (Op::SessionShow, "session.show"),
        (Op::Claim, "claim"),
        (Op::Close, "close"),
        (Op::Grant, "grant"),
        (Op::Upload, "upload"),
        (Op::Send, "send"),
        (Op::History, "history"),
        (Op::Threads, "threads"),
        (Op::Files, "files"),
        (Op::Read, "read"),
        (Op::Subscribe, "subscribe"),
        (Op::Notifications, "notifications"),
    ];

    pub fn parse(text: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(_, name)| *name == text).map(|(op, _)| *op)
    }

    pub fn as_str(self) -> &'static str {
        Self::NAMES.iter().find(|(op, _)| *op == self).map_or("", |(_, name)| name)
    }

    /// Every spelling, for messages.
    pub fn names() -> impl Iterator<Item = &'static str> {
        Self::NAMES.iter().map(|(_, name)| *name)
    }
}

#[derive(Debug)]
pub struct Call {
    pub id: String,
    pub op: Op,
    /// Upper case.
    pub method: String,
    /// Patterns with `{field}` for path parameters; the first is written.
    pub paths: Vec<String>,
    pub roles: Vec<Role>,
    /// No credential is needed.
    pub public: bool,
    pub listing: ListingKind,
    /// Field ← query parameter.
    pub query: Vec<(Field, String)>,
    pub request: Request,
    /// The event of a request that is one (a send).
    pub required: BTreeMap<Check, String>,
    pub invalid: BTreeMap<Field, String>,
    pub order: Vec<Check>,
    pub set: Vec<(Field, String)>,
    pub answer: Answer,
    pub page: PageRule,
    pub refusals: Refusals,
    /// The upload itself creates the message.
    pub announce_created: bool,
    /// Wire name of `media.kind` → the kind of file that the call is for.
    pub media: BTreeMap<String, MessageKind>,
    /// The named credential instead of the default one.
    pub credential: String,
    /// What a static token must permit.
    pub permission: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListingKind {
    Mine,
    Open,
    Visible,
}

/// What a check of a call is about, in the dialect's order of checking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Check {
    Field(Field),
    /// The file part is there.
    File,
    Size,
    Type,
    Role,
    /// The conversation exists.
    Conversation,
    /// The caller may use it.
    Access,
}

#[derive(Debug)]
pub enum Request {
    /// No body, or one that is not looked at.
    Empty,
    Json(Box<FrameSet>),
    Multipart {
        parts: Vec<Part>,
        raw: bool,
    },
}

/// A part of a multipart body.
#[derive(Debug)]
pub struct Part {
    pub name: String,
    /// It is the file itself.
    pub file: bool,
    /// The field its text is read into; `None` for the file and for parts that are passed over.
    pub field: Option<Field>,
    /// Whether the field may be missing; `""` and `null` count as missing.
    pub optional: bool,
    pub codec: super::codec::Codec,
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// As client: any 2xx is success, not only `status`.
    pub accept_any: bool,
    pub shapes: FrameSet,
    /// Header ← field, left out when absent.
    pub headers: Vec<(String, Field)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRule {
    pub size: usize,
    pub max: usize,
    pub newest_first: bool,
}

/// What refusals look like.
#[derive(Debug, Default)]
pub struct Refusals {
    pub rules: BTreeMap<Reason, Refusal>,
    /// The error shape; `None` in a socket's or call's own list, which falls back to the dialect's.
    pub shape: Option<Arc<FrameSet>>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refusal {
    pub status: Option<u16>,
    pub text: Option<String>,
    pub code: Option<i64>,
    /// Socket: closes with this code.
    pub close: Option<u16>,
    /// Socket: an error frame, before the close if there is one.
    pub frame: Option<bool>,
}

#[derive(Debug)]
pub struct Webhook {
    pub id: String,
    pub shapes: FrameSet,
    /// Header → template; `{credential}` is the key that the route sends.
    pub headers: Vec<(String, String)>,
}

/// For whom a server's frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Audience {
    Sender,
    Receiver,
}

/// Which events a shape is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventPattern {
    One(EventKind),
    AnyFile,
    AnyMessage,
}

impl EventPattern {
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "message/*" => Some(EventPattern::AnyMessage),
            "message/file" => Some(EventPattern::AnyFile),
            _ => match text.strip_prefix("message/") {
                Some(kind) => MessageKind::parse(kind).map(|kind| EventPattern::One(EventKind::Message(kind))),
                None => EventKind::parse(text, None).map(EventPattern::One),
            },
        }
    }

    pub fn matches(self, kind: EventKind) -> bool {
        match self {
            EventPattern::One(one) => one == kind,
            EventPattern::AnyFile => kind.message().is_some_and(MessageKind::is_file),
            EventPattern::AnyMessage => kind.message().is_some(),
        }
    }
}
