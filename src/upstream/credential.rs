//! What an upstream is shown. In: a caller and the operator's rules. Out: the credential, and its place in a request of
//! the upstream's dialect. None is ever logged, and none goes to another host.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use http::header::HeaderName;
use http::{HeaderMap, HeaderValue};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::auth::{self, Principal, Secret};
use crate::backend::Caller;
use crate::dialect::{Credential, CredentialPlace};
use crate::fault::{Fault, Reason};

use super::settings::{Claim, CredentialRule, Mint};

/// Minted tokens that are kept; beyond it they are made anew.
const KEPT: usize = 10_000;

/// An account, as the upstream's credential makes it.
pub struct Seen {
    /// The same for callers whom the upstream cannot tell apart. Holds no credential.
    pub key: String,
    /// Whether it may stand for several callers: then the gateway decides who sees what.
    pub shared: bool,
}

/// The credentials of one upstream.
pub struct Credentials {
    rules: BTreeMap<String, CredentialRule>,
    minted: Mutex<HashMap<MintedFor, (Secret, Instant)>>,
}

/// A credential of the dialect and the claims of a token for it; the value beside says when a new one is due.
type MintedFor = (String, Arc<str>);

impl Credentials {
    pub fn new(rules: BTreeMap<String, CredentialRule>) -> Self {
        Credentials { rules, minted: Mutex::default() }
    }

    /// Who the upstream takes a caller for.
    pub fn seen(&self, caller: &Caller) -> Seen {
        let principal = &caller.principal;
        match self.rules.get("") {
            // Nobody but the upstream may have looked at the credential: whoever only says that he is somebody must not
            // hear by a socket that another's credential opened.
            Some(CredentialRule::Forward) => {
                Seen { key: format!("forward/{}/{}", principal.id, digest(caller.presented.as_ref())), shared: false }
            }
            // Callers of equal claims are one account there, however many they are.
            Some(CredentialRule::Mint(mint)) => {
                Seen { key: format!("mint/{}", Value::Object(claims(mint, principal))), shared: !mint.names_one() }
            }
            Some(CredentialRule::Fixed(_)) | None => Seen { key: String::new(), shared: true },
        }
    }

    /// Whether a refused credential is the client's own.
    pub fn is_forwarded(&self) -> bool {
        matches!(self.rules.get(""), Some(CredentialRule::Forward))
    }

    /// Whether the upstream sees something else than what the client presented under this name. A credential without a
    /// rule of its own is kept back where the default one is.
    pub fn replaces(&self, name: &str) -> bool {
        let rule = self.rules.get(name).or_else(|| self.rules.get(""));
        rule.is_some_and(|rule| *rule != CredentialRule::Forward)
    }

    /// What to show under one of the dialect's names; `None` where the operator gave no rule.
    pub fn value(&self, name: &str, caller: &Caller) -> Result<Option<Secret>, Fault> {
        match self.rules.get(name) {
            None => Ok(None),
            Some(CredentialRule::Fixed(secret)) => Ok(Some(secret.clone())),
            Some(CredentialRule::Forward) => Ok(caller.presented.clone()),
            Some(CredentialRule::Mint(mint)) => self.mint(name, mint, &caller.principal).map(Some),
        }
    }

    /// Who the default credential says we are, as far as that can be told.
    pub fn subject(&self, caller: &Caller) -> Option<String> {
        match self.rules.get("") {
            Some(CredentialRule::Mint(mint)) => {
                claims(mint, &caller.principal).get("sub").and_then(Value::as_str).map(str::to_owned)
            }
            Some(CredentialRule::Forward) => Some(caller.principal.id.to_string()),
            Some(CredentialRule::Fixed(_)) | None => None,
        }
    }

    fn mint(&self, name: &str, mint: &Mint, principal: &Principal) -> Result<Secret, Fault> {
        let claims = claims(mint, principal);
        // By all that is claimed: one id may stand for two parties of different roles.
        let key = (name.to_owned(), Arc::from(Value::Object(claims.clone()).to_string()));
        let now = Instant::now();
        if let Some((token, due)) = self.minted.lock().unwrap_or_else(PoisonError::into_inner).get(&key)
            && now < *due
        {
            return Ok(token.clone());
        }
        let token = auth::sign(mint.algorithm, &mint.key, claims, mint.lifetime)
            .map_err(|error| Fault::new(Reason::Internal).detail(error.to_string()))?;
        let mut minted = self.minted.lock().unwrap_or_else(PoisonError::into_inner);
        if minted.len() >= KEPT {
            minted.clear();
        }
        // A token that is about to end would end under way.
        minted.insert(key, (token.clone(), now + mint.lifetime / 2));
        Ok(token)
    }
}

