//! Files of an upstream under addresses of our own: clients reach the gateway, perhaps not the upstream. In: an
//! upstream's URL. Out: a stable address that nobody can guess; when it is asked for, the bytes, straight from there.

use std::sync::Arc;

use http::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};

use crate::directory::{document, parsed};
use crate::fault::{Fault, Reason};
use crate::journal::{Collection, Journal};
use crate::naming::fault;
use crate::percent;

use super::fetch::{Fetched, Fetcher, Wanted};
use super::file_name;
use super::library::{digest, unguessable};

/// The first segment of the keys of such files; no dialect's storage rule begins so.
pub const FOLDER: &str = "relayed/";

/// What stands behind an address of ours.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Remote {
    upstream: String,
    url: String,
}

/// The gateway's credential for a URL of the upstream; none for what is not one of its files.
pub type Credential = dyn Fn(&str) -> Option<(HeaderName, HeaderValue)> + Send + Sync;

/// The files of one upstream.
#[derive(Clone)]
pub struct Hosted {
    upstream: Arc<str>,
    journal: Arc<dyn Journal>,
    fetcher: Fetcher,
    /// Where the gateway serves them: scheme, authority and path up to the key, with a slash at the end.
    base: String,
    credential: Arc<Credential>,
}

impl Hosted {
    pub fn new(
        upstream: Arc<str>,
        journal: Arc<dyn Journal>,
        fetcher: Fetcher,
        base: String,
        credential: Arc<Credential>,
    ) -> Self {
        Hosted { upstream, journal, fetcher, base, credential }
    }

    /// Our address of an upstream's file: the same for the same file. `None` for what may not be fetched: it stays as it
    /// is.
    pub async fn address(&self, url: &str, name: Option<&str>) -> Result<Option<String>, Fault> {
        if !self.fetcher.permits(url) {
            return Ok(None);
        }
        let known = format!("url/{}/{}", self.upstream, digest(url));
        let found = self.journal.get(Collection::RemoteFiles, &known).await.map_err(fault)?;
        let id = match found {
            Some(bytes) => parsed::<String>(&bytes)?,
            None => {
                let id = unguessable();
                let remote = Remote { upstream: self.upstream.to_string(), url: url.to_owned() };
                let puts = [
                    document(Collection::RemoteFiles, &format!("id/{id}"), &remote),
                    document(Collection::RemoteFiles, &known, &id),
                ];
                self.journal.put(puts.into_iter().flatten().collect()).await.map_err(fault)?;
                id
            }
        };
        let tail = url.split(['?', '#']).next().and_then(|path| path.rsplit('/').next()).unwrap_or_default();
        let tail = percent::decode(tail).unwrap_or_default();
        let name = file_name::safe(name.filter(|name| !name.is_empty()).unwrap_or(&tail));
        Ok(Some(format!("{}{FOLDER}{id}/{}", self.base, percent::encode(&name))))
    }

    /// What an upstream's address was, given ours.
    pub async fn original(&self, address: &str) -> Result<Option<String>, Fault> {
        let Some(key) = address.strip_prefix(&self.base) else { return Ok(None) };
        Ok(self.remote(key).await?.map(|remote| remote.url))
    }

    /// What one of our keys stands for, if it is of this upstream.
    async fn remote(&self, key: &str) -> Result<Option<Remote>, Fault> {
        let Some(id) = key.strip_prefix(FOLDER).and_then(|rest| rest.split('/').next()) else { return Ok(None) };
        let found = self.journal.get(Collection::RemoteFiles, &format!("id/{id}")).await.map_err(fault)?;
        let found: Option<Remote> = found.map(|bytes| parsed(&bytes)).transpose()?;
        Ok(found.filter(|remote| remote.upstream == *self.upstream))
    }

    /// Whether one of our keys stands for a file of this upstream.
    pub async fn has(&self, key: &str) -> Result<bool, Fault> {
        Ok(self.remote(key).await?.is_some())
    }

    /// Fetches what stands behind one of our keys, or the part of it that is wanted.
    pub async fn open(&self, key: &str, wanted: Option<&Wanted>) -> Result<Fetched, Fault> {
        let remote = self.remote(key).await?.ok_or_else(|| Fault::new(Reason::FileNotFound))?;
        self.fetch(&remote.url, wanted).await
    }

    /// Fetches a file of the upstream by its own URL, with the gateway's credential where it wants one.
    pub async fn fetch(&self, url: &str, wanted: Option<&Wanted>) -> Result<Fetched, Fault> {
        self.fetcher.fetch_part(url, (self.credential)(url), wanted).await
    }
}
