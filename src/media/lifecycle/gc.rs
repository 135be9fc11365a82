//! Removing what is not needed any more: too old, never named, left by a crash, or known to nobody. In: how long stores
//! keep their files. Out: the files gone, with all that names them; or only what would go.

use std::time::{Duration, SystemTime};

use futures_util::TryStreamExt;
use serde::{Deserialize, Serialize};

use crate::event::Timestamp;
use crate::fault::Fault;
use crate::journal::{Collection, Put};
use crate::metrics;
use crate::naming::fault;
use crate::store::{About, Listed, Store, StoreError};

use super::super::library::Upload;
use super::super::unfinished;
use super::record::{Action, Problem, Record, Summary};
use super::{Keeping, Lifecycle, QUARANTINE, Records, Retention, Stopped, age, named, object, size};

/// An object that nobody knows must be as old as this: a younger one may be an upload on its way. By the store's clock.
const SETTLED: Duration = Duration::from_secs(60 * 60);

/// What to remove.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GcOptions {
    /// Only from this store.
    pub store: Option<String>,
    /// In place of what the stores say.
    pub expiry: Option<Expiry>,
    /// Objects that no upload names, too.
    pub unknown: bool,
    /// Really; else it is only told what would go.
    pub apply: bool,
}

/// Terms for once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expiry {
    /// In seconds.
    pub older_than: Option<u64>,
    /// In seconds.
    pub unused_for: Option<u64>,
}

impl Lifecycle {
    /// Removes what may go. One failure does not stop it.
    pub async fn collect(&self, options: &GcOptions, records: &Records) -> Result<(), Stopped> {
        let mut summary = Summary::default();
        self.remove_unfinished(options, &mut summary, records).await?;
        let mut pages = self.pages();
        while let Some(page) = pages.next().await? {
            for (id, upload) in page {
                summary.uploads += 1;
                self.consider(&id, upload, options, &mut summary, records).await?;
            }
            records.tell(Record::Progress(summary)).await?;
        }
        if options.unknown {
            for (name, keeping) in self.wanted(options.store.as_deref()) {
                self.remove_unknown(name, keeping, options.apply, &mut summary, records).await?;
            }
        }
        records.tell(Record::Summary(summary)).await
    }

