//! Who is at the other end of a connection.

use std::net::IpAddr;

/// Whoever asks, as far as the connection says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client {
    pub address: IpAddr,
    /// Whether it came over TLS.
    pub secure: bool,
}

impl Client {
    /// `https` or `http`.
    pub const fn scheme(&self) -> &'static str {
        if self.secure { "https" } else { "http" }
    }
}
