//! Wires a checked config to running parts; the only place that knows them all. In: a config. Out: a gateway that
//! listens, and stops when told.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use tokio::net::TcpListener;

use crate::admin;
use crate::auth::{RateLimit, Secret, Verifier, Visitors};
use crate::backend::Backend;
use crate::config::{self, Config, JournalSettings, StoreSettings, Target, Uploads};
use crate::delivery::Webhook;
use crate::dialect::Dialect;
use crate::hub::Hub;
use crate::journal::{EmbeddedJournal, Journal};
use crate::naming::Naming;
use crate::passage::Passage;
use crate::relay::{MailboxLimits, MemoryRelay, Relay};
use crate::server::{self, Bounds, Site, Stores};
use crate::session;
use crate::store::{FsStore, Store};
use crate::tasks::Tasks;
use crate::upstream::{UpstreamPassage, UpstreamSettings};

/// Sockets at a time of a route that says nothing.
const CONNECTIONS: usize = 10_000;
/// Bytes of a frame of a route that says nothing.
const FRAME: usize = 64 * 1024;

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

impl Gateway {
    /// Opens what the config names and listens.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        if let Some(route) =
            config.routes.iter().find(|route| route.target != Target::Hub && !is_same_dialect(route, &config))
        {
            return Err(format!("route `{}`: this version does not translate for upstreams yet", route.name).into());
        }
        let tasks = Tasks::new();
        let listener = TcpListener::bind(config.server.listen).await?;
        let address = listener.local_addr()?;
        let JournalSettings::Embedded { path, .. } = &config.journal;
        let journal: Arc<dyn Journal> = Arc::new(EmbeddedJournal::open(path)?);
        let relay: Arc<dyn Relay> = Arc::new(MemoryRelay::new());
        let dialects: Vec<_> = config.routes.iter().map(|route| Arc::clone(&route.dialect)).collect();
        let naming = Arc::new(Naming::open(Arc::clone(&journal), &config.conversations, &dialects).await?);
        let hub = Hub::open(Arc::clone(&journal), Arc::clone(&relay), &config.conversations, &tasks).await?;
        let hub: Arc<dyn Backend> = Arc::new(hub);
        let stores = stores(&config)?;
        let key = visitor_key(&path.with_extension("key"))?;
        for (name, store) in &stores {
            let swept = store.sweep().await?;
            if swept > 0 {
                tracing::info!(store = name, swept, "removed what unfinished uploads had left");
            }
        }
        for route in &config.routes {
            webhook(route, &config, &naming, &relay, &tasks).await?;
        }
        let passages = passages(&config, &tasks);
        let routes = config.routes.iter().map(|route| {
            let passage = upstream_of(route).and_then(|name| passages.get(name).cloned());
            let same_dialect = is_same_dialect(route, &config);
            let made = self::route(route, &config, &hub, &stores, address, &key)?;
            Ok(server::Route { passage, same_dialect, ..made })
        });
        let routes = routes.collect::<Result<Vec<_>, StartError>>()?;
        let site = Arc::new(Site::new(routes, naming, tasks.clone(), Bounds::default()));
        tasks.spawn(server::serve(site, listener));
        let mut admin = None;
        if let Some(wanted) = config.server.admin {
            let listener = TcpListener::bind(wanted).await?;
            admin = Some(listener.local_addr()?);
            tasks.spawn(admin::serve(listener, hub, tasks.clone()));
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

    /// Lets what is in flight finish, at most for the configured time. Returns how many tasks were left.
    pub async fn stop(self) -> usize {
        self.tasks.stop();
        let left = self.tasks.drain(self.drain_timeout).await;
        self.journal.close().await;
        left
    }
}

/// The raw ways to the upstreams, by name.
fn passages(config: &Config, tasks: &Tasks) -> BTreeMap<String, Arc<dyn Passage>> {
    let passage = |settings: &UpstreamSettings| {
        Arc::new(UpstreamPassage::new(Arc::new(settings.clone()), tasks)) as Arc<dyn Passage>
    };
    config.upstreams.iter().map(|(name, settings)| (name.clone(), passage(settings))).collect()
}

fn upstream_of(route: &config::Route) -> Option<&str> {
    match &route.target {
        Target::Hub => None,
        Target::Upstream(name) => Some(name),
    }
}

/// Whether a route's upstream speaks what its clients speak, whatever the variants.
fn is_same_dialect(route: &config::Route, config: &Config) -> bool {
    let base = |dialect: &Dialect| dialect.name.split('@').next().map(str::to_owned);
    let upstream = upstream_of(route).and_then(|name| config.upstreams.get(name));
    upstream.is_some_and(|upstream| base(&upstream.dialect) == base(&route.dialect))
}

/// The key of visitors' tokens: made once, beside the journal and never in it, so that tokens outlive a restart.
fn visitor_key(path: &Path) -> Result<Secret, StartError> {
    match std::fs::read_to_string(path) {
        Ok(key) if key.trim().len() >= 32 => return Ok(Secret::new(key.trim().to_owned())),
        Ok(_) => return Err(format!("{} holds no key; remove it to have a new one made", path.display()).into()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(format!("{}: {error}", path.display()).into()),
    }
    let key = Visitors::random_key();
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(key.expose().as_bytes())?;
    file.sync_all()?;
    Ok(key)
}

fn stores(config: &Config) -> Result<BTreeMap<String, Arc<dyn Store>>, StartError> {
    let open = |settings: &StoreSettings| {
        let StoreSettings::Fs { root, .. } = settings;
        FsStore::open(root).map(|store| Arc::new(store) as Arc<dyn Store>)
    };
    config.stores.iter().map(|(name, settings)| Ok((name.clone(), open(settings)?))).collect()
}

async fn webhook(
    route: &config::Route,
    config: &Config,
    naming: &Arc<Naming>,
    relay: &Arc<dyn Relay>,
    tasks: &Tasks,
) -> Result<(), StartError> {
    let Some(settings) = &route.events else { return Ok(()) };
    let family = route.dialect.name.split('@').next().unwrap_or_default();
    let named = config.conversations.iter().filter(|pinned| pinned.named_in(family).is_some());
    let webhook = Webhook {
        settings: settings.clone(),
        route: Arc::clone(&route.name),
        dialect: Arc::clone(&route.dialect),
        pinned: named.map(|pinned| pinned.name.clone()).collect::<BTreeSet<_>>(),
        naming: Arc::clone(naming),
    };
    Ok(webhook.start(Arc::clone(relay), tasks).await?)
}

fn route(
    route: &config::Route,
    config: &Config,
    hub: &Arc<dyn Backend>,
    stores: &BTreeMap<String, Arc<dyn Store>>,
    address: SocketAddr,
    key: &Secret,
) -> Result<server::Route, StartError> {
    let stores_of = |uploads: &Uploads| {
        let Uploads::Stores(uploads) = uploads else { return None };
        let StoreSettings::Fs { public_url, .. } = &config.stores[&uploads.default];
        Some(Stores {
            default: Arc::clone(&stores[&uploads.default]),
            kinds: uploads.kinds.iter().map(|(kind, name)| (*kind, Arc::clone(&stores[name]))).collect(),
            public_url: public_url.clone().unwrap_or_else(|| format!("http://{address}")),
        })
    };
    Ok(server::Route {
        name: Arc::clone(&route.name),
        dialect: Arc::clone(&route.dialect),
        backend: Arc::clone(hub),
        passage: None,
        same_dialect: false,
        forward_rest: route.forward_rest,
        host: route.host.clone(),
        prefix: route.prefix.clone(),
        verifier: Verifier::new(&route.auth)?.with_visitors(Visitors::new(key.clone(), &route.name)?),
        visitors: Visitors::new(key.clone(), &route.name)?,
        upload_limit: route.limits.upload,
        frame_limit: route.limits.frame.unwrap_or(FRAME),
        rate: route.limits.rate.and_then(|rate| RateLimit::new(rate.count, rate.per)).map(Arc::new),
        connections: route.limits.connections.unwrap_or(CONNECTIONS),
        open: Arc::new(AtomicUsize::new(0)),
        origins: route.origins.clone(),
        stores: route.uploads.as_ref().and_then(stores_of),
        session: session::Settings {
            mailbox: MailboxLimits { messages: 1_000, bytes: 4 << 20 },
            ping_every: Duration::from_secs(20),
            dead_after: Duration::from_secs(60),
            write_timeout: Duration::from_secs(10),
        },
    })
}
