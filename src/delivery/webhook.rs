//! An app that hears by being called (a dialect with `[[webhook]]`). In: events of the conversations that have a name in
//! the app's dialect. Out: what it is to be sent of each.

use std::collections::BTreeSet;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, Uri};

use crate::auth::{Principal, Secret};
use crate::backend::{Backend, Caller, Connect};
use crate::dialect::{Audience, Dialect, FrameSet, Scope, SubscriptionRule};
use crate::directory::Subscriptions;
use crate::event::{Event, Field, Fields, Value};
use crate::fault::{Fault, Reason};
use crate::metrics;
use crate::naming::Naming;
use crate::relay::{Mailbox, Relay, Subscription, Topic};

/// Where a route's events go.
#[derive(Debug, Clone, PartialEq)]
pub struct WebhookSettings {
    /// `http://…`; an address that ends TLS is for a proxy.
    pub url: Uri,
    /// What the app knows the gateway by.
    pub key: Secret,
}

/// What one route's app is told, and how.
pub struct Webhook {
    pub settings: WebhookSettings,
    pub route: Arc<str>,
    pub dialect: Arc<Dialect>,
    /// Canonical ids of the conversations that the config names in this dialect.
    pub pinned: BTreeSet<String>,
    pub naming: Arc<Naming>,
}

/// Where a webhook hears of events.
pub enum Source {
    /// Of the hub's: what is recorded from the journal, what is told in passing as it is relayed.
    Hub(Arc<dyn Relay>),
    /// Of a backend's, as the app itself would on a socket.
    Backend(Arc<dyn Backend>, Box<Caller>),
}

impl Source {
    pub(super) async fn listen(&self, route: &Arc<str>, letters: Mailbox) -> Result<Subscription, Fault> {
        match self {
            Source::Hub(relay) => relay
                .subscribe(Arc::clone(route), vec![Topic::Everyone], letters)
                .await
                .map_err(|error| Fault::new(Reason::Unavailable).detail(error.to_string())),
            Source::Backend(backend, caller) => {
                let connect = Connect {
                    scope: Scope::Everyone,
                    conversation: None,
                    mailbox: letters,
                    replay: None,
                    presence: false,
                };
                Ok(backend.connect(caller, connect).await?.subscription)
            }
        }
    }

    /// Whether all that is heard is the app's business, since its own account hears it.
    pub(super) fn is_its_own(&self) -> bool {
        matches!(self, Source::Backend(..))
    }
}

impl Webhook {
    /// The first webhook's headers; a dialect's webhooks all go to one app, which has one key.
    pub(super) fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in self.dialect.webhooks.first().into_iter().flat_map(|webhook| &webhook.headers) {
            let value = value.replace("{credential}", self.settings.key.expose());
            match (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                (Ok(name), Ok(mut value)) => {
                    value.set_sensitive(true);
                    headers.insert(name, value);
                }
                _ => tracing::warn!(route = %self.route, header = %name, "a header of the webhook cannot be sent"),
            }
        }
        headers
    }

    /// What the app is sent of an event; nothing where it is no news to it, or its dialect has no words for it. An error: it
    /// may be known later.
    pub(super) async fn frames(
        &self,
        viewer: &Principal,
        subscriptions: &Subscriptions,
        event: &Event,
    ) -> Result<Vec<String>, Fault> {
        // What the app said itself is no news to it.
        if event.details.origin.route.as_deref() == Some(&*self.route) {
            return Ok(Vec::new());
        }
        let mut fields = match self.naming.outward(&self.dialect, viewer, event).await {
            Ok(Some(fields)) => fields,
            Ok(None) => return Ok(Vec::new()),
            Err(fault) if fault.reason.retry_helps() => return Err(fault),
            Err(fault) => {
                tracing::warn!(route = %self.route, %fault, "an event has no name for the webhook");
                return Ok(Vec::new());
            }
        };
        let places = self.places(subscriptions, &mut fields).await?;
        if places.is_empty() {
            return Ok(Vec::new());
        }
        let Ok(carried) = self.dialect.carry(&places, &fields, Audience::Receiver) else {
            tracing::debug!(route = %self.route, kind = %event.kind, "an event that no webhook tells the app of");
            metrics::count_untold(&self.dialect.name, event.kind.as_str());
            return Ok(Vec::new());
        };
        let from = event.details.origin.dialect.as_deref().unwrap_or_default();
        let lost = carried.lost.iter().map(|field| field.path());
        metrics::count_losses(from, &self.dialect.name, lost, carried.degraded.iter().map(|why| why.as_str()));
        Ok(carried.frames)
    }

    /// The webhooks that the app may hear, with what its subscription adds to the event. They are all about one event,
    /// so the first rule that there is stands for them.
    async fn places(
        &self,
        subscriptions: &Subscriptions,
        fields: &mut Fields<'static>,
    ) -> Result<Vec<&FrameSet>, Fault> {
        let webhooks = &self.dialect.webhooks;
        let mut is_subscribed = true;
        if let Some(rule) = webhooks.iter().find_map(|webhook| webhook.subscription.as_ref()) {
            let resource = rule.resource.and_then(|field| fields.id(field)).map(std::borrow::Cow::into_owned);
            let metadata = subscriptions.find(&self.route, &rule.kind, resource.as_deref()).await?;
            is_subscribed = metadata.is_some();
            if let Some(metadata) = metadata {
                fields.set(Field::SubscriptionMetadata, Value::Json(metadata.into()));
            }
        }
        let may_hear = |rule: &SubscriptionRule| is_subscribed || !rule.needed;
        let heard = webhooks.iter().filter(|webhook| webhook.subscription.as_ref().is_none_or(may_hear));
        Ok(heard.map(|webhook| &webhook.shapes).collect())
    }

    /// Whether the app is told: not of conversations that are no business of its dialect.
    pub(super) fn concerns(&self, event: &Event) -> bool {
        let conversation = &event.details.conversation;
        self.pinned.contains(&conversation.id) || conversation.kind == Some(self.dialect.naming.kind)
    }
}
