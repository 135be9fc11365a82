//! Where a client hears: its WebSocket, or a small server that the gateway calls. In: an open place. Out: one text after
//! another.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::{WebSocketStream, client_async};

use super::failure::Failure;

/// The longest call that the webhook reads, in bytes.
const LONGEST_CALL: usize = 1 << 20;

pub enum Inbox {
    Socket(Box<WebSocketStream<TcpStream>>),
    Webhook(Webhook),
}

impl Inbox {
    /// Opens a WebSocket.
    pub async fn connect(address: SocketAddr, path: &str, protocol: Option<&str>) -> Result<Self, Failure> {
        let mut request = format!("ws://{address}{path}").into_client_request().map_err(Failure::other)?;
        if let Some(protocol) = protocol {
            let value = HeaderValue::from_str(protocol).map_err(Failure::other)?;
            request.headers_mut().insert("sec-websocket-protocol", value);
        }
        let stream = TcpStream::connect(address).await.map_err(Failure::other)?;
        let (socket, _) = client_async(request, stream).await.map_err(Failure::other)?;
        Ok(Inbox::Socket(Box::new(socket)))
    }

    /// Sends a text frame.
    pub async fn send(&mut self, frame: String) -> Result<(), Failure> {
        match self {
            Inbox::Socket(socket) => socket.send(Message::text(frame)).await.map_err(Failure::other),
            Inbox::Webhook(_) => Err(Failure::NoSocket),
        }
    }

    /// Waits for the next text. Not to be cancelled and called again: a half-read call would be lost.
    pub async fn next(&mut self) -> Result<String, Failure> {
        match self {
            Inbox::Socket(socket) => loop {
                match socket.next().await {
                    Some(Ok(Message::Text(text))) => return Ok(text.as_str().to_owned()),
                    Some(Ok(Message::Close(_))) | None => return Err(Failure::Closed),
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return Err(Failure::other(error)),
                }
            },
            Inbox::Webhook(webhook) => webhook.next().await,
        }
    }

    /// Says goodbye, so that the gateway sees a client leave and not a connection break.
    pub async fn close(&mut self) {
        if let Inbox::Socket(socket) = self {
            // It may be closed already.
            let _ = socket.close().await;
        }
    }
}

/// A server for one caller that answers every POST with 200.
pub struct Webhook {
    listener: TcpListener,
}

impl Webhook {
    pub async fn bind() -> Result<Self, Failure> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(Failure::other)?;
        Ok(Webhook { listener })
    }

    pub fn address(&self) -> Result<SocketAddr, Failure> {
        self.listener.local_addr().map_err(Failure::other)
    }

    /// Takes one connection and the one call on it.
    async fn next(&mut self) -> Result<String, Failure> {
        loop {
            let (stream, _) = self.listener.accept().await.map_err(Failure::other)?;
            let heard = Arc::new(Mutex::new(None));
            let place = heard.clone();
            let service = hyper::service::service_fn(move |request: http::Request<hyper::body::Incoming>| {
                let place = place.clone();
                async move {
                    let body = Limited::new(request.into_body(), LONGEST_CALL).collect().await?.to_bytes();
                    *place.lock().await = Some(String::from_utf8_lossy(&body).into_owned());
                    Ok::<_, Box<dyn std::error::Error + Send + Sync>>(http::Response::new(Full::<Bytes>::default()))
                }
            });
            let mut server = hyper::server::conn::http1::Builder::new();
            // One call a connection, so that the next one is the next text.
            let served = server.keep_alive(false).serve_connection(TokioIo::new(stream), service).await;
            if let Some(text) = heard.lock().await.take() {
                return Ok(text);
            }
            // A connection without a whole call is the caller's to retry.
            drop(served);
        }
    }
}
