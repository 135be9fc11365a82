//! What is written and nothing uses: most often a name that was meant somewhere else.

use std::collections::BTreeMap;

use super::super::file::{File, WrittenScanner, WrittenStore};
use super::super::problem::{Code, Report};
use super::super::settings::{Route, Uploads};
use crate::scan::ScannerSettings;

/// Upstreams that no route leads to.
pub(super) fn upstreams(file: &File, report: &Report) {
    for upstream in &file.upstreams {
        let name = &upstream.name;
        if !file.routes.iter().any(|route| route.to.value == name.value) {
            let help = Some(format!("a route leads there with `to = \"{}\"`", name.value));
            report.warning(Code::Unused, &name.place, format!("no route leads to `{}`", name.value), help);
        }
    }
}

/// Stores in which no route keeps files, and no scanner what it found.
pub(super) fn stores(
    stores: &[WrittenStore],
    routes: &[Route],
    scanners: &BTreeMap<String, ScannerSettings>,
    report: &Report,
) {
    let of_routes = |name: &str| {
        routes.iter().any(|route| match &route.uploads {
            Some(Uploads::Placed(rules)) => rules.stores().contains(&name),
            Some(Uploads::Through) | None => false,
        })
    };
    for store in stores.iter().filter(|store| store.settings.is_some()) {
        let name = &store.name;
        let is_aside = scanners.values().any(|scanner| scanner.quarantine.as_deref() == Some(name.value.as_str()));
        if !is_aside && !of_routes(&name.value) {
            let help = Some(format!("a route keeps its files there with `uploads = \"{}\"`", name.value));
            report.warning(Code::Unused, &name.place, format!("no route keeps files in `{}`", name.value), help);
        }
    }
}

/// Scanners that no route asks.
pub(super) fn scanners(scanners: &[WrittenScanner], routes: &[Route], report: &Report) {
    for scanner in scanners.iter().filter(|scanner| scanner.settings.is_some()) {
        let name = &scanner.name;
        if !routes.iter().any(|route| route.scan.as_deref() == Some(name.value.as_str())) {
            let help = Some(format!("uploads of a route must pass it with `scan = \"{}\"`", name.value));
            report.warning(Code::Unused, &name.place, format!("no route asks `{}`", name.value), help);
        }
    }
}
