//! The server below every stand-in: HTTP/1.1 and WebSockets on a free port of the loopback, with the injected failures.
//! In: one function from a request to an answer. Out: what was asked, and sockets to speak to.
//!
//! ```ignore
//! let backstage = Backstage::new();
//! let desk = Arc::new(Desk { backstage: backstage.clone(), … });
//! let server = Server::start(backstage, move |request| { let desk = desk.clone(); async move { desk.answer(request).await } }).await;
//!
//! // in Desk::answer:
//! match (request.method.as_str(), request.path.as_str()) {
//!     ("POST", "/upload/") => { let form = request.form().await?; … json(200, &body) }
//!     ("GET", "/ws/") => self.backstage.accept(request, "ann", None, |session| async move {
//!         while let Some(Said::Text(text)) = session.hear().await { … session.say(&frame).await; }
//!     }),
//!     _ => unknown(&self.backstage, &request),
//! }
//! // a message that was understood and passed every check:
//! if !self.backstage.keeps().await { return; }         // over a call: self.backstage.keeps_call().await
//! self.backstage.ledger.take(Taken { … });
//! self.backstage.sockets.say_all(&frame).await;
//! ```

// Each stand-in uses what its dialect needs.
#![allow(unused_imports)]

mod faults;
mod files;
mod ledger;
mod request;
mod sockets;
mod wire;

use std::convert::Infallible;
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::Failing;
pub use faults::Faults;
pub use files::{File, Files};
pub use ledger::Ledger;
pub use request::{Form, Part, Request, decode};
pub use sockets::{Said, Seat, Session, Sockets};
use wire::Wire;

pub type Response = hyper::Response<Full<Bytes>>;

/// How much is said at once by [`Failing::HugeFrame`], in bytes.
const HUGE: usize = 20 * 1024 * 1024;
const GARBAGE: &str = "<html>this is no JSON";

/// What a stand-in and its server share.
#[derive(Default)]
pub struct Backstage {
    pub faults: Arc<Faults>,
    pub sockets: Sockets,
    pub ledger: Ledger,
    /// What was uploaded, if the stand-in keeps it here.
    pub files: Files,
    /// Ends every connection when the server is dropped.
    end: CancellationToken,
}

impl Backstage {
    pub fn new() -> Arc<Self> {
        Arc::new(Self::default())
    }

    /// Begins to fail like this, or ceases to.
    pub fn fail(&self, failing: Failing) {
        self.faults.set(failing);
        match failing {
            Failing::Garbage => self.sockets.say_at_once(GARBAGE),
            Failing::HugeFrame => self.sockets.say_at_once(&huge()),
            Failing::CloseWith(code) => self.sockets.close_at_once(code),
            Failing::Down => self.sockets.cut(),
            _ => {}
        }
    }

    /// What becomes of a message of a socket that passed every check: true when it is to be kept and confirmed, perhaps
    /// after a wait; false when it is lost.
    pub async fn keeps(&self) -> bool {
        let keeps = self.faults.keeps().await;
        if !keeps {
            self.ledger.lose();
        }
        keeps
    }

    /// The same for a message that came by a call: it returns when the message is to be kept, else never.
    pub async fn keeps_call(&self) {
        if !self.keeps().await {
            std::future::pending::<()>().await;
        }
    }

