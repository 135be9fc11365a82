//! The bytes of a file that a message names. In: its URL. Out: the bytes as a stream, from our own stores or, where that
//! is allowed, from the host that has them. Nothing is kept.

use std::sync::Arc;

use futures_util::stream::{BoxStream, StreamExt};

use bytes::Bytes;

use crate::fault::{Fault, Reason};
use crate::percent;
use crate::store::{Store, StoreError};

use super::fetch::Fetcher;

/// Where the gateway itself serves files.
pub struct Place {
    /// Scheme, authority and path up to the key, with a slash at the end.
    pub url: String,
    pub stores: Vec<Arc<dyn Store>>,
}

/// A file that is read.
pub struct Source {
    /// In bytes; a host that does not say it has none.
    pub size: Option<u64>,
    pub chunks: BoxStream<'static, std::io::Result<Bytes>>,
}

/// Everything that files are read from on behalf of one upstream.
pub struct Sources {
    places: Vec<Place>,
    fetcher: Fetcher,
}

impl Sources {
    pub fn new(places: Vec<Place>, fetcher: Fetcher) -> Self {
        Sources { places, fetcher }
    }

    /// Whether the URL is one that this gateway gave.
    pub fn is_ours(&self, url: &str) -> bool {
        self.places.iter().any(|place| url.starts_with(&place.url))
    }

    /// Whether its bytes can be had at all, as far as the URL says.
    pub fn permits(&self, url: &str) -> bool {
        self.is_ours(url) || self.fetcher.permits(url)
    }

    pub fn fetcher(&self) -> &Fetcher {
        &self.fetcher
    }

    /// Opens the file. Errors: `FileNotFound` for what is not there or may not be fetched, `Unavailable` for a store that
    /// fails, `Upstream` for a host that does.
    pub async fn open(&self, url: &str) -> Result<Source, Fault> {
        for place in &self.places {
            let Some(key) = url.strip_prefix(&place.url).and_then(percent::decode) else { continue };
            for store in &place.stores {
                match store.read(&key, None).await {
                    Ok(object) => {
                        let chunks = object.chunks.map(|chunk| chunk.map_err(std::io::Error::other)).boxed();
                        return Ok(Source { size: Some(object.size), chunks });
                    }
                    Err(StoreError::NotFound | StoreError::Key) => {}
                    Err(error) => return Err(Fault::new(Reason::Unavailable).detail(error.to_string())),
                }
            }
            return Err(Fault::new(Reason::FileNotFound));
        }
        let fetched = self.fetcher.fetch(url, None).await?;
        Ok(Source { size: fetched.size, chunks: fetched.chunks })
    }
}
