//! A WebSocket client that sends what a test writes. In: a path, perhaps a subprotocol. Out: frames with a deadline.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::PATIENCE;

/// The header that asks for a subprotocol.
fn subprotocol(protocol: Option<&str>) -> Vec<(&'static str, &str)> {
    protocol.map(|protocol| ("sec-websocket-protocol", protocol)).into_iter().collect()
}

pub struct Socket {
    stream: WebSocketStream<TcpStream>,
    /// What the server chose.
    pub protocol: Option<String>,
}

/// What came of waiting.
#[derive(Debug, PartialEq)]
pub enum Heard {
    Frame(Value),
    /// The other side closed, with this code; 1006 when it said none.
    Closed(u16),
}

impl Socket {
    /// Opens one where a gateway may have died: none when it is not there, goes meanwhile, or refuses.
    pub async fn reach(address: SocketAddr, path: &str, protocol: Option<&str>) -> Option<Self> {
        let stream = TcpStream::connect(address).await.ok()?;
        Self::shake_hands(stream, address, path, &subprotocol(protocol)).await?.ok()
    }

    /// The same as [`Self::open`] with headers of one's own, their names in lower case.
    pub async fn open_with(address: SocketAddr, path: &str, headers: &[(&'static str, &str)]) -> Result<Self, u16> {
        let stream = TcpStream::connect(address).await.unwrap();
        Self::shake_hands(stream, address, path, headers).await.expect("an answer to the handshake")
    }

    /// Opens one, or says the HTTP status that refused it.
    pub async fn open(address: SocketAddr, path: &str, protocol: Option<&str>) -> Result<Self, u16> {
        let stream = TcpStream::connect(address).await.unwrap();
        Self::shake_hands(stream, address, path, &subprotocol(protocol)).await.expect("an answer to the handshake")
    }

    /// None when the connection broke.
    async fn shake_hands(
        stream: TcpStream,
        address: SocketAddr,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> Option<Result<Self, u16>> {
        let mut request = format!("ws://{address}{path}").into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        // What this client sends is hostile, so it sets itself no bounds.
        let config = WebSocketConfig::default().max_message_size(None).max_frame_size(None);
        let opened = tokio::time::timeout(PATIENCE, client_async_with_config(request, stream, Some(config))).await;
        match opened.expect("a handshake in time") {
            Ok((stream, response)) => {
                let protocol = response.headers().get("sec-websocket-protocol");
                let protocol = protocol.and_then(|name| name.to_str().ok()).map(str::to_owned);
                Some(Ok(Socket { stream, protocol }))
            }
            Err(Error::Http(response)) => Some(Err(response.status().as_u16())),
            Err(error) => {
                eprintln!("the handshake broke: {error}");
                None
            }
        }
    }

    pub async fn send(&mut self, message: Message) {
        // The other side may have closed already; what it said then is read next.
        let _ = tokio::time::timeout(PATIENCE, self.stream.send(message)).await.expect("room to send");
    }

    pub async fn say(&mut self, text: &str) {
        self.send(Message::text(text)).await;
    }

    /// The next message as it came; none at the end.
    pub async fn next(&mut self) -> Option<Message> {
        loop {
            match tokio::time::timeout(PATIENCE, self.stream.next()).await.expect("a message in time") {
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(message)) => return Some(message),
                Some(Err(_)) | None => return None,
            }
        }
    }

    /// The next text frame, or the end.
    pub async fn hear(&mut self) -> Heard {
        self.hear_within(PATIENCE).await.expect("a frame in time")
    }

    /// The same; none when nothing comes for so long.
    pub async fn hear_within(&mut self, patience: Duration) -> Option<Heard> {
        loop {
            match tokio::time::timeout(patience, self.stream.next()).await.ok()? {
                Some(Ok(Message::Text(text))) => return Some(Heard::Frame(serde_json::from_str(&text).unwrap())),
                Some(Ok(Message::Close(frame))) => {
                    return Some(Heard::Closed(frame.map_or(1005, |frame| frame.code.into())));
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(other)) => panic!("not a text frame: {other:?}"),
                Some(Err(_)) | None => return Some(Heard::Closed(1006)),
            }
        }
    }

    /// The next frame; the end is a mistake.
    pub async fn frame(&mut self) -> Value {
        match self.hear().await {
            Heard::Frame(frame) => frame,
            Heard::Closed(code) => panic!("the socket closed with {code}"),
        }
    }
}
