//! Uploads after they were taken: which there are, which are not needed any more, whether all are still there. In: the
//! journal and the stores of a config. Out: records, one for each upload or object, as they are found.

mod gc;
mod keeper;
mod record;
mod verify;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::directory::parsed;
use crate::event::Timestamp;
use crate::fault::Fault;
use crate::journal::{Collection, Journal};
use crate::naming::fault;
use crate::store::Store;

use super::library::Upload;
use super::unfinished::Unfinished;

pub use gc::{Expiry, GcOptions};
pub use keeper::{Current, keep};
pub use record::{Action, Found, Problem, Record, Summary};
pub use verify::VerifyOptions;

/// What the keys of infected files begin with: they are of no upload, and stay until an operator removes them.
pub const QUARANTINE: &str = "quarantine/";

/// Uploads that are read at a time.
const PAGE: usize = 200;
/// Records that wait for whoever reads them.
const WAITING: usize = 64;

/// How long a store keeps its files; absent: for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Retention {
    /// Since the upload.
    pub age: Option<Duration>,
    /// Since the upload, where no message named it.
    pub unused: Option<Duration>,
}

/// A store and how long it keeps its files.
#[derive(Clone)]
pub struct Keeping {
    pub store: Arc<dyn Store>,
    pub retention: Retention,
}

/// All uploads of a config.
#[derive(Clone)]
pub struct Lifecycle {
    journal: Arc<dyn Journal>,
    unfinished: Unfinished,
    stores: BTreeMap<String, Keeping>,
}

/// What to list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ListOptions {
    /// Only uploads with a file in this store.
    pub store: Option<String>,
}

/// Where records go. Dropping its other end stops whoever writes.
#[derive(Clone)]
pub struct Records(mpsc::Sender<Record>);

impl Records {
    pub fn channel() -> (Self, mpsc::Receiver<Record>) {
        let (sender, receiver) = mpsc::channel(WAITING);
        (Records(sender), receiver)
    }

    /// Says why the rest is not told.
    pub async fn fail(&self, why: &str) {
        // Who does not listen any more need not know.
        let _ = self.0.send(Record::Failed { detail: why.to_owned() }).await;
    }

    async fn tell(&self, record: Record) -> Result<(), Stopped> {
        self.0.send(record).await.map_err(|_| Stopped::Unheard)
    }
}

/// Why the work ended before its end.
#[derive(Debug)]
pub enum Stopped {
    /// Nobody listens any more.
    Unheard,
    Failed(Fault),
}

impl From<Fault> for Stopped {
    fn from(fault: Fault) -> Self {
        Stopped::Failed(fault)
    }
}

impl Lifecycle {
    pub fn new(journal: Arc<dyn Journal>, unfinished: Unfinished, stores: BTreeMap<String, Keeping>) -> Self {
        Lifecycle { journal, unfinished, stores }
    }

    /// The stores of this name, or all.
    pub fn knows(&self, store: &str) -> bool {
        self.stores.contains_key(store)
    }

    /// Tells of every upload that has a file in `store`, or in any.
    pub async fn list(&self, store: Option<&str>, records: &Records) -> Result<(), Stopped> {
        let mut count = Summary::default();
        let mut pages = self.pages();
        while let Some(page) = pages.next().await? {
            for (id, upload) in page {
                if store.is_none_or(|store| upload.kept.stores.iter().any(|name| name == store)) {
                    let is_named = self.is_named(&id).await?;
                    count.uploads += 1;
                    count.bytes += size(&upload);
                    records.tell(Record::Upload(Found::of(&id, &upload, is_named))).await?;
                }
            }
        }
        records.tell(Record::Summary(count)).await
    }

    fn pages(&self) -> Pages<'_> {
        Pages { journal: &*self.journal, after: None, is_over: false }
    }

    /// Whether a message named it.
    async fn is_named(&self, id: &str) -> Result<bool, Fault> {
        Ok(self.journal.get(Collection::Handles, &named(id)).await.map_err(fault)?.is_some())
    }
}

/// The handle that says that a message named an upload.
pub(super) fn named(id: &str) -> String {
    format!("named/{id}")
}

/// The handle of an object in a store.
pub(super) fn object(store: &str, key: &str) -> String {
    format!("object/{store}/{key}")
}

/// Bytes of an upload.
fn size(upload: &Upload) -> u64 {
    upload.attachment.size.and_then(|size| u64::try_from(size).ok()).unwrap_or(0)
}

/// How long ago it was taken; nothing for what lies in the future.
fn age(upload: &Upload, now: Timestamp) -> Duration {
    let micros = now.micros().saturating_sub(upload.uploaded_at.micros());
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

/// All uploads in order of their ids, which is that of their coming.
struct Pages<'a> {
    journal: &'a dyn Journal,
    after: Option<String>,
    is_over: bool,
}

impl Pages<'_> {
    async fn next(&mut self) -> Result<Option<Vec<(String, Upload)>>, Fault> {
        if self.is_over {
            return Ok(None);
        }
        let page = self.journal.scan(Collection::Uploads, "", self.after.as_deref(), PAGE).await.map_err(fault)?;
        self.is_over = page.len() < PAGE;
        self.after = page.last().map(|(id, _)| id.clone());
        let page = page.into_iter().map(|(id, bytes)| Ok((id, parsed(&bytes)?)));
        page.collect::<Result<Vec<_>, Fault>>().map(Some)
    }
}
