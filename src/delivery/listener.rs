//! The task of one webhook or delivery. In: where it listens, and who is told. Out: they are told, by one replica at a time,
//! until it is stopped and nothing waits any more.
//!
//! Of the hub's events how far they were told is kept in the journal: what one replica could not tell any more another
//! one tells. What was told and could not be noted as told is told again.

use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::auth::Principal;
use crate::directory::Subscriptions;
use crate::fault::Fault;
use crate::journal::Journal;
use crate::naming::fault;
use crate::relay::Relay;
use crate::tasks::Tasks;

use super::app::App;
use super::claim::{Claim, Right};
use super::letter::Hearer;
use super::outbox::Outbox;
use super::post::Poster;
use super::progress;
use super::recipient::Delivery;
use super::telling::Telling;
use super::webhook::{Source, Webhook};

/// A webhook or a delivery that listens and calls, until this is dropped; what waits then is told still.
pub struct Running<T> {
    told: watch::Sender<Arc<T>>,
    stop: CancellationToken,
}

pub type RunningWebhook = Running<Webhook>;
pub type RunningDelivery = Running<Delivery>;

impl<T> Running<T> {
    /// What is told from now on is told like this, what is tried again too.
    pub fn change(&self, told: T) {
        self.told.send_replace(Arc::new(told));
    }
}

impl<T> Drop for Running<T> {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

pub(super) struct Listener {
    pub(super) hearer: Box<dyn Hearer>,
    pub(super) source: Source,
    pub(super) journal: Arc<dyn Journal>,
    /// What it is called in the journal.
    pub(super) key: String,
    pub(super) stop: CancellationToken,
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
        let (told, webhook) = watch::channel(Arc::new(self));
        let viewer = source.viewer(&route);
        let subscriptions = Subscriptions::new(Arc::clone(&journal));
        let app = App { route, viewer, webhook, poster: Poster::new(), subscriptions };
        let stop = Listener::start(Box::new(app), source, journal, tasks).await?;
        Ok(Running { told, stop })
    }
}

impl Delivery {
    /// Delivers what the hub records from now on, while no other replica does.
    pub async fn start(
        self,
        relay: Arc<dyn Relay>,
        journal: Arc<dyn Journal>,
        tasks: &Tasks,
    ) -> Result<RunningDelivery, Fault> {
        let name = Arc::clone(&self.settings.name);
        let (told, delivery) = watch::channel(Arc::new(self));
        let outbox = Outbox { name, delivery, journal: Arc::clone(&journal) };
        let stop = Listener::start(Box::new(outbox), Source::Hub(relay), journal, tasks).await?;
        Ok(Running { told, stop })
    }
}

impl Listener {
    /// Begins; the token ends it.
    async fn start(
        hearer: Box<dyn Hearer>,
        source: Source,
        journal: Arc<dyn Journal>,
        tasks: &Tasks,
    ) -> Result<CancellationToken, Fault> {
        let key = format!("{}/{}", hearer.addressee().as_str(), hearer.name());
        if !source.is_its_own() {
            // What is recorded after this is told, whoever comes to tell it.
            progress::begin(&*journal, &key).await.map_err(fault)?;
        }
        let stop = tasks.stopping().child_token();
        tasks.spawn(Listener { hearer, source, journal, key, stop: stop.clone() }.run());
        Ok(stop)
    }

    pub(super) fn name(&self) -> &Arc<str> {
        self.hearer.name()
    }

    async fn run(self) {
        let mut claim = Claim::new(Arc::clone(&self.journal), self.key.clone());
        while !self.stop.is_cancelled() {
            tokio::select! {
                () = claim.taken() => {}
                () = self.stop.cancelled() => return,
            }
            let right = claim.right();
            tokio::select! {
                () = claim.lost() => tracing::warn!(key = %self.key, "another replica is to call now"),
                () = self.tell(right) => {}
            }
        }
        claim.give_up().await;
    }

    /// Tells until stopped.
    async fn tell(&self, right: Right) {
        if let Some(telling) = Telling::begin(self, right).await {
            telling.run().await;
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
