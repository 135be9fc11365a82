//! Tokens that the gateway itself gives to visitors who came without one. In: a key of this installation. Out: a token
//! that is good for one route and the conversations it names, and whom such a token stands for.

use std::collections::BTreeMap;
use std::time::Duration;

use super::jwt::{JwtVerifier, MintError, shared_key};
use super::party::Principal;
use super::settings::{Algorithm, BadKey, ClaimNames, JwtKey, JwtSettings};
use crate::secret::Secret;

const ISSUER: &str = "dragoman";

/// Makes and knows the visitors' tokens of one route. The key belongs to the installation: whoever calls keeps it, so
/// that tokens outlive a restart.
pub struct Visitors {
    settings: JwtSettings,
    verifier: JwtVerifier,
}

impl Visitors {
    pub fn new(key: Secret, route: &str) -> Result<Self, BadKey> {
        let settings = JwtSettings {
            key: JwtKey::Shared(Algorithm::Hs256, key.clone()),
            audience: vec![format!("visitor@{route}")],
            issuer: vec![ISSUER.to_owned()],
            leeway: Duration::ZERO,
            require_expiry: true,
            claims: ClaimNames::default(),
            role: None,
            roles: BTreeMap::new(),
        };
        let verifier = JwtVerifier::new(&settings, Algorithm::Hs256, shared_key(Algorithm::Hs256, &key)?);
        Ok(Visitors { verifier, settings })
    }

    /// A new key: 244 random bits as text.
    pub fn random_key() -> Secret {
        Secret::new(format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple()))
    }

    /// A token for `visitor`, confined to its conversations.
    pub fn mint(&self, visitor: &Principal, lifetime: Duration) -> Result<String, MintError> {
        self.settings.mint(visitor, lifetime)
    }

    pub(super) fn verify(&self, token: &str) -> Option<Principal> {
        self.verifier.verify(token).ok()
    }
}
