//! TLS on the listener: what is agreed on, certificates that change while sockets are open, and clients that begin a
//! handshake and do not go on.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use dragoman::edge::Secured;
use dragoman::metrics;
use dragoman::server::Bounds;
use dragoman::tls::{ClientCertificates, TlsSettings};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::site::{PATIENCE, Server};

const LIST: &str = "/api/chat/conversations/";
const ALPN: &[&[u8]] = &[b"h2", b"http/1.1"];

fn keys() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys"))
}

fn certificate(name: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(keys().join(name)).unwrap()
}

/// A server whose files lie in a folder, to be changed there.
struct Stage {
    server: Server,
    folder: tempfile::TempDir,
    /// The label of its metrics: tests of one process share them.
    name: &'static str,
}

impl Stage {
    async fn start(name: &'static str, bounds: Bounds) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |file: &str| folder.path().join(file);
        std::fs::copy(keys().join("localhost.pem"), at("tls.crt")).unwrap();
        std::fs::copy(keys().join("p256.pem"), at("tls.key")).unwrap();
        let settings = TlsSettings {
            cert: at("tls.crt"),
            key: at("tls.key"),
            client_ca: None,
            client_certificates: ClientCertificates::Demanded,
            handshake_timeout: bounds.head,
        };
        let secured = Arc::new(Secured::open(name, settings, ALPN).unwrap());
        let server = Server::secured(bounds, Some(Arc::clone(&secured))).await;
        let stop = server.tasks.stopping();
        server.tasks.spawn(async move { secured.watch(stop).await });
        Stage { server, folder, name }
    }

    /// Puts another file in place as certificate managers do: beside it, then over it.
    fn replace(&self, file: &str, by: &str) {
        let beside = self.folder.path().join("new");
        std::fs::copy(keys().join(by), &beside).unwrap();
        std::fs::rename(beside, self.folder.path().join(file)).unwrap();
    }

    async fn connect(&self, protocols: &[&[u8]]) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        for name in ["localhost.pem", "localhost.rsa.pem"] {
            roots.add(certificate(name)).unwrap();
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let mut config = builder.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        let name = ServerName::try_from("localhost").unwrap();
        let handshake = TlsConnector::from(Arc::new(config)).connect(name, self.server.connect().await);
        timeout(PATIENCE, handshake).await.expect("a handshake in time")
    }

    async fn shown(&self) -> CertificateDer<'static> {
        let stream = self.connect(&[]).await.unwrap();
        stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned()
    }

    /// Waits for a line of the metrics that is about this listener.
    async fn counts(&self, line: &str) {
        let line = line.replace("LISTENER", self.name);
        let counted = async {
            while !metrics::render().contains(&line) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        assert!(timeout(PATIENCE, counted).await.is_ok(), "{line} is not in\n{}", metrics::render());
    }
}

async fn get(stream: &mut TlsStream<TcpStream>, last: bool) -> String {
    let close = if last { "Connection: close\r\n" } else { "" };
    stream.write_all(format!("GET {LIST} HTTP/1.1\r\nHost: a\r\n{close}\r\n").as_bytes()).await.unwrap();
    let mut said = vec![0; 64 * 1024];
    let length = timeout(PATIENCE, stream.read(&mut said)).await.unwrap().unwrap();
    String::from_utf8_lossy(&said[..length]).into_owned()
}

#[tokio::test]
async fn the_protocol_is_agreed_on() {
    let stage = Stage::start("agreed", Bounds::default()).await;
    for (offered, chosen) in
        [(&[&b"h2"[..], b"http/1.1"][..], Some(&b"h2"[..])), (&[b"http/1.1"], Some(b"http/1.1")), (&[], None)]
    {
        let mut stream = stage.connect(offered).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), chosen, "{offered:?}");
        let answer = get(&mut stream, true).await;
        // Frames of HTTP/2 and nothing else, whatever was asked: what was agreed on holds.
        assert_eq!(answer.starts_with("HTTP/1.1 200"), chosen != Some(b"h2"), "{answer}");
        assert_eq!(answer.contains("HTTP/1.1"), chosen != Some(b"h2"), "{answer}");
    }
    let error = stage.connect(&[b"spdy/3"]).await.unwrap_err();
    assert!(error.to_string().contains("NoApplicationProtocol"), "{error}");
    // Who speaks in the clear is told so by TLS, and served nothing.
    let clear = stage.server.get(LIST, "").await;
    assert_eq!(clear.status, 0, "{clear:?}");
}

