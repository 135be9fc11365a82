//! One copy. In: its note, the two stores. Out: the other store has what the primary has; or why not, and whether that is
//! for good.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use tokio::time::timeout;

use crate::store::{Intended, Store, StoreError};

/// How long one step may take: a chunk read, a chunk written.
const STEP: Duration = Duration::from_secs(60);
/// How long a store may take to finish an object.
const FINISH: Duration = Duration::from_secs(10 * 60);

/// What became of a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Made {
    /// It is there now, or was already.
    There,
    /// The primary has nothing there, so neither has the other.
    Gone,
    /// The primary cannot be asked.
    NoSource(StoreError),
    /// The other store does not take it.
    Refused(StoreError),
}

/// Makes the other store have what the primary has under this key.
pub async fn make(key: &str, primary: &Arc<dyn Store>, other: &Arc<dyn Store>) -> Made {
    match within(STEP, primary.about(key)).await {
        Ok(there) => match within(STEP, other.about(key)).await {
            Ok(copy) if copy.size == there.size => Made::There,
            Ok(_) | Err(StoreError::NotFound) => copied(key, primary, other).await,
            Err(error) => Made::Refused(error),
        },
        Err(StoreError::NotFound) => removed(key, other).await,
        Err(error) => Made::NoSource(error),
    }
}

async fn copied(key: &str, primary: &Arc<dyn Store>, other: &Arc<dyn Store>) -> Made {
    let object = match within(STEP, primary.read(key, None)).await {
        Ok(object) => object,
        Err(StoreError::NotFound) => return removed(key, other).await,
        Err(error) => return Made::NoSource(error),
    };
    let content_type = mime_guess::from_path(key).first_raw().map(str::to_owned);
    let intended = Intended { key: Some(key.to_owned()), content_type };
    let mut writing = match within(STEP, other.create(&intended)).await {
        Ok(writing) => writing,
        Err(error) => return Made::Refused(error),
    };
    let (size, mut chunks, mut copied) = (object.about.size, object.chunks, 0);
    while let Some(chunk) = timeout(STEP, chunks.next()).await.unwrap_or_else(|_| Some(Err(late()))) {
        let chunk = match chunk {
            Ok(chunk) => chunk,
            Err(error) => return Made::NoSource(error),
        };
        copied += chunk.len() as u64;
        if let Err(error) = within(STEP, writing.write(chunk)).await {
            return Made::Refused(error);
        }
    }
    if copied != size {
        return Made::NoSource(StoreError::Unavailable(format!("{copied} of {size} bytes came")));
    }
    if let Err(error) = within(FINISH, writing.finish(key)).await {
        return Made::Refused(error);
    }
    // It may have been removed meanwhile, when there was no copy to remove yet.
    match within(STEP, primary.about(key)).await {
        Err(StoreError::NotFound) => removed(key, other).await,
        Ok(_) | Err(_) => Made::There,
    }
}

async fn removed(key: &str, other: &Arc<dyn Store>) -> Made {
    match within(STEP, other.remove(key)).await {
        Ok(()) => Made::Gone,
        Err(error) => Made::Refused(error),
    }
}

fn late() -> StoreError {
    StoreError::Unavailable("it does not answer in time".to_owned())
}

async fn within<T>(time: Duration, step: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    timeout(time, step).await.unwrap_or_else(|_| Err(late()))
}
