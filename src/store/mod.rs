//! Where the bytes of uploads go. In: a stream of chunks under a key. Out: the finished object, readable; or nothing at
//! all. One trait, one suite of promises (`store::promises`) that every implementation runs.
//!
//! A finished upload is whole; one that was dropped, failed or cut leaves nothing behind.

mod fs;
#[cfg(test)]
mod promises;

use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;

pub use fs::FsStore;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("no such object")]
    NotFound,
    #[error("the store has no room")]
    Full,
    /// The key is not a relative path of plain names.
    #[error("the key is not valid")]
    Key,
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
}

/// An object that is read.
pub struct Object {
    /// Bytes of the whole object.
    pub size: u64,
    /// The part that was asked for.
    pub range: Range<u64>,
    pub modified: Option<std::time::SystemTime>,
    pub chunks: BoxStream<'static, Result<Bytes, StoreError>>,
}

#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Begins an object. Its key is given at the end, as what names it may come after its bytes.
    async fn create(&self) -> Result<Box<dyn Writing>, StoreError>;

    /// Reads an object or a part of it; a range past the end is cut.
    async fn read(&self, key: &str, range: Option<Range<u64>>) -> Result<Object, StoreError>;

    /// Removes an object; one that is not there is fine.
    async fn remove(&self, key: &str) -> Result<(), StoreError>;

    /// Removes what uploads that never finished left behind, for instance after a crash. Returns how many.
    async fn sweep(&self) -> Result<usize, StoreError>;

    async fn healthy(&self) -> Result<(), StoreError>;
}

/// An object being written. Dropping it removes what was written.
#[async_trait]
pub trait Writing: Send {
    /// Takes a chunk; resolves when the store can take the next.
    async fn write(&mut self, chunk: Bytes) -> Result<(), StoreError>;

    /// Makes the object durable and visible under its key.
    async fn finish(self: Box<Self>, key: &str) -> Result<(), StoreError>;
}
