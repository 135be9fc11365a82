//! A key set as it is published → keys that signatures can be checked with. In: JSON of RFC 7517. Out: the keys that a
//! gateway may use; those of other kinds and uses are left out, as the RFC has it (§5).

use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind};
use serde::Deserialize;
use serde_json::Value;

/// Keys of a document. Providers publish two or three.
const MOST_KEYS: usize = 100;
/// Bytes of a `kid`.
const LONGEST_ID: usize = 256;
/// Bits of an RSA modulus: NIST SP 800-131A has no shorter ones, the library no longer ones.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// A public key, and for which tokens it is.
#[derive(Debug)]
pub struct Key {
    /// What tokens call it; some providers with a single key give it no name.
    pub id: Option<String>,
    /// The one algorithm that it is used with.
    pub algorithm: Algorithm,
    pub key: DecodingKey,
}

/// Why a document is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadKeys {
    #[error("it is not a JSON Web Key Set")]
    Malformed,
    #[error("it has more than {MOST_KEYS} keys")]
    TooMany,
    #[error("it has no key that could be used: wanted RSA of at least 2048 bits, P-256 or Ed25519, for signatures")]
    None,
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

/// The members that matter here (RFC 7517 §4, RFC 7518 §6, RFC 8037 §2).
#[derive(Deserialize)]
struct Written {
    kty: String,
    #[serde(rename = "use")]
    purpose: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    kid: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
    /// Of a private key: whoever publishes one has lost it.
    d: Option<Value>,
}

/// The keys of a document that can be used, in its order.
pub(super) fn read(document: &[u8]) -> Result<Vec<Key>, BadKeys> {
    let document: Document = serde_json::from_slice(document).map_err(|_| BadKeys::Malformed)?;
    if document.keys.len() > MOST_KEYS {
        return Err(BadKeys::TooMany);
    }
    let keys: Vec<Key> = document.keys.into_iter().filter_map(key).collect();
    if keys.is_empty() { Err(BadKeys::None) } else { Ok(keys) }
}

/// One that may be used: for signatures, public, strong enough, of an algorithm that routes can have.
fn key(value: Value) -> Option<Key> {
    let written: Written = serde_json::from_value(value).ok()?;
    let is_for_signatures = written.purpose.as_deref().is_none_or(|purpose| purpose == "sig")
        && written.key_ops.as_ref().is_none_or(|operations| operations.iter().any(|known| known == "verify"));
    let is_named = written.kid.as_ref().is_none_or(|id| id.len() <= LONGEST_ID);
    if !is_for_signatures || !is_named || written.d.is_some() {
        return None;
    }
    let (algorithm, key) = match (written.kty.as_str(), written.crv.as_deref()) {
        ("RSA", _) => (Algorithm::RS256, rsa(&written)?),
        ("EC", Some("P-256")) => (Algorithm::ES256, p256(&written)?),
        ("OKP", Some("Ed25519")) => (Algorithm::EdDSA, ed25519(&written)?),
        // A shared secret that everybody may fetch (`oct`) is none; other curves have other algorithms.
        _ => return None,
    };
    let name = match algorithm {
        Algorithm::RS256 => "RS256",
        Algorithm::ES256 => "ES256",
        _ => "EdDSA",
    };
    // RFC 9864 has a name of its own for the one curve.
    let is_meant = |alg: &str| alg == name || (algorithm == Algorithm::EdDSA && alg == "Ed25519");
    let agrees = written.alg.as_deref().is_none_or(is_meant);
    agrees.then_some(Key { id: written.kid, algorithm, key })
}

fn rsa(written: &Written) -> Option<DecodingKey> {
    let key = DecodingKey::from_rsa_components(written.n.as_ref()?, written.e.as_ref()?).ok()?;
    let DecodingKeyKind::RsaModulusExponent { n, e } = key.kind() else { return None };
    // With an exponent of 1 everybody signs.
    let is_sound =
        RSA_BITS.contains(&bits(n)) && (2..=33).contains(&bits(e)) && e.last().is_some_and(|low| low % 2 == 1);
    is_sound.then_some(key)
}

fn p256(written: &Written) -> Option<DecodingKey> {
    let key = DecodingKey::from_ec_components(written.x.as_ref()?, written.y.as_ref()?).ok()?;
    (key.try_get_as_bytes().ok()?.len() == 65).then_some(key)
}

fn ed25519(written: &Written) -> Option<DecodingKey> {
    let key = DecodingKey::from_ed_components(written.x.as_ref()?).ok()?;
    (key.try_get_as_bytes().ok()?.len() == 32).then_some(key)
}

