//! Who asks for something that is passed on. In: what a request showed, and where its dialect has it. Out: a caller that
//! the route knows, or nobody; whose requests count in the rate; a fault where the route lets nobody in without more.

use std::sync::Arc;

use http::HeaderMap;

use crate::auth::{Presented, Principal, Secret};
use crate::backend::Caller;
use crate::dialect::{Call, Credential, CredentialPlace, Socket};
use crate::edge::Client;
use crate::fault::{Fault, Reason};
use crate::passage::Passage;

use super::super::asked::has_role;
use super::super::credential;
use super::super::route::Route;

/// Whoever asks.
pub struct Asker {
    /// `None`: the route knows nobody here, and lets the backend decide.
    pub caller: Option<Caller>,
    /// Whose requests these are: a principal, else an address.
    pub key: Arc<str>,
}

/// What a request shows, where credentials may stand.
pub struct Showing<'a> {
    pub route: &'a Route,
    pub headers: &'a HeaderMap,
    pub query: &'a [(String, String)],
    pub client: Client,
}

impl<'a> Showing<'a> {
    /// The caller of a call that the dialect knows, let in as for any other backend.
    pub async fn caller_of(&self, call: &Call) -> Result<Asker, Fault> {
        if call.op.is_login() {
            return self.rate(self.nobody());
        }
        let wanted = self.route.dialect.credentials.get(&call.credential);
        if wanted.is_some_and(|wanted| wanted.issued_by.is_some()) {
            // The backend issued it, and only the backend knows to whom.
            return Ok(self.nobody());
        }
        if self.route.verifier.leaves_it_to_upstream() {
            return self.rate(self.unchecked(|credential| &credential.http).await?);
        }
        let token = wanted.and_then(|wanted| self.token(&wanted.http));
        let named = (!call.credential.is_empty()).then_some(call.credential.as_str());
        match self.verified(named, token).await {
            Err(fault) if call.public && fault.reason == Reason::Unauthenticated => self.rate(self.nobody()),
            Err(fault) => Err(fault),
            Ok(principal) => {
                let permissions = &principal.permissions;
                let lacks = |wanted: &String| !permissions.is_empty() && !permissions.contains(wanted);
                if !has_role(call, &principal) || call.permission.as_ref().is_some_and(lacks) {
                    return Err(Fault::new(Reason::Role));
                }
                self.rate(self.known(principal, token))
            }
        }
    }

    /// The caller of a socket that the dialect knows.
    pub async fn caller_of_socket(&self, contract: &Socket) -> Result<Asker, Fault> {
        if self.route.verifier.leaves_it_to_upstream() {
            return self.unchecked(|credential| &credential.socket).await;
        }
        let token = self.route.dialect.credentials.get("").and_then(|credential| self.token(&credential.socket));
        let principal = self.verified(None, token).await?;
        if !contract.roles.is_empty() && !principal.role.is_some_and(|role| contract.roles.contains(&role)) {
            return Err(Fault::new(Reason::Role));
        }
        Ok(self.known(principal, token))
    }

    /// The caller of something that the dialect does not know, or that needs no credential. Nobody in particular is let
    /// through too, and the backend decides: but what the gateway itself could show is then not shown, and what the
    /// client shows must hold where the gateway's own would stand in its place.
    pub async fn anybody(&self, passage: &dyn Passage) -> Result<Asker, Fault> {
        let of_calls: fn(&Credential) -> &[CredentialPlace] = |credential| &credential.http;
        let of_sockets: fn(&Credential) -> &[CredentialPlace] = |credential| &credential.socket;
        if self.route.verifier.leaves_it_to_upstream() {
            return self.rate(self.unchecked(of_calls).await?);
        }
        let credential = self.route.dialect.credentials.get("");
        let places = [of_calls, of_sockets].into_iter().filter_map(|places| credential.map(places));
        let token = places.into_iter().find_map(|places| self.token(places));
        match self.identified(None, token).await {
            Ok(principal) => {
                // The backend may not know yet.
                self.route.verifier.judge(&principal, token)?;
                self.rate(self.known(principal, token))
            }
            Err(fault) if does_not_hold(&fault) && passage.replaces_credentials() => Err(fault),
            Err(_) => self.rate(self.nobody()),
        }
    }

    fn token(&self, places: &[CredentialPlace]) -> Option<&'a str> {
        credential::presented(places, self.headers, self.query)
    }

    async fn verified(&self, credential: Option<&str>, token: Option<&str>) -> Result<Principal, Fault> {
        self.route.verifier.verify(&Presented { credential, token, party: None }).await
    }

    async fn identified(&self, credential: Option<&str>, token: Option<&str>) -> Result<Principal, Fault> {
        self.route.verifier.identify(&Presented { credential, token, party: None }).await
    }

    /// Whoever shows anything at all; whether it holds is not for the gateway to say, unless it is revoked.
    async fn unchecked(&self, places: impl Fn(&Credential) -> &[CredentialPlace]) -> Result<Asker, Fault> {
        let credentials = self.route.dialect.credentials.values().filter(|credential| credential.issued_by.is_none());
        let token = credentials.into_iter().find_map(|credential| self.token(places(credential)));
        let Ok(principal) = self.identified(None, token).await else { return Ok(self.nobody()) };
        self.route.verifier.judge(&principal, token)?;
        Ok(self.known(principal, token))
    }

    fn known(&self, principal: Principal, token: Option<&str>) -> Asker {
        let route = self.route;
        // Whoever needs no credential has a new id each time.
        let key = if token.is_some() { Arc::clone(&principal.id) } else { self.nobody().key };
        let presented = token.map(|token| Secret::new(token.to_owned()));
        let caller = Caller { presented, ..route.caller(principal) };
        Asker { caller: Some(caller), key }
    }

    fn nobody(&self) -> Asker {
        Asker { caller: None, key: self.client.address.to_canonical().to_string().into() }
    }

    fn rate(&self, asker: Asker) -> Result<Asker, Fault> {
        match &self.route.rate {
            Some(rate) => rate.check(&asker.key).map(|()| asker),
            None => Ok(asker),
        }
    }
}

/// What was shown is not good, or that cannot be said now.
fn does_not_hold(fault: &Fault) -> bool {
    matches!(fault.reason, Reason::Unauthorized | Reason::Unavailable | Reason::Busy)
}
