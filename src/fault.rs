//! What went wrong, in no dialect: the closed list of reasons, whose fault it is, and whether a retry helps. A dialect
//! file gives each reason its status, words and body; log level and metric follow from the reason too.

use crate::event::Field;

/// Whose fault it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Blame {
    Client,
    Upstream,
    Gateway,
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident = $text:literal, $blame:ident, retry $retry:literal, status $status:literal, $words:literal;)+) => {
        /// Why something was refused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Reason { $($(#[$doc])* $variant),+ }

        impl Reason {
            pub const ALL: &'static [Reason] = &[$(Reason::$variant),+];

            /// The spelling of dialect files and metrics.
            pub const fn as_str(self) -> &'static str {
                match self { $(Reason::$variant => $text),+ }
            }

            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Reason::$variant),)+ _ => None }
            }

            pub const fn blame(self) -> Blame {
                match self { $(Reason::$variant => Blame::$blame),+ }
            }

            /// Whether the same request may succeed later.
            pub const fn retry_helps(self) -> bool {
                match self { $(Reason::$variant => $retry),+ }
            }

            /// The HTTP status where a dialect file says none.
            pub const fn status(self) -> u16 {
                match self { $(Reason::$variant => $status),+ }
            }

            /// The words where a dialect file says none.
            pub const fn words(self) -> &'static str {
                match self { $(Reason::$variant => $words),+ }
            }
        }
    };
}

reasons! {
    /// What a connection must say of itself (a session id in its query) is not there.
    BindingMissing = "binding_missing", Client, retry false, status 400, "The connection does not say what it is for";
    /// What a connection says of itself is not well-formed.
    BindingInvalid = "binding_invalid", Client, retry false, status 400, "What the connection is for is not valid";
    /// Not JSON, or JSON that breaks the bounds: depth, duplicate keys.
    Malformed = "malformed", Client, retry false, status 400, "Invalid JSON format";
    /// No shape of this place has this form.
    UnknownAction = "unknown_action", Client, retry false, status 400, "Unknown message type";
    /// A field that must be there is not.
    Missing = "missing", Client, retry false, status 400, "A required field is missing";
    /// A field is there and cannot be used.
    Invalid = "invalid", Client, retry false, status 400, "A field has an invalid value";
    /// A binary frame where the dialect has none.
    Binary = "binary", Client, retry false, status 400, "Binary frames are not supported";
    /// No credential was given.
    Unauthenticated = "unauthenticated", Client, retry false, status 401, "Authentication credentials were not provided.";
    /// The credential is not valid, or not any more.
    Unauthorized = "unauthorized", Client, retry false, status 401, "Invalid authentication credentials.";
    /// The caller may not do this at all.
    Role = "role", Client, retry false, status 403, "Your role does not permit this";
    /// The caller may not do this here.
    Forbidden = "forbidden", Client, retry false, status 403, "Access denied";
    /// The browser's page may not connect here.
    Origin = "origin", Client, retry false, status 403, "This origin may not connect";
    ConversationNotFound = "conversation_not_found", Client, retry false, status 404, "Conversation not found";
    PartyNotFound = "party_not_found", Client, retry false, status 404, "User not found";
    MessageNotFound = "message_not_found", Client, retry false, status 404, "Message not found";
    /// A file that this gateway did not issue, or not to this caller or conversation.
    FileNotFound = "file_not_found", Client, retry false, status 404, "Unknown file";
    /// No route has this path.
    NotFound = "not_found", Client, retry false, status 404, "Not found";
    /// The path is there, with other methods.
    Method = "method", Client, retry false, status 405, "Method not allowed";
    /// The conversation is over.
    Ended = "ended", Client, retry false, status 400, "This conversation has ended";
    /// Somebody else took it already.
    Conflict = "conflict", Client, retry false, status 409, "Already taken";
    /// Addressed to oneself.
    SelfAddressed = "self_addressed", Client, retry false, status 400, "A message cannot be sent to oneself";
    TooLarge = "too_large", Client, retry false, status 413, "Too large";
    UnsupportedType = "unsupported_type", Client, retry false, status 400, "Unsupported file type";
    /// The request came too slowly.
    TimedOut = "timed_out", Client, retry true, status 408, "The request took too long";
    RateLimited = "rate_limited", Client, retry true, status 429, "Too many requests";
    /// The target dialect cannot carry it and the route says to refuse.
    Lossy = "lossy", Client, retry false, status 422, "This cannot be delivered";
    /// The gateway has too much to do.
    Busy = "busy", Gateway, retry true, status 503, "Try again later";
    /// Stopping.
    GoingAway = "going_away", Gateway, retry true, status 503, "The server is restarting";
    /// The disk or bucket has no room.
    StorageFull = "storage_full", Gateway, retry true, status 507, "Insufficient storage";
    /// The journal, store or relay did not take it.
    Unavailable = "unavailable", Gateway, retry true, status 503, "Temporarily unavailable";
    /// A fault of ours.
    Internal = "internal", Gateway, retry false, status 500, "Internal error";
    /// The backend behind the gateway failed.
    Upstream = "upstream", Upstream, retry true, status 502, "The backend failed";
    /// The backend behind the gateway did not answer in time.
    UpstreamTimeout = "upstream_timeout", Upstream, retry true, status 504, "The backend did not answer in time";
    /// The operation is not part of what this place offers.
    NotSupported = "not_supported", Client, retry false, status 501, "Not supported";
}