    /// Runs until it is done or the server is dropped.
    #[allow(clippy::disallowed_methods, reason = "the drain of the gateway is not concerned by a stand-in")]
    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let end = self.end.clone();
        tokio::spawn(async move {
            end.run_until_cancelled(work).await;
        });
    }

    /// Answers the handshake of a WebSocket and runs `visit` on it; the socket is closed with 1000 if `visit` leaves it
    /// open. `who` is what the stand-in calls this socket in `Seat::who`; `protocol` is the subprotocol to choose.
    pub fn accept<V, F>(self: &Arc<Self>, request: Request, who: &str, protocol: Option<&str>, visit: V) -> Response
    where
        V: FnOnce(Session) -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let Some((answer, upgrade)) = request.upgrade(protocol) else {
            return text(426, "a WebSocket is expected here");
        };
        let (backstage, who) = (self.clone(), who.to_owned());
        self.spawn(async move {
            let Ok(upgraded) = upgrade.await else { return };
            let (session, driver) = backstage.sockets.open(&backstage, upgraded, who).await;
            let closing = if let Failing::CloseWith(code) = backstage.faults.now() { Some(code) } else { None };
            let visit = async move {
                if let Some(code) = closing {
                    return session.close(code).await;
                }
                let seat = session.seat();
                let sockets = session.backstage();
                visit(session).await;
                sockets.sockets.close(&seat, 1000).await;
            };
            tokio::join!(driver, visit);
        });
        answer
    }
}

/// A running server; what it serves ends when it is dropped.
pub struct Server {
    address: SocketAddr,
    backstage: Arc<Backstage>,
}

impl Server {
    /// Listens on a free port of the loopback and answers with `handler`. Failures are injected before it is asked.
    pub async fn start<H, F>(backstage: Arc<Backstage>, handler: H) -> Self
    where
        H: Fn(Request) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Response> + Send + 'static,
    {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = backstage.clone();
        backstage.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let wire = Wire::new(stream, shared.faults.clone());
                let (backstage, handler) = (shared.clone(), handler.clone());
                shared.spawn(async move {
                    let service = hyper::service::service_fn(move |request| {
                        let (backstage, handler) = (backstage.clone(), handler.clone());
                        async move { Ok::<_, Infallible>(answer(&backstage, address, request, handler).await) }
                    });
                    let connection = hyper::server::conn::http1::Builder::new();
                    // A connection that breaks is the other side's affair, or was ordered.
                    let _ = connection.serve_connection(TokioIo::new(wire), service).with_upgrades().await;
                });
            }
        });
        Server { address, backstage }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn backstage(&self) -> &Arc<Backstage> {
        &self.backstage
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.backstage.end.cancel();
    }
}

/// Reads a request whole and answers it, unless something is to fail.
async fn answer<H, F>(
    backstage: &Arc<Backstage>,
    address: SocketAddr,
    request: hyper::Request<Incoming>,
    handler: H,
) -> Response
where
    H: Fn(Request) -> F,
    F: Future<Output = Response>,
{
    backstage.ledger.call(format!("{} {}", request.method(), request.uri().path()));
    let Some(request) = Request::read(request, address).await else {
        return text(400, "the body broke off");
    };
    match backstage.faults.now() {
        Failing::Status500 => text(500, "Internal Server Error"),
        Failing::Silent => std::future::pending().await,
        Failing::RefuseHandshake(status) if request.is_handshake() => text(status, "refused"),
        Failing::Garbage if !request.is_handshake() => with_type(200, "application/json", GARBAGE),
        Failing::HugeFrame if !request.is_handshake() => with_type(200, "application/json", huge()),
        _ => handler(request).await,
    }
}

/// JSON of 20 MB.
fn huge() -> String {
    format!("{{\"type\":\"text\",\"content\":\"{}\"}}", "x".repeat(HUGE))
}

/// An answer with a body of this type.
pub fn with_type(status: u16, mime: &str, body: impl Into<Bytes>) -> Response {
    let answer = hyper::Response::builder().status(status).header("content-type", mime);
    answer.body(Full::new(body.into())).unwrap()
}

pub fn json(status: u16, body: &serde_json::Value) -> Response {
    with_type(status, "application/json", body.to_string())
}

pub fn text(status: u16, body: &str) -> Response {
    with_type(status, "text/plain", body.to_owned())
}

/// 404 for what the document does not name; whoever asked for it was mistaken.
pub fn unknown(backstage: &Backstage, request: &Request) -> Response {
    backstage.ledger.complain(format!("no such call: {} {}", request.method, request.path));
    text(404, "Not Found")
}
