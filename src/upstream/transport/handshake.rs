//! Opening a socket at an upstream (RFC 6455 §4.1). In: path, headers, subprotocols. Out: the socket, or why there is none.

use http::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::upgrade::Upgraded;
use tokio::time::{Instant, timeout_at};
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::fault::{Fault, Reason};
use crate::socket::{Side, WebSocket};

use super::endpoint::Counted;
use super::exchange::{Exchange, full, is_failing};
use super::{Again, Transport, answer, failure};

/// A request for a socket.
#[derive(Clone)]
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

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Self {
        Refused { status: None, fault }
    }
}

impl Transport {
    /// Opens a WebSocket at one of the endpoints, within the upstream's timeout. `largest` is the limit of a message
    /// that comes in, in bytes. Errors: as [`Transport::send`], and [`Reason::Upstream`] for an answer that is no
    /// handshake's.
    pub async fn open(&self, request: Handshake, largest: usize) -> Result<Opened, Refused> {
        let deadline = Instant::now() + self.0.timeout;
        let key = generate_key();
        let head = head(&request, &key).map_err(|error| {
            // Its words are about one header's form and quote nothing.
            Fault::new(Reason::Internal).detail(format!("the handshake cannot be written: {error}"))
        })?;
        // A handshake opens nothing until it is answered, so it may be made a second time.
        let exchange = Exchange::new(&self.0, &self.0.single);
        let (response, entry) = exchange.run(&head, full(bytes::Bytes::new()), Again::WhenSafe).await?;
        let status = response.status();
        if status != StatusCode::SWITCHING_PROTOCOLS {
            drop(if is_failing(status) { entry.fail() } else { entry.succeed() });
            let fault = Fault::new(Reason::Upstream).detail(format!("the handshake was answered with status {status}"));
            let fault = Fault { retry_after: answer::retry_after(response.headers()), ..fault };
            return Err(Refused { status: Some(status.as_u16()), fault });
        }
        match timeout_at(deadline, switch(response, &key, &request.subprotocols)).await {
            Ok(Ok((upgraded, subprotocol))) => {
                let socket = WebSocket::new(upgraded, Side::Client, largest).await;
                Ok(Opened { socket, subprotocol, counted: entry.succeed() })
            }
            Ok(Err(words)) => {
                let fault = failure::of_answer(entry.endpoint().address(), words);
                entry.fail();
                Err(fault.into())
            }
            Err(_) => {
                let fault = failure::of_time(entry.endpoint().address(), self.0.timeout);
                entry.fail();
                Err(fault.into())
            }
        }
    }
}

fn head(handshake: &Handshake, key: &str) -> Result<http::request::Parts, http::Error> {
    let mut request = Request::builder().uri(handshake.path_and_query.clone()).body(())?;
    let headers = request.headers_mut();
    *headers = handshake.headers.clone();
    // We know no extension, and would not understand what an agreed one does.
    headers.remove(SEC_WEBSOCKET_EXTENSIONS);
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    headers.insert(SEC_WEBSOCKET_KEY, HeaderValue::from_str(key)?);
    headers.remove(SEC_WEBSOCKET_PROTOCOL);
    if !handshake.subprotocols.is_empty() {
        let mut offered = HeaderValue::from_str(&handshake.subprotocols.join(", "))?;
        offered.set_sensitive(true);
        headers.insert(SEC_WEBSOCKET_PROTOCOL, offered);
    }
    Ok(request.into_parts().0)
}

/// Checks what a 101 says, and takes the connection over. Errors: what is wrong with the answer.
async fn switch(
    response: Response<Incoming>,
    key: &str,
    offered: &[String],
) -> Result<(Upgraded, Option<String>), &'static str> {
    let headers = response.headers();
    if !has(headers, UPGRADE, "websocket") || !has(headers, CONNECTION, "upgrade") {
        return Err("it switches to something that is no WebSocket");
    }
    let accept = headers.get(SEC_WEBSOCKET_ACCEPT).map(HeaderValue::as_bytes);
    if accept != Some(derive_accept_key(key.as_bytes()).as_bytes()) {
        return Err("Sec-WebSocket-Accept does not fit the key");
    }
    if headers.contains_key(SEC_WEBSOCKET_EXTENSIONS) {
        return Err("it chose an extension that was not offered");
    }
    let subprotocol = match headers.get(SEC_WEBSOCKET_PROTOCOL) {
        None => None,
        Some(chosen) => {
            let known = offered.iter().find(|offered| offered.as_bytes() == chosen.as_bytes());
            Some(known.ok_or("it chose a subprotocol that was not offered")?.clone())
        }
    };
    let upgraded = hyper::upgrade::on(response).await.map_err(|_| "the connection broke after the handshake")?;
    Ok((upgraded, subprotocol))
}

fn has(headers: &HeaderMap, name: HeaderName, token: &str) -> bool {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|part| part.trim().eq_ignore_ascii_case(token))
}
