//! What was written → what it means. In: a [`File`] and the dialects there are. Out: a [`Config`] without a name left to
//! look up; or problems.

mod callbacks;
mod conversations;
mod deliveries;
mod dialects;
mod images;
mod in_the_clear;
mod overlaps;
mod routes;
mod scanners;
mod secrets;
mod straight;
mod target;
mod test_cases;
mod unused;
mod uploads;
mod upstreams;

use std::collections::BTreeMap;

use super::file::File;
use super::problem::{Code, Report};
use super::settings::{Config, JournalSettings, StoreSettings};
use super::way;

pub use dialects::Builtin;
pub use test_cases::event_json;

/// Resolves every name. `None` when anything is missing; the report says what.
pub(super) fn resolve(file: File, builtin: &[Builtin], folder: &std::path::Path, report: &Report) -> Option<Config> {
    let stores = stores(&file, report);
    let retention = file.stores.iter().map(|store| (store.name.value.clone(), store.retention)).collect();
    let public = file.server.as_ref().is_none_or(|server| !server.listen.ip().is_loopback());
    secrets::judge(&file, public, report);
    unused::upstreams(&file, report);
    in_the_clear::buckets(&file.stores, report);
    in_the_clear::webhooks(&file.routes, report);
    in_the_clear::key_sets(&file.routes, report);
    in_the_clear::traces(file.tracing.as_ref(), report);
    shared(&file, report);
    let mut dialects = dialects::Dialects::new(builtin, folder, report);
    let all_upstreams: Vec<String> = file.upstreams.iter().map(|upstream| upstream.name.value.clone()).collect();
    let callbacks = callbacks::written(&file.upstreams);
    let upstreams = upstreams::resolve(file.upstreams, &mut dialects, report);
    let all_stores: Vec<&str> = file.stores.iter().map(|store| store.name.value.as_str()).collect();
    let scanners = scanners::resolve(&file.scanners, &all_stores, report);
    let known = routes::Known {
        all_stores,
        all_scanners: file.scanners.iter().map(|scanner| scanner.name.value.as_str()).collect(),
        upstreams: target::Upstreams { all: &all_upstreams, checked: &upstreams },
        routes_written: file.routes_written,
        public,
    };
    let all_routes: Vec<String> = file.routes.iter().map(|route| route.name.value.clone()).collect();
    let routes = routes::resolve(file.routes, &known, &mut dialects, report);
    // What a route with mistakes would use is not known.
    if routes.len() == all_routes.len() {
        unused::stores(&file.stores, &routes, &scanners, report);
        unused::scanners(&file.scanners, &routes, report);
    }
    callbacks::judge(&callbacks, &routes, report);
    let conversations = conversations::resolve(file.conversations, &dialects, &known.upstreams, report);
    let others = way::Known { upstreams: &upstreams, conversations: &conversations };
    test_cases::run(&file.tests, &test_cases::Known { routes: &routes, names: &all_routes, others }, report);
    let deliveries = deliveries::resolve(file.deliveries, &stores, &mut dialects, report);
    Some(Config {
        server: file.server?,
        log: file.log?,
        tracing: file.tracing.and_then(|tracing| tracing.settings),
        journal: file.journal?,
        relay: file.relay?,
        stores,
        scanners,
        retention,
        once: file.stores.iter().filter(|store| store.once).map(|store| store.name.value.clone()).collect(),
        upstreams,
        routes,
        conversations,
        deliveries,
    })
}

/// What several replicas need beside what they share.
fn shared(file: &File, report: &Report) {
    let (Some(JournalSettings::Redis(_)), Some(server)) = (&file.journal, &file.server) else { return };
    if server.visitor_secret.is_none() {
        let message = "`visitor_secret` of [server] is missing: replicas must know the visitors that others let in";
        let help = "make one with `openssl rand -base64 48` and give all replicas the same, by `visitor_secret_file` \
                    or the environment";
        report.error(Code::Missing, &file.journal_place, message, Some(help.to_owned()));
    }
}

/// Whether what one keeps would lie among what the other keeps.
fn is_same_place(one: &StoreSettings, other: &StoreSettings) -> bool {
    match (one, other) {
        (StoreSettings::Fs { root: one, .. }, StoreSettings::Fs { root: other, .. }) => one == other,
        (StoreSettings::S3 { settings: one, .. }, StoreSettings::S3 { settings: other, .. }) => {
            (&one.endpoint, &one.bucket, &one.prefix) == (&other.endpoint, &other.bucket, &other.prefix)
        }
        (StoreSettings::Fs { .. }, StoreSettings::S3 { .. }) | (StoreSettings::S3 { .. }, StoreSettings::Fs { .. }) => {
            false
        }
    }
}

fn stores(file: &File, report: &Report) -> BTreeMap<String, StoreSettings> {
    let mut stores: BTreeMap<String, StoreSettings> = BTreeMap::new();
    for store in &file.stores {
        let Some(settings) = &store.settings else { continue };
        if stores.values().any(|other| is_same_place(other, settings)) {
            let name = &store.name.value;
            let (message, help) = match settings {
                StoreSettings::Fs { .. } => (
                    format!("`{name}` has the folder of another store"),
                    "two stores in one folder would sweep away each other's uploads",
                ),
                StoreSettings::S3 { .. } => (
                    format!("`{name}` has the bucket and `prefix` of another store"),
                    "two stores in one place would take each other's objects for their own; give each a `prefix`",
                ),
            };
            report.error(Code::Duplicate, &store.name.place, message, Some(help.to_owned()));
        }
        stores.insert(store.name.value.clone(), settings.clone());
    }
    stores
}
