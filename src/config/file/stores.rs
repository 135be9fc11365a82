//! `[stores.*]`: where the bytes of uploads go.

use std::path::PathBuf;

use super::super::problem::Code;
use super::super::section::{Section, Spanned};
use super::super::settings::StoreSettings;
use super::server::kind;

#[derive(Debug)]
pub(in crate::config) struct WrittenStore {
    pub name: Spanned<String>,
    /// Absent when it has problems of its own: the name is known all the same.
    pub settings: Option<StoreSettings>,
}

pub(super) fn read(section: Section<'_>) -> Vec<WrittenStore> {
    let stores = section.sections().into_iter().map(|(name, store)| {
        if name.value == "upstream" {
            let help = Some("`uploads = \"upstream\"` of a route means the upstream itself".to_owned());
            section.report().error(Code::Value, &name.place, "a store cannot be called `upstream`", help);
        }
        WrittenStore { name, settings: store_settings(store) }
    });
    stores.collect()
}

fn store_settings(section: Section<'_>) -> Option<StoreSettings> {
    if !kind(&section, "fs", &["s3"]) {
        // A bucket's keys are part of the contract, so they are no further mistakes.
        for key in [
            "root",
            "public_url",
            "endpoint",
            "bucket",
            "region",
            "access_key_id",
            "access_key_id_file",
            "secret_access_key",
            "secret_access_key_file",
        ] {
            section.node(key);
        }
        section.finish();
        return None;
    }
    let root = section.needed_text("root", "a folder for the files, as in `root = \"data/uploads\"`");
    let public_url = section.parsed("public_url", origin).map(|url| url.value);
    section.finish();
    Some(StoreSettings::Fs { root: PathBuf::from(root?.value), public_url })
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
