//! The upstreams of the config, and those that bring its deliveries, opened: nothing is dialled before somebody needs it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::config::{Config, Route, Target};
use crate::dialect::family;
use crate::media::fetch::{FetchSettings, Fetcher};
use crate::media::{Hosted, Place, Sources};
use crate::naming::PinnedConversation;
use crate::upstream::{Surroundings, Upstream, UpstreamSettings};

use super::StartError;
use super::ground::Ground;
use super::parts::{Materials, OpenUpstream, Parts};
use super::uploads;

/// Bytes of a file that is fetched from somewhere else.
const LARGEST_FILE: u64 = 2 << 30;

pub async fn open(
    parts: &Parts,
    ground: &Ground,
    before: Option<&Parts>,
) -> Result<BTreeMap<String, OpenUpstream>, StartError> {
    let mut upstreams = BTreeMap::new();
    let config = &parts.config;
    let of_routes = config.upstreams.values().map(|settings| (settings, config.conversations.as_slice()));
    // Those that only bring messages know no conversation.
    let of_deliveries = config.deliveries.values().map(|plan| (&plan.by, [].as_slice()));
    for (settings, conversations) in of_routes.chain(of_deliveries) {
        let name = &*settings.name;
        let made_of = materials(settings, conversations, parts, ground);
        let known = before.and_then(|before| before.upstreams.get(name)).filter(|known| known.made_of == made_of);
        let upstream = match known {
            Some(known) => known.upstream.clone(),
            None => make(&made_of, parts, ground).await?,
        };
        upstreams.insert(name.to_owned(), OpenUpstream { upstream, made_of });
    }
    Ok(upstreams)
}

fn materials(
    settings: &UpstreamSettings,
    conversations: &[PinnedConversation],
    parts: &Parts,
    ground: &Ground,
) -> Materials {
    let config = &parts.config;
    let leads_there = |route: &&Route| matches!(&route.target, Target::Upstream(name) if **name == *settings.name);
    // Its files are served under the address of the first route that leads there.
    let home = config.routes.iter().find(leads_there);
    let base = home.map_or_else(|| format!("{}/", ground.url()), |route| parts.files_url(route, ground));
    let place = |route: &Route| {
        let names = uploads::rules(route)?.stores().into_iter().map(str::to_owned).collect();
        Some((parts.files_url(route, ground), names))
    };
    Materials {
        settings: settings.clone(),
        conversations: conversations.to_vec(),
        places: config.routes.iter().filter_map(place).collect(),
        stores: config.stores.clone(),
        once: config.once.clone(),
        base,
    }
}

async fn make(made_of: &Materials, parts: &Parts, ground: &Ground) -> Result<Upstream, StartError> {
    let settings = &made_of.settings;
    let fetcher = Fetcher::new(fetch_settings(settings));
    let hosted = Hosted::new(
        Arc::clone(&settings.name),
        Arc::clone(&ground.journal),
        fetcher.clone(),
        made_of.base.clone(),
        Upstream::file_credential(settings),
    );
    let places = made_of.places.iter().map(|(url, names)| Place {
        url: url.clone(),
        stores: names.iter().map(|name| Arc::clone(&parts.stores[name])).collect(),
    });
    let around = Surroundings {
        journal: Arc::clone(&ground.journal),
        sources: Sources::new(places.collect(), fetcher),
        hosted,
        tasks: ground.tasks.clone(),
    };
    Ok(Upstream::open(settings.clone(), &made_of.conversations, around).await?)
}

/// Whether a route leads to an upstream that speaks the clients' own dialect, whatever its variant.
pub fn speaks_the_same(route: &Route, config: &Config) -> bool {
    match &route.target {
        Target::Hub => false,
        Target::Upstream(name) => config
            .upstreams
            .get(name)
            .is_some_and(|upstream| family(&upstream.dialect.name) == family(&route.dialect.name)),
    }
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
