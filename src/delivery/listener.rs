//! The task of one webhook. In: events from where it listens, each waiting its turn. Out: each told to the app, until the
//! webhook is stopped and nothing waits any more.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::auth::Principal;
use crate::fault::Fault;
use crate::relay::{MailboxEnd, MailboxLimits, MailboxReceiver, Subscription, mailbox};

use super::webhook::{Source, Webhook};

/// What waits for a slow app, at most.
const WAITING: MailboxLimits = MailboxLimits { messages: 10_000, bytes: 64 << 20 };
/// The first and the longest pause before it listens again.
const PAUSE: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));

/// A place to hear from, and what was heard.
pub type Listening = (Subscription, MailboxReceiver);

pub struct Listener {
    pub route: Arc<str>,
    pub source: Source,
    pub webhook: watch::Receiver<Arc<Webhook>>,
    pub stop: CancellationToken,
}

pub async fn listen(source: &Source, route: &Arc<str>) -> Result<Listening, Fault> {
    let (letters, arriving) = mailbox(WAITING);
    let subscription = source.listen(route, letters).await?;
    Ok((subscription, arriving))
}

impl Listener {
    pub async fn run(self, first: Option<Listening>) {
        let mut next = first;
        loop {
            let listening = match next.take() {
                Some(listening) => listening,
                None => tokio::select! {
                    listening = self.listening() => listening,
                    () = self.stop.cancelled() => return,
                },
            };
            // A source that lets go again and again is not asked without end.
            let pause = match self.tell_all(listening).await {
                MailboxEnd::Overflowed => Duration::ZERO,
                MailboxEnd::Closed | MailboxEnd::Dismissed(_) => PAUSE.1,
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.stop.cancelled() => return,
            }
        }
    }

    /// Listens, as often as it takes.
    async fn listening(&self) -> Listening {
        let mut pause = PAUSE.0;
        loop {
            match listen(&self.source, &self.route).await {
                Ok(listening) => return listening,
                Err(fault) => tracing::warn!(route = %self.route, %fault, "the webhook cannot listen"),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE.1);
        }
    }

    /// Tells what comes until nothing more does: the source ended, too much waited, or the webhook is stopped.
    async fn tell_all(&self, (subscription, mut arriving): Listening) -> MailboxEnd {
        let viewer = self.source.viewer(&self.route);
        let mut subscription = Some(subscription);
        loop {
            let received = tokio::select! {
                biased;
                () = self.stop.cancelled(), if subscription.is_some() => {
                    // Nothing new from here on; what waits is told.
                    drop(subscription.take());
                    continue;
                }
                received = arriving.recv() => received,
            };
            match received {
                Ok(parcel) => {
                    let webhook = Arc::clone(&self.webhook.borrow());
                    if self.source.is_its_own() || webhook.concerns(&parcel.event) {
                        webhook.tell(&viewer, &parcel.event).await;
                    }
                }
                Err(end) => {
                    if end == MailboxEnd::Overflowed {
                        tracing::warn!(route = %self.route, "the webhook is too slow: events are lost");
                    }
                    return end;
                }
            }
        }
    }
}

impl Source {
    /// As whom the app sees what is told.
    fn viewer(&self, route: &Arc<str>) -> Principal {
        match self {
            Source::Relay(_) => Principal::named(Arc::clone(route)),
            Source::Backend(_, caller) => caller.principal.clone(),
        }
    }
}
