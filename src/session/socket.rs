//! A message socket, whatever library frames it. In: texts to send. Out: what the other side sent. Behind a trait, so
//! that the framing library can be exchanged and tests can speak without a network.

use std::future::Future;

/// What came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    Text(String),
    /// A binary message; no dialect has one.
    Binary,
    /// Something that only shows life: a pong.
    Alive,
    /// A message or frame above the limit; the socket cannot be read on.
    TooLarge,
    /// The other side broke the protocol; the code to close with.
    Broken(u16),
    /// The other side closed, or the connection is gone.
    Closed,
}

/// The connection is gone or does not take what is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gone;

/// One connection's message stream. `receive` is cancel-safe; nothing is flushed until `flush`.
pub trait Socket: Send {
    fn receive(&mut self) -> impl Future<Output = Incoming> + Send;

    /// Hands a text over; may wait until earlier ones are written.
    fn feed(&mut self, text: String) -> impl Future<Output = Result<(), Gone>> + Send;

    fn ping(&mut self) -> impl Future<Output = Result<(), Gone>> + Send;

    fn flush(&mut self) -> impl Future<Output = Result<(), Gone>> + Send;

    /// Sends the close frame and waits a bounded time for the other side's.
    fn close(self, code: u16, reason: &str) -> impl Future<Output = ()> + Send;
}
