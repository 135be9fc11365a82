//! TLS, both ways: what the gateway trusts as a client, what it shows as a server, whom it takes there. In: protocols,
//! files. Out: rustls configs.

mod certificate;
mod client;
mod clients;
mod connector;
mod own;
mod server;

pub use certificate::Certificate;
pub use client::client;
pub use clients::ClientCertificates;
pub use connector::{Connector, connector};
pub use own::{anybody, own};
pub use server::{BadTls, Server, TlsFile, TlsFiles, TlsSettings};
