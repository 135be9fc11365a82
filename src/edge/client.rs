//! Who is at the other end of a connection.

use std::net::IpAddr;

/// Whoever asks, as far as the connection and trusted proxies say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client {
    pub address: IpAddr,
    /// Whether it came over TLS, to the gateway or to a trusted proxy.
    pub secure: bool,
}

impl Client {
    /// `https` or `http`.
    pub const fn scheme(&self) -> &'static str {
        if self.secure { "https" } else { "http" }
    }
}