/// Stands for a credential where it must not be kept.
fn digest(secret: Option<&Secret>) -> String {
    let Some(secret) = secret else { return "none".to_owned() };
    Sha256::digest(secret.expose().as_bytes()).iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A claim that names what is not known of the caller is left out.
fn claims(mint: &Mint, principal: &Principal) -> Map<String, Value> {
    let mut claims = Map::new();
    for (name, claim) in &mint.claims {
        let value = match claim {
            Claim::Template(text) => filled(text, principal).map(Value::from),
            Claim::Integer(number) => Some(Value::from(*number)),
            Claim::Boolean(flag) => Some(Value::from(*flag)),
            Claim::List(texts) => Some(texts.iter().filter_map(|text| filled(text, principal)).collect()),
        };
        if let Some(value) = value {
            claims.insert(name.clone(), value);
        }
    }
    claims
}

fn filled(template: &str, principal: &Principal) -> Option<String> {
    let facts = [
        ("{party.id}", Some(principal.id.to_string())),
        ("{party.role}", principal.role.map(|role| role.as_str().to_owned())),
        ("{party.name}", principal.name.clone()),
        ("{party.department}", principal.departments.first().cloned()),
        ("{party.business}", principal.business.clone()),
    ];
    let mut text = template.to_owned();
    for (hole, fact) in facts {
        if text.contains(hole) {
            text = text.replace(hole, &fact?);
        }
    }
    Some(text)
}

/// Where a credential went, beside headers.
#[derive(Default)]
pub struct Placed {
    pub headers: HeaderMap,
    /// Names and values for the query.
    pub query: Vec<(String, Secret)>,
    pub subprotocols: Vec<String>,
}

impl Placed {
    /// Puts the credential into the first of the places.
    pub fn put(&mut self, places: &[CredentialPlace], secret: &Secret) -> Result<(), Fault> {
        let unsendable = || Fault::new(Reason::Unauthorized).detail("the credential cannot be put into a header");
        match places.first() {
            Some(CredentialPlace::Header { name, scheme }) => {
                let text = match scheme {
                    Some(scheme) => format!("{scheme} {}", secret.expose()),
                    None => secret.expose().to_owned(),
                };
                let name = HeaderName::try_from(name).map_err(|_| unsendable())?;
                let mut value = HeaderValue::try_from(text).map_err(|_| unsendable())?;
                value.set_sensitive(true);
                self.headers.insert(name, value);
            }
            Some(CredentialPlace::Query { name }) => self.query.push((name.clone(), secret.clone())),
            Some(CredentialPlace::Subprotocol { name }) => {
                self.subprotocols = vec![name.clone(), secret.expose().to_owned()];
            }
            None => {}
        }
        Ok(())
    }

    /// The same, unless something stands there already.
    pub fn put_if_free(&mut self, places: &[CredentialPlace], secret: &Secret) -> Result<(), Fault> {
        let is_taken = match places.first() {
            Some(CredentialPlace::Header { name, .. }) => self.headers.contains_key(name.as_str()),
            Some(CredentialPlace::Query { name }) => self.query.iter().any(|(known, _)| known == name),
            Some(CredentialPlace::Subprotocol { .. }) => !self.subprotocols.is_empty(),
            None => true,
        };
        if is_taken { Ok(()) } else { self.put(places, secret) }
    }

    /// The credential of a call, in its place.
    pub fn of_call(credential: Option<&Credential>, secret: Option<&Secret>) -> Result<Self, Fault> {
        let mut placed = Placed::default();
        if let (Some(credential), Some(secret)) = (credential, secret) {
            placed.put(&credential.http, secret)?;
        }
        Ok(placed)
    }
}

#[cfg(test)]
mod tests;
