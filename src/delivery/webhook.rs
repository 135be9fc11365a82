//! An app that hears by being called (a dialect with `[[webhook]]`). In: events of the conversations that have a name in
//! the app's dialect. Out: one POST each, in order; retried, and given up with a warning.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};

use crate::auth::{Principal, Secret};
use crate::backend::{Backend, Caller, Connect};
use crate::dialect::{Audience, Dialect, Scope};
use crate::event::Event;
use crate::fault::{Fault, Reason};
use crate::metrics;
use crate::naming::Naming;
use crate::relay::{Mailbox, MailboxEnd, MailboxLimits, MailboxReceiver, Relay, Subscription, Topic, mailbox};
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

/// Where a webhook hears of events.
pub enum Source {
    /// Of the hub's, as they are relayed.
    Relay(Arc<dyn Relay>),
    /// Of a backend's, as the app itself would on a socket.
    Backend(Arc<dyn Backend>, Box<Caller>),
}

impl Source {
    async fn listen(&self, route: &Arc<str>, letters: Mailbox) -> Result<Subscription, Fault> {
        match self {
            Source::Relay(relay) => relay
                .subscribe(Arc::clone(route), vec![Topic::Everyone], letters)
                .await
                .map_err(|error| Fault::new(Reason::Unavailable).detail(error.to_string())),
            Source::Backend(backend, caller) => {
                let connect = Connect { scope: Scope::Everyone, conversation: None, mailbox: letters };
                Ok(backend.connect(caller, connect).await?.subscription)
            }
        }
    }

    /// Whether all that is heard is the app's business, since its own account hears it.
    fn is_its_own(&self) -> bool {
        matches!(self, Source::Backend(..))
    }
}

impl Webhook {
    /// Listens from now on, and calls until the process stops. What is not there yet is waited for.
    pub async fn start(self, source: Source, tasks: &Tasks) -> Result<(), Fault> {
        let first = match source.is_its_own() {
            true => None,
            false => Some(self.listen(&source).await?),
        };
        let stopping = tasks.stopping();
        tasks.spawn(async move {
            tokio::select! {
                () = self.run(&source, first) => {}
                () = stopping.cancelled() => {}
            }
        });
        Ok(())
    }

    async fn listen(&self, source: &Source) -> Result<(Subscription, MailboxReceiver), Fault> {
        let (letters, arriving) = mailbox(WAITING);
        let subscription = source.listen(&self.route, letters).await?;
        Ok((subscription, arriving))
    }

    /// Listens, as often as it takes.
    async fn listening(&self, source: &Source) -> (Subscription, MailboxReceiver) {
        let mut pauses = PAUSES.into_iter();
        loop {
            match self.listen(source).await {
                Ok(listening) => return listening,
                Err(fault) => tracing::warn!(route = %self.route, %fault, "the webhook cannot listen"),
            }
            tokio::time::sleep(pauses.next().unwrap_or(PAUSES[PAUSES.len() - 2])).await;
        }
    }

    async fn run(&self, source: &Source, first: Option<(Subscription, MailboxReceiver)>) {
        let viewer = match source {
            Source::Relay(_) => Principal::named(Arc::clone(&self.route)),
            Source::Backend(_, caller) => caller.principal.clone(),
        };
        let headers = self.headers();
        let (mut subscription, mut arriving) = match first {
            Some(first) => first,
            None => self.listening(source).await,
        };
        loop {
            match arriving.recv().await {
                Ok(parcel) if source.is_its_own() || self.concerns(&parcel.event) => {
                    self.tell(&viewer, &headers, &parcel.event).await;
                }
                Ok(_) => {}
                Err(end) => {
                    if end == MailboxEnd::Overflowed {
                        tracing::warn!(route = %self.route, "the webhook is too slow: events are lost");
                    } else if !source.is_its_own() {
                        return;
                    }
                    drop(subscription);
                    (subscription, arriving) = self.listening(source).await;
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
        // What the app said itself is no news to it.
        if event.details.origin.route.as_deref() == Some(&*self.route) {
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

    /// Whether the app is told: not of conversations that are no business of its dialect.
    fn concerns(&self, event: &Event) -> bool {
        let conversation = &event.details.conversation;
        self.pinned.contains(&conversation.id) || conversation.kind == Some(self.dialect.naming.kind)
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
