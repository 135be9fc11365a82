//! The key sets of a gateway. In: routes and their settings, config after config. Out: one set for each, fetched from the
//! moment it is first asked for; one that did not change keeps its keys.

use std::sync::{Arc, Mutex, PoisonError};

use crate::metrics;
use crate::tasks::Tasks;

use super::held::KeySet;
use super::keep::keep;
use super::settings::KeySetSettings;

/// Every set that is kept.
pub struct KeySets {
    tasks: Tasks,
    sets: Mutex<Vec<Arc<KeySet>>>,
}

impl KeySets {
    pub fn new(tasks: Tasks) -> Self {
        KeySets { tasks, sets: Mutex::default() }
    }

    /// The set of a route, as it is or from now on.
    pub fn of(&self, route: &Arc<str>, settings: &KeySetSettings) -> Arc<KeySet> {
        let mut sets = self.sets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = sets.iter().find(|set| set.name == *route && set.settings == *settings) {
            return Arc::clone(known);
        }
        let set = Arc::new(KeySet::new(Arc::clone(route), settings.clone()));
        sets.push(Arc::clone(&set));
        self.tasks.spawn(keep(Arc::clone(&set), self.tasks.stopping()));
        set
    }

    /// Gives up all but those that are wanted.
    pub fn keep(&self, is_wanted: impl Fn(&str, &KeySetSettings) -> bool) {
        let mut sets = self.sets.lock().unwrap_or_else(PoisonError::into_inner);
        let (kept, gone): (Vec<_>, Vec<_>) = sets.drain(..).partition(|set| is_wanted(&set.name, &set.settings));
        for set in gone {
            set.ended.cancel();
            if kept.iter().all(|other| other.name != set.name) {
                metrics::forget_jwks(&set.name);
            }
        }
        *sets = kept;
    }

    pub fn all(&self) -> Vec<Arc<KeySet>> {
        self.sets.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
