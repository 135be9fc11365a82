//! What happens to a connection before it is HTTP: who may wait, TLS. In: accepted connections. Out: streams to read
//! requests from, or the word that there is nothing to read.

mod client;
mod newcomers;
mod secured;

pub use client::Client;
pub use newcomers::{Newcomer, Newcomers};
pub use secured::Secured;

/// Why no request came from a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// It said nothing for too long.
    Silent,
    /// It said nothing yet, and others came.
    PushedOut,
    /// There is no TLS with it.
    Handshake,
    /// TLS was too long in coming.
    HandshakeTimeout,
}

impl Lost {
    /// The label of the metric.
    pub const fn as_str(self) -> &'static str {
        match self {
            Lost::Silent => "silent",
            Lost::PushedOut => "pushed_out",
            Lost::Handshake => "handshake",
            Lost::HandshakeTimeout => "handshake_timeout",
        }
    }
}
