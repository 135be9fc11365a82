//! Wires a checked config to running parts; the only place that knows them all. In: a config. Out: a gateway that
//! listens, takes another config while it runs, and stops when told.

mod admin_listener;
mod deliveries;
mod generation;
mod ground;
mod health;
mod keys;
mod lifecycle;
mod parts;
mod routes;
mod stores;
mod uploads;
mod upstreams;
mod webhooks;

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::admin::{self, Desk, Door};
use crate::config::Config;
use crate::media::lifecycle::{Current, keep};
use crate::server::{self, Bounds, Site};

pub use lifecycle::open as open_uploads;

use admin_listener::AdminListener;
use ground::{Ground, watch};
use health::Health;
use parts::Parts;

/// A gateway that runs.
pub struct Gateway {
    /// Where operators ask, as they write it, without a slash at the end.
    admin: Option<String>,
    ground: Ground,
    site: Arc<Site>,
    /// Of the config that holds now. Taken out only while another takes its place.
    parts: Mutex<Option<Parts>>,
    /// Of the same config.
    uploads: Current,
    health: Arc<Health>,
    desk: Desk,
    door: Door,
}

/// Why a gateway cannot start, or cannot take a config.
pub type StartError = Box<dyn std::error::Error + Send + Sync>;

/// Listens where this setting says.
async fn listen(setting: &str, address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address)
        .await
        .map_err(|error| format!("cannot listen on {address} (`{setting}`): {error}").into())
}

impl Gateway {
    /// Opens what the config names and listens. What is asked of operators' machines is answered over `reload`.
    pub async fn start(config: Config, reload: Option<admin::Reload>) -> Result<Self, StartError> {
        let listener = listen("server.listen", config.server.listen).await?;
        let ground = Ground::open(&config, listener.local_addr()?).await?;
        let admin = match config.server.admin {
            Some(address) => Some(AdminListener::open(address, config.server.admin_tls.clone()).await?),
            None => None,
        };
        let door = Door::new(config.server.admin_access.clone());
        let parts = Parts::open(config, &ground, None).await?;
        parts.show_routes();
        ground.copier.serve(parts.stores.clone());
        let tasks = ground.tasks.clone();
        let uploads = Current::new(lifecycle::of(&parts, &ground));
        let desk = Desk::new(parts.on_desk());
        tasks.spawn(keep(uploads.clone(), Arc::clone(&ground.journal), ground.unfinished.clone(), tasks.stopping()));
        let site = Arc::new(Site::new(parts.served(&ground)?, tasks.clone(), Bounds::default()));
        watch(ground.tls.as_ref(), &tasks);
        tasks.spawn(server::serve(Arc::clone(&site), listener, ground.tls.clone()));
        let health = Health::of(&parts, &ground);
        let operators = admin::Site {
            parts: Arc::clone(&health) as _,
            journal: Arc::clone(&ground.journal),
            revocations: Arc::clone(&ground.revocations),
            uploads: uploads.clone(),
            desk: desk.clone(),
            tasks,
            reload,
            door: door.clone(),
        };
        let admin = admin.map(|admin| admin.serve(operators));
        Ok(Gateway { admin, ground, site, parts: Mutex::new(Some(parts)), uploads, health, desk, door })
    }

    /// Takes another config in place of the one that holds: whole, or not at all. Sockets that are open stay, as they
    /// were opened.
    pub async fn reload(&self, config: Config) -> Result<(), StartError> {
        let mut held = self.parts.lock().await;
        let Some(before) = held.as_ref() else { return Err("the gateway stops".into()) };
        let keys = ground::needs_restart(&before.config, &config);
        if !keys.is_empty() {
            return Err(format!("restart to change {}", keys.join(", ")).into());
        }
        let mut parts = Parts::open(config, &self.ground, Some(before)).await?;
        let served = parts.served(&self.ground)?;
        // From here on nothing fails.
        self.site.serve(served);
        parts.show_routes();
        self.ground.copier.serve(parts.stores.clone());
        self.health.replace(&parts);
        self.uploads.replace(lifecycle::of(&parts, &self.ground));
        self.desk.replace(parts.on_desk());
        self.door.replace(parts.config.server.admin_access.clone());
        let routes = &parts.config.routes;
        self.ground.keys.keep(|name, settings| {
            routes.iter().any(|route| *route.name == *name && route.auth.key_set() == Some(settings))
        });
        if let Some(before) = held.take() {
            parts.take_over(before);
        }
        *held = Some(parts);
        Ok(())
    }

    pub fn address(&self) -> SocketAddr {
        self.ground.address
    }

    /// The same as clients write it, without a slash at the end.
    pub fn url(&self) -> String {
        self.ground.url()
    }

    /// Where metrics and health are served, if they are: a URL without a slash at the end.
    pub fn admin_url(&self) -> Option<&str> {
        self.admin.as_deref()
    }

    /// Says that it is not ready, lets sockets leave one by one, then what is in flight finish; all within the configured
    /// time. Returns how many tasks were left.
    pub async fn stop(&self) -> usize {
        let began = Instant::now();
        let Some(parts) = self.parts.lock().await.take() else { return 0 };
        let timeout = parts.config.server.drain_timeout;
        let tasks = &self.ground.tasks;
        let sockets = tasks.leave(timeout * 2 / 3).await;
        tracing::info!(sockets, seconds = began.elapsed().as_secs_f64(), "sockets were closed");
        tasks.stop();
        let left = tasks.drain(timeout.saturating_sub(began.elapsed())).await;
        self.ground.journal.close().await;
        left
    }
}
