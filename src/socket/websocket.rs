//! The WebSocket of an upgraded connection, behind the trait. In and out: text messages within bounds.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Bytes, Message, Utf8Bytes};

use super::{Gone, Incoming, Side, Socket, Text};

/// Tungstenite zeroes its read buffer for each socket: a small one makes an idle socket cheap.
const READ_BUFFER: usize = 4 * 1024;
/// Bytes that may wait to be written; beyond, writing fails.
const WRITE_BUFFER: usize = 1024 * 1024;
/// How long the other side has to answer a close.
const GOODBYE: Duration = Duration::from_secs(2);

/// An upgraded connection.
pub struct WebSocket {
    pub(super) stream: WebSocketStream<TokioIo<Upgraded>>,
    /// Reading failed: what the other side still sends is no message any more.
    pub(super) unreadable: bool,
}

impl WebSocket {
    /// Takes over a connection whose handshake was answered. `largest` is the limit of a message, in bytes;
    /// `side` is who we are: masking differs.
    pub async fn new(upgraded: Upgraded, side: Side, largest: usize) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(16 * 1024)
            .max_write_buffer_size(WRITE_BUFFER.max(largest * 4))
            .max_message_size(Some(largest))
            .max_frame_size(Some(largest));
        let stream = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), side, Some(config)).await;
        WebSocket { stream, unreadable: false }
    }
}

impl WebSocket {
    /// Until the other side's close, or its end, came: closing at once would lose our own frame, and so would a connection
    /// that is dropped with bytes in it that nobody read.
    pub(super) async fn goodbye(&mut self) {
        let goodbye = async {
            while let Some(Ok(_)) = self.stream.next().await {}
            if self.unreadable {
                // It waits for our end before it ends itself.
                let connection = self.stream.get_mut();
                let _ = connection.shutdown().await;
                let mut scrap = [0; READ_BUFFER];
                while connection.read(&mut scrap).await.is_ok_and(|length| length > 0) {}
            }
        };
        let _ = tokio::time::timeout(GOODBYE, goodbye).await;
    }
}

impl Socket for WebSocket {
    async fn receive(&mut self) -> Incoming {
        let next = self.stream.next().await;
        self.unreadable |= matches!(next, Some(Err(_)));
        match next {
            Some(Ok(Message::Text(text))) => Incoming::Text(text),
            Some(Ok(Message::Binary(_))) => Incoming::Binary,
            Some(Ok(Message::Pong(payload))) => match payload.as_ref().try_into() {
                Ok(number) => Incoming::Pong(u64::from_be_bytes(number)),
                Err(_) => Incoming::Alive,
            },
            // Pings are answered by the library.
            Some(Ok(Message::Ping(_) | Message::Frame(_))) => Incoming::Alive,
            Some(Ok(Message::Close(frame))) => Incoming::Closed(frame.map(|frame| frame.code.into())),
            None => Incoming::Closed(None),
            Some(Err(Error::Capacity(CapacityError::MessageTooLong { .. }))) => Incoming::TooLarge,
            Some(Err(Error::Utf8(_))) => Incoming::Broken(1007),
            Some(Err(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake))) => Incoming::Closed(None),
            Some(Err(Error::Protocol(_))) => Incoming::Broken(1002),
            Some(Err(_)) => Incoming::Closed(None),
        }
    }

    async fn feed(&mut self, text: Text) -> Result<(), Gone> {
        self.stream.feed(Message::Text(text)).await.map_err(|_| Gone)
    }

    async fn ping(&mut self, number: u64) -> Result<(), Gone> {
        self.stream.send(Message::Ping(Bytes::copy_from_slice(&number.to_be_bytes()))).await.map_err(|_| Gone)
    }

    async fn flush(&mut self) -> Result<(), Gone> {
        self.stream.flush().await.map_err(|_| Gone)
    }

    async fn close(mut self, code: u16, reason: &str) {
        if self.stream.close(Some(close_frame(code, reason))).await.is_ok() {
            self.goodbye().await;
        }
    }
}

/// A reason is at most 123 bytes (RFC 6455 §5.5).
pub(super) fn close_frame(code: u16, reason: &str) -> CloseFrame {
    let mut end = reason.len().min(123);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    CloseFrame { code: CloseCode::from(code), reason: Utf8Bytes::from(&reason[..end]) }
}
