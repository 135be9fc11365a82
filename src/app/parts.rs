//! What one config came to: names, stores, upstreams, webhooks, deliveries; and what these say of a route.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::admin::Set;
use crate::backend::Backend;
use crate::config::{Config, Route, StoreSettings, Target};
use crate::delivery::{RunningDelivery, RunningWebhook};
use crate::dialect::{Dialect, builtin};
use crate::metrics;
use crate::naming::{Naming, PinnedConversation};
use crate::scan::Scanner;
use crate::store::Store;
use crate::upstream::{Upstream, UpstreamSettings};

use super::StartError;
use super::ground::Ground;
use super::uploads;

pub struct Parts {
    pub config: Config,
    pub naming: Arc<Naming>,
    pub stores: BTreeMap<String, Arc<dyn Store>>,
    pub scanners: BTreeMap<String, Arc<Scanner>>,
    /// Those that bring deliveries too, by names that no other upstream has.
    pub upstreams: BTreeMap<String, OpenUpstream>,
    /// By the name of the route.
    pub webhooks: BTreeMap<Arc<str>, RunningWebhook>,
    /// By their own names.
    pub deliveries: BTreeMap<String, RunningDelivery>,
}

/// An upstream and all that it was made of.
pub struct OpenUpstream {
    pub upstream: Upstream,
    pub made_of: Materials,
}

impl OpenUpstream {
    /// Whether one is the other, kept.
    pub fn is_same(&self, other: &OpenUpstream) -> bool {
        self.made_of == other.made_of
    }
}

/// What an upstream is made of: of the same, the same is kept.
#[derive(PartialEq)]
pub struct Materials {
    pub settings: UpstreamSettings,
    pub conversations: Vec<PinnedConversation>,
    /// The addresses under which the gateway serves files, and the stores behind each.
    pub places: Vec<(String, Vec<String>)>,
    pub stores: BTreeMap<String, StoreSettings>,
    pub once: BTreeSet<String>,
    /// Where its files are served.
    pub base: String,
}

impl Parts {
    /// Where a route leads.
    pub fn backend(&self, target: &Target, ground: &Ground) -> Result<Arc<dyn Backend>, StartError> {
        match target {
            Target::Hub => Ok(Arc::new(ground.hub.clone())),
            Target::Upstream(name) => match self.upstreams.get(name) {
                Some(open) => Ok(Arc::new(open.upstream.clone())),
                None => Err(format!("there is no upstream `{name}`").into()),
            },
        }
    }

    /// What is spoken where a route leads; nothing where that is the hub.
    pub fn spoken_at(&self, target: &Target) -> Option<&str> {
        match target {
            Target::Hub => None,
            Target::Upstream(name) => self.config.upstreams.get(name).map(|upstream| &*upstream.dialect.name),
        }
    }

    /// Shows the routes as they are from now on.
    pub fn show_routes(&self) {
        let backend = |target| match target {
            &Target::Hub => "hub",
            Target::Upstream(name) => name,
        };
        let routes = self.config.routes.iter();
        metrics::show_routes(routes.map(|route| (&*route.name, &*route.dialect.name, backend(&route.target))));
    }

    /// The URL under which a route serves files, up to the key.
    pub fn files_url(&self, route: &Route, ground: &Ground) -> String {
        let public_url = match uploads::home(route) {
            Some(store) => self.public_url(store, ground),
            None => ground.url(),
        };
        format!("{public_url}{}{}", route.prefix, route.dialect.storage.public)
    }

    /// What operators can try: the dialects that are spoken here before those that come along.
    pub fn on_desk(&self) -> Set {
        let routes = self.config.routes.iter().map(|route| &route.dialect);
        let upstreams = self.config.upstreams.values().map(|upstream| &upstream.dialect);
        let mut dialects: Vec<Arc<Dialect>> = Vec::new();
        for dialect in routes.chain(upstreams).chain(builtin::all()) {
            if dialects.iter().all(|known| known.name != dialect.name) {
                dialects.push(Arc::clone(dialect));
            }
        }
        Set { access: self.config.server.console, dialects }
    }

    /// A store by its name.
    pub fn store(&self, name: &str) -> Result<Arc<dyn Store>, StartError> {
        self.stores.get(name).cloned().ok_or_else(|| format!("there is no store `{name}`").into())
    }

    /// Scheme and authority under which the files of a store are served.
    pub fn public_url(&self, store: &str, ground: &Ground) -> String {
        let written = self.config.stores[store].public_url();
        written.map_or_else(|| ground.url(), ToOwned::to_owned)
    }
}
