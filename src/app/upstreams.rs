//! The upstreams of the config, opened: nothing is dialled before somebody needs it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::config::{Config, Route, Target};
use crate::dialect::Dialect;
use crate::media::fetch::{FetchSettings, Fetcher};
use crate::media::{Hosted, Place, Sources};
use crate::upstream::{Surroundings, Upstream, UpstreamSettings};

use super::{Parts, StartError, upload_stores};

/// Bytes of a file that is fetched from somewhere else.
const LARGEST_FILE: u64 = 2 << 30;

pub async fn open(config: &Config, parts: &Parts) -> Result<BTreeMap<String, Upstream>, StartError> {
    let mut upstreams = BTreeMap::new();
    for (name, settings) in &config.upstreams {
        let leads_there = |route: &&Route| route.target == Target::Upstream(name.clone());
        // Its files are served under the address of the first route that leads there.
        let home = config.routes.iter().find(leads_there);
        let base = home.map_or_else(|| format!("http://{}/", parts.address), |route| parts.files_url(route, config));
        let fetcher = Fetcher::new(fetch_settings(settings));
        let hosted = Hosted::new(
            Arc::clone(&settings.name),
            Arc::clone(&parts.journal),
            fetcher.clone(),
            base,
            Upstream::file_credential(settings),
        );
        let around = Surroundings {
            journal: Arc::clone(&parts.journal),
            sources: Sources::new(places(config, parts), fetcher),
            hosted,
            tasks: parts.tasks.clone(),
        };
        upstreams.insert(name.clone(), Upstream::open(settings.clone(), &config.conversations, around).await?);
    }
    Ok(upstreams)
}

/// Whether a route leads to an upstream that speaks the clients' own dialect, whatever its variant.
pub fn speaks_the_same(route: &Route, config: &Config) -> bool {
    let family = |dialect: &Dialect| dialect.name.split('@').next().unwrap_or_default().to_owned();
    match &route.target {
        Target::Hub => false,
        Target::Upstream(name) => {
            config.upstreams.get(name).is_some_and(|upstream| family(&upstream.dialect) == family(&route.dialect))
        }
    }
}

/// Where the gateway itself serves files.
fn places(config: &Config, parts: &Parts) -> Vec<Place> {
    let place = |route: &Route| {
        let stores = upload_stores(route)?;
        let names = std::iter::once(&stores.default).chain(stores.kinds.values());
        let stores = names.map(|name| Arc::clone(&parts.stores[name])).collect();
        Some(Place { url: parts.files_url(route, config), stores })
    };
    config.routes.iter().filter_map(place).collect()
}

fn fetch_settings(settings: &UpstreamSettings) -> FetchSettings {
    let hosts = settings.hosts.values().flatten();
    FetchSettings {
        own: settings.http.iter().chain(hosts).cloned().collect(),
        allowed: settings.fetch.clone(),
        largest: LARGEST_FILE,
        timeout: settings.timeout,
        idle: settings.timeout.max(Duration::from_secs(10)),
        redirects: 3,
    }
}