    /// The store of this name, or all.
    pub(super) fn wanted<'a>(&'a self, store: Option<&'a str>) -> impl Iterator<Item = (&'a str, &'a Keeping)> {
        let stores = self.stores.iter().map(|(name, keeping)| (name.as_str(), keeping));
        stores.filter(move |(name, _)| store.is_none_or(|store| store == *name))
    }

    /// What crashes left. A note stays for as long as its file can still come: nobody else takes its key meanwhile.
    async fn remove_unfinished(
        &self,
        options: &GcOptions,
        summary: &mut Summary,
        records: &Records,
    ) -> Result<(), Stopped> {
        for (id, kept) in self.unfinished.left().await? {
            let mut is_gone = true;
            for name in &kept.stores {
                if options.store.as_ref().is_some_and(|store| store != name) {
                    is_gone = false;
                    continue;
                }
                let (size, done) = match self.about(name, &kept.key).await {
                    Err(StoreError::NotFound) => continue,
                    Err(error) => (None, Err(error)),
                    Ok(about) => (Some(about.size), self.remove(name, &kept.key, options.apply).await),
                };
                is_gone &= matches!(done, Ok(Action::Removed));
                tell(name, &kept.key, size, "unfinished", done, summary, records).await?;
            }
            if is_gone && options.apply && unfinished::is_settled(&id) {
                self.unfinished.end(&id).await?;
            }
        }
        Ok(())
    }

    /// Removes an upload from the stores that it was in for long enough.
    async fn consider(
        &self,
        id: &str,
        mut upload: Upload,
        options: &GcOptions,
        summary: &mut Summary,
        records: &Records,
    ) -> Result<(), Stopped> {
        let age = age(&upload, Timestamp::now());
        let mut due = Vec::new();
        let mut is_named = None;
        for (name, keeping) in self.wanted(options.store.as_deref()) {
            if !upload.kept.stores.iter().any(|store| store == name) {
                continue;
            }
            let terms = terms(keeping.retention, options.expiry);
            let is_old = terms.age.is_some_and(|most| age >= most);
            if !is_old && terms.unused.is_some_and(|most| age >= most) && is_named.is_none() {
                is_named = Some(self.is_named(id).await?);
            }
            let is_unused = is_named == Some(false) && terms.unused.is_some_and(|most| age >= most);
            if is_old || is_unused {
                due.push((name.to_owned(), if is_old { "age" } else { "unused" }));
            }
        }
        if due.is_empty() {
            return Ok(());
        }
        let goes_whole = due.len() == upload.kept.stores.len();
        let only_unused = due.iter().all(|(_, reason)| *reason == "unused");
        if options.apply && goes_whole && !self.hide(id, &upload, only_unused).await? {
            return Ok(());
        }
        let size = size(&upload);
        let mut gone = Vec::new();
        for (name, reason) in due {
            let done = self.remove(&name, &upload.kept.key, options.apply).await;
            if matches!(done, Ok(Action::Removed)) {
                gone.push(name.clone());
            }
            tell(&name, &upload.kept.key, Some(size), reason, done, summary, records).await?;
        }
        if gone.is_empty() {
            return Ok(());
        }
        upload.kept.stores.retain(|store| !gone.contains(store));
        self.forget(id, &upload, &gone).await?;
        Ok(())
    }

    /// Takes all handles of an upload away, so that no message can name it any more. An upload that is to go because no
    /// message names it, and that one came to name meanwhile, gets them back and stays.
    async fn hide(&self, id: &str, upload: &Upload, only_unused: bool) -> Result<bool, Fault> {
        let handles = |value: Option<Vec<u8>>| {
            let puts = upload.handles.iter().map(|key| Put {
                collection: Collection::Handles,
                key: key.clone(),
                value: value.clone(),
            });
            puts.collect::<Vec<_>>()
        };
        self.journal.put(handles(None)).await.map_err(fault)?;
        if only_unused && self.is_named(id).await? {
            let value = serde_json::Value::from(id).to_string().into_bytes();
            self.journal.put(handles(Some(value))).await.map_err(fault)?;
            return Ok(false);
        }
        Ok(true)
    }

    /// Forgets where an upload is not any more, and all of it once it is nowhere.
    async fn forget(&self, id: &str, upload: &Upload, gone: &[String]) -> Result<(), Fault> {
        let mut puts: Vec<Put> = Vec::new();
        let mut gone_handles: Vec<String> = gone.iter().map(|store| object(store, &upload.kept.key)).collect();
        let value = if upload.kept.stores.is_empty() {
            gone_handles.push(named(id));
            None
        } else {
            serde_json::to_vec(upload).ok()
        };
        puts.push(Put { collection: Collection::Uploads, key: id.to_owned(), value });
        let removed = |key| Put { collection: Collection::Handles, key, value: None };
        puts.extend(gone_handles.into_iter().map(removed));
        self.journal.put(puts).await.map_err(fault)
    }

    /// Removes an object, if that is meant.
    async fn remove(&self, store: &str, key: &str, apply: bool) -> Result<Action, StoreError> {
        if !apply {
            return Ok(Action::WouldRemove);
        }
        self.store(store)?.remove(key).await.map(|()| Action::Removed)
    }

    async fn about(&self, store: &str, key: &str) -> Result<About, StoreError> {
        self.store(store)?.about(key).await
    }

    fn store(&self, name: &str) -> Result<&dyn Store, StoreError> {
        let keeping = self.stores.get(name);
        let keeping = keeping.ok_or_else(|| StoreError::Unavailable("the config has no such store".to_owned()))?;
        Ok(&*keeping.store)
    }

    /// Removes what no upload names.
    async fn remove_unknown(
        &self,
        name: &str,
        keeping: &Keeping,
        apply: bool,
        summary: &mut Summary,
        records: &Records,
    ) -> Result<(), Stopped> {
        let mut listed = keeping.store.list("", None);
        loop {
            match listed.try_next().await {
                Ok(None) => return Ok(()),
                Ok(Some(found)) => {
                    summary.objects += 1;
                    if is_settled(&found) && !self.is_known(name, &found.key).await? {
                        let done = self.remove(name, &found.key, apply).await;
                        tell(name, &found.key, Some(found.about.size), "unknown", done, summary, records).await?;
                    }
                }
                Err(error) => {
                    summary.problems += 1;
                    let (store, key, detail) = (name.to_owned(), String::new(), error.to_string());
                    return records.tell(Record::Problem { problem: Problem::Unreachable, store, key, detail }).await;
                }
            }
        }
    }

    /// Whether an upload names the object, or it was put aside on purpose.
    pub(super) async fn is_known(&self, store: &str, key: &str) -> Result<bool, Fault> {
        if key.starts_with(QUARANTINE) {
            return Ok(true);
        }
        Ok(self.journal.get(Collection::Handles, &object(store, key)).await.map_err(fault)?.is_some())
    }
}

fn terms(own: Retention, once: Option<Expiry>) -> Retention {
    match once {
        Some(Expiry { older_than, unused_for }) => {
            Retention { age: older_than.map(Duration::from_secs), unused: unused_for.map(Duration::from_secs) }
        }
        None => own,
    }
}

fn is_settled(found: &Listed) -> bool {
    let age = found.about.modified.and_then(|modified| SystemTime::now().duration_since(modified).ok());
    age.is_some_and(|age| age >= SETTLED)
}

async fn tell(
    store: &str,
    key: &str,
    size: Option<u64>,
    reason: &'static str,
    done: Result<Action, StoreError>,
    summary: &mut Summary,
    records: &Records,
) -> Result<(), Stopped> {
    let (action, detail) = match done {
        Ok(action) => {
            summary.removals += 1;
            summary.bytes += size.unwrap_or(0);
            if action == Action::Removed {
                metrics::count_upload_removed(store, reason);
            }
            (action, None)
        }
        Err(error) => {
            summary.problems += 1;
            (Action::Failed, Some(error.to_string()))
        }
    };
    let (store, key, reason) = (store.to_owned(), key.to_owned(), reason.to_owned());
    records.tell(Record::Removal { action, reason, store, key, size, detail }).await
}
