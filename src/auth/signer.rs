//! Tokens for an API that is not ours. In: an algorithm, a key and claims. Out: a JWT that whoever has the other half of
//! the key, or the same secret, takes.

use std::time::Duration;

use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Map, Value};

use super::jwt::{MintError, provider_name, since_epoch};
use super::settings::{Algorithm, BadKey};
use crate::secret::Secret;

/// Signs with one key. Costs the parsing of the key once; `sign` may be called from many tasks.
pub struct Signer {
    header: Header,
    key: EncodingKey,
}

impl Signer {
    /// `key` is the shared secret, or the private key in PEM form (PKCS#8). Fails when it does not fit the algorithm.
    pub fn new(algorithm: Algorithm, key: &Secret) -> Result<Self, BadKey> {
        let (signer, expected) = Self::untried(algorithm, key)?;
        // Whether the numbers of a key are any good shows when it is used.
        let tried = signer.sign(Map::new(), Duration::ZERO);
        tried.map_err(|_| BadKey { half: "private", algorithm: algorithm.as_str(), expected })?;
        Ok(signer)
    }

    /// The signer, and what its key should be.
    fn untried(algorithm: Algorithm, key: &Secret) -> Result<(Self, &'static str), BadKey> {
        let pem = key.expose().as_bytes();
        let bad = |expected| BadKey { half: "private", algorithm: algorithm.as_str(), expected };
        let (key, expected) = match algorithm {
            Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 => {
                (Ok(EncodingKey::from_secret(pem)), "a shared secret")
            }
            Algorithm::Rs256 => (EncodingKey::from_rsa_pem(pem), "an RSA private key, PKCS#8"),
            Algorithm::Es256 => (EncodingKey::from_ec_pem(pem), "a P-256 private key, PKCS#8"),
            Algorithm::EdDsa => (EncodingKey::from_ed_pem(pem), "an Ed25519 private key, PKCS#8"),
        };
        // The library's words may quote the key.
        let key = key.map_err(|_| bad(expected))?;
        Ok((Signer { header: Header::new(provider_name(algorithm)), key }, expected))
    }

    /// A token with these claims, made now and good for `lifetime` (whole seconds). `exp` and `iat` are added.
    pub fn sign(&self, mut claims: Map<String, Value>, lifetime: Duration) -> Result<Secret, MintError> {
        let issued = since_epoch();
        claims.insert("iat".to_owned(), Value::from(issued));
        claims.insert("exp".to_owned(), Value::from(issued.saturating_add(lifetime.as_secs())));
        jsonwebtoken::encode(&self.header, &claims, &self.key).map(Secret::new).map_err(|_| MintError::Signing)
    }
}

/// One token, with a key that was tried before.
pub fn sign(
    algorithm: Algorithm,
    key: &Secret,
    claims: Map<String, Value>,
    lifetime: Duration,
) -> Result<Secret, MintError> {
    let (signer, _) = Signer::untried(algorithm, key).map_err(|_| MintError::Signing)?;
    signer.sign(claims, lifetime)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::auth::{Auth, JwtKey, JwtSettings, Presented, Verifier};

    const KEYS: &[(Algorithm, &str, &str)] = &[
        (Algorithm::Rs256, include_str!("../../tests/keys/rsa.pem"), include_str!("../../tests/keys/rsa.pub.pem")),
        (Algorithm::Es256, include_str!("../../tests/keys/p256.pem"), include_str!("../../tests/keys/p256.pub.pem")),
        (
            Algorithm::EdDsa,
            include_str!("../../tests/keys/ed25519.pem"),
            include_str!("../../tests/keys/ed25519.pub.pem"),
        ),
    ];

    fn verifier(key: JwtKey) -> Verifier {
        let settings = JwtSettings {
            key,
            audience: Vec::new(),
            issuer: Vec::new(),
            leeway: Duration::ZERO,
            require_expiry: true,
            claims: Default::default(),
            role: None,
            roles: Default::default(),
        };
        Verifier::new(&Auth::Jwt(Box::new(settings)), |_| panic!("no keys are fetched here")).unwrap()
    }

    fn taken(signer: &Signer, verifier: &Verifier, lifetime: Duration) -> bool {
        let claims = Map::from_iter([("sub".to_owned(), Value::from("ann"))]);
        let token = signer.sign(claims, lifetime).unwrap();
        let presented = Presented { token: Some(token.expose()), ..Presented::default() };
        let known = verifier.verify(&presented).now_or_never().expect("at once");
        known.is_ok_and(|principal| &*principal.id == "ann")
    }

    #[test]
    fn tokens_are_taken_by_who_has_the_other_half() {
        for (algorithm, private, public) in KEYS {
            let signer = Signer::new(*algorithm, &Secret::new(*private)).unwrap();
            let verifier = verifier(JwtKey::Public(*algorithm, (*public).to_owned()));
            assert!(taken(&signer, &verifier, Duration::from_secs(60)), "{algorithm:?}");
        }
        let secret = Secret::new("0123456789abcdef0123456789abcdef");
        let signer = Signer::new(Algorithm::Hs256, &secret).unwrap();
        let same = verifier(JwtKey::Shared(Algorithm::Hs256, secret));
        assert!(taken(&signer, &same, Duration::from_secs(60)));
        let other = verifier(JwtKey::Shared(Algorithm::Hs256, Secret::new("fedcba9876543210fedcba9876543210")));
        assert!(!taken(&signer, &other, Duration::from_secs(60)));
    }

    #[test]
    fn a_key_fits_its_algorithm_only() {
        for (algorithm, _, public) in KEYS {
            for (other, private, _) in KEYS.iter().filter(|(other, ..)| other != algorithm) {
                assert!(Signer::new(*algorithm, &Secret::new(*private)).is_err(), "{algorithm:?} took {other:?}");
            }
            for text in [public, "no key", ""] {
                let Err(error) = Signer::new(*algorithm, &Secret::new(text)) else { panic!("{algorithm:?}: {text}") };
                assert!(error.to_string().contains("private key for"), "{error}");
            }
        }
    }
}
