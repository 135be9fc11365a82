//! The credential that a client showed, exchanged for what the upstream is to see. In: a request's query and headers, the
//! operator's rules. Out: the same with another credential in the upstream dialect's place and the client's in none; or
//! untouched, where it is the client's own that the upstream wants.

use http::header::SEC_WEBSOCKET_PROTOCOL;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::auth::Secret;
use crate::backend::Caller;
use crate::dialect::{Credential, CredentialPlace, Dialect};
use crate::fault::{Fault, Reason};
use crate::passage::Passenger;
use crate::percent;

use super::super::credential::{Credentials, Placed};

/// Credentials of calls and of sockets have places of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    Http,
    Socket,
}

impl Channel {
    fn places(self, credential: &Credential) -> &[CredentialPlace] {
        match self {
            Channel::Http => &credential.http,
            Channel::Socket => &credential.socket,
        }
    }
}

/// Whether any credential is not the client's own.
pub fn replaces_any(dialect: &Dialect, credentials: &Credentials) -> bool {
    names(dialect).any(|(name, _)| credentials.replaces(name))
}

/// The offered subprotocols, in order.
pub fn subprotocols(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim).filter(|name| !name.is_empty())
}

/// The credentials that an operator may rule on; others are issued by the upstream itself, and pass.
fn names(dialect: &Dialect) -> impl Iterator<Item = (&str, &Credential)> {
    let ruled = dialect.credentials.iter().filter(|(_, credential)| credential.issued_by.is_none());
    ruled.map(|(name, credential)| (name.as_str(), credential))
}

/// One exchange.
pub struct Exchange<'a> {
    /// What the upstream speaks.
    pub dialect: &'a Dialect,
    pub credentials: &'a Credentials,
    pub passenger: &'a Passenger<'a>,
    pub channel: Channel,
}

impl Exchange<'_> {
    /// Exchanges it in place.
    pub fn of(&self, path_and_query: &mut PathAndQuery, headers: &mut HeaderMap) -> Result<(), Fault> {
        if !replaces_any(self.dialect, self.credentials) {
            return Ok(());
        }
        let mut head = Head { headers, query: path_and_query.query().unwrap_or_default().to_owned() };
        let taken = self.take_out(&mut head);
        if let Some(caller) = self.passenger.caller {
            self.put_in(&mut head, caller, &taken)?;
        }
        if path_and_query.query().unwrap_or_default() != head.query {
            let mark = if head.query.is_empty() { "" } else { "?" };
            let changed = format!("{}{mark}{}", path_and_query.path(), head.query);
            *path_and_query = PathAndQuery::try_from(changed).map_err(|_| unsendable())?;
        }
        Ok(())
    }

    /// Takes out what must not be seen; the names of the upstream's credentials in whose places something stood.
    fn take_out(&self, head: &mut Head<'_>) -> Vec<&str> {
        let mut taken = Vec::new();
        for (name, credential) in names(self.dialect).filter(|(name, _)| self.credentials.replaces(name)) {
            if self.take(credential, head) {
                taken.push(name);
            }
        }
        // A client of another dialect shows its credential elsewhere.
        if self.passenger.dialect.name != self.dialect.name && self.credentials.replaces("") {
            for (_, credential) in names(self.passenger.dialect) {
                self.take(credential, head);
            }
        }
        taken
    }

    fn put_in(&self, head: &mut Head<'_>, caller: &Caller, taken: &[&str]) -> Result<(), Fault> {
        let called = self.passenger.call.map_or("", |call| call.credential.as_str());
        for (name, credential) in names(self.dialect).filter(|(name, _)| self.credentials.replaces(name)) {
            let wanted = name.is_empty() || name == called || taken.contains(&name);
            let place = self.channel.places(credential).first();
            if let Some(place) = place.filter(|place| wanted && !self.is_issued(place))
                && let Some(secret) = self.credentials.value(name, caller)?
            {
                head.put(place, &secret)?;
            }
        }
        Ok(())
    }

    fn take(&self, credential: &Credential, head: &mut Head<'_>) -> bool {
        // A client may try the places of the other channel too, which some servers read as well.
        let places = credential.http.iter().chain(&credential.socket).filter(|place| !self.is_issued(place));
        places.filter(|place| head.take(place)).count() > 0
    }

    /// Whether the upstream's own token for this very call stands in this place.
    fn is_issued(&self, place: &CredentialPlace) -> bool {
        let credential = self.passenger.call.and_then(|call| self.dialect.credentials.get(&call.credential));
        let issued = credential.filter(|credential| credential.issued_by.is_some());
        issued.is_some_and(|issued| self.channel.places(issued).iter().any(|other| is_same(other, place)))
    }
}

