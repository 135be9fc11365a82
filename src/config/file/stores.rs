//! `[stores.*]`: where the bytes of uploads go.

use std::path::PathBuf;

use super::super::problem::Code;
use super::super::section::{Section, Spanned};
use super::super::settings::StoreSettings;
use super::{bucket, retention};
use crate::media::lifecycle::Retention;

#[derive(Debug)]
pub(in crate::config) struct WrittenStore {
    pub name: Spanned<String>,
    /// Absent when it has problems of its own: the name is known all the same.
    pub settings: Option<StoreSettings>,
    pub retention: Retention,
    /// Whether the same content is kept once.
    pub once: bool,
}

pub(super) fn read(section: Section<'_>) -> Vec<WrittenStore> {
    let stores = section.sections().into_iter().map(|(name, store)| {
        if name.value == "upstream" {
            let help = Some("`uploads = \"upstream\"` of a route means the upstream itself".to_owned());
            section.report().error(Code::Value, &name.place, "a store cannot be called `upstream`", help);
        }
        let retention = store.section("retention").map(retention::read).unwrap_or_default();
        let once = store.boolean("once").unwrap_or_default();
        WrittenStore { name, settings: store_settings(store), retention, once }
    });
    stores.collect()
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Fs,
    S3,
}

pub(super) const KINDS: &[(&str, Kind)] = &[("fs", Kind::Fs), ("s3", Kind::S3)];

fn store_settings(section: Section<'_>) -> Option<StoreSettings> {
    if !section.has("kind") {
        section.missing("kind", "write `kind = \"fs\"` for a folder, or `kind = \"s3\"` for a bucket");
    }
    let Some(kind) = section.word("kind", KINDS) else {
        // What its keys should be is not clear.
        section.others();
        return None;
    };
    let public_url = section.parsed("public_url", origin).map(|url| url.value);
    let settings = match kind.value {
        Kind::Fs => section
            .needed_text("root", "a folder for the files, as in `root = \"data/uploads\"`")
            .map(|root| StoreSettings::Fs { root: PathBuf::from(root.value), public_url }),
        Kind::S3 => {
            bucket::read(&section).map(|settings| StoreSettings::S3 { settings: Box::new(settings), public_url })
        }
    };
    section.finish();
    settings
}

/// Scheme and authority, perhaps a path; no slash at the end.
pub(super) fn origin(text: &str) -> Result<String, String> {
    const FORM: &str = "wanted a URL with `http://` or `https://` and a host";
    let uri: http::Uri = text.parse().map_err(|_| FORM.to_owned())?;
    match (uri.scheme_str(), uri.authority()) {
        (Some("http" | "https"), Some(authority)) if authority.as_str().contains('@') => {
            Err("a URL here has no user or password in it".to_owned())
        }
        (Some("http" | "https"), Some(_)) if uri.query().is_none() => Ok(text.trim_end_matches('/').to_owned()),
        _ => Err(FORM.to_owned()),
    }
}
