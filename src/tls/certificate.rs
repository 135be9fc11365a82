//! What is read of a certificate beside what rustls proves of it. In: DER. Out: when it ends, and whom it names.

use std::net::IpAddr;

use rustls::pki_types::CertificateDer;
use simple_asn1::{ASN1Block, ASN1Class};

/// `id-ce-subjectAltName` (RFC 5280 §4.2.1.6) as DER has it.
const SUBJECT_ALTERNATIVE_NAME: &[u8] = &[0x55, 0x1d, 0x11];
/// `id-at-commonName` (RFC 5280 appendix A.1).
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];

/// A certificate, as far as the gateway looks at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// In seconds since the epoch.
    pub ends: i64,
    /// Its subject alternative names (DNS names, e-mail addresses, URIs, IP addresses), then the common names of its subject.
    pub names: Vec<String>,
}

impl Certificate {
    /// `None` for what is no certificate of X.509.
    pub fn read(der: &CertificateDer<'_>) -> Option<Self> {
        let blocks = simple_asn1::from_der(der).ok()?;
        let signed = sequence(sequence(blocks.first()?)?.first()?)?;
        // RFC 5280 §4.1: version, serial number, algorithm, issuer, validity, subject, …; the version is left out where it
        // is 1.
        let version = usize::from(!matches!(signed.first()?, ASN1Block::Integer(..)));
        let ends = match sequence(signed.get(version + 3)?)?.get(1)? {
            ASN1Block::UTCTime(_, time) | ASN1Block::GeneralizedTime(_, time) => time.assume_utc().unix_timestamp(),
            _ => return None,
        };
        let mut names = alternative_names(signed);
        names.extend(common_names(sequence(signed.get(version + 4)?)?));
        Some(Certificate { ends, names })
    }

    /// Whether it has ended.
    pub fn is_over(&self) -> bool {
        self.ends <= jiff::Timestamp::now().as_second()
    }
}

fn sequence(block: &ASN1Block) -> Option<&[ASN1Block]> {
    match block {
        ASN1Block::Sequence(_, members) | ASN1Block::Set(_, members) => Some(members),
        _ => None,
    }
}

fn is(block: &ASN1Block, name: &[u8]) -> bool {
    matches!(block, ASN1Block::ObjectIdentifier(_, id) if id.as_raw().is_ok_and(|raw| raw == name))
}

/// Extensions are `[3]`, each an identifier, perhaps whether it is critical, and an octet string.
fn alternative_names(signed: &[ASN1Block]) -> Vec<String> {
    let extensions = signed.iter().find_map(|block| match block {
        ASN1Block::Explicit(ASN1Class::ContextSpecific, _, tag, inner) if *tag == 3_u8.into() => sequence(inner),
        _ => None,
    });
    let of_names = extensions
        .into_iter()
        .flatten()
        .filter_map(sequence)
        .find(|extension| extension.first().is_some_and(|identifier| is(identifier, SUBJECT_ALTERNATIVE_NAME)));
    let Some(ASN1Block::OctetString(_, content)) = of_names.and_then(<[_]>::last) else { return Vec::new() };
    let Ok(blocks) = simple_asn1::from_der(content) else { return Vec::new() };
    blocks.first().and_then(sequence).unwrap_or_default().iter().filter_map(general_name).collect()
}

/// `GeneralName` (RFC 5280 §4.2.1.6); of kinds that nobody writes into a config: nothing.
fn general_name(block: &ASN1Block) -> Option<String> {
    let ASN1Block::Unknown(ASN1Class::ContextSpecific, false, _, tag, content) = block else { return None };
    let is_tag = |number: u8| *tag == number.into();
    if is_tag(7) {
        let four = <[u8; 4]>::try_from(content.as_slice()).map(IpAddr::from).ok();
        let address = four.or_else(|| <[u8; 16]>::try_from(content.as_slice()).map(IpAddr::from).ok())?;
        return Some(address.to_string());
    }
    // rfc822Name, dNSName, uniformResourceIdentifier
    let is_text = is_tag(1) || is_tag(2) || is_tag(6);
    if is_text { String::from_utf8(content.clone()).ok() } else { None }
}

/// A subject is a sequence of sets of pairs of an identifier and a text.
fn common_names(subject: &[ASN1Block]) -> impl Iterator<Item = String> {
    let pairs = subject.iter().filter_map(sequence).flatten().filter_map(sequence);
    pairs.filter_map(|pair| match pair {
        [identifier, ASN1Block::UTF8String(_, text) | ASN1Block::PrintableString(_, text)]
            if is(identifier, COMMON_NAME) =>
        {
            Some(text.clone())
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::pem::PemObject;

    use super::*;

    fn certificate(name: &str) -> CertificateDer<'static> {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/keys");
        CertificateDer::from_pem_file(folder.join(name)).unwrap()
    }

    #[test]
    fn names_of_every_kind_are_read() {
        let read = Certificate::read(&certificate("names.pem")).unwrap();
        let names =
            ["prometheus.monitoring", "ann@ops.example", "spiffe://ops.example/ann", "192.0.2.7", "2001:db8::7", "ann"];
        assert_eq!(read.names, names);
        // 2120-01-01, beyond what UTCTime can say.
        assert_eq!((read.ends, read.is_over()), (4_733_510_400, false));
        let ended = Certificate::read(&certificate("localhost.ended.pem")).unwrap();
        assert!(ended.is_over());
    }

    #[test]
    fn whatever_is_cut_off_or_changed_is_read_or_is_not() {
        let whole = certificate("names.pem");
        assert_eq!(Certificate::read(&CertificateDer::from_slice(&[])), None);
        for at in 0..whole.len() {
            assert_eq!(Certificate::read(&CertificateDer::from_slice(&whole[..at])), None);
            for byte in [0, 0x7f, 0x80, 0xff] {
                let mut changed = whole.to_vec();
                changed[at] = byte;
                let _ = Certificate::read(&CertificateDer::from(changed));
            }
        }
    }
}
