//! The narrow waist: where a route leads. Everything left of it (server, session) knows clients and no backends;
//! everything right of it (hub, upstream) knows no clients. In and out: canonical ids and events only.

mod replay;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

use crate::auth::{Principal, Secret};
use crate::dialect::{OnLoss, Scope};
use crate::event::{Attachment, Conversation, ConversationKind, Event, Fields, Guest, MessageKind, Party};
use crate::fault::{Fault, Reason};
use crate::relay::{Mailbox, Subscription};

pub use replay::{Bookmark, Cursor, Filled, Replay, Window};

/// Who asks, and from where.
#[derive(Debug, Clone)]
pub struct Caller {
    pub principal: Principal,
    pub route: Arc<str>,
    pub dialect: Arc<str>,
    /// The socket, unique in this process; 0 for an HTTP call.
    pub connection: u64,
    /// The credential that was presented, for a backend that wants to see it.
    pub presented: Option<Secret>,
    pub terms: Terms,
}

impl Caller {
    /// What the gateway does on its own behalf.
    pub fn nobody() -> Self {
        Caller {
            principal: Principal::named(""),
            route: "".into(),
            dialect: "".into(),
            connection: 0,
            presented: None,
            terms: Terms::default(),
        }
    }
}

/// What a route says about whatever comes through it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Terms {
    /// Whether files that this gateway did not issue may be named; they are passed on as links and never fetched.
    pub foreign_files: bool,
    /// What becomes of what the backend cannot be told.
    pub on_loss: OnLoss,
    /// How long a send may wait for its confirmation, where the route says so.
    pub confirm_within: Option<Duration>,
}

/// A socket that wants to hear.
pub struct Connect {
    pub scope: Scope,
    /// Needed where the scope is one conversation.
    pub conversation: Option<String>,
    pub mailbox: Mailbox,
    /// Whether the client is to hear what it missed.
    pub replay: Option<Window>,
    /// Whether those who work with the party are told that it came, and when it goes.
    pub presence: bool,
}

/// A socket that hears, until this is dropped.
pub struct Connected {
    pub conversation: Option<Conversation>,
    pub subscription: Subscription,
    /// Where it was asked for.
    pub replay: Option<Replay>,
}

/// What became of a send.
pub enum Sent {
    /// It is durable, or relayed where nothing is kept. The event as accepted, ids and all.
    Accepted(Arc<Event>),
    /// It is on its way, in its place before all that is sent after it; whether it was accepted is known later.
    Pending(Confirmation),
}

/// Resolves once, to the event as accepted or to the fault that its sender is told.
pub type Confirmation = BoxFuture<'static, Result<Arc<Event>, Fault>>;

impl std::fmt::Debug for Sent {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Sent::Accepted(event) => formatter.debug_tuple("Accepted").field(&event.details.id).finish(),
            Sent::Pending(_) => formatter.write_str("Pending"),
        }
    }
}

impl Sent {
    /// Waits for the outcome.
    pub async fn outcome(self) -> Result<Arc<Event>, Fault> {
        match self {
            Sent::Accepted(event) => Ok(event),
            Sent::Pending(confirmation) => confirmation.await,
        }
    }
}

/// Asks for one conversation to talk in: the one there is, or a new one.
#[derive(Debug, Clone, Default)]
pub struct SessionRequest {
    pub business: Option<String>,
    pub department: Option<String>,
    pub customer: Option<String>,
    /// The kind of a session that is new.
    pub kind: Option<ConversationKind>,
    /// Of a conversation that somebody of the house begins: with whom.
    pub guest: Option<Guest>,
}

/// A file about to be uploaded, as far as it is known before its bytes.
#[derive(Debug, Clone, Default)]
pub struct UploadIntent {
    pub conversation: Option<String>,
    /// The kind of a conversation that comes into being with the upload.
    pub kind: Option<ConversationKind>,
    pub receiver: Option<String>,
    /// The message that comes into being with the upload, where the dialect has it so.
    pub announce: Announce,
    pub body: Option<String>,
    /// Where its bytes are, once they are there.
    pub kept: Kept,
    /// The note that says that its bytes are there while nobody knows of them yet.
    pub note: Option<String>,
}

/// Where the bytes of a file are.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Kept {
    /// Names of stores of the config.
    pub stores: Vec<String>,
    /// The same in all of them.
    pub key: String,
}

/// A file whose bytes are not read yet.
#[derive(Debug, Clone, Copy)]
pub struct FileAhead<'a> {
    pub kind: MessageKind,
    /// Safe to show, with its extension.
    pub name: &'a str,
    /// Of its extension, whatever its sender declared.
    pub mime: &'a str,
}

/// When an uploaded file becomes a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Announce {
    /// When a later send names it.
    #[default]
    Later,
    /// The upload creates the message, in history at once; a later send announces it by its id.
    Created,
}

/// A page of conversations or messages.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    /// From 1.
    pub number: usize,
    pub size: usize,
    pub newest_first: bool,
}

