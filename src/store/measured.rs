//! A store whose writes are counted and timed. In: objects on their way into it. Out: the same, and what came of each, under
//! the store's name.

use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;

use crate::metrics::{StoreWrites, StoredUpload};

use super::{About, Intended, Listed, Object, Presigned, Store, StoreError, Writing};

/// A store as its operator named it.
pub struct Measured {
    store: Arc<dyn Store>,
    writes: StoreWrites,
}

impl Measured {
    pub fn new(name: &str, store: Arc<dyn Store>) -> Self {
        Measured { store, writes: StoreWrites::of(name) }
    }
}

#[async_trait]
impl Store for Measured {
    async fn create(&self, intended: &Intended) -> Result<Box<dyn Writing>, StoreError> {
        let upload = self.writes.begin();
        match self.store.create(intended).await {
            Ok(writing) => Ok(Box::new(MeasuredWriting { writing, upload })),
            Err(error) => {
                upload.end(false);
                Err(error)
            }
        }
    }

    async fn read(&self, key: &str, range: Option<Range<u64>>) -> Result<Object, StoreError> {
        self.store.read(key, range).await
    }

    async fn about(&self, key: &str) -> Result<About, StoreError> {
        self.store.about(key).await
    }

    async fn remove(&self, key: &str) -> Result<(), StoreError> {
        self.store.remove(key).await
    }

    fn list(&self, folder: &str, after: Option<&str>) -> BoxStream<'static, Result<Listed, StoreError>> {
        self.store.list(folder, after)
    }

    async fn presign(&self, wanted: Presigned<'_>) -> Result<Option<String>, StoreError> {
        self.store.presign(wanted).await
    }

    async fn sweep(&self) -> Result<usize, StoreError> {
        self.store.sweep().await
    }

    async fn healthy(&self) -> Result<(), StoreError> {
        self.store.healthy().await
    }

    async fn probe(&self) -> Result<Vec<String>, StoreError> {
        self.store.probe().await
    }
}

struct MeasuredWriting {
    writing: Box<dyn Writing>,
    upload: StoredUpload,
}

#[async_trait]
impl Writing for MeasuredWriting {
    async fn write(&mut self, chunk: Bytes) -> Result<(), StoreError> {
        let bytes = chunk.len();
        self.writing.write(chunk).await?;
        self.upload.took(bytes);
        Ok(())
    }

    async fn finish(self: Box<Self>, key: &str) -> Result<(), StoreError> {
        let MeasuredWriting { writing, upload } = *self;
        let finished = writing.finish(key).await;
        upload.end(finished.is_ok());
        finished
    }
}

#[cfg(test)]
mod tests {
    use super::super::{FsStore, promises};
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn promises_hold() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = FsStore::open(folder.path()).expect("a store");
        promises::hold(Arc::new(Measured::new("held", Arc::new(store)))).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn each_end_is_counted() {
        let folder = tempfile::tempdir().expect("a folder");
        let inner: Arc<dyn Store> = Arc::new(FsStore::open(folder.path()).expect("a store"));
        let store = Measured::new("measured", inner);
        for end in ["kept", "dropped", "failed"] {
            let mut writing = store.create(&Intended::default()).await.expect("begun");
            writing.write(Bytes::from_static(b"12345")).await.expect("taken");
            match end {
                "kept" => writing.finish("a/key.txt").await.expect("kept"),
                "failed" => drop(writing.finish("../out").await.expect_err("no key")),
                _ => drop(writing),
            }
        }
        let page = crate::metrics::render();
        for line in [
            "dragoman_store_upload_bytes_total{store=\"measured\"} 15",
            "dragoman_store_uploads_total{outcome=\"kept\",store=\"measured\"} 1",
            "dragoman_store_uploads_total{outcome=\"dropped\",store=\"measured\"} 1",
            "dragoman_store_uploads_total{outcome=\"failed\",store=\"measured\"} 1",
            "dragoman_store_upload_duration_seconds_count{store=\"measured\"} 1",
        ] {
            assert!(page.contains(line), "{line}\nis not in\n{page}");
        }
    }
}
