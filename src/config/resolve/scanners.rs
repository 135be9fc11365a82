//! `[scanners.*]` and `scan` of routes: names of stores and scanners looked up.

use std::collections::BTreeMap;

use super::super::file::{WrittenRoute, WrittenScanner};
use super::super::problem::{Code, Report};
use crate::dialect::suggestion;
use crate::scan::ScannerSettings;

/// Checks the stores that scanners name.
pub(super) fn resolve(
    written: &[WrittenScanner],
    stores: &[&str],
    report: &Report,
) -> BTreeMap<String, ScannerSettings> {
    for quarantine in written.iter().filter_map(|scanner| scanner.quarantine.as_ref()) {
        if !stores.contains(&quarantine.value.as_str()) {
            let help = suggestion(&quarantine.value, stores.iter().copied());
            let message = format!("there is no store `{}`", quarantine.value);
            report.error(Code::Reference, &quarantine.place, message, help);
        }
    }
    let whole = written.iter().filter_map(|scanner| Some((scanner.name.value.clone(), scanner.settings.clone()?)));
    whole.collect()
}

/// The scanner of a route.
pub(super) fn of(route: &WrittenRoute, scanners: &[&str], report: &Report) -> Option<String> {
    let name = route.scan.as_ref()?;
    if !scanners.contains(&name.value.as_str()) {
        let help = suggestion(&name.value, scanners.iter().copied());
        let help = help.or_else(|| Some(format!("write a `[scanners.{}]`", name.value)));
        report.error(Code::Reference, &name.place, format!("there is no scanner `{}`", name.value), help);
    }
    Some(name.value.clone())
}