#[tokio::test]
async fn a_certificate_that_changes_is_shown_to_who_comes_next() {
    let stage = Stage::start("rotated", Bounds::default()).await;
    let mut before = stage.connect(&[b"http/1.1"]).await.unwrap();
    assert!(get(&mut before, false).await.starts_with("HTTP/1.1 200"));
    assert_eq!(stage.shown().await, certificate("localhost.pem"));

    // Half of a pair, and it stays that way: refused, once.
    stage.replace("tls.crt", "localhost.rsa.pem");
    stage.counts("dragoman_tls_certificate_reloads_total{listener=\"LISTENER\",outcome=\"refused\"} 1").await;
    assert_eq!(stage.shown().await, certificate("localhost.pem"));

    stage.replace("tls.key", "rsa.pem");
    stage.counts("dragoman_tls_certificate_reloads_total{listener=\"LISTENER\",outcome=\"taken\"} 1").await;
    assert_eq!(stage.shown().await, certificate("localhost.rsa.pem"));
    stage.counts("dragoman_tls_certificate_expiry_timestamp_seconds{listener=\"LISTENER\"} 4733510400").await;

    // One that nobody would believe is worse than the one that holds.
    stage.replace("tls.key", "p256.pem");
    stage.replace("tls.crt", "localhost.ended.pem");
    stage.counts("dragoman_tls_certificate_reloads_total{listener=\"LISTENER\",outcome=\"refused\"} 2").await;
    assert_eq!(stage.shown().await, certificate("localhost.rsa.pem"));
    assert!(get(&mut before, true).await.starts_with("HTTP/1.1 200"), "an open connection goes on");
}

#[tokio::test]
async fn a_handshake_that_does_not_go_on_ends() {
    let bounds = Bounds { head: Duration::from_millis(300), ..Bounds::default() };
    let stage = Stage::start("late", bounds).await;
    // Nothing; the head of a record; the beginning of a ClientHello.
    for said in [&b""[..], b"\x16\x03\x01", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"] {
        let mut stream = stage.server.connect().await;
        stream.write_all(said).await.unwrap();
        let began = Instant::now();
        assert_eq!(timeout(PATIENCE, stream.read(&mut [0; 64])).await.expect("it ends").unwrap_or(0), 0);
        assert!(began.elapsed() >= bounds.head / 2, "{said:?}: too early, after {:?}", began.elapsed());
    }
}

/// However many handshakes are begun and left: those who go on are served, and the first to come are the first to go.
#[tokio::test]
async fn those_who_do_not_go_on_cannot_keep_others_out() {
    let bounds = Bounds { newcomers: 20, connections: 100, ..Bounds::default() };
    let stage = Stage::start("crowd", bounds).await;
    let mut crowd = Vec::new();
    for _ in 0..300 {
        let mut stream = stage.server.connect().await;
        // One that was pushed out meanwhile cannot be written to.
        let _ = stream.write_all(b"\x16\x03\x01\x02").await;
        crowd.push(stream);
    }
    let mut stream = stage.connect(&[b"http/1.1"]).await.unwrap();
    assert!(get(&mut stream, true).await.starts_with("HTTP/1.1 200"));
    let ended = timeout(PATIENCE, crowd[0].read(&mut [0; 64])).await.expect("the first is pushed out");
    assert_eq!(ended.unwrap_or(0), 0);
}

/// The same in the clear, by heads that do not end.
#[tokio::test]
async fn heads_that_do_not_end_cannot_keep_others_out() {
    let server = Server::with(Bounds { newcomers: 20, connections: 100, ..Bounds::default() }).await;
    let mut crowd = Vec::new();
    for _ in 0..300 {
        let mut stream = server.connect().await;
        let _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n").await;
        crowd.push(stream);
    }
    assert_eq!(server.get(LIST, "").await.status, 200);
}
