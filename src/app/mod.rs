//! Wires a checked config to running parts; the only place that knows them all. In: a config. Out: a gateway that
//! listens, and stops when told.

mod keys;
mod routes;
mod upstreams;
mod webhooks;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::admin;
use crate::auth::Secret;
use crate::backend::Backend;
use crate::config::{Config, JournalSettings, Route, StoreSettings, Target, UploadStores, Uploads};
use crate::hub::Hub;
use crate::journal::{EmbeddedJournal, Journal};
use crate::naming::Naming;
use crate::relay::{MemoryRelay, Relay};
use crate::server::{self, Bounds, Site};
use crate::store::{FsStore, Store};
use crate::tasks::Tasks;
use crate::upstream::Upstream;

/// A gateway that runs.
pub struct Gateway {
    address: SocketAddr,
    admin: Option<SocketAddr>,
    journal: Arc<dyn Journal>,
    drain_timeout: Duration,
    tasks: Tasks,
}

/// Why a gateway cannot start.
pub type StartError = Box<dyn std::error::Error + Send + Sync>;

/// The parts that routes and upstreams are built over.
struct Parts {
    address: SocketAddr,
    journal: Arc<dyn Journal>,
    naming: Arc<Naming>,
    hub: Arc<dyn Backend>,
    stores: BTreeMap<String, Arc<dyn Store>>,
    upstreams: BTreeMap<String, Upstream>,
    visitors: Secret,
    tasks: Tasks,
}

impl Gateway {
    /// Opens what the config names and listens.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let tasks = Tasks::new();
        let listener = TcpListener::bind(config.server.listen).await?;
        let address = listener.local_addr()?;
        let JournalSettings::Embedded { path, .. } = &config.journal;
        let journal: Arc<dyn Journal> = Arc::new(EmbeddedJournal::open(path)?);
        let relay: Arc<dyn Relay> = Arc::new(MemoryRelay::new());
        let dialects: Vec<_> = config.routes.iter().map(|route| Arc::clone(&route.dialect)).collect();
        let naming = Arc::new(Naming::open(Arc::clone(&journal), &config.conversations, &dialects).await?);
        let hub = Hub::open(Arc::clone(&journal), Arc::clone(&relay), &config.conversations, &tasks).await?;
        let mut parts = Parts {
            address,
            journal: Arc::clone(&journal),
            naming: Arc::clone(&naming),
            hub: Arc::new(hub),
            stores: stores(&config).await?,
            upstreams: BTreeMap::new(),
            visitors: keys::visitors(&path.with_extension("key"))?,
            tasks: tasks.clone(),
        };
        parts.upstreams = upstreams::open(&config, &parts).await?;
        for route in &config.routes {
            webhooks::start(route, &config, &parts, &relay).await?;
        }
        let routes = config.routes.iter().map(|route| routes::route(route, &config, &parts));
        let routes = routes.collect::<Result<Vec<_>, StartError>>()?;
        let callbacks = parts.upstreams.values().map(|upstream| Arc::new(upstream.clone()) as _).collect();
        let site = Arc::new(Site::new(routes, callbacks, naming, tasks.clone(), Bounds::default()));
        tasks.spawn(server::serve(site, listener));
        let mut admin = None;
        if let Some(wanted) = config.server.admin {
            let listener = TcpListener::bind(wanted).await?;
            admin = Some(listener.local_addr()?);
            tasks.spawn(admin::serve(listener, Arc::clone(&parts.hub), tasks.clone()));
        }
        Ok(Gateway { address, admin, journal, drain_timeout: config.server.drain_timeout, tasks })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where metrics and health are served, if they are.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin
    }

    /// Says that it is not ready, lets sockets leave one by one, then what is in flight finish; all within the configured
    /// time. Returns how many tasks were left.
    pub async fn stop(self) -> usize {
        let began = Instant::now();
        let sockets = self.tasks.leave(self.drain_timeout * 2 / 3).await;
        tracing::info!(sockets, seconds = began.elapsed().as_secs_f64(), "sockets were closed");
        self.tasks.stop();
        let left = self.tasks.drain(self.drain_timeout.saturating_sub(began.elapsed())).await;
        self.journal.close().await;
        left
    }
}

impl Parts {
    /// Where a route leads.
    fn backend(&self, target: &Target) -> Result<Arc<dyn Backend>, StartError> {
        match target {
            Target::Hub => Ok(Arc::clone(&self.hub)),
            Target::Upstream(name) => match self.upstreams.get(name) {
                Some(upstream) => Ok(Arc::new(upstream.clone())),
                None => Err(format!("there is no upstream `{name}`").into()),
            },
        }
    }

    /// The URL under which a route serves files, up to the key.
    fn files_url(&self, route: &Route, config: &Config) -> String {
        let public_url = match upload_stores(route).map(|stores| &config.stores[&stores.default]) {
            Some(StoreSettings::Fs { public_url: Some(url), .. }) => url.clone(),
            Some(StoreSettings::Fs { public_url: None, .. }) | None => format!("http://{}", self.address),
        };
        format!("{public_url}{}{}", route.prefix, route.dialect.storage.public)
    }
}

/// The stores of a route that keeps its uploads itself.
fn upload_stores(route: &Route) -> Option<&UploadStores> {
    match &route.uploads {
        Some(Uploads::Stores(stores)) => Some(stores),
        Some(Uploads::Upstream) | None => None,
    }
}

/// Opens every store and removes what unfinished uploads had left.
async fn stores(config: &Config) -> Result<BTreeMap<String, Arc<dyn Store>>, StartError> {
    let mut stores = BTreeMap::new();
    for (name, settings) in &config.stores {
        let StoreSettings::Fs { root, .. } = settings;
        let store: Arc<dyn Store> = Arc::new(FsStore::open(root)?);
        let swept = store.sweep().await?;
        if swept > 0 {
            tracing::info!(store = name, swept, "removed what unfinished uploads had left");
        }
        stores.insert(name.clone(), store);
    }
    Ok(stores)
}
