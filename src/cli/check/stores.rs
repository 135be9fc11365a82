//! Every store, tried with an object that is gone afterwards. In: a config. Out: a line of each, and for one that cannot
//! be used the key to change.

use std::time::Duration;

use crate::cli::Console;
use crate::config::{Config, StoreSettings};
use crate::store::s3::Memory;
use crate::store::{FsStore, Mistake, S3Store, Store, StoreError};
use crate::tasks::Tasks;

/// How long one store may take; requests have their own, shorter times.
const PATIENCE: Duration = Duration::from_secs(120);

/// Tries each; whether all can be used.
pub(super) async fn all(config: &Config, console: &mut Console) -> bool {
    let mut fine = true;
    for (name, settings) in &config.stores {
        match tokio::time::timeout(PATIENCE, probe(settings)).await {
            Ok(Ok(lines)) => {
                for line in lines {
                    console.talk(&format!("stores.{name}: {line}\n"));
                }
            }
            Ok(Err(error)) => {
                fine = false;
                console.talk(&format!("error: stores.{name}: {error}\n  help: {}\n", advice(name, settings, &error)));
            }
            Err(_) => {
                fine = false;
                console.talk(&format!("error: stores.{name}: no answer within {PATIENCE:?}\n"));
            }
        }
    }
    fine
}

async fn probe(settings: &StoreSettings) -> Result<Vec<String>, StoreError> {
    match settings {
        StoreSettings::Fs { root, .. } => FsStore::open(root)?.probe().await,
        StoreSettings::S3 { settings, .. } => {
            S3Store::open((**settings).clone(), Memory::default(), &Tasks::new())?.probe().await
        }
    }
}

/// The key to change, and how.
fn advice(name: &str, settings: &StoreSettings, error: &StoreError) -> String {
    let (key, how) = match settings {
        StoreSettings::Fs { .. } => ("root", in_folder(error)),
        StoreSettings::S3 { .. } => in_bucket(error),
    };
    format!("`{key}` of [stores.{name}]: {how}")
}

fn in_folder(error: &StoreError) -> &'static str {
    match error {
        StoreError::Full => "make room on that file system, or name a folder on another",
        StoreError::Misconfigured { .. } => {
            "let the user that runs the gateway write there, or name a folder where it may"
        }
        StoreError::NotFound | StoreError::Key | StoreError::Unavailable(_) => {
            "name a folder that is there, or can be made"
        }
    }
}

fn in_bucket(error: &StoreError) -> (&'static str, &'static str) {
    let mistake = match error {
        StoreError::Misconfigured { mistake, .. } => mistake,
        StoreError::Full => return ("bucket", "it has reached its quota, or the store is full"),
        StoreError::Key | StoreError::NotFound => return ("prefix", "with it, keys are not valid there"),
        StoreError::Unavailable(_) => return ("endpoint", "is the store there, and can it be reached from here?"),
    };
    match mistake {
        Mistake::NoBucket => ("bucket", "make the bucket, or name one that is there"),
        Mistake::AccessKey => ("access_key_id", "no such key there; is the `endpoint` the right one?"),
        Mistake::Secret => ("secret_access_key", "it is not that of `access_key_id`"),
        Mistake::SessionToken => ("session_token", "it has ended or is another key's; take a new one"),
        Mistake::Region => ("region", "write the bucket's own region"),
        Mistake::NotPermitted => {
            ("access_key_id", "its policy must permit the named action on this bucket and `prefix`")
        }
        Mistake::Encryption => ("encryption", "this, or `kms_key`, is not what the store offers this key"),
        Mistake::StorageClass => ("storage_class", "the store has no such class"),
        Mistake::PartSize => ("part_size", "make it larger"),
        Mistake::Endpoint => ("endpoint", "what answers there is no S3 store, or another path of it is meant"),
        Mistake::Clock => ("endpoint", "set the clock of this machine, or of that one: they differ by too much"),
        Mistake::Refused => ("endpoint", "see what the store says"),
    }
}
