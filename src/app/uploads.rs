//! The upload rules of a route, with their stores opened. In: rules with names of stores. Out: rules that the server can
//! follow.

use std::sync::Arc;

use crate::config::{Route, Uploads};
use crate::placement::{Destination, Rules};
use crate::server::{Stores, UploadRule};
use crate::store::{Copied, Named, Several, Store};

use super::StartError;
use super::ground::Ground;
use super::parts::Parts;

/// The rules of a route that takes uploads itself.
pub fn rules(route: &Route) -> Option<&Rules> {
    match &route.uploads {
        Some(Uploads::Placed(rules)) => Some(rules),
        Some(Uploads::Through) | None => None,
    }
}

/// The store under whose address files of the route are served: the first of its last resort.
pub fn home(route: &Route) -> Option<&str> {
    rules(route).and_then(|rules| rules.stores().first().copied())
}

pub fn open(route: &Route, parts: &Parts, ground: &Ground) -> Result<Option<Stores>, StartError> {
    let Some(rules) = rules(route) else { return Ok(None) };
    let opened = rules.0.iter().map(|rule| {
        Ok(Arc::new(UploadRule {
            condition: rule.condition.clone(),
            store: store(&rule.to, parts, ground)?,
            names: rule.to.stores().into_iter().map(str::to_owned).collect(),
            to_backend: rule.to.has_upstream(),
            keys: rule.keys.clone(),
        }))
    });
    Ok(Some(Stores {
        rules: opened.collect::<Result<_, StartError>>()?,
        all: rules.stores().iter().map(|name| parts.store(name)).collect::<Result<_, _>>()?,
        public_url: match home(route) {
            Some(store) => parts.public_url(store, ground),
            None => ground.url(),
        },
        names: ground.names.clone(),
        unfinished: ground.unfinished.clone(),
    }))
}

fn store(to: &Destination, parts: &Parts, ground: &Ground) -> Result<Option<Arc<dyn Store>>, StartError> {
    let named = |name: &str| Ok::<_, StartError>(Named { name: Arc::from(name), store: parts.store(name)? });
    let mut stores = to.stores().into_iter().map(named).collect::<Result<Vec<_>, _>>()?;
    Ok(match to {
        _ if stores.is_empty() => None,
        _ if stores.len() == 1 => Some(stores.remove(0).store),
        Destination::All(_) => Some(Arc::new(Several::new(stores))),
        Destination::Copied { .. } => {
            let primary = stores.remove(0);
            Some(Arc::new(Copied::new(primary, stores, Arc::new(ground.copier.clone()))))
        }
    })
}
