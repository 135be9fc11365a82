//! Another config for a gateway that runs. In: SIGHUP, a file that changed, `POST /api/reload`. Out: the config read,
//! checked and taken whole; or what is wrong with it, and the one that holds goes on.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::signal::unix::Signal;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{MissedTickBehavior, interval};

use super::settings::ConfigArguments;
use crate::app::Gateway;
use crate::config::Loaded;
use crate::metrics;
use crate::telemetry::Log;

/// How often files are looked at. They are compared by what they hold, since an editor, a ConfigMap and a copy each change
/// a file in another way.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What asks for a reload over the admin listener.
pub(super) type Requests = mpsc::Receiver<oneshot::Sender<Result<(), String>>>;

/// Takes configs until the process ends.
pub(super) struct Reloader<'a> {
    pub arguments: &'a ConfigArguments,
    pub flags: &'a [(&'a str, String)],
    pub gateway: &'a Gateway,
    pub log: &'a Log,
    pub requests: Requests,
    pub hangup: Signal,
}

/// What the files of a config hold; a file that is not there holds nothing.
#[derive(Clone, PartialEq)]
struct Seen(BTreeMap<PathBuf, Option<[u8; 32]>>);

impl Seen {
    async fn look(files: impl IntoIterator<Item = PathBuf>) -> Self {
        let mut seen = BTreeMap::new();
        for file in files {
            let held = tokio::fs::read(&file).await.ok().map(|bytes| Sha256::digest(bytes).into());
            seen.insert(file, held);
        }
        Seen(seen)
    }

    async fn again(&self) -> Self {
        Seen::look(self.0.keys().cloned()).await
    }

    /// One short name for all that they hold.
    fn digest(&self) -> String {
        let all = self.0.values().flatten().fold(Sha256::new(), |digest, held| digest.chain_update(held));
        all.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect()
    }
}

/// What is watched, and what changed in it.
struct Watch {
    on: bool,
    /// As the config that holds, or the one refused last, was read.
    read: Seen,
    /// As it was last seen, where that is something else: it is taken once it is seen twice.
    changed: Option<Seen>,
}

impl Watch {
    /// `before` is what was seen before the config was read: a file that changed while it was taken changed since then,
    /// and is seen at the next look.
    async fn of(loaded: &Loaded, before: &Seen) -> Self {
        let mut read = Seen::look(loaded.files.iter().cloned()).await;
        for (file, held) in &mut read.0 {
            if let Some(earlier) = before.0.get(file) {
                held.clone_from(earlier);
            }
        }
        metrics::show_config(&read.digest());
        Watch { on: loaded.config.server.watch, read, changed: None }
    }

    /// Whether something changed and has stayed as it is since the last look.
    async fn has_settled(&mut self) -> bool {
        let seen = self.read.again().await;
        let settled = self.changed.as_ref() == Some(&seen);
        self.changed = (seen != self.read).then_some(seen);
        settled && self.changed.is_some()
    }
}

impl Reloader<'_> {
    /// Never returns; dropped when the process stops.
    pub async fn run(mut self, loaded: &Loaded) {
        let mut watch = Watch::of(loaded, &Seen(BTreeMap::new())).await;
        let mut looks = interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let reply = tokio::select! {
                _ = self.hangup.recv() => None,
                Some(reply) = self.requests.recv() => Some(reply),
                _ = looks.tick(), if watch.on => match watch.has_settled().await {
                    true => None,
                    false => continue,
                },
            };
            let outcome = self.take(&mut watch).await;
            metrics::count_reload(outcome.is_ok());
            match &outcome {
                Ok(()) => tracing::info!(config = watch.read.digest(), "the config was taken anew"),
                Err(problems) => tracing::error!("the config is not taken; the one before holds on\n{problems}"),
            }
            if let Some(reply) = reply {
                // Who asked may have gone.
                let _ = reply.send(outcome);
            }
        }
    }

    async fn take(&self, watch: &mut Watch) -> Result<(), String> {
        // What is refused is not tried again before it changes.
        watch.read = watch.read.again().await;
        watch.changed = None;
        let loaded = self.arguments.read(self.flags).map_err(|problems| problems.render(false))?;
        if !loaded.warnings.is_empty() {
            tracing::warn!("{}", loaded.warnings.render(false));
        }
        self.gateway.reload(loaded.config.clone()).await.map_err(|error| error.to_string())?;
        self.log.change(&loaded.config.log);
        *watch = Watch::of(&loaded, &watch.read).await;
        Ok(())
    }
}
