//! The store in a bucket, of AWS or of anything that speaks the same protocol. In: chunks under a key. Out: an object, or
//! nothing at all.
//!
//! How the memory of uploads is bounded is told in `budget`, how an upload ends whatever happens in `upload`.

mod bucket;
mod budget;
mod list;
mod part;
mod probe;
mod refusal;
mod settings;
mod signed;
mod sweep;
mod transport;
mod upload;
mod writing;

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};
use http::Method;
use object_store::path::Path;
use object_store::signer::{SignedUrlOptions, Signer};
use object_store::{GetOptions, GetRange, ObjectStore};

use super::{About, Intended, Listed, Object, Presigned, Store, StoreError, Writing, key};
use crate::tasks::Tasks;
use bucket::{Bucket, about};
pub use budget::Memory;
use refusal::{is_past_the_end, store_error};
pub use settings::{Addressing, Encryption, S3Settings, Urls};
use writing::S3Writing;

/// How long presigned URLs may be good for (AWS: "Authenticating Requests: Using Query Parameters").
const LONGEST_LIFETIME: Duration = Duration::from_secs(7 * 24 * 3600);

/// Objects of a bucket.
pub struct S3Store {
    bucket: Arc<Bucket>,
    tasks: Tasks,
}

impl S3Store {
    /// Asks nothing of the bucket yet. `memory` is shared by all stores of a process.
    pub fn open(settings: S3Settings, memory: Memory, tasks: &Tasks) -> Result<Self, StoreError> {
        Ok(S3Store { bucket: Arc::new(Bucket::new(settings, memory)?), tasks: tasks.clone() })
    }

    /// What is read of an object that has nothing in a range.
    async fn nothing(&self, path: &Path) -> Result<Object, StoreError> {
        let about = self.bucket.about(path).await?;
        let end = about.size;
        Ok(Object { about, range: end..end, chunks: stream::empty().boxed() })
    }
}

#[async_trait]
impl Store for S3Store {
    async fn create(&self, intended: &Intended) -> Result<Box<dyn Writing>, StoreError> {
        Ok(Box::new(S3Writing::new(&self.bucket, &self.tasks, intended)?))
    }

    async fn read(&self, key: &str, range: Option<Range<u64>>) -> Result<Object, StoreError> {
        let path = self.bucket.path(key)?;
        if range.as_ref().is_some_and(Range::is_empty) {
            return self.nothing(&path).await;
        }
        let options = GetOptions { range: range.map(GetRange::Bounded), ..GetOptions::default() };
        match self.bucket.client.get_opts(&path, options).await {
            Ok(found) => {
                let (about, range) = (about(found.meta.clone()), found.range.clone());
                Ok(Object { about, range, chunks: found.into_stream().map_err(store_error).boxed() })
            }
            Err(error) if is_past_the_end(&error) => self.nothing(&path).await,
            Err(error) => Err(store_error(error)),
        }
    }

    async fn about(&self, key: &str) -> Result<About, StoreError> {
        self.bucket.about(&self.bucket.path(key)?).await
    }

    async fn remove(&self, key: &str) -> Result<(), StoreError> {
        self.bucket.remove(&self.bucket.path(key)?).await
    }

    fn list(&self, folder: &str, after: Option<&str>) -> BoxStream<'static, Result<Listed, StoreError>> {
        if !folder.is_empty()
            && let Err(error) = self.bucket.path(folder)
        {
            return stream::once(async { Err(error) }).boxed();
        }
        let slash = if folder.is_empty() { "" } else { "/" };
        let prefix = self.bucket.settings.name_of(&format!("{folder}{slash}"));
        let after = after.map(|key| self.bucket.settings.name_of(key)).unwrap_or_default();
        let pages = Pages { bucket: Arc::clone(&self.bucket), prefix, after, next: Some(None) };
        stream::try_unfold(pages, |pages| async move { pages.read().await }).try_flatten().boxed()
    }

    async fn presign(&self, wanted: Presigned<'_>) -> Result<Option<String>, StoreError> {
        let Urls::Presigned { lifetime, .. } = self.bucket.settings.urls else { return Ok(None) };
        let path = self.bucket.path(wanted.key)?;
        let options = SignedUrlOptions::new().with_query([
            ("response-content-type", wanted.content_type),
            ("response-content-disposition", wanted.content_disposition),
        ]);
        let lifetime = lifetime.clamp(Duration::from_secs(1), LONGEST_LIFETIME);
        let url = self.bucket.signer.signed_url_opts(Method::GET, &path, lifetime, &options).await;
        url.map(|url| Some(url.to_string())).map_err(store_error)
    }

    async fn sweep(&self) -> Result<usize, StoreError> {
        sweep::sweep(&self.bucket).await
    }

    async fn healthy(&self) -> Result<(), StoreError> {
        list::objects(&self.bucket, &self.bucket.settings.name_of(key::UNFINISHED), "", None).await.map(|_| ())
    }

    async fn probe(&self) -> Result<Vec<String>, StoreError> {
        probe::probe(&self.bucket).await
    }
}

/// A list that is read page by page.
struct Pages {
    bucket: Arc<Bucket>,
    prefix: String,
    after: String,
    /// The next page, by the store's own mark; the first has none.
    next: Option<Option<String>>,
}

type ListedPage = stream::Iter<std::vec::IntoIter<Result<Listed, StoreError>>>;

impl Pages {
    async fn read(mut self) -> Result<Option<(ListedPage, Self)>, StoreError> {
        let Some(page) = self.next.take() else { return Ok(None) };
        let read = list::objects(&self.bucket, &self.prefix, &self.after, page.as_deref()).await?;
        self.next = read.next.map(Some);
        let listed = read.objects.into_iter().filter_map(|(name, about)| {
            let key = self.bucket.settings.key_of(&name)?;
            // What others put there under names that are no keys of ours cannot be asked for, so it is not named.
            self.bucket.path(key).ok()?;
            Some(Ok(Listed { key: key.to_owned(), about }))
        });
        let listed: Vec<_> = listed.collect();
        Ok(Some((stream::iter(listed), self)))
    }
}

#[cfg(test)]
#[path = "../../../tests/harness/s3.rs"]
mod server;
#[cfg(test)]
mod tests;
