//! JSON Web Tokens (RFC 7519). In: a compact token and the settings of a route. Out: its principal; and, where both sides
//! share a secret, a new token. Key and algorithm come from the config: `alg`, `kid`, `jku`, `jwk` and `x5u` of a
//! token's header choose nothing. Where the keys are published, [`super::jwks`] finds them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{DecodingKey, EncodingKey, Header, Validation};
use serde_json::{Map, Value};

use super::claims;
use super::party::Principal;
use super::settings::{Algorithm, BadKey, JwtKey, JwtSettings};
use crate::fault::{Fault, Reason};
use crate::secret::Secret;

/// Checks tokens with the one key of a config.
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
    #[error("its tokens are made by the identity provider whose keys it fetches")]
    Elsewhere,
    #[error("the token could not be signed")]
    Signing,
}

impl JwtVerifier {
    pub(super) fn new(settings: &JwtSettings, algorithm: Algorithm, key: DecodingKey) -> Self {
        JwtVerifier { key, validation: validation(settings, algorithm), settings: settings.clone() }
    }

    pub(super) fn verify(&self, token: &str) -> Result<Principal, Fault> {
        principal(&self.settings, &check(token, &self.key, &self.validation)?)
    }
}

/// The claims of a token whose signature holds and that is for this gateway, now.
pub(super) fn check(token: &str, key: &DecodingKey, validation: &Validation) -> Result<Map<String, Value>, Fault> {
    match jsonwebtoken::decode::<Map<String, Value>>(token, key, validation) {
        Ok(data) => Ok(data.claims),
        Err(error) => Err(refused(error.kind())),
    }
}

pub(super) fn principal(settings: &JwtSettings, claims: &Map<String, Value>) -> Result<Principal, Fault> {
    let principal = claims::read(claims, &settings.claims, &settings.roles)?;
    Ok(Principal { role: principal.role.or(settings.role), ..principal })
}

pub(super) fn refused(kind: &ErrorKind) -> Fault {
    Fault::new(Reason::Unauthorized).detail(words(kind))
}

impl JwtSettings {
    /// A token of this route for `principal`, valid for `lifetime` from now.
    pub fn mint(&self, principal: &Principal, lifetime: Duration) -> Result<String, MintError> {
        let (algorithm, secret) = match &self.key {
            JwtKey::Shared(algorithm, secret) => (*algorithm, secret),
            JwtKey::Public(algorithm, _) => return Err(MintError::NotShared(algorithm.as_str())),
            JwtKey::Set(..) => return Err(MintError::Elsewhere),
        };
        let mut claims = claims::write(principal, &self.claims, &self.roles);
        let issued = since_epoch();
        claims.insert("iat".to_owned(), Value::from(issued));
        claims.insert("exp".to_owned(), Value::from(issued.saturating_add(lifetime.as_secs())));
        for (name, values) in [("aud", &self.audience), ("iss", &self.issuer)] {
            if let Some(first) = values.first() {
                claims.insert(name.to_owned(), Value::from(first.as_str()));
            }
        }
        let header = Header::new(provider_name(algorithm));
        jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(secret.expose().as_bytes()))
            .map_err(|_| MintError::Signing)
    }
}

impl JwtKey {
    /// Whether the key fits its algorithm. What is published is not fetched for this.
    pub fn check(&self) -> Result<(), BadKey> {
        match self {
            JwtKey::Shared(algorithm, secret) => shared_key(*algorithm, secret).map(|_| ()),
            JwtKey::Public(algorithm, pem) => public_key(*algorithm, pem).map(|_| ()),
            JwtKey::Set(..) => Ok(()),
        }
    }
}

pub(super) fn since_epoch() -> u64 {
    // A clock before 1970 makes tokens that have expired already: refused, not accepted.
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

pub(super) fn validation(settings: &JwtSettings, algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(provider_name(algorithm));
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

/// A shared secret as a key; a key pair's algorithm has none.
pub(super) fn shared_key(algorithm: Algorithm, secret: &Secret) -> Result<DecodingKey, BadKey> {
    if algorithm.is_shared() {
        return Ok(DecodingKey::from_secret(secret.expose().as_bytes()));
    }
    Err(BadKey { half: "public", algorithm: algorithm.as_str(), expected: "a public key, not a shared secret" })
}

/// A public key, PEM.
pub(super) fn public_key(algorithm: Algorithm, pem: &str) -> Result<DecodingKey, BadKey> {
    let bad = |expected| BadKey { half: "public", algorithm: algorithm.as_str(), expected };
    if !pem.contains("-----BEGIN") {
        return Err(bad("text with `-----BEGIN PUBLIC KEY-----`"));
    }
    if pem.contains("PRIVATE KEY") {
        return Err(bad("the public half; a private key has no place in a config"));
    }
    match algorithm {
        // A public key used as a shared secret is the classic confusion: anybody could sign.
        Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 => Err(bad("a shared secret, not a key pair")),
        Algorithm::Rs256 => DecodingKey::from_rsa_pem(pem.as_bytes()).map_err(|_| bad("an RSA public key")),
        Algorithm::Es256 => DecodingKey::from_ec_pem(pem.as_bytes()).map_err(|_| bad("a P-256 public key")),
        Algorithm::EdDsa => DecodingKey::from_ed_pem(pem.as_bytes()).map_err(|_| bad("an Ed25519 public key")),
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
