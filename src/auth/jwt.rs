//! JSON Web Tokens (RFC 7519). In: a compact token and the settings of a route. Out: its principal; and, where both sides
//! share a secret, a new token. Key and algorithm come from the config: `alg`, `kid`, `jku`, `jwk` and `x5u` of a
//! token's header choose nothing.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{DecodingKey, EncodingKey, Header, Validation};
use serde_json::{Map, Value};

use super::claims;
use super::party::Principal;
use super::settings::{Algorithm, BadKey, JwtKey, JwtSettings};
use crate::fault::{Fault, Reason};

pub(super) struct JwtVerifier {
    key: DecodingKey,
    validation: Validation,
    settings: JwtSettings,
}

/// Why no token can be made for a route.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MintError {
    #[error("{0} tokens are signed with a private key, which the gateway does not have")]
    NotShared(&'static str),
    #[error("the token could not be signed")]
    Signing,
}

impl JwtVerifier {
    pub(super) fn new(settings: &JwtSettings) -> Result<Self, BadKey> {
        Ok(JwtVerifier {
            key: decoding_key(settings.algorithm, &settings.key)?,
            validation: validation(settings),
            settings: settings.clone(),
        })
    }

    pub(super) fn verify(&self, token: &str) -> Result<Principal, Fault> {
        let claims = self.check(token)?;
        let principal = claims::read(&claims, &self.settings.claims, &self.settings.roles)?;
        Ok(Principal { role: principal.role.or(self.settings.role), ..principal })
    }

    fn check(&self, token: &str) -> Result<Map<String, Value>, Fault> {
        match jsonwebtoken::decode::<Map<String, Value>>(token, &self.key, &self.validation) {
            Ok(data) => Ok(data.claims),
            Err(error) => Err(Fault::new(Reason::Unauthorized).detail(words(error.kind()))),
        }
    }
}

impl JwtSettings {
    /// A token of this route for `principal`, valid for `lifetime` from now.
    pub fn mint(&self, principal: &Principal, lifetime: Duration) -> Result<String, MintError> {
        let JwtKey::Shared(secret) = &self.key else { return Err(MintError::NotShared(self.algorithm.as_str())) };
        let mut claims = claims::write(principal, &self.claims, &self.roles);
        let issued = since_epoch();
        claims.insert("iat".to_owned(), Value::from(issued));
        claims.insert("exp".to_owned(), Value::from(issued.saturating_add(lifetime.as_secs())));
        for (name, values) in [("aud", &self.audience), ("iss", &self.issuer)] {
            if let Some(first) = values.first() {
                claims.insert(name.to_owned(), Value::from(first.as_str()));
            }
        }
        let header = Header::new(provider_name(self.algorithm));
        jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(secret.expose().as_bytes()))
            .map_err(|_| MintError::Signing)
    }
}

pub(super) fn since_epoch() -> u64 {
    // A clock before 1970 makes tokens that have expired already: refused, not accepted.
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn validation(settings: &JwtSettings) -> Validation {
    let mut validation = Validation::new(provider_name(settings.algorithm));
    validation.leeway = settings.leeway.as_secs();
    validation.validate_nbf = true;
    let mut required = Vec::new();
    if settings.require_expiry {
        required.push("exp");
    }
    if !settings.audience.is_empty() {
        validation.set_audience(&settings.audience);
        required.push("aud");
    }
    if !settings.issuer.is_empty() {
        validation.set_issuer(&settings.issuer);
        required.push("iss");
    }
    // Without this a token that lacks `aud` passes although one is asked for.
    validation.set_required_spec_claims(&required);
    validation
}

fn decoding_key(algorithm: Algorithm, key: &JwtKey) -> Result<DecodingKey, BadKey> {
    let bad = |expected| BadKey { half: "public", algorithm: algorithm.as_str(), expected };
    match (algorithm, key) {
        (Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512, JwtKey::Shared(secret)) => {
            Ok(DecodingKey::from_secret(secret.expose().as_bytes()))
        }
        // A public key used as a shared secret is the classic confusion: anybody could sign.
        (Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512, JwtKey::Public(_)) => {
            Err(bad("a shared secret, not a key pair"))
        }
        (_, JwtKey::Shared(_)) => Err(bad("a public key, not a shared secret")),
        (_, JwtKey::Public(pem)) if !pem.contains("-----BEGIN") => Err(bad("text with `-----BEGIN PUBLIC KEY-----`")),
        (_, JwtKey::Public(pem)) if pem.contains("PRIVATE KEY") => {
            Err(bad("the public half; a private key has no place in a config"))
        }
        (Algorithm::Rs256, JwtKey::Public(pem)) => {
            DecodingKey::from_rsa_pem(pem.as_bytes()).map_err(|_| bad("an RSA public key"))
        }
        (Algorithm::Es256, JwtKey::Public(pem)) => {
            DecodingKey::from_ec_pem(pem.as_bytes()).map_err(|_| bad("a P-256 public key"))
        }
        (Algorithm::EdDsa, JwtKey::Public(pem)) => {
            DecodingKey::from_ed_pem(pem.as_bytes()).map_err(|_| bad("an Ed25519 public key"))
        }
    }
}

pub(super) const fn provider_name(algorithm: Algorithm) -> jsonwebtoken::Algorithm {
    match algorithm {
        Algorithm::Hs256 => jsonwebtoken::Algorithm::HS256,
        Algorithm::Hs384 => jsonwebtoken::Algorithm::HS384,
        Algorithm::Hs512 => jsonwebtoken::Algorithm::HS512,
        Algorithm::Rs256 => jsonwebtoken::Algorithm::RS256,
        Algorithm::Es256 => jsonwebtoken::Algorithm::ES256,
        Algorithm::EdDsa => jsonwebtoken::Algorithm::EdDSA,
    }
}

/// For logs. The library's own words may hold parts of the token.
fn words(kind: &ErrorKind) -> &'static str {
    match kind {
        ErrorKind::ExpiredSignature => "the token has expired",
        ErrorKind::ImmatureSignature => "the token is not valid yet",
        ErrorKind::InvalidSignature => "the token's signature does not hold",
        ErrorKind::InvalidAudience => "the token is for another audience",
        ErrorKind::InvalidIssuer => "the token is of another issuer",
        ErrorKind::InvalidAlgorithm | ErrorKind::InvalidAlgorithmName | ErrorKind::MissingAlgorithm => {
            "the token's algorithm is not the one of this route"
        }
        ErrorKind::MissingRequiredClaim(_) => "a claim that this route requires is missing",
        ErrorKind::InvalidClaimFormat(_) => "a claim has a wrong type",
        _ => "the token is not a JSON Web Token",
    }
}
