//! What uploads that never finished left in a bucket. In: how old it must be. Out: how much of it is gone. Other replicas
//! upload to the same bucket, and nothing says whose an upload is: only age tells that nobody is at it any more.

use std::time::SystemTime;

use object_store::path::Path;

use super::super::key::UNFINISHED;
use super::super::{Mistake, StoreError};
use super::bucket::Bucket;
use super::list;

/// Pages of a thousand that one sweep looks at; the next goes on.
const MOST_PAGES: usize = 100;

pub(super) async fn sweep(bucket: &Bucket) -> Result<usize, StoreError> {
    let now = SystemTime::now();
    let is_old = |time: Option<SystemTime>| {
        let age = time.and_then(|time| now.duration_since(time).ok()).unwrap_or_default();
        age >= bucket.settings.unfinished_after
    };
    let mut removed = 0;
    let prefix = if bucket.settings.prefix.is_empty() { String::new() } else { format!("{}/", bucket.settings.prefix) };
    let mut after = None;
    for _ in 0..MOST_PAGES {
        let (uploads, next) = match list::unfinished(bucket, &prefix, after).await {
            Ok(page) => page,
            Err(error) if is_not_offered(&error) => {
                tracing::info!(
                    bucket = bucket.settings.bucket,
                    "the store lists no unfinished uploads; a lifecycle rule of the bucket should abort them"
                );
                break;
            }
            Err(error) => return Err(error),
        };
        for upload in uploads.iter().filter(|upload| is_old(upload.began())) {
            let Ok(path) = Path::parse(&upload.key) else { continue };
            removed += usize::from(bucket.abort(&path, &upload.upload_id).await?);
        }
        after = next;
        if after.is_none() {
            break;
        }
    }
    Ok(removed + under_no_name(bucket, is_old).await?)
}

/// Removes objects that were complete and did not get their name any more.
async fn under_no_name(bucket: &Bucket, is_old: impl Fn(Option<SystemTime>) -> bool) -> Result<usize, StoreError> {
    let prefix = bucket.settings.name_of(&format!("{UNFINISHED}/"));
    let (mut removed, mut page) = (0, None);
    for _ in 0..MOST_PAGES {
        let listed = list::objects(bucket, &prefix, "", page.as_deref()).await?;
        for (name, _) in listed.objects.iter().filter(|(_, about)| is_old(about.modified)) {
            let Ok(path) = Path::parse(name) else { continue };
            bucket.remove(&path).await?;
            removed += 1;
        }
        page = listed.next;
        if page.is_none() {
            break;
        }
    }
    Ok(removed)
}

/// Whether a server does not know the call, or does not let us: both leave the sweeping to the bucket's own rules.
fn is_not_offered(error: &StoreError) -> bool {
    match error {
        StoreError::Misconfigured { mistake, .. } => {
            matches!(mistake, Mistake::NotPermitted | Mistake::Refused | Mistake::Endpoint)
        }
        // Also `NotImplemented`, whose status is 501.
        StoreError::Unavailable(said) => said.contains("NotImplemented"),
        StoreError::NotFound | StoreError::Full | StoreError::Key => false,
    }
}
