//! What was written → what it means. In: a [`File`] and the dialects there are. Out: a [`Config`] without a name left to
//! look up; or problems.

mod conversations;
mod dialects;
mod routes;

use std::collections::BTreeMap;

use super::file::File;
use super::problem::{Code, Report};
use super::settings::{Config, StoreSettings};

pub use dialects::Builtin;

/// Resolves every name. `None` when anything is missing; the report says what.
pub(super) fn resolve(file: File, builtin: &[Builtin], folder: &std::path::Path, report: &Report) -> Option<Config> {
    let stores = stores(&file, report);
    let known = routes::Known {
        all_stores: file.stores.iter().map(|store| store.name.value.as_str()).collect(),
        upstreams: &file.upstreams,
        routes_written: file.routes_written,
        public: file.server.as_ref().is_none_or(|server| !server.listen.ip().is_loopback()),
    };
    let mut dialects = dialects::Dialects::new(builtin, folder, report);
    let routes = routes::resolve(file.routes, &known, &mut dialects, report);
    let conversations = conversations::resolve(file.conversations, &dialects, report);
    Some(Config { server: file.server?, journal: file.journal?, relay: file.relay?, stores, routes, conversations })
}

fn stores(file: &File, report: &Report) -> BTreeMap<String, StoreSettings> {
    let mut stores: BTreeMap<String, StoreSettings> = BTreeMap::new();
    for store in &file.stores {
        let Some(settings) = &store.settings else { continue };
        let StoreSettings::Fs { root, .. } = settings;
        let same = |other: &&StoreSettings| matches!(other, StoreSettings::Fs { root: known, .. } if known == root);
        if stores.values().any(|other| same(&other)) {
            let message = format!("`{}` has the folder of another store", store.name.value);
            let help = Some("two stores in one folder would sweep away each other's uploads".to_owned());
            report.error(Code::Duplicate, &store.name.place, message, help);
        }
        stores.insert(store.name.value.clone(), settings.clone());
    }
    stores
}
