//! A socket that is read and written at once by one task, message by message, as passing through needs it. In: what to
//! hand over. Out: what came in, with the words of its end. Nothing here waits: whoever polls decides what goes first.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::{Sink, Stream};
use tokio_tungstenite::tungstenite::error::{CapacityError, Error, ProtocolError};
use tokio_tungstenite::tungstenite::{Bytes, Message};

use super::websocket::{WebSocket, close_frame};
use super::{Gone, Text};

/// A whole message, whatever is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    Text(Text),
    Binary(Bytes),
}

/// What came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    Frame(Frame),
    /// Something that only shows life: a ping, a pong.
    Alive,
    /// A message above the limit; the socket cannot be read on.
    TooLarge,
    /// The other side broke the protocol; the code to close with.
    Broken(u16),
    /// The other side closed: code and reason, or neither.
    Closed(Option<(u16, Text)>),
    /// The connection ended without a close.
    Lost,
}

/// One connection's messages, polled. The task is woken for reading and for writing.
pub trait Duplex: Send {
    fn poll_receive(&mut self, context: &mut Context<'_>) -> Poll<Received>;

    /// Ready when one more message may be handed over; pending while earlier ones wait for the other side to read.
    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Gone>>;

    /// Hands a message over, after `poll_ready` was ready. It may wait until `poll_flush`.
    fn start(&mut self, frame: Frame) -> Result<(), Gone>;

    /// The same with a ping.
    fn start_ping(&mut self) -> Result<(), Gone>;

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Gone>>;

    /// Closes, or answers the other side's close, and waits a bounded time for its end. A close has code and reason, or
    /// neither.
    fn part(self, close: Option<(u16, &str)>) -> impl Future<Output = ()> + Send;
}

impl Duplex for WebSocket {
    fn poll_receive(&mut self, context: &mut Context<'_>) -> Poll<Received> {
        let Poll::Ready(next) = Pin::new(&mut self.stream).poll_next(context) else { return Poll::Pending };
        self.unreadable |= matches!(next, Some(Err(_)));
        Poll::Ready(match next {
            Some(Ok(Message::Text(text))) => Received::Frame(Frame::Text(text)),
            Some(Ok(Message::Binary(bytes))) => Received::Frame(Frame::Binary(bytes)),
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Received::Alive,
            Some(Ok(Message::Close(frame))) => {
                Received::Closed(frame.map(|frame| (u16::from(frame.code), frame.reason)))
            }
            Some(Err(Error::Capacity(CapacityError::MessageTooLong { .. }))) => Received::TooLarge,
            Some(Err(Error::Utf8(_))) => Received::Broken(1007),
            Some(Err(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake))) => Received::Lost,
            Some(Err(Error::Protocol(_))) => Received::Broken(1002),
            Some(Err(_)) | None => Received::Lost,
        })
    }

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        Pin::new(&mut self.stream).poll_ready(context).map_err(|_| Gone)
    }

    fn start(&mut self, frame: Frame) -> Result<(), Gone> {
        let message = match frame {
            Frame::Text(text) => Message::Text(text),
            Frame::Binary(bytes) => Message::Binary(bytes),
        };
        Pin::new(&mut self.stream).start_send(message).map_err(|_| Gone)
    }

    fn start_ping(&mut self) -> Result<(), Gone> {
        Pin::new(&mut self.stream).start_send(Message::Ping(Bytes::new())).map_err(|_| Gone)
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        Pin::new(&mut self.stream).poll_flush(context).map_err(|_| Gone)
    }

    async fn part(mut self, close: Option<(u16, &str)>) {
        // Fails where the other side closed first; its close is answered while its end is waited for.
        let _ = self.stream.close(close.map(|(code, reason)| close_frame(code, reason))).await;
        self.goodbye().await;
    }
}
