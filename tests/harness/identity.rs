//! An identity provider: an HTTP server on loopback that publishes keys (RFC 7517), and signers whose keys these are. In: what
//! it is to answer. Out: tokens, and how often it was asked.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use dragoman::tls::{ClientCertificates, Server, TlsFiles, TlsSettings};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// Somebody who makes tokens.
pub struct Signer {
    /// The key's name in tokens, and in the set; absent: none.
    pub id: Option<String>,
    algorithm: Algorithm,
    key: EncodingKey,
}

impl Signer {
    /// With the RSA key of these tests.
    pub fn rsa(id: &str) -> Self {
        let key = EncodingKey::from_rsa_pem(include_bytes!("../keys/rsa.pem")).unwrap();
        Signer { id: Some(id.to_owned()), algorithm: Algorithm::RS256, key }
    }

    /// With a P-256 key of its own.
    pub fn p256(id: &str) -> Self {
        let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
        Signer { id: Some(id.to_owned()), algorithm: Algorithm::ES256, key: EncodingKey::from_ec_der(key.as_ref()) }
    }

    /// With the Ed25519 key of these tests.
    pub fn ed25519(id: &str) -> Self {
        let key = EncodingKey::from_ed_pem(include_bytes!("../keys/ed25519.pem")).unwrap();
        Signer { id: Some(id.to_owned()), algorithm: Algorithm::EdDSA, key }
    }

    /// The same key without a name.
    pub fn unnamed(self) -> Self {
        Signer { id: None, ..self }
    }

    /// The public half as it is published.
    pub fn published(&self) -> Value {
        let mut key = serde_json::to_value(Jwk::from_encoding_key(&self.key, self.algorithm).unwrap()).unwrap();
        key["use"] = json!("sig");
        if let Some(id) = &self.id {
            key["kid"] = json!(id);
        }
        key
    }

    /// A token of these claims, good for an hour.
    pub fn token(&self, claims: Value) -> String {
        self.token_as(self.id.as_deref(), claims)
    }

    /// The same, said to be of this key.
    pub fn token_as(&self, id: Option<&str>, mut claims: Value) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        claims["iat"] = json!(now);
        claims["exp"] = json!(now + 3600);
        let header = Header { kid: id.map(str::to_owned), ..Header::new(self.algorithm) };
        jsonwebtoken::encode(&header, &claims, &self.key).unwrap()
    }
}

/// What it answers.
#[derive(Debug, Clone)]
pub enum Says {
    /// A status line, header lines and a body.
    This { status: u16, headers: String, body: Vec<u8> },
    /// Nothing, for ever.
    Nothing,
}

/// The server. Ends when dropped.
pub struct Provider {
    pub address: SocketAddr,
    scheme: &'static str,
    says: Arc<Mutex<Says>>,
    /// How long it takes.
    delay: Arc<Mutex<Duration>>,
    asked: Arc<AtomicUsize>,
    serving: JoinHandle<()>,
}

impl Provider {
    pub async fn start(signers: &[&Signer]) -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap(), signers, false).await
    }

    /// The same over TLS, as `localhost`.
    pub async fn start_secured(signers: &[&Signer]) -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap(), signers, true).await
    }

    /// The same at an address that was known before.
    pub async fn start_at(address: SocketAddr, signers: &[&Signer], is_secured: bool) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let says = Arc::new(Mutex::new(keys(signers, "")));
        let (delay, asked) = (Arc::new(Mutex::new(Duration::ZERO)), Arc::new(AtomicUsize::new(0)));
        let acceptor = is_secured.then(acceptor);
        let answering = (Arc::clone(&says), Arc::clone(&delay), Arc::clone(&asked));
        #[allow(clippy::disallowed_methods, reason = "it is no part of the gateway")]
        let serving = tokio::spawn(async move {
            // Connections end with the server.
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (says, delay, asked) = answering.clone();
                let acceptor = acceptor.clone();
                connections.spawn(async move {
                    match acceptor {
                        None => answer(stream, &says, &delay, &asked).await,
                        Some(acceptor) => {
                            if let Ok(stream) = acceptor.accept(stream).await {
                                answer(stream, &says, &delay, &asked).await;
                            }
                        }
                    }
                });
            }
        });
        let scheme = if is_secured { "https" } else { "http" };
        Provider { address, scheme, says, delay, asked, serving }
    }

    pub fn url(&self) -> String {
        let host = if self.scheme == "https" { "localhost" } else { "127.0.0.1" };
        format!("{}://{host}:{}/keys", self.scheme, self.address.port())
    }

    /// Publishes these keys from now on.
    pub fn publish(&self, signers: &[&Signer]) {
        self.say(keys(signers, ""));
    }

    pub fn say(&self, says: Says) {
        *self.says.lock().unwrap() = says;
    }

    pub fn take(&self, delay: Duration) {
        *self.delay.lock().unwrap() = delay;
    }

    /// How often it was asked for its keys.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// Nobody listens there any more.
    pub async fn stop(mut self) -> SocketAddr {
        self.serving.abort();
        let _ = (&mut self.serving).await;
        self.address
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// The keys of these signers, with further header lines.
pub fn keys(signers: &[&Signer], headers: &str) -> Says {
    let keys: Vec<Value> = signers.iter().map(|signer| signer.published()).collect();
    let body = json!({ "keys": keys }).to_string().into_bytes();
    Says::This { status: 200, headers: format!("Content-Type: application/json\r\n{headers}"), body }
}

fn acceptor() -> TlsAcceptor {
    let keys = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys"));
    let settings = TlsSettings {
        cert: keys.join("localhost.pem"),
        key: keys.join("p256.pem"),
        client_ca: None,
        client_certificates: ClientCertificates::Demanded,
        handshake_timeout: Duration::from_secs(5),
    };
    let server = Server::new(&TlsFiles::read(&settings).unwrap(), &[b"http/1.1"]).unwrap();
    TlsAcceptor::from(server.config)
}

/// One request, one answer.
async fn answer<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    says: &Mutex<Says>,
    delay: &Mutex<Duration>,
    asked: &AtomicUsize,
) {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let mut piece = [0; 1024];
        match stream.read(&mut piece).await {
            Ok(0) | Err(_) => return,
            Ok(read) => head.extend_from_slice(&piece[..read]),
        }
    }
    asked.fetch_add(1, Ordering::SeqCst);
    let delay = *delay.lock().unwrap();
    tokio::time::sleep(delay).await;
    let says = says.lock().unwrap().clone();
    let Says::This { status, headers, body } = says else { return std::future::pending().await };
    let head =
        format!("HTTP/1.1 {status} said\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    let _ = stream.write_all(head.as_bytes()).await;
    let _ = stream.write_all(&body).await;
    let _ = stream.shutdown().await;
}
