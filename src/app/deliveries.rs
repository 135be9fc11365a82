//! The deliveries of the config: what the hub records is also said elsewhere. In: the parts of a config, and of the one
//! before. Out: those that are new, under way.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::DeliveryPlan;
use crate::delivery::{Delivery, RunningDelivery};

use super::StartError;
use super::ground::Ground;
use super::parts::Parts;

/// Starts those that do not go on from the config before.
pub async fn start(
    parts: &Parts,
    ground: &Ground,
    before: Option<&Parts>,
) -> Result<BTreeMap<String, RunningDelivery>, StartError> {
    let mut started = BTreeMap::new();
    for (name, plan) in &parts.config.deliveries {
        if before.is_some_and(|before| before.deliveries.contains_key(name)) {
            continue;
        }
        if let Some(delivery) = delivery(plan, parts) {
            let (relay, journal) = (Arc::clone(&ground.relay), Arc::clone(&ground.journal));
            started.insert(name.clone(), delivery.start(relay, journal, &ground.tasks).await?);
        }
    }
    Ok(started)
}

/// What is delivered, by the upstream that was opened for it.
pub fn delivery(plan: &DeliveryPlan, parts: &Parts) -> Option<Delivery> {
    let open = parts.upstreams.get(&*plan.by.name)?;
    Some(Delivery { settings: plan.settings.clone(), recipient: Arc::new(open.upstream.clone()) })
}
