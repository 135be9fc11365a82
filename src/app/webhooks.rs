//! The webhook of a route whose dialect hears by being called.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::auth::{Auth, Principal};
use crate::backend::{Caller, Terms};
use crate::config::{Config, Route, Target};
use crate::delivery::{Source, Webhook};
use crate::relay::Relay;

use super::{Parts, StartError};

pub async fn start(route: &Route, config: &Config, parts: &Parts, relay: &Arc<dyn Relay>) -> Result<(), StartError> {
    let Some(settings) = &route.events else { return Ok(()) };
    let family = route.dialect.name.split('@').next().unwrap_or_default();
    let named = config.conversations.iter().filter(|pinned| pinned.named_in(family).is_some());
    let webhook = Webhook {
        settings: settings.clone(),
        route: Arc::clone(&route.name),
        dialect: Arc::clone(&route.dialect),
        pinned: named.map(|pinned| pinned.name.clone()).collect::<BTreeSet<_>>(),
        naming: Arc::clone(&parts.naming),
    };
    let source = match &route.target {
        Target::Hub => Source::Relay(Arc::clone(relay)),
        Target::Upstream(_) => Source::Backend(parts.backend(&route.target)?, Box::new(app(route))),
    };
    Ok(webhook.start(source, &parts.tasks).await?)
}

/// The app itself, as whom the gateway listens: whoever its first token stands for.
fn app(route: &Route) -> Caller {
    let principal = match &route.auth {
        Auth::Tokens(tokens) => tokens.first().map(|token| Principal {
            role: token.role,
            name: token.name.clone(),
            departments: token.departments.clone(),
            business: token.business.clone(),
            ..Principal::named(token.party.as_str())
        }),
        Auth::Jwt(_) | Auth::Upstream | Auth::None { .. } => None,
    };
    Caller {
        principal: principal.unwrap_or_else(|| Principal::named(Arc::clone(&route.name))),
        route: Arc::clone(&route.name),
        dialect: Arc::clone(&route.dialect.name),
        connection: 0,
        presented: None,
        terms: Terms::default(),
    }
}
