//! Sockets of a dialect.

use crate::event::{EventKind, Field, Role};

use super::super::frame::FrameSet;
use super::call::Check;
use super::pattern::EventPattern;
use super::refusals::Refusals;

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
    /// Whether others are told when a party's socket opens and closes.
    pub presence: bool,
    /// What is told on it; none: everything that it has a frame for.
    pub hears: Vec<EventPattern>,
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

impl Socket {
    /// Whether events of this kind are told on it, if they can be.
    pub fn hears(&self, kind: EventKind) -> bool {
        self.hears.is_empty() || self.hears.iter().any(|pattern| pattern.matches(kind))
    }

    /// Whether a send is answered on the socket. Where it is not, one that was written is as good as accepted.
    pub fn confirms_sends(&self) -> bool {
        match self.confirm {
            Confirm::Frame => true,
            Confirm::Echo => self.echo,
            Confirm::Response | Confirm::None => false,
        }
    }
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
