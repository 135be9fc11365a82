//! The task of one webhook. In: events from where it listens, each waiting its turn. Out: each told to the app, until the
//! webhook is stopped and nothing waits any more.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::auth::Principal;
use crate::fault::Fault;
use crate::relay::{MailboxEnd, MailboxLimits, MailboxReceiver, Subscription, mailbox};
use crate::tasks::Tasks;

use super::webhook::{Source, Webhook};

/// What waits for a slow app, at most.
const WAITING: MailboxLimits = MailboxLimits { messages: 10_000, bytes: 64 << 20 };
/// The first and the longest pause before it listens again.
const PAUSE: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));

/// A place to hear from, and what was heard.
type Listening = (Subscription, MailboxReceiver);

/// A webhook that listens and calls, until this is dropped; what waits for the app then is told to it still.
pub struct RunningWebhook {
    webhook: watch::Sender<Arc<Webhook>>,
    stop: CancellationToken,
}

impl RunningWebhook {
    /// What is told from now on is told like this.
    pub fn change(&self, webhook: Webhook) {
        self.webhook.send_replace(Arc::new(webhook));
    }
}

impl Drop for RunningWebhook {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

struct Listener {
    route: Arc<str>,
    source: Source,
    webhook: watch::Receiver<Arc<Webhook>>,
    stop: CancellationToken,
}

impl Webhook {
    /// Listens from now on, and calls. What is not there yet is waited for.
    pub async fn start(self, source: Source, tasks: &Tasks) -> Result<RunningWebhook, Fault> {
        let route = Arc::clone(&self.route);
        let first = match source.is_its_own() {
            true => None,
            false => Some(listen(&source, &route).await?),
        };
        let stop = tasks.stopping().child_token();
        let (webhook, current) = watch::channel(Arc::new(self));
        let listener = Listener { route, source, webhook: current, stop: stop.clone() };
        tasks.spawn(listener.run(first));
        Ok(RunningWebhook { webhook, stop })
    }
}

async fn listen(source: &Source, route: &Arc<str>) -> Result<Listening, Fault> {
    let (letters, arriving) = mailbox(WAITING);
    let subscription = source.listen(route, letters).await?;
    Ok((subscription, arriving))
}

impl Listener {
    async fn run(self, first: Option<Listening>) {
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
