//! HTTP: accept, guards, routing, calls, uploads, downloads, upgrades. In: connections on a listener. Out: answers in
//! the dialect of the route, sessions for sockets. Knows no backend but by its trait.

mod access;
mod answer;
mod asked;
mod body;
mod call;
mod callback;
mod cors;
mod credential;
mod download;
mod forward;
mod guard;
mod handle;
mod listen;
mod login;
mod perform;
mod respond;
mod route;
mod sniff;
mod storage_key;
mod table;
mod traced;
mod tunnel;
mod upgrade;
mod upload;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use crate::backend::Callbacks;
use crate::edge::{Addresses, Policy};
use crate::tasks::Tasks;

pub use listen::serve;
pub use route::{Route, Scan, Stores, UploadRule};
use table::Table;

/// Bounds that hold for the whole server.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Connections at a time; further ones wait in the listener's queue.
    pub connections: usize,
    /// Of these, such as have not asked for anything yet; further ones push out the oldest.
    pub newcomers: usize,
    /// The head of a request must be there within this.
    pub head: Duration,
    /// Between two pieces of a body.
    pub body_idle: Duration,
    /// How long a client may leave what is written to it unread.
    pub unread: Duration,
    /// Bytes of a JSON body, where the route says nothing.
    pub json: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Bounds {
            connections: 20_000,
            newcomers: 2_000,
            head: Duration::from_secs(10),
            body_idle: Duration::from_secs(30),
            unread: Duration::from_secs(30),
            json: 64 * 1024,
        }
    }
}

/// The first number of a socket, by chance: sockets of other replicas, and of this process before a restart, have others.
fn first_connection() -> u64 {
    rand::random_range(1..1 << 62)
}

/// What one config came to. A request is answered from one, from its beginning to its end.
pub struct Served {
    table: Table,
    policy: Policy,
    callbacks: Vec<Arc<dyn Callbacks>>,
}

impl Served {
    pub fn new(routes: Vec<Route>, callbacks: Vec<Arc<dyn Callbacks>>, policy: Policy) -> Self {
        Served { table: Table::new(routes), policy, callbacks }
    }
}

/// All that requests are answered from. Shared by every connection.
pub struct Site {
    served: RwLock<Arc<Served>>,
    tasks: Tasks,
    bounds: Bounds,
    /// Connections of each address, and sockets.
    connections: Arc<Addresses>,
    sockets: Arc<Addresses>,
    next_connection: AtomicU64,
}

impl Site {
    pub fn new(served: Served, tasks: Tasks, bounds: Bounds) -> Self {
        Site {
            served: RwLock::new(Arc::new(served)),
            tasks,
            bounds,
            connections: Arc::default(),
            sockets: Arc::default(),
            next_connection: AtomicU64::new(first_connection()),
        }
    }

    /// Answers what comes from now on from this. Sockets that are open stay as they are.
    pub fn serve(&self, served: Served) {
        *self.served.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(served);
    }

    fn served(&self) -> Arc<Served> {
        Arc::clone(&self.served.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// A number that no other socket of this process has, nor, as far as chance goes, of another.
    fn connection_number(&self) -> u64 {
        self.next_connection.fetch_add(1, Ordering::Relaxed)
    }
}
