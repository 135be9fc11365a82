//! The bytes of a file that a message names. In: its URL. Out: the bytes as a stream, from our own stores or, where that
//! is allowed, from the host that has them. Nothing is kept.

use std::sync::Arc;

use futures_util::stream::{BoxStream, StreamExt, unfold};

use bytes::Bytes;

use crate::fault::{Fault, Reason};
use crate::percent;
use crate::store::{Store, StoreError};

use super::fetch::{Fetched, Fetcher, broken};
use super::signature;

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
    /// Fails with an error that wraps a [`Fault`], also where fewer or more bytes come than `size` says.
    pub chunks: BoxStream<'static, std::io::Result<Bytes>>,
}

impl Source {
    /// A file of another host.
    pub fn fetched(fetched: Fetched) -> Self {
        let chunks = fetched.chunks.map(|chunk| chunk.map_err(|error| broken(&error))).boxed();
        Source { size: fetched.size, chunks: whole(chunks, fetched.size) }
    }
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
    /// fails, `Upstream` for a host that does. Whether the caller may name a file of ours was decided when it was named.
    pub async fn open(&self, url: &str) -> Result<Source, Fault> {
        for place in &self.places {
            let Some(key) = url.strip_prefix(&place.url).and_then(percent::decode) else { continue };
            let key = signature::without(&key);
            let mut failed = None;
            for store in &place.stores {
                match store.read(key, None).await {
                    Ok(object) => {
                        let size = Some(object.about.size);
                        let chunks = object.chunks.map(|chunk| chunk.map_err(Fault::from)).boxed();
                        return Ok(Source { size, chunks: whole(chunks, size) });
                    }
                    Err(StoreError::NotFound | StoreError::Key) => {}
                    // Another may have it.
                    Err(error) => failed = Some(error),
                }
            }
            return Err(failed.map_or_else(|| Fault::new(Reason::FileNotFound), Fault::from));
        }
        Ok(Source::fetched(self.fetcher.fetch(url, None).await?))
    }
}

/// The same pieces, if they make as many bytes as were promised: who gets them was promised as many.
fn whole(
    chunks: BoxStream<'static, Result<Bytes, Fault>>,
    size: Option<u64>,
) -> BoxStream<'static, std::io::Result<Bytes>> {
    let changed =
        || std::io::Error::other(Fault::new(Reason::Unavailable).detail("the file changed while it was read"));
    unfold(Some((chunks, 0)), move |state| async move {
        let (mut chunks, given) = state?;
        match chunks.next().await {
            Some(Ok(chunk)) => {
                let given = given + chunk.len() as u64;
                if size.is_some_and(|size| given > size) {
                    return Some((Err(changed()), None));
                }
                Some((Ok(chunk), Some((chunks, given))))
            }
            Some(Err(fault)) => Some((Err(std::io::Error::other(fault)), None)),
            None if size.is_some_and(|size| given < size) => Some((Err(changed()), None)),
            None => None,
        }
    })
    .boxed()
}
