//! TLS: whom we believe, HTTP/2 where it is offered, and sockets over HTTP/1.1 all the same.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, Version};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::{LASTING, TIMEOUT, get, request, settings, text};
use crate::fault::Reason;
use crate::tasks::Tasks;
use crate::upstream::transport::client::{self, versions};
use crate::upstream::transport::{Again, Handshake, Transport, probe, read_limited};

const CERTIFICATE: &[u8] = include_bytes!("../../../../tests/keys/localhost.pem");
const KEY: &[u8] = include_bytes!("../../../../tests/keys/p256.pem");

fn certificate() -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(CERTIFICATE).unwrap()
}

/// Believes the test's own certificate, and nothing else.
fn trust() -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(certificate()).unwrap();
    versions().with_root_certificates(roots).with_no_client_auth()
}

/// A server that offers HTTP/2 and HTTP/1.1. It answers with the version it is spoken to in; a path `/broken` is not
/// answered at all.
#[derive(Clone, Default)]
struct Secure {
    authority: String,
    /// Method, path, host, version.
    asked: Arc<Mutex<Vec<String>>>,
    connections: Arc<AtomicUsize>,
}

impl Secure {
    async fn start() -> Secure {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let secure = Secure { authority: listener.local_addr().unwrap().to_string(), ..Secure::default() };
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate()], PrivateKeyDer::from_pem_slice(KEY).unwrap())
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let (acceptor, tasks, serving) = (TlsAcceptor::from(Arc::new(config)), Tasks::new(), secure.clone());
        tasks.clone().spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                serving.connections.fetch_add(1, Ordering::SeqCst);
                let (acceptor, serving) = (acceptor.clone(), serving.clone());
                tasks.spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let service = hyper::service::service_fn(move |request| serving.clone().answer(request));
                    let _ = auto::Builder::new(TokioExecutor::new())
                        .serve_connection_with_upgrades(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        secure
    }

    async fn answer(self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, std::io::Error> {
        let host = request.headers().get("host").map(|host| host.to_str().unwrap().to_owned());
        let host = host.or_else(|| request.uri().authority().map(ToString::to_string)).unwrap_or_default();
        let asked = format!("{} {} {host} {:?}", request.method(), request.uri().path(), request.version());
        self.asked.lock().unwrap().push(asked);
        let version = request.version();
        let broken = request.uri().path() == "/broken";
        let upgrade = request.headers().contains_key("upgrade");
        let _ = request.into_body().collect().await;
        if broken {
            return Err(std::io::Error::other("not today"));
        }
        let mut response = Response::new(Full::new(format!("{version:?}").into()));
        if upgrade {
            *response.status_mut() = StatusCode::FORBIDDEN;
        }
        Ok(response)
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    fn transport(&self, trust: ClientConfig) -> Transport {
        let endpoint = format!("https://localhost:{}", self.authority.rsplit(':').next().unwrap());
        Transport::with(settings(&[&endpoint], TIMEOUT), LASTING, trust, &Tasks::new())
    }
}

#[tokio::test]
async fn http_2_where_it_is_offered_over_one_connection() {
    let server = Secure::start().await;
    let transport = server.transport(trust());
    for _ in 0..5 {
        let mut post = request(Method::POST, "/send", text("hello"));
        post.headers_mut().insert("host", "gateway.example".parse().unwrap());
        let answer = transport.send(post, Again::Never).await.unwrap();
        assert_eq!(answer.version(), Version::HTTP_2);
        assert_eq!(read_limited(answer, 100).await.unwrap(), "HTTP/2.0");
    }
    assert_eq!(server.connections.load(Ordering::SeqCst), 1);
    let port = server.authority.rsplit(':').next().unwrap();
    assert_eq!(server.asked()[0], format!("POST /send localhost:{port} HTTP/2.0"));
}

#[tokio::test]
async fn a_stream_that_is_reset_is_sent_again_only_where_that_is_safe() {
    for (method, again, times) in [(Method::POST, Again::Never, 1), (Method::GET, Again::WhenSafe, 2)] {
        let server = Secure::start().await;
        let sent = server.transport(trust()).send(request(method, "/broken", text("")), again).await;
        assert_eq!(sent.err().unwrap().reason, Reason::Upstream);
        assert_eq!(server.asked().len(), times);
    }
}

#[tokio::test]
async fn a_handshake_is_http_1_whatever_else_is_offered() {
    let server = Secure::start().await;
    let handshake =
        Handshake { path_and_query: "/ws".parse().unwrap(), headers: http::HeaderMap::new(), subprotocols: Vec::new() };
    let refused = server.transport(trust()).open(handshake, 1000).await.err().unwrap();
    assert_eq!(refused.status, Some(403));
    assert!(server.asked()[0].ends_with("HTTP/1.1"), "{:?}", server.asked());
}

#[tokio::test]
async fn who_is_not_believed_is_told_nothing() {
    let server = Secure::start().await;
    let fault = get(&server.transport(client::trust())).await.err().unwrap();
    assert_eq!(fault.reason, Reason::Upstream);
    assert!(fault.detail.as_ref().unwrap().contains("certificate"), "{fault}");
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn what_is_no_tls_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("https://{}", listener.local_addr().unwrap());
    Tasks::new().spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    let fault = get(&super::transport(&[&endpoint])).await.err().unwrap();
    assert_eq!(fault.reason, Reason::Upstream);
}

#[tokio::test]
async fn a_probe_says_that_nobody_vouches_for_the_certificate() {
    let server = Secure::start().await;
    let port = server.authority.rsplit(':').next().unwrap();
    let endpoint = format!("https://gateway:of-the-house@localhost:{port}/chat").parse().unwrap();
    let why = probe(&endpoint, None, TIMEOUT).await.unwrap_err();
    assert!(why.starts_with(&format!("cannot connect to https://localhost:{port}: ")), "{why}");
    assert!(why.contains("certificate") && !why.contains("of-the-house") && !why.contains("/chat"), "{why}");
}