/// A refusal on its way to becoming a dialect's answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    pub reason: Reason,
    /// The field at fault, where one is.
    pub field: Option<Field>,
    /// The dialect's own words for this very fault, where its file gives them.
    pub words: Option<std::sync::Arc<str>>,
    /// For logs and for dialects whose words have a place for it. Never holds a credential or a message body.
    pub detail: Option<String>,
    /// When to come back, for reasons where a retry helps.
    pub retry_after: Option<std::time::Duration>,
    /// The most bytes that there may be, where there were more.
    pub limit: Option<u64>,
    /// Certain that the backend took nothing, although it is the one that failed.
    pub untaken: bool,
}

impl Fault {
    /// For whoever wrote what is at fault: the words of the dialect or of the reason, the field and the detail.
    pub fn explained(&self) -> String {
        let words = self.words.as_deref().unwrap_or(self.reason.words());
        let field = self.field.map(|field| format!(" (`{}`)", field.path())).unwrap_or_default();
        let detail = self.detail.as_deref().map(|detail| format!(": {detail}")).unwrap_or_default();
        format!("{words}{field}{detail}")
    }

    pub fn new(reason: Reason) -> Self {
        Fault { reason, field: None, words: None, detail: None, retry_after: None, limit: None, untaken: false }
    }

    /// More bytes than there may be.
    pub fn larger_than(limit: u64) -> Self {
        Fault { limit: Some(limit), ..Fault::new(Reason::TooLarge) }
    }

    /// A field that must be there and is not.
    pub fn missing(field: Field) -> Self {
        Fault { field: Some(field), ..Fault::new(Reason::Missing) }
    }

    /// A field that cannot be used.
    pub fn invalid(field: Field) -> Self {
        Fault { field: Some(field), ..Fault::new(Reason::Invalid) }
    }

    pub fn at(mut self, field: Field) -> Self {
        self.field = Some(field);
        self
    }

    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// It is certain that the backend took nothing.
    pub fn untaken(mut self) -> Self {
        self.untaken = true;
        self
    }

    /// Whether what failed certainly did not happen, so that doing it again cannot do it twice.
    pub fn is_certain(&self) -> bool {
        self.untaken || self.reason.blame() == Blame::Client || self.reason == Reason::Busy
    }
}

impl From<Reason> for Fault {
    fn from(reason: Reason) -> Self {
        Fault::new(reason)
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.reason.as_str())?;
        if let Some(field) = self.field {
            write!(formatter, " {}", field.path())?;
        }
        if let Some(detail) = &self.detail {
            write!(formatter, ": {detail}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Fault {}