/// How many bits a number has, its most significant byte first.
fn bits(number: &[u8]) -> usize {
    match number.iter().position(|byte| *byte != 0) {
        Some(at) => (number.len() - at) * 8 - number[at].leading_zeros() as usize,
        None => 0,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// base64url of so many bytes that are no zeros.
    fn bytes(count: usize) -> String {
        let groups = "_".repeat(count / 3 * 4);
        groups + ["", "_w", "__8"][count % 3]
    }

    fn taken(key: Value) -> Option<(Option<String>, Algorithm)> {
        super::key(key).map(|key| (key.id, key.algorithm))
    }

    fn rsa(more: Value) -> Value {
        let mut key = json!({ "kty": "RSA", "kid": "a", "n": bytes(256), "e": "AQAB" });
        key.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        key
    }

    #[test]
    fn keys_are_taken_for_the_one_algorithm_of_their_kind() {
        let name = Some("a".to_owned());
        assert_eq!(taken(rsa(json!({}))), Some((name.clone(), Algorithm::RS256)));
        assert_eq!(
            taken(rsa(json!({ "use": "sig", "alg": "RS256", "x5c": ["AA=="] }))),
            Some((name, Algorithm::RS256))
        );
        let p256 = json!({ "kty": "EC", "crv": "P-256", "x": bytes(32), "y": bytes(32) });
        assert_eq!(taken(p256), Some((None, Algorithm::ES256)));
        for alg in [json!(null), json!("EdDSA"), json!("Ed25519")] {
            let ed25519 = json!({ "kty": "OKP", "crv": "Ed25519", "x": bytes(32), "alg": alg });
            assert_eq!(taken(ed25519), Some((None, Algorithm::EdDSA)));
        }
    }

    #[test]
    fn what_is_no_signature_key_of_such_an_algorithm_is_left_out() {
        for (what, key) in [
            ("for encryption", rsa(json!({ "use": "enc" }))),
            ("for wrapping", rsa(json!({ "key_ops": ["wrapKey"] }))),
            ("another hash", rsa(json!({ "alg": "RS512" }))),
            ("another padding", rsa(json!({ "alg": "PS256" }))),
            ("another family", rsa(json!({ "alg": "ES256" }))),
            ("shared", rsa(json!({ "alg": "HS256" }))),
            ("private", rsa(json!({ "d": "AQAB" }))),
            ("a name without end", rsa(json!({ "kid": "x".repeat(257) }))),
            ("a name that is none", rsa(json!({ "kid": 7 }))),
            ("short", rsa(json!({ "n": bytes(128) }))),
            ("a bit too short", rsa(json!({ "n": format!("f{}", bytes(256).split_off(1)) }))),
            ("long", rsa(json!({ "n": bytes(1025) }))),
            ("everybody signs", rsa(json!({ "e": "AQ" }))),
            ("an even exponent", rsa(json!({ "e": "Ag" }))),
            ("not base64url", rsa(json!({ "n": "+/+/" }))),
            ("no modulus", json!({ "kty": "RSA", "e": "AQAB" })),
            ("a shared secret", json!({ "kty": "oct", "k": bytes(32), "alg": "HS256" })),
            ("another curve", json!({ "kty": "EC", "crv": "P-384", "x": bytes(48), "y": bytes(48) })),
            ("a short point", json!({ "kty": "EC", "crv": "P-256", "x": bytes(31), "y": bytes(32) })),
            ("for agreement", json!({ "kty": "OKP", "crv": "X25519", "x": bytes(32) })),
            ("not of these days", json!({ "kty": "AKP", "alg": "ML-DSA-44", "pub": bytes(64) })),
            ("no object", json!("key")),
        ] {
            assert_eq!(taken(key), None, "{what}");
        }
    }

    #[test]
    fn a_document_is_bounded_and_has_a_key() {
        let read = |document: Value| super::read(document.to_string().as_bytes()).map(|keys| keys.len());
        assert_eq!(read(json!({ "keys": [rsa(json!({})), { "kty": "new" }], "more": 1 })), Ok(1));
        assert_eq!(read(json!({ "keys": vec![rsa(json!({})); 101] })), Err(BadKeys::TooMany));
        assert_eq!(read(json!({ "keys": [] })), Err(BadKeys::None));
        assert_eq!(read(json!({ "keys": [{ "kty": "oct", "k": "AAAA" }] })), Err(BadKeys::None));
        for text in ["", "[]", "{}", "<html>", "{\"keys\": {}}", "{\"keys\": [1"] {
            assert_eq!(super::read(text.as_bytes()).map(|keys| keys.len()), Err(BadKeys::Malformed), "{text}");
        }
    }
}
