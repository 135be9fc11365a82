//! Who is calling. In: what a request or a handshake presented, and a route's settings. Out: a [`Principal`];
//! [`Reason::Unauthenticated`] when nothing was presented, [`Reason::Unauthorized`] when it does not hold;
//! [`Reason::Unavailable`] when that cannot be said now.

use std::num::NonZeroU32;
use std::sync::Arc;

use super::jwks::SetVerifier;
use super::jwt::{self, JwtVerifier};
use super::party::Principal;
use super::rate::RateLimit;
use super::revoked::{Revocations, Standing};
use super::settings::{Algorithm, Auth, BadKey, JwtKey};
use super::tokens::TokenVerifier;
use super::visitor::Visitors;
use crate::event::Role;
use crate::fault::{Fault, Reason};
use crate::keyset::{KeySet, KeySetSettings};

/// The longest credential that is looked at, in bytes. Longer ones are refused before any work is done on them.
pub const LONGEST_CREDENTIAL: usize = 8 * 1024;
/// How often a minute somebody may try to log in under one name.
const LOGINS: NonZeroU32 = NonZeroU32::new(10).expect("ten is not zero");
/// The longest id that a client may give itself, in bytes.
const LONGEST_PARTY: usize = 256;

/// One credential as a client presented it, taken from the place that its dialect says.
#[derive(Clone, Copy, Default)]
pub struct Presented<'a> {
    /// Which credential of the dialect, where it has several.
    pub credential: Option<&'a str>,
    /// Without its scheme: what follows `Bearer `, the value of `?token=` …
    pub token: Option<&'a str>,
    /// Who the client says it is, where the dialect has a place for that.
    pub party: Option<&'a str>,
}

/// Derived `Debug` would print the token.
impl std::fmt::Debug for Presented<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Presented")
            .field("credential", &self.credential)
            .field("token", &self.token.map(|_| "***"))
            .field("party", &self.party)
            .finish()
    }
}

/// Knows the callers of one route. Cheap to share; holds keys, not settings.
pub struct Verifier {
    scheme: Scheme,
    visitors: Option<Visitors>,
    /// The route, and what is revoked there.
    revocations: Option<(Arc<str>, Arc<Revocations>)>,
    /// Passwords can be tried: of one name ten a minute.
    logins: RateLimit,
}

enum Scheme {
    Jwt(Box<JwtVerifier>),
    Set(Box<SetVerifier>),
    Tokens(TokenVerifier),
    Upstream,
    None { named: bool, role: Option<Role> },
}

impl Verifier {
    /// `keys` opens a key set, where the tokens are those of an identity provider. Fails when a key does not fit its
    /// algorithm; a checked config has none of these.
    pub fn new(auth: &Auth, keys: impl FnOnce(&KeySetSettings) -> Arc<KeySet>) -> Result<Self, BadKey> {
        let one_key =
            |settings, algorithm: &Algorithm, key| Scheme::Jwt(Box::new(JwtVerifier::new(settings, *algorithm, key)));
        let scheme = match auth {
            Auth::Jwt(settings) => match &settings.key {
                JwtKey::Shared(algorithm, secret) => one_key(settings, algorithm, jwt::shared_key(*algorithm, secret)?),
                JwtKey::Public(algorithm, pem) => one_key(settings, algorithm, jwt::public_key(*algorithm, pem)?),
                JwtKey::Set(set, algorithms) => {
                    Scheme::Set(Box::new(SetVerifier::new(settings, algorithms, keys(set))))
                }
            },
            Auth::Tokens(tokens) => Scheme::Tokens(TokenVerifier::new(tokens)),
            Auth::Upstream => Scheme::Upstream,
            Auth::None { named, role } => Scheme::None { named: *named, role: *role },
        };
        Ok(Verifier { scheme, visitors: None, revocations: None, logins: RateLimit::per_minute(LOGINS) })
    }

    /// Also takes the tokens that this gateway gave to visitors.
    pub fn with_visitors(mut self, visitors: Visitors) -> Self {
        self.visitors = Some(visitors);
        self
    }

    /// Refuses what is revoked on a route.
    pub fn with_revocations(mut self, route: Arc<str>, revocations: Arc<Revocations>) -> Self {
        self.revocations = Some((route, revocations));
        self
    }

