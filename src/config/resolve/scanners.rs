//! `[scanners.*]` and `scan` of routes: names of stores and scanners looked up.

use std::collections::BTreeMap;

use super::super::file::{WrittenRoute, WrittenScanner};
use super::super::problem::{Code, Report};
use super::super::settings::Uploads;
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

/// The scanner of a route. What goes straight to the upstream would go there unseen.
pub(super) fn of(
    route: &WrittenRoute,
    uploads: Option<&Uploads>,
    scanners: &[&str],
    report: &Report,
) -> Option<String> {
    let name = route.scan.as_ref()?;
    if !scanners.contains(&name.value.as_str()) {
        let help = suggestion(&name.value, scanners.iter().copied());
        let help = help.or_else(|| Some(format!("write a `[scanners.{}]`", name.value)));
        report.error(Code::Reference, &name.place, format!("there is no scanner `{}`", name.value), help);
    }
    let conflict = |message: &str, help: &str| {
        report.error(Code::Conflict, &name.place, message, Some(help.to_owned()));
    };
    match uploads {
        None => conflict("no files can be uploaded here", "name a store in `uploads`, or take `scan` out"),
        Some(Uploads::Through) => {
            let help = "take `scan` out: that is the upstream's part";
            conflict("uploads pass through to the upstream and are not scanned", help);
        }
        Some(Uploads::Placed(rules)) if rules.0.iter().any(|rule| rule.to.stores().is_empty()) => {
            let help = "name a store beside it, as in `[\"upstream\", \"local\"]`";
            conflict("files that go straight to the upstream and into no store cannot be scanned", help);
        }
        Some(Uploads::Placed(_)) => {}
    }
    Some(name.value.clone())
}
