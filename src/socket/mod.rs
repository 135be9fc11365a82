//! A message socket, whatever library frames it. In: texts to send. Out: what the other side sent. Behind a trait, so
//! that the framing library can be exchanged and tests can speak without a network.

mod duplex;
mod websocket;

use std::future::Future;

pub use duplex::{Duplex, Frame, Received};
pub use tokio_tungstenite::tungstenite::protocol::Role as Side;
pub use websocket::WebSocket;

/// A text message; cloning it copies nothing.
pub type Text = tokio_tungstenite::tungstenite::Utf8Bytes;

/// What came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    Text(Text),
    /// A binary message; no dialect has one.
    Binary,
    /// Something that only shows life.
    Alive,
    /// The answer to the ping of this number.
    Pong(u64),
    /// A message or frame above the limit; the socket cannot be read on.
    TooLarge,
    /// The other side broke the protocol; the code to close with.
    Broken(u16),
    /// The other side closed, with this code if it said one; or the connection is gone.
    Closed(Option<u16>),
}

/// The connection is gone or does not take what is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gone;

/// One connection's message stream. `receive` is cancel-safe; nothing is flushed until `flush`.
pub trait Socket: Send {
    fn receive(&mut self) -> impl Future<Output = Incoming> + Send;

    /// Hands a text over; may wait until earlier ones are written.
    fn feed(&mut self, text: Text) -> impl Future<Output = Result<(), Gone>> + Send;

    /// Asks for a pong with this number. It comes after the other side has read all that was written before.
    fn ping(&mut self, number: u64) -> impl Future<Output = Result<(), Gone>> + Send;

    fn flush(&mut self) -> impl Future<Output = Result<(), Gone>> + Send;

    /// Sends the close frame and waits a bounded time for the other side's.
    fn close(self, code: u16, reason: &str) -> impl Future<Output = ()> + Send;
}
