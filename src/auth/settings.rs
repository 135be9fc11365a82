//! What a route says about credentials. In: a checked config. Out: what [`super::Verifier`] is built from.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::event::Role;
use crate::keyset::KeySetSettings;
use crate::secret::Secret;

/// How a route knows its callers.
#[derive(Debug, Clone, PartialEq)]
pub enum Auth {
    Jwt(Box<JwtSettings>),
    /// Fixed tokens, each of a known party.
    Tokens(Vec<StaticToken>),
    /// Whatever is presented goes to the upstream, which decides.
    Upstream,
    /// Everybody, without a credential.
    None {
        /// Whether a client may say who it is; otherwise it gets an id that nobody else has.
        named: bool,
        role: Option<Role>,
    },
}

impl Auth {
    /// The published keys that tokens are checked with, if these are.
    pub fn key_set(&self) -> Option<&KeySetSettings> {
        match self {
            Auth::Jwt(settings) => match &settings.key {
                JwtKey::Set(set, _) => Some(set),
                JwtKey::Shared(..) | JwtKey::Public(..) => None,
            },
            Auth::Tokens(_) | Auth::Upstream | Auth::None { .. } => None,
        }
    }
}

/// Which tokens a route takes. Its algorithms are fixed here; what a token's header says is compared with them, not obeyed.
#[derive(Debug, Clone, PartialEq)]
pub struct JwtSettings {
    pub key: JwtKey,
    /// `aud` must be there and name one of these. Empty: a token that has an `aud` is meant for somebody else.
    pub audience: Vec<String>,
    /// `iss` must be there and be one of these. Empty: not asked for.
    pub issuer: Vec<String>,
    /// How far the clocks may be apart; 0 to 60 s.
    pub leeway: Duration,
    /// Whether a token without `exp` is refused.
    pub require_expiry: bool,
    pub claims: ClaimNames,
    /// What the `role` claim may say besides the canonical roles, and which role that is.
    pub roles: BTreeMap<String, Role>,
    /// The role of whoever has a token that says none.
    pub role: Option<Role>,
}

/// The signature algorithms that a route can be set to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    Hs256,
    Hs384,
    Hs512,
    Rs256,
    Es256,
    EdDsa,
}

impl Algorithm {
    pub const ALL: &'static [Algorithm] =
        &[Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512, Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa];

    /// The name in RFC 7518 and RFC 8037.
    pub const fn as_str(self) -> &'static str {
        match self {
            Algorithm::Hs256 => "HS256",
            Algorithm::Hs384 => "HS384",
            Algorithm::Hs512 => "HS512",
            Algorithm::Rs256 => "RS256",
            Algorithm::Es256 => "ES256",
            Algorithm::EdDsa => "EdDSA",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|algorithm| algorithm.as_str() == text)
    }

    /// Whether both sides hold the same secret.
    pub const fn is_shared(self) -> bool {
        match self {
            Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 => true,
            Algorithm::Rs256 | Algorithm::Es256 | Algorithm::EdDsa => false,
        }
    }

    /// Those that an identity provider's keys can be for.
    pub const PUBLISHED: &'static [Algorithm] = &[Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa];

    /// The shortest shared secret that RFC 7518 §3.2 allows, in bytes.
    pub const fn shortest_secret(self) -> usize {
        match self {
            Algorithm::Hs256 => 32,
            Algorithm::Hs384 => 48,
            Algorithm::Hs512 => 64,
            Algorithm::Rs256 | Algorithm::Es256 | Algorithm::EdDsa => 0,
        }
    }
}

/// What signatures are checked with.
#[derive(Debug, Clone, PartialEq)]
pub enum JwtKey {
    Shared(Algorithm, Secret),
    /// A public key, PEM.
    Public(Algorithm, String),
    /// The keys that an identity provider publishes, each for its own algorithm, if it is one of these.
    Set(KeySetSettings, Vec<Algorithm>),
}

/// Which claims of a token say what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimNames {
    pub subject: String,
    pub role: String,
    pub name: String,
    pub department: String,
    pub business: String,
    pub conversations: String,
}

impl Default for ClaimNames {
    fn default() -> Self {
        ClaimNames {
            subject: "sub".to_owned(),
            role: "role".to_owned(),
            name: "name".to_owned(),
            department: "department".to_owned(),
            business: "business".to_owned(),
            conversations: "conversations".to_owned(),
        }
    }
}

/// A fixed token and whom it stands for.
#[derive(Debug, Clone, PartialEq)]
pub struct StaticToken {
    pub token: Secret,
    /// Which credential of the dialect this is, where it has several; absent: its first.
    pub credential: Option<String>,
    pub party: String,
    pub role: Option<Role>,
    pub name: Option<String>,
    pub departments: Vec<String>,
    pub business: Option<String>,
    pub conversations: Vec<String>,
    /// Empty: all that its role has.
    pub permissions: Vec<String>,
    /// Who may ask for this token, by what is kept secret as the token is.
    pub login: Option<Login>,
}

/// A name and a password, for clients that log in.
#[derive(Debug, Clone, PartialEq)]
pub struct Login {
    pub username: String,
    pub password: Secret,
}

/// A key that cannot be used with its algorithm. Never holds the key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this is not a {half} key for {algorithm} in PEM form ({expected})")]
pub struct BadKey {
    /// `public` or `private`.
    pub half: &'static str,
    pub algorithm: &'static str,
    pub expected: &'static str,
}
