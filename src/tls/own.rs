//! A gateway asked by its own command line. In: the pair that its listener shows. Out: a rustls config that speaks to
//! whoever has the key of that pair, and shows it.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::SingleCertAndKey;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme};

use super::server::{BadTls, Pair, TlsFiles, TlsSettings};

/// Speaks to a listener that shows the certificate of these files, and shows it too. The name that is asked for is not
/// looked at: who has the key is the gateway, at whatever address.
pub fn own(settings: &TlsSettings) -> Result<ClientConfig, BadTls> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let Pair { certified, leaf, .. } = TlsFiles::read(settings)?.pair(&provider)?;
    Ok(builder(provider, Some(leaf)).with_client_cert_resolver(Arc::new(SingleCertAndKey::from(certified))))
}

/// Speaks to whoever is there and shows nothing: for a question that says nothing, and an answer that proves nothing.
pub fn anybody() -> ClientConfig {
    builder(Arc::new(aws_lc_rs::default_provider()), None).with_no_client_auth()
}

type Builder = rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert>;

fn builder(provider: Arc<CryptoProvider>, wanted: Option<CertificateDer<'static>>) -> Builder {
    let verifier = Exactly { wanted, provider: Arc::clone(&provider) };
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        // It fails for a provider without a cipher of these versions; this one has them all.
        .expect("aws-lc-rs has TLS 1.2 and 1.3")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
}

/// Takes this certificate and no other; any, where there is none.
#[derive(Debug)]
struct Exactly {
    wanted: Option<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Exactly {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match &self.wanted {
            Some(wanted) if wanted != end_entity => Err(CertificateError::UnknownIssuer.into()),
            Some(_) | None => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
