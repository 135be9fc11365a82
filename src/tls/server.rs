//! What the gateway shows as the server of TLS connections. In: PEM files. Out: a rustls config and when its certificate
//! ends; or which file is wrong, and how. Only TLS 1.2 and 1.3 are spoken, and nothing is sent before the handshake ends.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{RootCertStore, ServerConfig};
use sha2::{Digest, Sha256};

use super::certificate::Certificate;
use super::clients::{ClientCertificates, verifier};

/// The largest file that is read, in bytes.
const LARGEST: u64 = 1024 * 1024;

/// Which files a listener shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsSettings {
    /// The certificate and those above it, in this order, PEM.
    pub cert: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
    /// Clients are asked for a certificate of one of these authorities; absent: they are not asked.
    pub client_ca: Option<PathBuf>,
    /// Whether they must show one.
    pub client_certificates: ClientCertificates,
    /// How long a handshake may take; 1 s to 60 s.
    pub handshake_timeout: Duration,
}

/// One of the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsFile {
    Cert,
    Key,
    ClientCa,
}

impl TlsFile {
    /// The key of the config that names it.
    pub const fn as_str(self) -> &'static str {
        match self {
            TlsFile::Cert => "cert",
            TlsFile::Key => "key",
            TlsFile::ClientCa => "client_ca",
        }
    }
}

/// A file that cannot be used. Never holds anything of a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}`: {words}", .file.as_str())]
pub struct BadTls {
    pub file: TlsFile,
    pub words: String,
}

fn bad(file: TlsFile, words: impl Into<String>) -> BadTls {
    BadTls { file, words: words.into() }
}

/// What the files hold.
pub struct TlsFiles {
    cert: Vec<u8>,
    key: Vec<u8>,
    client_ca: Option<Vec<u8>>,
    client_certificates: ClientCertificates,
}

/// A certificate with its key, and those above it.
pub(super) struct Pair {
    pub certified: CertifiedKey,
    pub leaf: CertificateDer<'static>,
    /// When it ends, in seconds since the epoch.
    pub expires: i64,
}

impl TlsFiles {
    pub fn read(settings: &TlsSettings) -> Result<Self, BadTls> {
        Ok(TlsFiles {
            cert: read(&settings.cert, TlsFile::Cert)?,
            key: read(&settings.key, TlsFile::Key)?,
            client_ca: settings.client_ca.as_ref().map(|path| read(path, TlsFile::ClientCa)).transpose()?,
            client_certificates: settings.client_certificates,
        })
    }

    /// Tells the authorities of clients from others.
    pub fn authorities(&self) -> [u8; 32] {
        Sha256::digest(self.client_ca.as_deref().unwrap_or_default()).into()
    }

    /// Checks that certificate and key belong together.
    pub(super) fn pair(&self, provider: &CryptoProvider) -> Result<Pair, BadTls> {
        let chain = certificates(&self.cert, TlsFile::Cert)?;
        let (leaf, Certificate { ends: expires, .. }) = chain
            .first()
            .and_then(|leaf| Some((leaf.clone(), Certificate::read(leaf)?)))
            .ok_or_else(|| bad(TlsFile::Cert, "no certificate: its end cannot be read"))?;
        let key = PrivateKeyDer::from_pem_slice(&self.key)
            .map_err(|_| bad(TlsFile::Key, "this is not a private key in PEM form (`-----BEGIN PRIVATE KEY-----`)"))?;
        let certified = CertifiedKey::from_der(chain, key, provider).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => bad(TlsFile::Key, "this is not the key of the certificate"),
            rustls::Error::InvalidCertificate(_) => bad(TlsFile::Cert, "the first certificate cannot be understood"),
            _ => bad(TlsFile::Key, "this kind of key cannot be used: RSA, P-256, P-384 or Ed25519, not encrypted"),
        })?;
        Ok(Pair { certified, leaf, expires })
    }

    /// Tells these from others.
    pub fn digest(&self) -> [u8; 32] {
        let mut digest = Sha256::new();
        for file in [Some(&self.cert), Some(&self.key), self.client_ca.as_ref()] {
            let bytes = file.map(Vec::as_slice).unwrap_or_default();
            digest.update((bytes.len() as u64).to_le_bytes());
            digest.update(bytes);
        }
        digest.finalize().into()
    }
}

