//! Where the bytes of uploads go. In: a stream of chunks under a key. Out: the finished object, readable; or nothing at
//! all. One trait, one suite of promises (`store::promises`) that every implementation runs.
//!
//! A finished upload is whole; one that was dropped, failed or cut leaves nothing behind.

mod copies;
mod error;
mod fs;
mod key;
mod measured;
mod nameless;
mod once;
#[cfg(test)]
mod promises;
pub mod s3;
mod several;

use std::ops::Range;
use std::time::SystemTime;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;

pub use copies::{Copied, Debt, Ledger};
pub use error::{Mistake, StoreError};
pub use fs::FsStore;
pub use measured::Measured;
pub use nameless::nameless;
pub use once::{Notes, Once};
pub use s3::S3Store;
pub use several::{Named, Several};

/// What is known of an object before its bytes come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Intended {
    /// The key that it will be finished under, where that is certain; finishing under another fails. Without it some
    /// stores have to copy a large object at the end: to S3 it goes under a name of its own first, and may have 5 GiB.
    pub key: Option<String>,
    /// As in the header of that name, for who reads the object past the gateway.
    pub content_type: Option<String>,
}

/// What is known of an object without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// Bytes of the whole object.
    pub size: u64,
    pub modified: Option<SystemTime>,
    /// What the store itself calls these bytes, without quotation marks; other bytes under the key have another.
    pub tag: Option<String>,
}

/// An object that is read.
pub struct Object {
    pub about: About,
    /// The part that was asked for.
    pub range: Range<u64>,
    pub chunks: BoxStream<'static, Result<Bytes, StoreError>>,
}

/// An object as a list names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub key: String,
    pub about: About,
}

/// A URL of the store itself that is asked for, good for reading one object for as long as the store's settings say.
#[derive(Debug, Clone, Copy)]
pub struct Presigned<'a> {
    pub key: &'a str,
    /// The headers that the store is to answer with.
    pub content_type: &'a str,
    pub content_disposition: &'a str,
}

#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Begins an object.
    async fn create(&self, intended: &Intended) -> Result<Box<dyn Writing>, StoreError>;

    /// Reads an object or a part of it; a range past the end is cut.
    async fn read(&self, key: &str, range: Option<Range<u64>>) -> Result<Object, StoreError>;

    /// The size of an object, its age and tag.
    async fn about(&self, key: &str) -> Result<About, StoreError>;

    /// Removes an object; one that is not there is fine.
    async fn remove(&self, key: &str) -> Result<(), StoreError>;

    /// The finished objects in a folder and below, `""` for all, in the order of their keys' bytes, those after `after`.
    /// It is read on as the stream is: what comes or goes meanwhile may be in it or not.
    fn list(&self, folder: &str, after: Option<&str>) -> BoxStream<'static, Result<Listed, StoreError>>;

    /// A URL for reading past the gateway; `None` from a store that gives none.
    async fn presign(&self, _wanted: Presigned<'_>) -> Result<Option<String>, StoreError> {
        Ok(None)
    }

    /// Removes what uploads that never finished left behind, for instance after a crash. Returns how many.
    async fn sweep(&self) -> Result<usize, StoreError>;

    async fn healthy(&self) -> Result<(), StoreError>;

    /// Tries all that uploads need, with an object that is gone afterwards. Returns what is worth knowing, a line each.
    async fn probe(&self) -> Result<Vec<String>, StoreError>;
}

/// An object being written. Dropping it removes what was written.
#[async_trait]
pub trait Writing: Send {
    /// Takes a chunk; resolves when the store can take the next.
    async fn write(&mut self, chunk: Bytes) -> Result<(), StoreError>;

    /// Makes the object durable and visible under its key.
    async fn finish(self: Box<Self>, key: &str) -> Result<(), StoreError>;
}
