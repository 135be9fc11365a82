//! TLS, both ways: what the gateway trusts as a client, what it shows as a server. In: protocols, files. Out: rustls
//! configs.

mod client;
mod server;

pub use client::client;
pub use server::{BadTls, Server, TlsFile, TlsFiles, TlsSettings};
