//! Whether journal and stores say the same: each upload has its object, with its size and its bytes, and each object is of
//! an upload. In: both. Out: every difference.

use futures_util::TryStreamExt;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::store::{Store, StoreError};

use super::super::library::{Upload, hexadecimal};
use super::record::{Problem, Record, Summary};
use super::{Lifecycle, Records, Stopped, size};

/// Objects between two words about how far it is.
const PROGRESS: u64 = 1_000;

/// What to look at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VerifyOptions {
    /// Only this store.
    pub store: Option<String>,
    /// Reads every object and compares its bytes.
    pub content: bool,
}

impl Lifecycle {
    /// Compares, and tells of every difference.
    pub async fn verify(&self, options: &VerifyOptions, records: &Records) -> Result<(), Stopped> {
        let mut summary = Summary::default();
        let mut pages = self.pages();
        while let Some(page) = pages.next().await? {
            for (_, upload) in page {
                self.verify_upload(&upload, options, &mut summary, records).await?;
            }
            records.tell(Record::Progress(summary)).await?;
        }
        for (name, keeping) in self.wanted(options.store.as_deref()) {
            self.verify_objects(name, &*keeping.store, &mut summary, records).await?;
        }
        records.tell(Record::Summary(summary)).await
    }

    async fn verify_upload(
        &self,
        upload: &Upload,
        options: &VerifyOptions,
        summary: &mut Summary,
        records: &Records,
    ) -> Result<(), Stopped> {
        summary.uploads += 1;
        summary.bytes += size(upload);
        let key = &upload.kept.key;
        for name in &upload.kept.stores {
            if options.store.as_ref().is_some_and(|store| store != name) {
                continue;
            }
            let wrong = match self.stores.get(name) {
                None => Some((Problem::NoStore, "the config has no such store".to_owned())),
                Some(keeping) => compare(&*keeping.store, upload, options.content).await,
            };
            if let Some((problem, detail)) = wrong {
                summary.problems += 1;
                let (store, key) = (name.clone(), key.clone());
                records.tell(Record::Problem { problem, store, key, detail }).await?;
            }
        }
        Ok(())
    }

    async fn verify_objects(
        &self,
        name: &str,
        store: &dyn Store,
        summary: &mut Summary,
        records: &Records,
    ) -> Result<(), Stopped> {
        let mut listed = store.list("", None);
        loop {
            let (problem, key, detail) = match listed.try_next().await {
                Ok(None) => return Ok(()),
                Ok(Some(found)) => {
                    summary.objects += 1;
                    if summary.objects.is_multiple_of(PROGRESS) {
                        records.tell(Record::Progress(*summary)).await?;
                    }
                    if self.is_known(name, &found.key).await? {
                        continue;
                    }
                    (Problem::Unknown, found.key, format!("{} bytes that no upload names", found.about.size))
                }
                Err(error) => (Problem::Unreachable, String::new(), error.to_string()),
            };
            summary.problems += 1;
            records.tell(Record::Problem { problem, store: name.to_owned(), key, detail }).await?;
            if problem == Problem::Unreachable {
                return Ok(());
            }
        }
    }
}

/// What is wrong with the object of an upload.
async fn compare(store: &dyn Store, upload: &Upload, content: bool) -> Option<(Problem, String)> {
    let key = &upload.kept.key;
    let about = match store.about(key).await {
        Ok(about) => about,
        Err(StoreError::NotFound) => return Some((Problem::Missing, "no such object".to_owned())),
        Err(error) => return Some((Problem::Unreachable, error.to_string())),
    };
    if about.size != size(upload) {
        return Some((Problem::Size, format!("{} bytes in place of {}", about.size, size(upload))));
    }
    let known = upload.attachment.sha256.as_deref().filter(|_| content)?;
    match digest(store, key).await {
        Ok(found) if found == known => None,
        Ok(found) => Some((Problem::Content, format!("SHA-256 {found} in place of {known}"))),
        Err(error) => Some((Problem::Unreachable, error.to_string())),
    }
}

async fn digest(store: &dyn Store, key: &str) -> Result<String, StoreError> {
    let mut chunks = store.read(key, None).await?.chunks;
    let mut hash = Sha256::new();
    while let Some(chunk) = chunks.try_next().await? {
        hash.update(&chunk);
    }
    Ok(hexadecimal(&hash.finalize()))
}
