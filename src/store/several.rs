//! Several stores as one: a file is in all of them, or in none. In: chunks, each given to all stores before the next is
//! taken, so that the slowest sets the pace. Out: one object in each, under the same key.

use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::{BoxFuture, join_all, try_join_all};
use futures_util::stream::BoxStream;

use super::{About, Intended, Listed, Object, Presigned, Store, StoreError, Writing};

/// Stores that all have every file.
pub struct Several(Vec<Named>);

/// A store and what the operator calls it.
#[derive(Clone)]
pub struct Named {
    pub name: Arc<str>,
    pub store: Arc<dyn Store>,
}

impl Named {
    /// The same error, which store it came from noted for the operator.
    pub(super) fn noted(&self, error: StoreError) -> StoreError {
        match error {
            StoreError::Unavailable(cause) => StoreError::Unavailable(format!("{}: {cause}", self.name)),
            StoreError::Misconfigured { mistake, detail } => {
                StoreError::Misconfigured { mistake, detail: format!("{}: {detail}", self.name) }
            }
            StoreError::Full => {
                tracing::warn!(store = %self.name, "the store has no room");
                StoreError::Full
            }
            other @ (StoreError::NotFound | StoreError::Key) => other,
        }
    }
}

impl Several {
    /// At least one; the first is read first.
    pub fn new(stores: Vec<Named>) -> Self {
        Several(stores)
    }
}

/// Asks the stores in turn until one has the object. One that cannot be asked is passed over while another has it.
pub(super) async fn first_that_has<'a, T>(
    stores: &'a [Named],
    mut ask: impl FnMut(&'a dyn Store) -> BoxFuture<'a, Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let mut failed = None;
    for named in stores {
        match ask(&*named.store).await {
            Ok(found) => return Ok(found),
            Err(StoreError::NotFound) => {}
            Err(StoreError::Key) => return Err(StoreError::Key),
            Err(error) => failed = Some(named.noted(error)),
        }
    }
    Err(failed.unwrap_or(StoreError::NotFound))
}

/// Removes from all; the first failure is told after all were asked.
pub(super) async fn remove_from_all<'a>(
    stores: impl IntoIterator<Item = &'a Named>,
    key: &str,
) -> Result<(), StoreError> {
    let removed =
        stores.into_iter().map(async |named| named.store.remove(key).await.map_err(|error| named.noted(error)));
    join_all(removed).await.into_iter().collect()
}

/// Sweeps all; how many were removed altogether.
pub(super) async fn sweep_all<'a>(stores: impl IntoIterator<Item = &'a Named>) -> Result<usize, StoreError> {
    let swept = stores.into_iter().map(async |named| named.store.sweep().await.map_err(|error| named.noted(error)));
    Ok(try_join_all(swept).await?.into_iter().sum())
}

/// Probes all; every line says of which store it is.
pub(super) async fn probe_all<'a>(stores: impl IntoIterator<Item = &'a Named>) -> Result<Vec<String>, StoreError> {
    let mut lines = Vec::new();
    for named in stores {
        let said = named.store.probe().await.map_err(|error| named.noted(error))?;
        lines.extend(said.into_iter().map(|line| format!("{}: {line}", named.name)));
    }
    Ok(lines)
}

#[async_trait]
impl Store for Several {
    async fn create(&self, intended: &Intended) -> Result<Box<dyn Writing>, StoreError> {
        let begun = self.0.iter().map(async |named| {
            let writing = named.store.create(intended).await.map_err(|error| named.noted(error))?;
            Ok::<_, StoreError>((named.clone(), writing))
        });
        // All are waited for: one that is given up in the middle might begin all the same, and nobody would end it.
        let begun: Result<_, StoreError> = join_all(begun).await.into_iter().collect();
        Ok(Box::new(SeveralWriting(begun?)))
    }

    async fn read(&self, key: &str, range: Option<Range<u64>>) -> Result<Object, StoreError> {
        first_that_has(&self.0, |store| store.read(key, range.clone())).await
    }

    async fn about(&self, key: &str) -> Result<About, StoreError> {
        first_that_has(&self.0, |store| store.about(key)).await
    }

    /// What the first has: all have the same.
    fn list(&self, folder: &str, after: Option<&str>) -> BoxStream<'static, Result<Listed, StoreError>> {
        self.0[0].store.list(folder, after)
    }

    async fn presign(&self, wanted: Presigned<'_>) -> Result<Option<String>, StoreError> {
        self.0[0].store.presign(wanted).await
    }

    async fn remove(&self, key: &str) -> Result<(), StoreError> {
        remove_from_all(&self.0, key).await
    }

    async fn sweep(&self) -> Result<usize, StoreError> {
        sweep_all(&self.0).await
    }

    async fn healthy(&self) -> Result<(), StoreError> {
        for named in &self.0 {
            named.store.healthy().await.map_err(|error| named.noted(error))?;
        }
        Ok(())
    }

    async fn probe(&self) -> Result<Vec<String>, StoreError> {
        probe_all(&self.0).await
    }
}

struct SeveralWriting(Vec<(Named, Box<dyn Writing>)>);

#[async_trait]
impl Writing for SeveralWriting {
    async fn write(&mut self, chunk: Bytes) -> Result<(), StoreError> {
        let writes = self.0.iter_mut().map(|(named, writing)| {
            let chunk = chunk.clone();
            async move { writing.write(chunk).await.map_err(|error| named.noted(error)) }
        });
        try_join_all(writes).await.map(|_| ())
    }

    async fn finish(self: Box<Self>, key: &str) -> Result<(), StoreError> {
        // All are waited for: one that is given up in the middle might finish after what it wrote was removed.
        let finishes = self.0.into_iter().map(async |(named, writing)| (writing.finish(key).await, named));
        let finished = join_all(finishes).await;
        let Some(failed) = finished.iter().position(|(result, _)| result.is_err()) else { return Ok(()) };
        let done = finished.iter().filter(|(result, _)| result.is_ok()).map(|(_, named)| named);
        if let Err(error) = remove_from_all(done, key).await {
            tracing::warn!(%error, "an upload that another store refused could not be removed");
        }
        match finished.into_iter().nth(failed) {
            Some((Err(error), named)) => Err(named.noted(error)),
            Some((Ok(()), _)) | None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
