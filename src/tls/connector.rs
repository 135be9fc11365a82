//! Connections outwards, in the clear or over TLS, as an address says. In: how long connecting may take. Out: a connector
//! for hyper's client.

use std::time::Duration;

use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;

use super::client;

/// In the clear, or over TLS with the trust of [`client`].
pub type Connector = HttpsConnector<HttpConnector>;

/// For HTTP/1.1. `within` is for the connection alone; how long its handshake may take is for who asks.
pub fn connector(within: Duration) -> Connector {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(within));
    HttpsConnectorBuilder::new().with_tls_config(client(&[])).https_or_http().enable_http1().wrap_connector(tcp)
}
