//! The HTTP library, set up. In: whom to trust, how long connecting may take. Out: clients that keep connections, or do not.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::Uri;
use hyper_rustls::{ConfigBuilderExt, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, ConfigBuilder, WantsVerifier};
use tokio::net::TcpStream;
use tower::BoxError;
use tower::timeout::Timeout;
use tower::util::BoxCloneSyncService;

use super::loan::Lent;

/// Connects; resolving the name, TCP and TLS together within a time.
pub(super) type Connector = BoxCloneSyncService<Uri, MaybeHttpsStream<TokioIo<TcpStream>>, BoxError>;

/// Sends requests to whole addresses.
pub(super) type HttpClient = Client<Connector, Lent>;

/// After this a connection that nobody uses is closed. Many servers close theirs after a minute, some after 15 s or 5 s; a
/// request that crosses with such a close fails.
const IDLE: Duration = Duration::from_secs(15);

/// Connections that may wait for the next request, for each endpoint.
const MOST_IDLE: usize = 32;

/// Bytes of an answer's head.
const LARGEST_HEAD: usize = 64 * 1024;

/// How often the system asks whether a silent connection is still there.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// How long an HTTP/2 connection may leave a ping unanswered.
const PING_ANSWERED: Duration = Duration::from_secs(10);

/// For calls: HTTP/1.1, or HTTP/2 where TLS offers it; connections are kept.
pub(super) fn pooled(trust: ClientConfig, connect_within: Duration) -> HttpClient {
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(trust)
        .https_or_http()
        .enable_http1()
        .enable_http2()
        .wrap_connector(tcp(connect_within));
    Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(MOST_IDLE)
        .http1_max_buf_size(LARGEST_HEAD)
        .http2_keep_alive_interval(KEEP_ALIVE)
        .http2_keep_alive_timeout(PING_ANSWERED)
        .build(BoxCloneSyncService::new(Timeout::new(connector, connect_within)))
}

/// For handshakes: HTTP/1.1 only, which is what a WebSocket is upgraded from, and a connection of its own for each.
pub(super) fn single(trust: ClientConfig, connect_within: Duration) -> HttpClient {
    Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_max_idle_per_host(0)
        .http1_max_buf_size(LARGEST_HEAD)
        .build(connector(trust, connect_within))
}

/// For HTTP/1.1.
pub(super) fn connector(trust: ClientConfig, connect_within: Duration) -> Connector {
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(trust)
        .https_or_http()
        .enable_http1()
        .wrap_connector(tcp(connect_within));
    BoxCloneSyncService::new(Timeout::new(connector, connect_within))
}

fn tcp(connect_within: Duration) -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_keepalive(Some(KEEP_ALIVE));
    // A name with several addresses: each gets its share.
    connector.set_connect_timeout(Some(connect_within));
    connector
}

/// Whose certificates are believed: what the machine's store says, because backends of a house have certificates of that
/// house, and an operator who takes an authority out of the store means it. The public authorities that come with the
/// program stand in where a machine (a bare container) has no store.
pub(super) fn trust() -> ClientConfig {
    // The store is read once; a change needs a restart.
    static TRUST: OnceLock<ClientConfig> = OnceLock::new();
    let read = || {
        let trusting = versions().with_native_roots().unwrap_or_else(|_| versions().with_webpki_roots());
        trusting.with_no_client_auth()
    };
    TRUST.get_or_init(read).clone()
}

/// TLS 1.2 and 1.3.
pub(super) fn versions() -> ConfigBuilder<ClientConfig, WantsVerifier> {
    ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        // Provider and versions are both fixed when this is compiled.
        .expect("the provider has ciphers for the versions that are safe")
}