/// A conversation with what a list shows beside it.
#[derive(Debug, Clone)]
pub struct Listed {
    pub conversation: Conversation,
    pub guest: Guest,
    pub members: Vec<Party>,
    pub last: Option<Arc<Event>>,
}

/// Which conversations to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listing {
    /// Those the caller is a member of.
    Mine,
    /// Those nobody has claimed.
    Open,
    /// All that the caller may see.
    Visible,
}

/// A permission to upload, and until when.
#[derive(Debug, Clone)]
pub struct Grant {
    pub token: String,
    pub lifetime: Duration,
}

/// A file on its way to a backend. Dropping it gives it up: the backend never has a whole file.
#[async_trait]
pub trait Handover: Send {
    /// Takes a piece; resolves when the backend can take the next.
    async fn write(&mut self, chunk: Bytes) -> Result<(), Fault>;

    /// Ends the file. What is known of it comes with it; without an address it gets the one that the backend has for it.
    async fn finish(self: Box<Self>, file: &mut Attachment) -> Result<(), Fault>;
}

#[async_trait]
pub trait Backend: Send + Sync + 'static {
    /// Subscribes a socket to what it may hear.
    async fn connect(&self, caller: &Caller, connect: Connect) -> Result<Connected, Fault>;

    /// Takes an event from a client: a message, a receipt, typing, a close … Resolves once it has its place among what
    /// this caller sends; calls one after another keep their order.
    async fn send(&self, caller: &Caller, event: Event) -> Result<Sent, Fault>;

    /// Finds or opens the caller's session.
    async fn open_session(&self, caller: &Caller, request: SessionRequest) -> Result<Conversation, Fault>;

    /// The most bytes that such a file may have, asked before any of them is read; `None` where the backend has no limit of
    /// its own. Fails with `UnsupportedType` for what it refuses whatever the size.
    fn permit_file(&self, _caller: &Caller, _file: &FileAhead<'_>) -> Result<Option<u64>, Fault> {
        Ok(None)
    }

    /// Begins an upload that goes straight to the backend, which has a place for files of its own. `size` is exact, where it
    /// is known. Fails with `UnsupportedType`, `TooLarge` or `Missing` for what it cannot take so.
    async fn begin_upload(
        &self,
        _caller: &Caller,
        _intent: &UploadIntent,
        _file: &FileAhead<'_>,
        _size: Option<u64>,
    ) -> Result<Box<dyn Handover>, Fault> {
        Err(Fault::new(Reason::NotSupported))
    }

    /// Whether the caller may upload to this place, asked before the file is visible to anybody.
    async fn permit_upload(&self, caller: &Caller, intent: &UploadIntent) -> Result<(), Fault>;

    /// Makes a stored file known; the event holds it and, where the upload creates one, the message.
    async fn upload(
        &self,
        caller: &Caller,
        intent: UploadIntent,
        kind: MessageKind,
        file: Attachment,
    ) -> Result<Arc<Event>, Fault>;

    /// Permits an upload to whoever holds the token.
    async fn grant_upload(&self, caller: &Caller) -> Result<Grant, Fault>;

    /// Who was granted an upload by this token.
    async fn redeem(&self, token: &str) -> Result<Principal, Fault>;

    /// Whether the caller may see what is in a conversation, its files for instance.
    async fn may_see(&self, caller: &Caller, conversation: &str) -> Result<(), Fault>;

    /// One conversation that the caller may see.
    async fn conversation(&self, caller: &Caller, conversation: &str) -> Result<Listed, Fault>;

    async fn conversations(&self, caller: &Caller, listing: Listing, page: Page)
    -> Result<(Vec<Listed>, usize), Fault>;

    /// Messages of a conversation, and how many there are.
    async fn history(&self, caller: &Caller, conversation: &str, page: Page) -> Result<Vec<Arc<Event>>, Fault>;

    /// Messages with a file, newest first.
    async fn files(&self, caller: &Caller, conversation: &str) -> Result<Vec<Arc<Event>>, Fault>;

    /// Takes an open conversation for the caller.
    async fn claim(&self, caller: &Caller, conversation: &str) -> Result<Conversation, Fault>;

    /// Ends a conversation.
    async fn close(&self, caller: &Caller, conversation: &str) -> Result<Conversation, Fault>;

    /// Marks what the caller sees as read; says how many messages were not.
    async fn read(&self, caller: &Caller, conversation: &str) -> Result<Vec<String>, Fault>;

    /// Asks for events to be delivered to the caller's webhook.
    async fn subscribe(&self, caller: &Caller, fields: Fields<'static>) -> Result<(), Fault>;

    /// Whether the backend can serve.
    async fn healthy(&self) -> Result<(), Fault>;
}

/// A backend that calls the gateway, instead of being listened to on a socket.
#[async_trait]
pub trait Callbacks: Send + Sync + 'static {
    /// The path that it calls, before every route's paths.
    fn path(&self) -> Option<&str>;

    /// Whether the call shows the key that was agreed on; compared in constant time.
    fn is_authentic(&self, headers: &http::HeaderMap) -> bool;

    /// Takes the body of a call. Resolves once those who listen have it.
    async fn receive(&self, body: &str) -> Result<(), Fault>;
}
