//! The task of one webhook. In: events from where it listens, each waiting its turn. Out: each told to the app, by one replica
//! at a time, until the webhook is stopped and nothing waits any more.
//!
//! Of the hub's events how far the app was told is kept in the journal: what one replica could not tell any more another
//! one tells. What was told and could not be noted as told is told again.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::auth::Principal;
use crate::event::Event;
use crate::fault::Fault;
use crate::journal::Journal;
use crate::naming::fault;
use crate::relay::{MailboxEnd, MailboxLimits, MailboxReceiver, Parcel, Subscription, mailbox};
use crate::tasks::Tasks;

use super::claim::Claim;
use super::progress::Progress;
use super::webhook::{Source, Webhook};

/// What waits for a slow app, at most.
const WAITING: MailboxLimits = MailboxLimits { messages: 10_000, bytes: 64 << 20 };
/// The first and the longest pause before it listens again.
const PAUSE: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));

/// A place to hear from, and what was heard.
type Listening = (Option<Subscription>, MailboxReceiver);

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
    journal: Arc<dyn Journal>,
    webhook: watch::Receiver<Arc<Webhook>>,
    stop: CancellationToken,
}

impl Webhook {
    /// Listens from now on, and calls while no other replica does.
    pub async fn start(
        self,
        source: Source,
        journal: Arc<dyn Journal>,
        tasks: &Tasks,
    ) -> Result<RunningWebhook, Fault> {
        let route = Arc::clone(&self.route);
        if !source.is_its_own() {
            // What is recorded after this is told, whoever comes to tell it.
            Progress::open(Arc::clone(&journal), &route).await.map_err(fault)?;
        }
        let stop = tasks.stopping().child_token();
        let (webhook, current) = watch::channel(Arc::new(self));
        let listener = Listener { route, source, journal, webhook: current, stop: stop.clone() };
        tasks.spawn(listener.run());
        Ok(RunningWebhook { webhook, stop })
    }
}

async fn listen(source: &Source, route: &Arc<str>) -> Result<Listening, Fault> {
    let (letters, arriving) = mailbox(WAITING);
    let subscription = source.listen(route, letters).await?;
    Ok((Some(subscription), arriving))
}

impl Listener {
    async fn run(self) {
        let mut claim = Claim::new(Arc::clone(&self.journal), format!("webhook/{}", self.route));
        while !self.stop.is_cancelled() {
            tokio::select! {
                () = claim.taken() => {}
                () = self.stop.cancelled() => return,
            }
            tokio::select! {
                () = claim.lost() => tracing::warn!(route = %self.route, "another replica is to call the webhook"),
                () = self.tell_all() => {}
            }
        }
        claim.give_up().await;
    }

    /// Listens and tells until stopped.
    async fn tell_all(&self) {
        while !self.stop.is_cancelled() {
            let listening = tokio::select! {
                listening = self.listening() => listening,
                () = self.stop.cancelled() => return,
            };
            let end = match self.source {
                Source::Hub(_) => self.tell_recorded(listening).await,
                Source::Backend(..) => self.tell_heard(listening).await,
            };
            // A source that lets go again and again is not asked without end.
            let pause = match end {
                MailboxEnd::Overflowed => Duration::ZERO,
                MailboxEnd::Closed | MailboxEnd::Dismissed(_) => PAUSE.1,
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.stop.cancelled() => {}
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
    async fn tell_heard(&self, mut listening: Listening) -> MailboxEnd {
        loop {
            match self.received(&mut listening).await {
                Ok(parcel) => self.tell_in_passing(&parcel.event).await,
                Err(end) => {
                    if end == MailboxEnd::Overflowed {
                        tracing::warn!(route = %self.route, "the webhook is too slow: events are lost");
                    }
                    return end;
                }
            }
        }
    }

    /// The same for what the journal has: what comes says that there is more to tell, the journal says what.
    async fn tell_recorded(&self, mut listening: Listening) -> MailboxEnd {
        let mut progress = loop {
            match Progress::open(Arc::clone(&self.journal), &self.route).await {
                Ok(progress) => break progress,
                Err(error) => tracing::debug!(route = %self.route, %error, "the webhook's place cannot be read yet"),
            }
            tokio::time::sleep(PAUSE.0).await;
        };
        self.catch_up(&mut progress).await;
        loop {
            let received = tokio::select! {
                biased;
                () = self.stop.cancelled() => {
                    // What is recorded by now; nothing new after that, and whoever calls next tells it.
                    self.catch_up(&mut progress).await;
                    return MailboxEnd::Closed;
                }
                received = listening.1.recv() => received,
            };
            match received {
                Ok(parcel) if parcel.turn == 0 => self.tell_in_passing(&parcel.event).await,
                Ok(parcel) if progress.is_before(&parcel.places) => self.catch_up(&mut progress).await,
                Ok(_) => {}
                Err(end) => return end,
            }
        }
    }

    /// What comes next. Once the webhook is stopped nothing new comes, and what waits still does.
    async fn received(&self, (subscription, arriving): &mut Listening) -> Result<Parcel, MailboxEnd> {
        if subscription.is_some() {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => drop(subscription.take()),
                received = arriving.recv() => return received,
            }
        }
        arriving.recv().await
    }

    /// Tells all that is recorded, as often as it takes.
    async fn catch_up(&self, progress: &mut Progress) {
        while let Err(fault) = self.tell_next(progress).await {
            tracing::debug!(route = %self.route, %fault, "the webhook goes on in a moment");
            if self.stop.is_cancelled() {
                return;
            }
            tokio::time::sleep(PAUSE.0).await;
        }
    }

    async fn tell_next(&self, progress: &mut Progress) -> Result<(), Fault> {
        let viewer = self.source.viewer(&self.route);
        loop {
            progress.keep().await.map_err(fault)?;
            let next = progress.next().await.map_err(fault)?;
            if next.is_lost {
                tracing::warn!(route = %self.route, "the webhook was behind by more than is kept: events are lost");
            }
            for (place, announced) in &next.announced {
                if self.stop.is_cancelled() && self.journal.is_shared() {
                    // Another replica tells the rest.
                    return progress.keep().await.map_err(fault);
                }
                let webhook = Arc::clone(&self.webhook.borrow());
                if webhook.concerns(&announced.event) {
                    // That the last one is told is noted while this one is told.
                    let (told, kept) = tokio::join!(webhook.tell(&viewer, &announced.event), progress.keep());
                    told?;
                    progress.reach(*place);
                    kept.map_err(fault)?;
                }
                progress.reach(*place);
            }
            // Once stopped, only what was on its way then.
            if !progress.finish(&next) || self.stop.is_cancelled() {
                return Ok(());
            }
        }
    }

    async fn tell_in_passing(&self, event: &Event) {
        let webhook = Arc::clone(&self.webhook.borrow());
        if !self.source.is_its_own() && !webhook.concerns(event) {
            return;
        }
        if let Err(fault) = webhook.tell(&self.source.viewer(&self.route), event).await {
            tracing::warn!(route = %self.route, %fault, "the webhook could not be told of an event");
        }
    }
}

impl Source {
    /// As whom the app sees what is told.
    fn viewer(&self, route: &Arc<str>) -> Principal {
        match self {
            Source::Hub(_) => Principal::named(Arc::clone(route)),
            Source::Backend(_, caller) => caller.principal.clone(),
        }
    }
}
