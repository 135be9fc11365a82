//! An app that hears by being called (a dialect with `[[webhook]]`). In: events of the conversations that have a name in
//! the app's dialect. Out: one POST each, in order; retried, and given up with a warning.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};

use crate::auth::{Principal, Secret};
use crate::dialect::{Audience, Dialect};
use crate::event::Event;
use crate::metrics;
use crate::naming::Naming;
use crate::relay::{MailboxEnd, MailboxLimits, MailboxReceiver, Relay, RelayError, Subscription, Topic, mailbox};
use crate::tasks::Tasks;

use super::post::post;

/// What waits for a slow app, at most.
const WAITING: MailboxLimits = MailboxLimits { messages: 10_000, bytes: 64 << 20 };

/// Pauses before each further try. The platform's own retries are not documented; five tries are ours.
const PAUSES: [Duration; 4] =
    [Duration::from_millis(200), Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(20)];

/// Where a route's events go.
#[derive(Debug, Clone, PartialEq)]
pub struct WebhookSettings {
    /// `http://…`; an address that ends TLS is for a proxy.
    pub url: Uri,
    /// What the app knows the gateway by.
    pub key: Secret,
}

/// One route's webhook.
pub struct Webhook {
    pub settings: WebhookSettings,
    pub route: Arc<str>,
    pub dialect: Arc<Dialect>,
    /// Canonical ids of the conversations that the config names in this dialect.
    pub pinned: BTreeSet<String>,
    pub naming: Arc<Naming>,
}

impl Webhook {
    /// Listens from now on, and calls until the process stops.
    pub async fn start(self, relay: Arc<dyn Relay>, tasks: &Tasks) -> Result<(), RelayError> {
        let first = self.listen(&*relay).await?;
        let stopping = tasks.stopping();
        tasks.spawn(async move {
            tokio::select! {
                () = self.run(&*relay, first) => {}
                () = stopping.cancelled() => {}
            }
        });
        Ok(())
    }

    async fn listen(&self, relay: &dyn Relay) -> Result<(Subscription, MailboxReceiver), RelayError> {
        let (letters, arriving) = mailbox(WAITING);
        let subscription = relay.subscribe(Arc::clone(&self.route), vec![Topic::Everyone], letters).await?;
        Ok((subscription, arriving))
    }

    async fn run(&self, relay: &dyn Relay, first: (Subscription, MailboxReceiver)) {
        let viewer = Principal::named(Arc::clone(&self.route));
        let headers = self.headers();
        let (mut subscription, mut arriving) = first;
        loop {
            match arriving.recv().await {
                Ok(parcel) => self.tell(&viewer, &headers, &parcel.event).await,
                Err(MailboxEnd::Closed) => return,
                Err(MailboxEnd::Overflowed) => {
                    tracing::warn!(route = %self.route, "the webhook is too slow: events are lost");
                    drop(subscription);
                    match self.listen(relay).await {
                        Ok(again) => (subscription, arriving) = again,
                        Err(error) => {
                            tracing::error!(route = %self.route, %error, "the webhook does not listen any more");
                            return;
                        }
                    }
                }
            }
        }
    }

    /// The first webhook's headers; a dialect's webhooks all go to one app, which has one key.
    fn headers(&self) -> HeaderMap {
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

    async fn tell(&self, viewer: &Principal, headers: &HeaderMap, event: &Event) {
        if !self.concerns(event) {
            return;
        }
        let fields = match self.naming.outward(&self.dialect, viewer, event).await {
            Ok(Some(fields)) => fields,
            Ok(None) => return,
            Err(fault) => {
                tracing::warn!(route = %self.route, %fault, "an event has no name for the webhook");
                return;
            }
        };
        let places: Vec<_> = self.dialect.webhooks.iter().map(|webhook| &webhook.shapes).collect();
        let Ok(carried) = self.dialect.carry(&places, &fields, Audience::Receiver) else {
            metrics::count_untold(&self.dialect.name, event.kind.as_str());
            return;
        };
        let from = event.details.origin.dialect.as_deref().unwrap_or_default();
        let lost = carried.lost.iter().map(|field| field.path());
        metrics::count_losses(from, &self.dialect.name, lost, carried.degraded.map(|why| why.as_str()));
        for frame in carried.frames {
            self.deliver(headers, frame).await;
        }
    }

    /// Whether the app is told: not of what it said itself, nor of conversations that are no business of its dialect.
    fn concerns(&self, event: &Event) -> bool {
        let own = event.details.origin.route.as_deref() == Some(&*self.route);
        let conversation = &event.details.conversation;
        let known = self.pinned.contains(&conversation.id) || conversation.kind == Some(self.dialect.naming.kind);
        known && !own
    }

    async fn deliver(&self, headers: &HeaderMap, frame: String) {
        for pause in PAUSES.into_iter().map(Some).chain([None]) {
            let problem = match post(&self.settings.url, headers, frame.clone()).await {
                Ok(status) if status.is_success() => return,
                Ok(status) if !is_worth_another_try(status) => {
                    tracing::warn!(route = %self.route, status = status.as_u16(), "the webhook refused an event");
                    return;
                }
                Ok(status) => format!("status {}", status.as_u16()),
                Err(error) => error.to_string(),
            };
            match pause {
                Some(pause) => tokio::time::sleep(pause).await,
                None => tracing::warn!(route = %self.route, %problem, "the webhook did not take an event; given up"),
            }
        }
    }
}

/// A refusal stays one, but for "too slow" and "too much".
fn is_worth_another_try(status: StatusCode) -> bool {
    !status.is_client_error() || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS)
}
