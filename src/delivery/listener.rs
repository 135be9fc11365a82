//! The task of one webhook. In: where it listens, and how its app is called. Out: the app is told, by one replica at a time,
//! until the webhook is stopped and nothing waits any more.
//!
//! Of the hub's events how far the app was told is kept in the journal: what one replica could not tell any more another
//! one tells. What was told and could not be noted as told is told again.

use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::auth::Principal;
use crate::directory::Subscriptions;
use crate::fault::Fault;
use crate::journal::Journal;
use crate::naming::fault;
use crate::tasks::Tasks;

use super::app::App;
use super::claim::{Claim, Right};
use super::post::Poster;
use super::progress;
use super::telling::Telling;
use super::webhook::{Source, Webhook};

/// A webhook that listens and calls, until this is dropped; what waits for the app then is told to it still.
pub struct RunningWebhook {
    webhook: watch::Sender<Arc<Webhook>>,
    stop: CancellationToken,
}

impl RunningWebhook {
    /// What is told from now on is told like this, what is tried again too.
    pub fn change(&self, webhook: Webhook) {
        self.webhook.send_replace(Arc::new(webhook));
    }
}

impl Drop for RunningWebhook {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

pub(super) struct Listener {
    pub(super) app: App,
    pub(super) source: Source,
    pub(super) journal: Arc<dyn Journal>,
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
        if !source.is_its_own() {
            // What is recorded after this is told, whoever comes to tell it.
            progress::begin(&*journal, &route).await.map_err(fault)?;
        }
        let stop = tasks.stopping().child_token();
        let (webhook, current) = watch::channel(Arc::new(self));
        let viewer = source.viewer(&route);
        let subscriptions = Subscriptions::new(Arc::clone(&journal));
        let app = App { route, viewer, webhook: current, poster: Poster::new(), subscriptions };
        let listener = Listener { app, source, journal, stop: stop.clone() };
        tasks.spawn(listener.run());
        Ok(RunningWebhook { webhook, stop })
    }
}

impl Listener {
    async fn run(self) {
        let route = &self.app.route;
        let mut claim = Claim::new(Arc::clone(&self.journal), format!("webhook/{route}"));
        while !self.stop.is_cancelled() {
            tokio::select! {
                () = claim.taken() => {}
                () = self.stop.cancelled() => return,
            }
            let right = claim.right();
            tokio::select! {
                () = claim.lost() => tracing::warn!(%route, "another replica is to call the webhook"),
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
