//! Who a credential stands for. In: what a verifier found. Out: the principal that every later decision asks.

use std::sync::Arc;

use crate::event::Role;

/// What ids begin with that nobody else has.
const ANONYMOUS: &str = "anonymous-";

/// Whoever made a request or opened a socket, as far as its credential says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The canonical party id: a JWT's `sub`, a static token's `party`.
    pub id: Arc<str>,
    pub role: Option<Role>,
    pub name: Option<String>,
    /// The departments whose conversations it sees. Empty: all.
    pub departments: Vec<String>,
    pub business: Option<String>,
    /// Conversations that it is confined to; a visitor's token names its one session. Empty: not confined.
    pub conversations: Vec<String>,
    /// Permissions that a static token was given; empty: all that its role has.
    pub permissions: Vec<String>,
    /// When the credential was issued, in seconds since the epoch.
    pub issued: Option<i64>,
    /// When it ends.
    pub expires: Option<i64>,
    /// What a JWT calls itself: its `jti`.
    pub token: Option<Arc<str>>,
}

impl Principal {
    /// A principal about which only its id is known.
    pub fn named(id: impl Into<Arc<str>>) -> Self {
        Principal {
            id: id.into(),
            role: None,
            name: None,
            departments: Vec::new(),
            business: None,
            conversations: Vec::new(),
            permissions: Vec::new(),
            issued: None,
            expires: None,
            token: None,
        }
    }

    /// A principal about which nothing is known: an id that nobody else has.
    pub fn anonymous() -> Self {
        Principal::named(format!("{ANONYMOUS}{}", uuid::Uuid::new_v4().simple()))
    }

    /// Whether its id was made for this one request.
    pub fn is_anonymous(&self) -> bool {
        self.id.starts_with(ANONYMOUS)
    }
}
