//! JSON Web Tokens of an identity provider. In: a compact token, and the keys that the provider publishes. Out: its
//! principal. A token's header says which of these keys, and nothing else: its algorithm must be one that the route takes,
//! and the one that the key is for.

use std::sync::Arc;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Validation, decode_header};

use super::jwt::{check, principal, provider_name, refused, validation};
use super::party::Principal;
use super::settings::{Algorithm, JwtSettings};
use crate::fault::{Fault, Reason};
use crate::keyset::KeySet;

/// Checks tokens with keys that are fetched.
pub(super) struct SetVerifier {
    keys: Arc<KeySet>,
    /// One for each algorithm that the route takes.
    validations: Vec<(jsonwebtoken::Algorithm, Validation)>,
    settings: JwtSettings,
}

impl SetVerifier {
    pub(super) fn new(settings: &JwtSettings, algorithms: &[Algorithm], keys: Arc<KeySet>) -> Self {
        let validations =
            algorithms.iter().map(|algorithm| (provider_name(*algorithm), validation(settings, *algorithm)));
        SetVerifier { keys, validations: validations.collect(), settings: settings.clone() }
    }

    /// Waits for keys that are not held yet, within the bounds of [`KeySet::keys`].
    pub(super) async fn verify(&self, token: &str) -> Result<Principal, Fault> {
        let header = decode_header(token).map_err(|error| refused(error.kind()))?;
        let known = self.validations.iter().find(|(algorithm, _)| *algorithm == header.alg);
        let (algorithm, validation) = known.ok_or_else(|| refused(&ErrorKind::InvalidAlgorithm))?;
        let keys = self.keys.keys(header.kid.as_deref(), *algorithm).await?;
        let mut fault = Fault::new(Reason::Unauthorized);
        for candidate in &keys {
            match check(token, &candidate.key, validation) {
                Ok(claims) => return principal(&self.settings, &claims),
                Err(refusal) => fault = refusal,
            }
        }
        if keys.iter().all(|key| key.id.is_none()) || header.kid.is_none() {
            self.keys.doubt();
        }
        Err(fault)
    }
}