fn read(path: &Path, file: TlsFile) -> Result<Vec<u8>, BadTls> {
    let mut bytes = Vec::new();
    let opened = std::fs::File::open(path);
    let cannot = |error: std::io::Error| {
        let words = match error.kind() {
            std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
            kind => kind.to_string(),
        };
        bad(file, format!("the file cannot be read: {words}"))
    };
    opened.and_then(|opened| opened.take(LARGEST + 1).read_to_end(&mut bytes)).map_err(cannot)?;
    if bytes.len() as u64 > LARGEST {
        return Err(bad(file, "the file is larger than 1 MiB"));
    }
    Ok(bytes)
}

/// What a listener shows.
#[derive(Debug)]
pub struct Server {
    pub config: Arc<ServerConfig>,
    /// The listener's own certificate.
    pub own: CertificateDer<'static>,
    /// When it ends, in seconds since the epoch.
    pub expires: i64,
}

impl Server {
    /// Checks that the files belong together. `protocols` are offered by ALPN, the preferred one first.
    pub fn new(files: &TlsFiles, protocols: &[&[u8]]) -> Result<Self, BadTls> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let Pair { certified, leaf, expires } = files.pair(&provider)?;
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| bad(TlsFile::Cert, error.to_string()))?;
        let builder = match &files.client_ca {
            None => builder.with_no_client_auth(),
            Some(pem) => {
                let verifier = verifier(authorities(pem)?, leaf.clone(), files.client_certificates, provider);
                builder.with_client_cert_verifier(verifier.map_err(|error| bad(TlsFile::ClientCa, error.to_string()))?)
            }
        };
        let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        Ok(Server { config: Arc::new(config), own: leaf, expires })
    }
}

fn certificates(pem: &[u8], file: TlsFile) -> Result<Vec<CertificateDer<'static>>, BadTls> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match read {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) | Err(_) => Err(bad(file, "no certificate in PEM form (`-----BEGIN CERTIFICATE-----`) is in it")),
    }
}

fn authorities(pem: &[u8]) -> Result<RootCertStore, BadTls> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(pem, TlsFile::ClientCa)? {
        roots.add(certificate).map_err(|error| bad(TlsFile::ClientCa, error.to_string()))?;
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/keys").join(name)
    }

    fn server(cert: &str, private: &str, client_ca: Option<&str>) -> Result<Server, BadTls> {
        let settings = TlsSettings {
            cert: key(cert),
            key: key(private),
            client_ca: client_ca.map(key),
            client_certificates: ClientCertificates::Demanded,
            handshake_timeout: Duration::from_secs(10),
        };
        Server::new(&TlsFiles::read(&settings)?, &[b"h2"])
    }

    #[test]
    fn a_pair_that_belongs_together_is_taken_and_its_end_known() {
        let server = server("localhost.pem", "p256.pem", Some("localhost.pem")).unwrap();
        // 2120, beyond what UTCTime can say.
        let date = jiff::Timestamp::from_second(server.expires).unwrap().to_string();
        assert!(date.starts_with("2120-") || date.starts_with("2119-"), "{date}");
        assert_eq!(server.config.alpn_protocols, [b"h2".to_vec()]);
    }

    #[test]
    fn what_is_wrong_is_said_of_the_file_that_has_it() {
        for (cert, private, client_ca, file, words) in [
            ("nowhere.pem", "p256.pem", None, TlsFile::Cert, "there is no such file"),
            ("p256.pem", "p256.pem", None, TlsFile::Cert, "no certificate in PEM form"),
            ("localhost.pem", "nowhere.pem", None, TlsFile::Key, "there is no such file"),
            ("localhost.pem", "localhost.pem", None, TlsFile::Key, "not a private key in PEM form"),
            ("localhost.pem", "p256.pub.pem", None, TlsFile::Key, "not a private key in PEM form"),
            ("localhost.pem", "rsa.pem", None, TlsFile::Key, "not the key of the certificate"),
            ("localhost.pem", "p256.pem", Some("p256.pem"), TlsFile::ClientCa, "no certificate in PEM form"),
        ] {
            let error = server(cert, private, client_ca).unwrap_err();
            assert_eq!(error.file, file, "{error}");
            assert!(error.words.contains(words), "{error}");
        }
    }
}
