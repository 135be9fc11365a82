//! `jwks_url` or `jwks_file` of `auth`: the keys of an identity provider.

use std::time::Duration;

use super::super::node::Place;
use super::super::problem::Code;
use super::super::section::{Section, Spanned};
use super::auth;
use crate::auth::{Algorithm, JwtKey, Secret};
use crate::keyset::{KeySetSettings, Source, read_file};

/// How long keys are used that were fetched, and that cannot be fetched again, where nothing is said.
const REFRESH: Duration = Duration::from_secs(15 * 60);
const STALE_AFTER: Duration = Duration::from_secs(24 * 3_600);

/// Where keys are published, and where that is written.
pub(super) struct Written {
    settings: KeySetSettings,
    pub place: Place,
}

/// The set of a section that has one. The outer `None`: it has one with a mistake, which was noted.
pub(super) fn read(section: &Section<'_>) -> Option<Option<Written>> {
    let report = section.report();
    let is_written = section.has("jwks_url") || section.has("jwks_file");
    let url = section.parsed("jwks_url", Source::url);
    let file = section.text("jwks_file");
    let refresh = section.duration("jwks_refresh").unwrap_or(REFRESH);
    let stale_after = section.duration("jwks_stale_after");
    if stale_after.is_some_and(|stale_after| stale_after < refresh) {
        let help = Some("keys are fetched again after `jwks_refresh`, 15m without it".to_owned());
        let message = "`jwks_stale_after` is shorter than `jwks_refresh`";
        report.error(Code::Value, &section.key_place("jwks_stale_after"), message, help);
    }
    let stale_after = stale_after.unwrap_or(STALE_AFTER.max(refresh));
    for key in ["jwks_refresh", "jwks_stale_after"] {
        if section.has(key) && !is_written {
            let help = Some("it is for keys that are fetched: `jwks_url` or `jwks_file`".to_owned());
            report.error(Code::Conflict, &section.key_place(key), format!("`{key}` means nothing here"), help);
        }
    }
    if !is_written {
        return Some(None);
    }
    let source = match (url, file) {
        (Some(_), Some(file)) => {
            let message = "`jwks_url` and `jwks_file` are both here";
            report.error(Code::Conflict, &file.place, message, Some("keep one of them".to_owned()));
            return None;
        }
        (Some(url), None) => url,
        (None, Some(file)) => {
            let path = section.path(&file.value);
            if let Err(error) = read_file(&path) {
                let message = format!("`{}` has no keys: {error}", file.value);
                report.error(Code::File, &file.place, message, None);
                return None;
            }
            Spanned { value: Source::File(path), place: file.place }
        }
        (None, None) => return None,
    };
    let settings = KeySetSettings { source: source.value, refresh, stale_after };
    Some(Some(Written { settings, place: source.place }))
}

/// The keys, for the algorithm that is named, or for all that such keys can be for.
pub(super) fn key(
    section: &Section<'_>,
    written: &Written,
    others: [&Option<Spanned<Secret>>; 2],
) -> Option<Spanned<JwtKey>> {
    let report = section.report();
    if let Some(other) = others.into_iter().flatten().next() {
        let help = Some("keep the one, or the address of many".to_owned());
        report.error(Code::Conflict, &other.place, "a key is here, and where keys are published", help);
        return None;
    }
    let algorithms = match section.has("algorithm") {
        true => vec![auth::algorithm(section)?],
        false => Algorithm::PUBLISHED.to_vec(),
    };
    if let Some(shared) = algorithms.iter().find(|algorithm| algorithm.is_shared()) {
        let message = format!("{} has a shared secret, which nobody publishes", shared.as_str());
        let help = Some("RS256, ES256 or EdDSA; without `algorithm` each of them, by its own keys".to_owned());
        report.error(Code::Conflict, &section.key_place("algorithm"), message, help);
        return None;
    }
    Some(Spanned { place: written.place.clone(), value: JwtKey::Set(written.settings.clone(), algorithms) })
}
