//! Opening a socket at an upstream. In: path, headers, subprotocols. Out: the socket, or why there is none.

use http::HeaderMap;
use http::uri::PathAndQuery;

use crate::fault::{Fault, Reason};
use crate::socket::WebSocket;

use super::Transport;
use super::endpoint::Counted;

/// A request for a socket.
#[derive(Debug, Clone)]
pub struct Handshake {
    /// Stands after the endpoint's own path.
    pub path_and_query: PathAndQuery,
    /// Without those of the handshake itself, which are added.
    pub headers: HeaderMap,
    /// Offered in this order. May hold credentials.
    pub subprotocols: Vec<String>,
}

/// A socket that is open.
pub struct Opened {
    pub socket: WebSocket,
    /// Which of the offered ones the upstream chose.
    pub subprotocol: Option<String>,
    /// Keep it as long as the socket: open sockets count when the next endpoint is chosen.
    pub counted: Counted,
}

/// There is no socket.
#[derive(Debug, Clone, PartialEq)]
pub struct Refused {
    /// What the upstream answered instead of 101, if it answered.
    pub status: Option<u16>,
    pub fault: Fault,
}

impl Transport {
    /// Opens a WebSocket at one of the endpoints, within the upstream's timeout. `largest` is the limit of a message
    /// that comes in, in bytes.
    pub async fn open(&self, request: Handshake, largest: usize) -> Result<Opened, Refused> {
        let _ = (request, largest);
        Err(Refused { status: None, fault: Fault::new(Reason::NotSupported) })
    }
}
