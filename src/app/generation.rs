//! One config after another. In: a config, the ground, and the parts of the config before it. Out: the parts of this one;
//! what did not change is kept, with its connections and its queues.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::Config;
use crate::naming::Naming;
use crate::scan::Scanner;
use crate::server::Served;

use super::ground::Ground;
use super::parts::Parts;
use super::{StartError, deliveries, routes, stores, upstreams, webhooks};

impl Parts {
    /// Opens what is new; nothing is answered through it yet.
    pub async fn open(config: Config, ground: &Ground, before: Option<&Parts>) -> Result<Self, StartError> {
        let dialects: Vec<_> = config.routes.iter().map(|route| Arc::clone(&route.dialect)).collect();
        let naming = Arc::new(Naming::open(Arc::clone(&ground.journal), &config.conversations, &dialects).await?);
        ground.hub.pin(&config.conversations).await?;
        let stores = stores::open(&config, ground, before).await?;
        let scanners = config.scanners.iter().map(|(name, settings)| {
            // One that did not change keeps its places, with those who wait for them.
            let same = before.and_then(|before| before.scanners.get(name)).filter(|same| same.settings() == settings);
            let scanner = same.map_or_else(|| Arc::new(Scanner::new(name.as_str(), settings.clone())), Arc::clone);
            (name.clone(), scanner)
        });
        let scanners = scanners.collect();
        let mut parts = Parts {
            config,
            naming,
            stores,
            scanners,
            upstreams: BTreeMap::new(),
            webhooks: BTreeMap::new(),
            deliveries: BTreeMap::new(),
        };
        parts.upstreams = upstreams::open(&parts, ground, before).await?;
        parts.webhooks = webhooks::start(&parts, ground, before).await?;
        parts.deliveries = deliveries::start(&parts, ground, before).await?;
        Ok(parts)
    }

    /// What the server answers from.
    pub fn served(&self, ground: &Ground) -> Result<Served, StartError> {
        let routes = self.config.routes.iter().map(|route| routes::route(route, self, ground));
        let routes = routes.collect::<Result<Vec<_>, StartError>>()?;
        let callbacks = self.upstreams.values().map(|open| Arc::new(open.upstream.clone()) as _).collect();
        Ok(Served::new(routes, callbacks, self.config.server.policy.clone()))
    }

    /// Takes what goes on over from the config before; what is not taken over ends with it.
    pub fn take_over(&mut self, mut before: Parts) {
        for route in &self.config.routes {
            if webhooks::goes_on(route, self, Some(&before))
                && let Some(running) = before.webhooks.remove(&route.name)
                && let Some(webhook) = webhooks::webhook(route, self)
            {
                running.change(webhook);
                self.webhooks.insert(Arc::clone(&route.name), running);
            }
        }
        for (name, plan) in &self.config.deliveries {
            if let Some(running) = before.deliveries.remove(name)
                && let Some(delivery) = deliveries::delivery(plan, self)
            {
                running.change(delivery);
                self.deliveries.insert(name.clone(), running);
            }
        }
    }
}
