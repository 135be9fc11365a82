//! What is passed on: a backend of bytes behind the real gateway, and clients of bytes before it. Both sides speak the same
//! dialect, or a path that it does not know.

mod calls;
mod credentials;
mod frames;
mod framing;
mod raw;
mod rest;
mod streams;

use std::net::SocketAddr;

use serde_json::json;

use crate::harness::http::{self, Answer};
use crate::harness::{Gateway, SECRET};
use raw::Upstream;

/// The prefix of the route to the raw backend; the hub's own routes have none.
const PREFIX: &str = "/clinic";
/// A call, a send with a body, and the socket of the dialect.
const THREADS: &str = "/chat/user/threads/";
const ATTACHMENT: &str = "/chat/attachment/";
const SOCKET: &str = "/ws/chat/room/";

/// How a route to the raw backend is set up.
struct Setup {
    dialect: &'static str,
    /// What clients speak, if it is something else.
    clients: Option<&'static str>,
    auth: String,
    credential: &'static str,
    /// Further lines of the route.
    route: &'static str,
}

impl Default for Setup {
    fn default() -> Self {
        Setup {
            dialect: "licomed",
            clients: None,
            auth: r#"{ kind = "upstream" }"#.to_owned(),
            credential: r#"{ kind = "forward" }"#,
            route: "",
        }
    }
}

impl Setup {
    /// The gateway knows its callers itself.
    fn known() -> Self {
        Setup { auth: format!(r#"{{ kind = "jwt", secret = "{SECRET}" }}"#), ..Setup::default() }
    }

    fn forwarding() -> Self {
        Setup { route: "forward_rest = true", ..Setup::default() }
    }

    async fn start(&self) -> Pair {
        let upstream = Upstream::start().await;
        let Setup { dialect, clients, auth, credential, route } = self;
        let spoken = clients.unwrap_or(dialect);
        let uploads = if clients.is_some() { "local" } else { "upstream" };
        let address = upstream.address;
        let more = format!(
            r#"
[upstreams.raw]
dialect    = "{dialect}"
http       = ["http://{address}"]
socket     = ["ws://{address}"]
credential = {credential}
timeout    = "2s"

[[routes]]
name    = "clinic"
dialect = "{spoken}"
prefix  = "{PREFIX}"
to      = "raw"
uploads = "{uploads}"
auth    = {auth}
{route}
"#
        );
        Pair { gateway: Gateway::start(&more).await, upstream }
    }
}

/// A gateway and the backend behind it.
struct Pair {
    gateway: Gateway,
    upstream: Upstream,
}

impl Pair {
    fn address(&self) -> SocketAddr {
        self.gateway.address
    }

    fn token(&self) -> String {
        self.gateway.token(json!({ "sub": "302e305b-6e73-4f9c-bac7-551a92b106b0", "role": "user" }))
    }

    /// A request through the gateway and the backend's answer to it, both whole.
    async fn exchange(&self, request: &[u8], answer: &[u8]) -> (raw::Request, Answer) {
        tokio::join!(self.upstream.serve(answer), http::send(self.address(), request))
    }

    /// A request that the backend must not see.
    async fn refused(&self, request: &[u8]) -> Answer {
        self.upstream.is_left_alone(http::send(self.address(), request)).await
    }
}

/// A path of the route.
fn path(rest: &str) -> String {
    format!("{PREFIX}{rest}")
}

fn get(rest: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    http::request("GET", &path(rest), headers, b"")
}

/// An answer of JSON that ends its connection.
fn json_answer(body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}
