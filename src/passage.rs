//! The raw way to what a route leads to, for what needs no translation: both sides speak the same dialect, or the path is
//! none that the dialect knows. In: requests and handshakes as a client made them, but for their credentials, which are
//! exchanged here. Out: answers and sockets as the other side made them.

use async_trait::async_trait;
use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderMap, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;

use crate::backend::Caller;
use crate::dialect::{Call, Dialect, Redaction};
use crate::fault::Fault;
use crate::socket::WebSocket;

/// A body on its way. A request's may fail with an error that wraps a [`Fault`], which then is what became of the request.
pub type PassageBody = UnsyncBoxBody<Bytes, std::io::Error>;

/// For whom something is passed on.
pub struct Passenger<'a> {
    /// `None`: somebody whom the route does not know. What the gateway itself could show is shown for nobody.
    pub caller: Option<&'a Caller>,
    /// What the client speaks, which says where its credentials stand.
    pub dialect: &'a Dialect,
    /// The call, where the dialect knows it.
    pub call: Option<&'a Call>,
}

/// A socket that is open.
pub struct OpenedPassage {
    pub socket: WebSocket,
    /// The subprotocol that the other side chose of those that were offered.
    pub subprotocol: Option<String>,
    /// To be kept as long as the socket.
    pub held: Box<dyn Send>,
}

/// There is no socket.
#[derive(Debug)]
pub struct UnopenedPassage {
    /// What the other side answered instead, if it answered.
    pub status: Option<u16>,
    pub fault: Fault,
}

#[async_trait]
pub trait Passage: Send + Sync + 'static {
    /// What the other side may say and no client hears.
    fn redaction(&self) -> &Redaction;

    /// Whether the other side is shown credentials of the gateway's own in place of a client's.
    fn replaces_credentials(&self) -> bool;

    /// Passes a request on. Its URI is path and query, its headers are those of the client that go from end to end; the
    /// body of the answer may fail where the other side cut it off, or was idle for too long.
    async fn forward(
        &self,
        passenger: &Passenger<'_>,
        request: Request<PassageBody>,
    ) -> Result<Response<PassageBody>, Fault>;

    /// Opens a socket; headers as above, `Sec-WebSocket-Protocol` among them. `largest` is the limit of a message that
    /// comes in, in bytes.
    async fn open(
        &self,
        passenger: &Passenger<'_>,
        path_and_query: PathAndQuery,
        headers: HeaderMap,
        largest: usize,
    ) -> Result<OpenedPassage, UnopenedPassage>;
}
