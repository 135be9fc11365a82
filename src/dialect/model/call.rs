//! Calls of a dialect: what is asked, with which request, answered how.

use std::collections::BTreeMap;

use crate::event::{Field, MessageKind, Role};

use super::super::codec::Codec;
use super::super::frame::FrameSet;
use super::refusals::Refusals;

/// What is asked of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Op {
    Login,
    /// A token anew, for one that an earlier login gave.
    Refresh,
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
        (Op::Refresh, "refresh"),
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

    /// Whether it is how somebody gets a credential, so that none is needed for it.
    pub fn is_login(self) -> bool {
        matches!(self, Op::Login | Op::Refresh)
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
    /// The answer where what was asked for was there already; else it is the same.
    pub again: Option<Answer>,
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
    /// Of whom else a credential may be shown: the user for whom a program calls.
    pub behalf: Option<Behalf>,
    /// Fields that together name the conversation, where the call has no id of it.
    pub conversation: Vec<Field>,
    /// Whether the gateway makes this call as a client of the dialect; one that is only served is not.
    pub written: bool,
}

/// The credential of a user for whom a program calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behalf {
    /// The named credential.
    pub credential: String,
    /// One of these the user must have granted; none: any credential will do.
    pub permissions: Vec<String>,
    /// Whether the call is refused without it; what is shown must hold all the same.
    pub needed: bool,
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
    /// The field its text is read into; `None` for the file, for constants and for parts that are passed over.
    pub field: Option<Field>,
    /// What a client of the dialect always says here; it is passed over when it is read.
    pub constant: Option<String>,
    /// Whether a client of the dialect sends it; one that only this gateway takes is read and never written.
    pub written: bool,
    /// Whether the field may be missing; `""` and `null` count as missing.
    pub optional: bool,
    pub codec: Codec,
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

impl Default for Answer {
    fn default() -> Self {
        Answer { status: 200, accept_any: true, shapes: FrameSet::default(), headers: Vec::new() }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRule {
    /// The number of the first page.
    pub first: usize,
    pub size: usize,
    pub max: usize,
    pub newest_first: bool,
}
