//! The ends of sessions. In: why one ends. Out: the closing words, in its dialect's way.

use crate::fault::Reason;
use crate::socket::Gone;

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The client went.
    Closed,
    /// The client broke the protocol or the limits.
    Refused(Reason),
    /// The client's credential is revoked.
    Revoked,
    /// The conversation is over.
    Ended,
    /// The client did not read.
    Overflowed,
    /// Nothing came for too long, or writing took too long.
    Dead,
    /// The gateway stops.
    Stopped,
    /// The gateway failed.
    Failed,
}

impl End {
    /// The spelling of metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            End::Closed => "closed",
            End::Refused(reason) => reason.as_str(),
            End::Revoked => "revoked",
            End::Ended => "ended",
            End::Overflowed => "overflowed",
            End::Dead => "dead",
            End::Stopped => "stopped",
            End::Failed => "failed",
        }
    }
}

/// The closing words: why, and with which code; no code when the connection is gone already.
pub struct Farewell {
    pub end: End,
    pub code: Option<u16>,
    pub reason: String,
}

impl Farewell {
    pub fn silent(end: End) -> Self {
        Farewell { end, code: None, reason: String::new() }
    }

    pub fn with(end: End, code: u16, reason: impl Into<String>) -> Self {
        Farewell { end, code: Some(code), reason: reason.into() }
    }
}

impl From<Gone> for Farewell {
    fn from(_: Gone) -> Self {
        Farewell::silent(End::Dead)
    }
}
