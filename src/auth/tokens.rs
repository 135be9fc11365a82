//! Fixed tokens. In: the list of a route and what was presented. Out: the party of the entry that is the same text. All
//! entries are compared each time, so that the time taken says nothing about which one matched.

use std::sync::Arc;

use super::party::Principal;
use super::settings::{Login, StaticToken};
use crate::fault::{Fault, Reason};
use crate::secret::Secret;

pub(super) struct TokenVerifier {
    entries: Vec<Entry>,
}

struct Entry {
    credential: Option<String>,
    token: Secret,
    principal: Principal,
    login: Option<Login>,
}

impl TokenVerifier {
    pub(super) fn new(tokens: &[StaticToken]) -> Self {
        TokenVerifier { entries: tokens.iter().map(Entry::new).collect() }
    }

    /// Whether an entry is for this named credential alone.
    pub(super) fn names(&self, credential: &str) -> bool {
        self.entries.iter().any(|entry| entry.credential.as_deref() == Some(credential))
    }

    pub(super) fn verify(&self, credential: Option<&str>, token: &str) -> Result<Principal, Fault> {
        let mut found = None;
        for entry in &self.entries {
            let same = entry.token.is(token);
            if same && entry.credential.as_deref().is_none_or(|name| Some(name) == credential) {
                found = Some(entry);
            }
        }
        match found {
            Some(entry) => Ok(entry.principal.clone()),
            None => Err(Fault::new(Reason::Unauthorized).detail("no token of this route is this one")),
        }
    }
}

impl TokenVerifier {
    /// Whether somebody can log in at all.
    pub(super) fn has_logins(&self) -> bool {
        self.entries.iter().any(|entry| entry.login.is_some())
    }

    /// The token of whoever has this name and password. All entries are compared each time.
    pub(super) fn login(&self, username: &str, password: &str) -> Result<(Principal, String), Fault> {
        let mut found = None;
        for entry in &self.entries {
            let same = entry.login.as_ref().is_some_and(|login| login.password.is(password));
            let named = entry.login.as_ref().is_some_and(|login| login.username == username);
            if same && named {
                found = Some(entry);
            }
        }
        let entry =
            found.ok_or_else(|| Fault::new(Reason::Unauthorized).detail("no login of this route is this one"))?;
        Ok((entry.principal.clone(), entry.token.expose().to_owned()))
    }
}

impl Entry {
    fn new(token: &StaticToken) -> Self {
        Entry {
            credential: token.credential.clone(),
            token: token.token.clone(),
            login: token.login.clone(),
            principal: Principal {
                id: Arc::from(token.party.as_str()),
                role: token.role,
                name: token.name.clone(),
                departments: token.departments.clone(),
                business: token.business.clone(),
                conversations: token.conversations.clone(),
                permissions: token.permissions.clone(),
                issued: None,
                expires: None,
                token: None,
            },
        }
    }
}
