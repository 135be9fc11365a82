//! TLS of one listener. In: connections, and files that may change while it runs. Out: encrypted streams; a metric of when
//! the certificate ends. A new pair is taken for the next handshakes; a broken one is not taken, said once and counted.
//! Connections that are open stay as they are.

use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

use crate::metrics;
use crate::tls::{BadTls, Certificate, Server, TlsFile, TlsFiles, TlsSettings};

use super::Lost;

/// How often the files are looked at. They are compared by what they hold: a certificate manager, a mounted secret and a
/// copy each change files in another way.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What one listener shows.
pub struct Secured {
    /// The label of its metrics.
    listener: &'static str,
    settings: TlsSettings,
    protocols: &'static [&'static [u8]],
    current: RwLock<Shown>,
    seen: Mutex<Seen>,
}

/// What the files came to that were taken last.
struct Shown {
    config: Arc<ServerConfig>,
    own: CertificateDer<'static>,
    /// A digest of the authorities that clients are judged by.
    authorities: [u8; 32],
    /// Cancelled once clients are judged by other authorities.
    clients: CancellationToken,
}

/// A certificate that a client showed, and proved to have the key of.
#[derive(Debug)]
pub struct ClientCertificate {
    pub certificate: Certificate,
    /// Whether it is the listener's own, as a command of this gateway shows.
    pub is_own: bool,
    /// Cancelled once the authorities that it was judged by are others.
    pub outdated: CancellationToken,
}

/// Digests of the files.
struct Seen {
    /// As they were taken, or refused, last.
    judged: [u8; 32],
    /// As they were at the last look, where that is something else: they are judged once they are seen twice.
    changed: Option<[u8; 32]>,
}

impl Secured {
    /// Reads the files for the first time. `protocols` are offered by ALPN.
    pub fn open(
        listener: &'static str,
        settings: TlsSettings,
        protocols: &'static [&'static [u8]],
    ) -> Result<Self, BadTls> {
        let files = TlsFiles::read(&settings)?;
        let Server { config, own, expires } = Server::new(&files, protocols)?;
        metrics::show_certificate(listener, expires);
        if is_over(expires) {
            tracing::warn!(listener, "the certificate has ended: no client that checks it will connect");
        }
        let seen = Mutex::new(Seen { judged: files.digest(), changed: None });
        let (authorities, clients) = (files.authorities(), CancellationToken::new());
        let current = RwLock::new(Shown { config, own, authorities, clients });
        Ok(Secured { listener, settings, protocols, current, seen })
    }

    /// The handshake of a connection.
    pub async fn accept<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S) -> Result<TlsStream<S>, Lost> {
        self.accept_client(stream).await.map(|(stream, _)| stream)
    }

    /// The same, and what the client showed, if it showed anything.
    pub async fn accept_client<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
    ) -> Result<(TlsStream<S>, Option<ClientCertificate>), Lost> {
        let (config, own, outdated) = {
            let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
            (Arc::clone(&current.config), current.own.clone(), current.clients.clone())
        };
        let stream = self.shake_hands(config, stream).await?;
        let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first).and_then(|leaf| {
            Some(ClientCertificate { certificate: Certificate::read(leaf)?, is_own: *leaf == own, outdated })
        });
        Ok((stream, shown))
    }

    async fn shake_hands<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        config: Arc<ServerConfig>,
        stream: S,
    ) -> Result<TlsStream<S>, Lost> {
        match timeout(self.settings.handshake_timeout, TlsAcceptor::from(config).accept(stream)).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => {
                tracing::debug!(listener = self.listener, %error, "a handshake failed");
                Err(Lost::Handshake)
            }
            Err(_) => Err(Lost::HandshakeTimeout),
        }
    }

    /// Looks at the files until told to stop.
    pub async fn watch(&self, stop: CancellationToken) {
        let mut looks = interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = looks.tick() => self.look().await,
            }
        }
    }

    async fn look(&self) {
        let settings = self.settings.clone();
        // One that is not there is about to be there again, or will be missed at the next start.
        let Ok(Ok(files)) = spawn_blocking(move || TlsFiles::read(&settings)).await else { return };
        let digest = files.digest();
        {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            if digest == seen.judged {
                seen.changed = None;
                return;
            }
            // Certificate and key change one after the other: half of a new pair is no pair.
            if seen.changed.replace(digest) != Some(digest) {
                return;
            }
            *seen = Seen { judged: digest, changed: None };
        }
        let outcome = self.take(&files);
        metrics::count_certificate(self.listener, outcome.is_ok());
        match outcome {
            Ok(()) => tracing::info!(listener = self.listener, "a new certificate is shown from now on"),
            Err(error) => {
                tracing::error!(listener = self.listener, %error, "the new certificate is not taken; the one before holds on");
            }
        }
    }

    fn take(&self, files: &TlsFiles) -> Result<(), BadTls> {
        let Server { config, own, expires } = Server::new(files, self.protocols)?;
        if is_over(expires) {
            return Err(BadTls { file: TlsFile::Cert, words: "it has ended already".to_owned() });
        }
        {
            let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
            let authorities = files.authorities();
            if authorities != current.authorities {
                std::mem::take(&mut current.clients).cancel();
            }
            (current.config, current.own, current.authorities) = (config, own, authorities);
        }
        metrics::show_certificate(self.listener, expires);
        Ok(())
    }
}

fn is_over(expires: i64) -> bool {
    expires <= jiff::Timestamp::now().as_second()
}