/// Whether two places are one, whatever the scheme is there.
fn is_same(left: &CredentialPlace, right: &CredentialPlace) -> bool {
    match (left, right) {
        (CredentialPlace::Header { name: left, .. }, CredentialPlace::Header { name: right, .. }) => {
            left.eq_ignore_ascii_case(right)
        }
        (CredentialPlace::Query { name: left }, CredentialPlace::Query { name: right })
        | (CredentialPlace::Subprotocol { name: left }, CredentialPlace::Subprotocol { name: right }) => left == right,
        _ => false,
    }
}

fn unsendable() -> Fault {
    Fault::new(Reason::Unauthorized).detail("the credential cannot be put into its place")
}

/// What of a request may hold credentials.
struct Head<'a> {
    headers: &'a mut HeaderMap,
    /// Without its mark; the pairs that stay are as they were written.
    query: String,
}

impl Head<'_> {
    /// Takes out whatever stands in a place; whether anything did.
    fn take(&mut self, place: &CredentialPlace) -> bool {
        match place {
            CredentialPlace::Header { name, .. } => {
                // Some servers do not tell `_` from `-`.
                let is_it = |other: &HeaderName| other.as_str().replace('_', "-").eq_ignore_ascii_case(name);
                let found: Vec<HeaderName> = self.headers.keys().filter(|other| is_it(other)).cloned().collect();
                found.iter().for_each(|name| drop(self.headers.remove(name)));
                !found.is_empty()
            }
            CredentialPlace::Query { name } => {
                let is_it = |pair: &&str| {
                    let key = pair.split('=').next().unwrap_or_default().replace('+', " ");
                    percent::decode(&key).is_some_and(|key| key == *name)
                };
                let left: Vec<&str> = self.query.split('&').filter(|pair| !is_it(pair)).collect();
                let left = left.join("&");
                let found = left != self.query;
                self.query = left;
                found
            }
            CredentialPlace::Subprotocol { name } => {
                let offered: Vec<String> = subprotocols(self.headers).map(str::to_owned).collect();
                let Some(at) = offered.iter().position(|offer| offer == name) else { return false };
                let left = offered[..at].iter().chain(offered.iter().skip(at + 2));
                self.offer(&left.cloned().collect::<Vec<_>>()).is_ok()
            }
        }
    }

    fn put(&mut self, place: &CredentialPlace, secret: &Secret) -> Result<(), Fault> {
        let mut placed = Placed::default();
        placed.put(std::slice::from_ref(place), secret)?;
        for (name, value) in &placed.headers {
            self.headers.insert(name, value.clone());
        }
        for (name, secret) in placed.query {
            let between = if self.query.is_empty() { "" } else { "&" };
            self.query += &format!("{between}{}={}", percent::encode(&name), percent::encode(secret.expose()));
        }
        if !placed.subprotocols.is_empty() {
            placed.subprotocols.extend(subprotocols(self.headers).map(str::to_owned));
            self.offer(&placed.subprotocols)?;
        }
        Ok(())
    }

    fn offer(&mut self, subprotocols: &[String]) -> Result<(), Fault> {
        self.headers.remove(SEC_WEBSOCKET_PROTOCOL);
        if !subprotocols.is_empty() {
            self.headers.insert(SEC_WEBSOCKET_PROTOCOL, sensitive(subprotocols.join(", "))?);
        }
        Ok(())
    }
}

fn sensitive(text: String) -> Result<HeaderValue, Fault> {
    let mut value = HeaderValue::try_from(text).map_err(|_| unsendable())?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests;
