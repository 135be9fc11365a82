//! Whether a credential that was good is good still. In: what was shown and whom it stands for. Out: the moment that it is
//! revoked.

use std::sync::Arc;

use crate::auth::party::Principal;
use crate::fault::{Fault, Reason};
use crate::secret::Secret;

use super::Revocations;

/// What is known of a credential.
pub(super) struct Shown<'a> {
    pub route: &'a str,
    /// `jti`.
    pub id: Option<&'a str>,
    pub subject: &'a str,
    /// `iat`.
    pub issued: Option<i64>,
    pub token: Option<&'a str>,
}

/// A credential in use. Cheap to hold; a default one cannot be revoked.
#[derive(Default)]
pub struct Standing(Option<Held>);

struct Held {
    revocations: Arc<Revocations>,
    route: Arc<str>,
    principal: Principal,
    token: Option<Secret>,
}

impl Standing {
    pub(in crate::auth) fn of(
        revocations: &Arc<Revocations>,
        route: &Arc<str>,
        principal: &Principal,
        token: Option<&str>,
    ) -> Self {
        Standing(Some(Held {
            revocations: Arc::clone(revocations),
            route: Arc::clone(route),
            principal: principal.clone(),
            token: token.map(Secret::new),
        }))
    }

    /// Resolves once it is revoked, at once if it is.
    pub async fn lost(&self) {
        let Some(held) = &self.0 else { return std::future::pending().await };
        let mut list = held.revocations.list.subscribe();
        let shown = shown(&held.route, &held.principal, held.token.as_ref().map(Secret::expose));
        if list.wait_for(|list| list.covers(&shown)).await.is_err() {
            // Nobody is left to revoke it.
            std::future::pending().await
        }
    }
}

impl Revocations {
    /// [`Reason::Unauthorized`] for a credential that is revoked.
    pub(in crate::auth) fn judge(&self, route: &str, principal: &Principal, token: Option<&str>) -> Result<(), Fault> {
        match self.list.borrow().covers(&shown(route, principal, token)) {
            true => Err(Fault::new(Reason::Unauthorized).detail("the token is revoked")),
            false => Ok(()),
        }
    }
}

fn shown<'a>(route: &'a str, principal: &'a Principal, token: Option<&'a str>) -> Shown<'a> {
    Shown { route, id: principal.token.as_deref(), subject: &principal.id, issued: principal.issued, token }
}
