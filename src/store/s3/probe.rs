//! Whether uploads can go to a bucket, tried with an object that is gone afterwards. In: a bucket. Out: what is worth
//! knowing, or the first thing that does not work.

use bytes::Bytes;
use object_store::ObjectStoreExt;
use object_store::PutPayload;
use uuid::Uuid;

use super::super::{Mistake, StoreError};
use super::bucket::Bucket;
use super::list;
use super::refusal::store_error;

const BYTES: &[u8] = b"dragoman check";

pub(super) async fn probe(bucket: &Bucket) -> Result<Vec<String>, StoreError> {
    // First what needs the least: it tells a bucket that is not there from one that may not be written to.
    list::objects(bucket, &bucket.settings.name_of(""), "", None).await.map_err(doing("s3:ListBucket"))?;
    let path = bucket.own_path(&format!(".dragoman-probe-{}", Uuid::new_v4().simple()))?;
    let payload = PutPayload::from_static(BYTES);
    bucket.put(&path, Some("text/plain"), payload).await.map_err(doing("s3:PutObject"))?;
    let read = read(bucket, &path).await;
    let removed = bucket.remove(&path).await.map_err(doing("s3:DeleteObject"));
    let read = read.map_err(doing("s3:GetObject"))?;
    removed?;
    if read != BYTES {
        let detail = "an object that was just written is read as another".to_owned();
        return Err(StoreError::Misconfigured { mistake: Mistake::Endpoint, detail });
    }
    let id = bucket.begin(&path, None).await.map_err(doing("s3:PutObject in parts"))?;
    bucket.abort(&path, &id).await.map_err(doing("s3:AbortMultipartUpload"))?;
    let mut lines = vec!["objects can be listed, written, read and removed, and uploads in parts aborted".to_owned()];
    if let Err(error) = list::unfinished(bucket, &bucket.settings.name_of(""), None).await {
        lines.push(format!(
            "unfinished uploads cannot be listed ({error}): what a crash leaves stays until a lifecycle rule of the \
             bucket (AbortIncompleteMultipartUpload) removes it"
        ));
    }
    Ok(lines)
}

async fn read(bucket: &Bucket, path: &object_store::path::Path) -> Result<Bytes, StoreError> {
    let object = bucket.client.get(path).await.map_err(store_error)?;
    object.bytes().await.map_err(store_error)
}

/// Says which permission an action needs, where it is refused.
fn doing(action: &'static str) -> impl Fn(StoreError) -> StoreError {
    move |error| match error {
        StoreError::Misconfigured { mistake: Mistake::NotPermitted, detail } => {
            StoreError::Misconfigured { mistake: Mistake::NotPermitted, detail: format!("{action}: {detail}") }
        }
        other => other,
    }
}