    /// Whose credential this is, and that it holds now.
    pub async fn verify(&self, presented: &Presented<'_>) -> Result<Principal, Fault> {
        let principal = self.identify(presented).await?;
        self.judge(&principal, presented.token)?;
        Ok(principal)
    }

    /// That a credential which was shown is not revoked.
    pub fn judge(&self, principal: &Principal, token: Option<&str>) -> Result<(), Fault> {
        match &self.revocations {
            Some((route, revocations)) => revocations.judge(route, principal, token),
            None => Ok(()),
        }
    }

    /// What tells when it is revoked while it is in use.
    pub fn standing(&self, principal: &Principal, token: Option<&str>) -> Standing {
        match &self.revocations {
            Some((route, revocations)) => Standing::of(revocations, route, principal, token),
            None => Standing::default(),
        }
    }

    /// Whose credential this is, whether or not it is revoked.
    ///
    /// Waits a few seconds where an identity provider's key is not known yet. A fault's detail says what was wrong in words for a log; it never holds any part of the credential.
    pub async fn identify(&self, presented: &Presented<'_>) -> Result<Principal, Fault> {
        let token = presented.token.filter(|token| !token.is_empty());
        if token.is_some_and(|token| token.len() > LONGEST_CREDENTIAL) {
            return Err(Fault::new(Reason::Unauthorized).detail("the credential is longer than 8 KiB"));
        }
        if let Scheme::None { named, role } = &self.scheme {
            return self.uncredentialed(presented, token, *named, *role);
        }
        let token = token.ok_or(Reason::Unauthenticated)?;
        if let Some(principal) = self.visitor(token) {
            return Ok(principal);
        }
        match &self.scheme {
            Scheme::Jwt(verifier) => verifier.verify(token),
            Scheme::Set(verifier) => verifier.verify(token).await,
            Scheme::Tokens(verifier) => verifier.verify(presented.credential, token),
            // The upstream decides. The principal is only a key for limits: a digest, so that the token is kept nowhere.
            Scheme::Upstream => Ok(Principal::named(digest(token))),
            Scheme::None { .. } => Err(Reason::Internal.into()),
        }
    }

    /// Whose name and password these are, and the token that stands for them from now on. [`Reason::NotSupported`] where
    /// nobody logs in.
    pub fn login(&self, username: &str, password: &str) -> Result<(Principal, String), Fault> {
        match &self.scheme {
            Scheme::Tokens(verifier) if verifier.has_logins() => {
                self.logins.check(&username.into())?;
                let (principal, token) = verifier.login(username, password)?;
                self.judge(&principal, Some(&token))?;
                Ok((principal, token))
            }
            Scheme::Tokens(_) | Scheme::Jwt(_) | Scheme::Set(_) | Scheme::Upstream | Scheme::None { .. } => {
                Err(Fault::new(Reason::NotSupported).detail("nobody logs in on this route"))
            }
        }
    }

    /// Whether credentials are not checked here: whatever is presented is let through, for the upstream to decide.
    pub fn leaves_it_to_upstream(&self) -> bool {
        matches!(self.scheme, Scheme::Upstream)
    }

    /// Whether the operator listed holders of this named credential.
    pub fn names(&self, credential: &str) -> bool {
        matches!(&self.scheme, Scheme::Tokens(verifier) if verifier.names(credential))
    }

    fn visitor(&self, token: &str) -> Option<Principal> {
        self.visitors.as_ref()?.verify(token)
    }

    fn uncredentialed(
        &self,
        presented: &Presented<'_>,
        token: Option<&str>,
        named: bool,
        role: Option<Role>,
    ) -> Result<Principal, Fault> {
        if let Some(principal) = token.and_then(|token| self.visitor(token)) {
            return Ok(principal);
        }
        match presented.party.filter(|party| named && !party.is_empty()) {
            Some(party) if party.len() > LONGEST_PARTY => {
                Err(Fault::new(Reason::Unauthorized).detail("the party's id is longer than 256 bytes"))
            }
            Some(party) => Ok(Principal { role, ..Principal::named(party) }),
            None => Ok(Principal { role, ..Principal::anonymous() }),
        }
    }
}

fn digest(token: &str) -> String {
    use sha2::{Digest, Sha256};
    use std::fmt::Write;

    let hash = Sha256::digest(token.as_bytes());
    hash.iter().take(16).fold("bearer-".to_owned(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
