//! What happens to a connection before it is HTTP, and who is behind it: who may wait, proxies in front, TLS. In: accepted
//! connections, headers of requests. Out: streams to read requests from, who asks; or that there is nothing to read.

mod addresses;
mod client;
mod entrance;
mod forwarded;
mod newcomers;
mod proxies;
pub mod proxy_protocol;
mod secured;
mod unread;

pub use addresses::{AddressPlace, Addresses};
pub use client::Client;
pub use entrance::{Arrival, Entrance};
pub use newcomers::{Newcomer, Newcomers};
pub use proxies::{Asking, ForwardingHeaders, ProxySettings};
pub use secured::{ClientCertificate, Secured};
pub use unread::Unread;

/// Who may come, and whose word is taken of who it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    pub proxies: ProxySettings,
    /// Connections of one address at a time, those of trusted proxies apart, and sockets of one address. Absent: as many as
    /// it likes.
    pub per_address: Option<usize>,
}

/// Why no request came from a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// It said nothing for too long.
    Silent,
    /// It said nothing yet, and others came.
    PushedOut,
    /// A proxy that should say who is behind it does not, or too late.
    ProxyHeader,
    /// Its address has as many as it may.
    PerAddress,
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
            Lost::ProxyHeader => "proxy_header",
            Lost::PerAddress => "per_address",
            Lost::Handshake => "handshake",
            Lost::HandshakeTimeout => "handshake_timeout",
        }
    }
}
