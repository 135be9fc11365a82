//! One client's socket: frames in, mailbox out, keepalive, end. In: an admitted connection and its socket. Out: events
//! for the backend, frames for the client, and why it ended.

mod admission;
mod farewell;
mod incoming;
mod outgoing;
mod replay;
mod run;
mod telling;
pub mod tunnel;

use std::sync::Arc;
use std::time::Duration;

use crate::auth::RateLimit;
use crate::backend::{Backend, Caller, Terms, Window};
use crate::dialect::{Dialect, Socket as SocketContract};
use crate::metrics::RouteCounts;
use crate::naming::Naming;
use crate::relay::MailboxLimits;

pub use admission::{Admitted, Query, admit};
pub use farewell::End;
pub use run::run;

/// Where a route's sockets lead: what every session of the route shares.
#[derive(Clone)]
pub struct Place {
    pub route: Arc<str>,
    pub dialect: Arc<Dialect>,
    /// Which of the dialect's sockets this is.
    pub socket: usize,
    pub backend: Arc<dyn Backend>,
    pub naming: Arc<Naming>,
    /// Frames of one principal.
    pub rate: Option<Arc<RateLimit>>,
    pub terms: Terms,
    pub counts: RouteCounts,
    pub settings: Settings,
}

impl Place {
    pub fn contract(&self) -> &SocketContract {
        &self.dialect.sockets[self.socket]
    }

    pub fn caller(&self, principal: crate::auth::Principal, connection: u64) -> Caller {
        Caller {
            principal,
            route: Arc::clone(&self.route),
            dialect: Arc::clone(&self.dialect.name),
            connection,
            presented: None,
            terms: self.terms,
        }
    }
}

/// Bounds of one session.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    pub mailbox: MailboxLimits,
    /// A socket from which nothing came for this long is pinged.
    pub ping_every: Duration,
    /// A socket from which nothing came for this long is closed.
    pub dead_after: Duration,
    /// A write that takes longer ends the session.
    pub write_timeout: Duration,
    /// Whether a client that comes back hears what it missed.
    pub replay: Option<Window>,
}
