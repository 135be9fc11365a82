//! The webhooks of routes whose dialect hears by being called. In: the parts of a config, and of the one before. Out:
//! those that are new, listening; and which of the others go on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::auth::{Auth, Principal};
use crate::backend::{Caller, Terms};
use crate::config::{Route, Target};
use crate::delivery::{RunningWebhook, Source, Webhook};
use crate::dialect::family;

use super::StartError;
use super::ground::Ground;
use super::parts::Parts;

/// Starts those that do not go on from the config before.
pub async fn start(
    parts: &Parts,
    ground: &Ground,
    before: Option<&Parts>,
) -> Result<BTreeMap<Arc<str>, RunningWebhook>, StartError> {
    let mut started = BTreeMap::new();
    for route in &parts.config.routes {
        if goes_on(route, parts, before) {
            continue;
        }
        let Some(webhook) = webhook(route, parts) else { continue };
        let source = match &route.target {
            Target::Hub => Source::Hub(Arc::clone(&ground.relay)),
            Target::Upstream(_) => Source::Backend(parts.backend(&route.target, ground)?, Box::new(app(route))),
        };
        started
            .insert(Arc::clone(&route.name), webhook.start(source, Arc::clone(&ground.journal), &ground.tasks).await?);
    }
    Ok(started)
}

/// What a route's app is told, and how.
pub fn webhook(route: &Route, parts: &Parts) -> Option<Webhook> {
    let settings = route.events.clone()?;
    let spoken = family(&route.dialect.name);
    let named = parts.config.conversations.iter().filter(|pinned| pinned.named_in(spoken).is_some());
    Some(Webhook {
        settings,
        route: Arc::clone(&route.name),
        dialect: Arc::clone(&route.dialect),
        pinned: named.map(|pinned| pinned.name.clone()).collect::<BTreeSet<_>>(),
        naming: Arc::clone(&parts.naming),
    })
}

/// Whether the webhook that the route had listens where this one would. It keeps what waits for the app.
pub fn goes_on(route: &Route, parts: &Parts, before: Option<&Parts>) -> bool {
    let Some(before) = before.filter(|_| route.events.is_some()) else { return false };
    let earlier = before.config.routes.iter().find(|earlier| earlier.name == route.name && earlier.events.is_some());
    earlier.is_some_and(|earlier| match (&earlier.target, &route.target) {
        (Target::Hub, Target::Hub) => true,
        (Target::Upstream(one), Target::Upstream(other)) => {
            let is_same = match (before.upstreams.get(one), parts.upstreams.get(other)) {
                (Some(one), Some(other)) => one.is_same(other),
                _ => false,
            };
            is_same && earlier.auth == route.auth
        }
        _ => false,
    })
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
