//! One revocation, as an operator says it and as the journal keeps it: ids and digests, never a token.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Bytes of an id, and of a route's name.
const LONGEST: usize = 256;

/// What is revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The token with this `jti`.
    Jti,
    /// Every token of this principal that was issued by then, and those that do not say when they were.
    Sub,
    /// The token with this SHA-256, in hex.
    Sha256,
}

/// One that holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
    pub kind: Kind,
    pub value: String,
    /// Only there; absent: on every route.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// Of a principal: tokens up to this second of the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<i64>,
    /// When the tokens would have ended; absent: it holds until it is taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<i64>,
    /// When it was revoked.
    pub at: i64,
}

/// What an operator asks for: one of the first three.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jti: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<i64>,
}

impl Wanted {
    /// The revocation, from now on; or what is wrong with the wish.
    pub fn checked(self, now: i64) -> Result<Revocation, String> {
        let (kind, value) = match (self.jti, self.sub, self.sha256) {
            (Some(id), None, None) => (Kind::Jti, id),
            (None, Some(subject), None) => (Kind::Sub, subject),
            (None, None, Some(digest)) => (Kind::Sha256, digest.to_ascii_lowercase()),
            _ => return Err("wanted one of `jti`, `sub` and `sha256`".to_owned()),
        };
        if value.is_empty() || value.len() > LONGEST || self.route.as_ref().is_some_and(|route| route.len() > LONGEST) {
            return Err(format!("an id has 1 to {LONGEST} bytes"));
        }
        if kind == Kind::Sha256 && (value.len() != 64 || !value.bytes().all(|digit| digit.is_ascii_hexdigit())) {
            return Err("`sha256` is the digest of the token, 64 hex digits".to_owned());
        }
        if self.before.is_some() && kind != Kind::Sub {
            return Err("`before` is for a `sub`".to_owned());
        }
        if self.until.is_some_and(|until| until <= now) {
            return Err("`until` is over: what has ended needs no revocation".to_owned());
        }
        let before = (kind == Kind::Sub).then(|| self.before.unwrap_or(now));
        Ok(Revocation { kind, value, route: self.route, before, until: self.until, at: now })
    }
}

impl Revocation {
    /// What it is taken back by: the same for the same thing on the same route.
    pub fn id(&self) -> String {
        let kind = match self.kind {
            Kind::Jti => "jti",
            Kind::Sub => "sub",
            Kind::Sha256 => "sha256",
        };
        let route = self.route.as_deref().unwrap_or_default();
        digest(&format!("{kind}\u{1f}{route}\u{1f}{}", self.value)).split_off(32)
    }
}

/// SHA-256 of a token, in hex.
pub fn digest(token: &str) -> String {
    use std::fmt::Write;

    Sha256::digest(token.as_bytes()).iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
