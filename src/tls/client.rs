//! What the gateway trusts when it is the client of a TLS connection. In: the protocols it offers. Out: a rustls config.

use std::sync::{Arc, LazyLock};

use hyper_rustls::ConfigBuilderExt;
use rustls::ClientConfig;
use rustls::crypto::aws_lc_rs;

/// The system's certificate authorities, read once; where it has none (an image without a distribution), Mozilla's.
static TRUST: LazyLock<ClientConfig> = LazyLock::new(|| {
    let unauthenticated = || {
        ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            // It fails for a provider without a cipher of these versions; this one has them all.
            .expect("aws-lc-rs has TLS 1.2 and 1.3")
    };
    match unauthenticated().with_native_roots() {
        Ok(trusting) => trusting.with_no_client_auth(),
        Err(error) => {
            tracing::info!(%error, "no certificate authorities on this system; Mozilla's list is used");
            unauthenticated().with_webpki_roots().with_no_client_auth()
        }
    }
});

/// A config that offers these protocols by ALPN, for instance `b"http/1.1"`, in this order; none: it offers nothing.
/// The first call reads files and takes some milliseconds.
pub fn client(protocols: &[&[u8]]) -> ClientConfig {
    let mut config = TRUST.clone();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    config
}
