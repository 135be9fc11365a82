//! The same content is stored once, however many keys have it. In: objects under their keys. Out: one object for each
//! SHA-256 below `once/`, and notes of which key stands for which; what the last key lets go of is removed.
//!
//! Who takes a content and who removes it may be two processes. Before it is removed it is marked as dying, then looked for
//! keys; before it is taken the key is noted, then looked for the mark. One of the two sees the other.

mod listing;

use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use sha2::{Digest, Sha256};

use super::{About, Intended, Listed, Object, Presigned, Store, StoreError, Writing};

/// Below which contents are; the gateway's own, as no key of an upload begins so.
const FOLDER: &str = "once/";
/// Notes that are looked through at a time.
const PAGE: usize = 256;

/// Small durable texts by name, shared by all processes that write to the store.
#[async_trait]
pub trait Notes: Send + Sync + 'static {
    async fn get(&self, name: &str) -> Result<Option<String>, StoreError>;

    /// Writes all in one step; no text removes a note.
    async fn put(&self, notes: Vec<(String, Option<String>)>) -> Result<(), StoreError>;

    /// Notes whose name begins so, in the order of their names, from after `after`.
    async fn scan(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<Vec<(String, String)>, StoreError>;
}

/// A store that has each content once.
#[derive(Clone)]
pub struct Once {
    store: Arc<dyn Store>,
    notes: Arc<dyn Notes>,
}

fn of_key(key: &str) -> String {
    format!("key/{key}")
}

fn reference(content: &str, key: &str) -> String {
    format!("ref/{content}/{key}")
}

fn dying(content: &str) -> String {
    format!("dying/{content}")
}

impl Once {
    pub fn new(store: Arc<dyn Store>, notes: Arc<dyn Notes>) -> Self {
        Once { store, notes }
    }

    /// The key under which the store itself has this object.
    async fn real(&self, key: &str) -> Result<String, StoreError> {
        match self.notes.get(&of_key(key)).await? {
            Some(content) => Ok(format!("{FOLDER}{content}")),
            None => Ok(key.to_owned()),
        }
    }

    /// Whether a key is one that the store itself would take.
    async fn checked(&self, key: &str) -> Result<(), StoreError> {
        match self.store.about(key).await {
            Err(StoreError::Key) => Err(StoreError::Key),
            _ if key.starts_with(FOLDER) => Err(StoreError::Key),
            Ok(_) | Err(StoreError::NotFound) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Forgets that the key has this content, and removes the content if nobody else has it.
    async fn let_go(&self, key: &str, content: &str) -> Result<(), StoreError> {
        self.notes.put(vec![(reference(content, key), None), (dying(content), Some(String::new()))]).await?;
        self.bury(content).await
    }

    /// Removes a content that is marked, unless a key has it after all.
    async fn bury(&self, content: &str) -> Result<(), StoreError> {
        if self.notes.scan(&reference(content, ""), None, 1).await?.is_empty() {
            self.store.remove(&format!("{FOLDER}{content}")).await?;
        }
        self.notes.put(vec![(dying(content), None)]).await
    }
}

#[async_trait]
impl Store for Once {
    async fn create(&self, intended: &Intended) -> Result<Box<dyn Writing>, StoreError> {
        // Which content it is shows at its end.
        let unnamed = Intended { key: None, content_type: intended.content_type.clone() };
        let writing = self.store.create(&unnamed).await?;
        Ok(Box::new(OnceWriting {
            once: self.clone(),
            writing,
            intended: intended.key.clone(),
            hash: Sha256::new(),
            size: 0,
        }))
    }

    async fn read(&self, key: &str, range: Option<Range<u64>>) -> Result<Object, StoreError> {
        self.store.read(&self.real(key).await?, range).await
    }

    async fn about(&self, key: &str) -> Result<About, StoreError> {
        self.store.about(&self.real(key).await?).await
    }

    async fn remove(&self, key: &str) -> Result<(), StoreError> {
        match self.notes.get(&of_key(key)).await? {
            Some(content) => {
                self.notes.put(vec![(of_key(key), None)]).await?;
                self.let_go(key, &content).await
            }
            None if key.starts_with(FOLDER) => Err(StoreError::Key),
            None => self.store.remove(key).await,
        }
    }

    fn list(&self, folder: &str, after: Option<&str>) -> BoxStream<'static, Result<Listed, StoreError>> {
        listing::list(self.clone(), folder, after)
    }

    async fn presign(&self, wanted: Presigned<'_>) -> Result<Option<String>, StoreError> {
        let real = self.real(wanted.key).await?;
        self.store.presign(Presigned { key: &real, ..wanted }).await
    }

    /// Also ends what a process that is gone began to remove.
    async fn sweep(&self) -> Result<usize, StoreError> {
        for (name, _) in self.notes.scan(&dying(""), None, PAGE).await? {
            if let Some(content) = name.strip_prefix(&dying("")) {
                self.bury(content).await?;
            }
        }
        self.store.sweep().await
    }

    async fn healthy(&self) -> Result<(), StoreError> {
        self.store.healthy().await
    }

    async fn probe(&self) -> Result<Vec<String>, StoreError> {
        self.store.probe().await
    }
}

struct OnceWriting {
    once: Once,
    writing: Box<dyn Writing>,
    intended: Option<String>,
    hash: Sha256,
    size: u64,
}

#[async_trait]
impl Writing for OnceWriting {
    async fn write(&mut self, chunk: Bytes) -> Result<(), StoreError> {
        self.hash.update(&chunk);
        self.size += chunk.len() as u64;
        self.writing.write(chunk).await
    }

    async fn finish(self: Box<Self>, key: &str) -> Result<(), StoreError> {
        let OnceWriting { once, writing, intended, hash, size } = *self;
        if intended.is_some_and(|intended| intended != key) {
            return Err(StoreError::Key);
        }
        once.checked(key).await?;
        let content = hexadecimal(&hash.finalize());
        let before = once.notes.get(&of_key(key)).await?;
        let marked = |text: Option<&str>| (reference(&content, key), text.map(str::to_owned));
        once.notes.put(vec![marked(Some(""))]).await?;
        let finished = match once.notes.get(&dying(&content)).await? {
            // Somebody is about to remove it. This one has its own bytes, as without this wrapper.
            Some(_) => own(&once, writing, key, &content).await,
            None => shared(&once, writing, key, &content, size).await,
        };
        if finished.is_err() {
            once.let_go(key, &content).await?;
        } else if let Some(before) = before.filter(|before| *before != content) {
            once.let_go(key, &before).await?;
        }
        finished
    }
}

/// The key stands for the content, which is stored if it is not there yet.
async fn shared(once: &Once, writing: Box<dyn Writing>, key: &str, content: &str, size: u64) -> Result<(), StoreError> {
    let real = format!("{FOLDER}{content}");
    match once.store.about(&real).await {
        Ok(about) if about.size == size => drop(writing),
        Ok(_) | Err(StoreError::NotFound) => writing.finish(&real).await?,
        Err(error) => return Err(error),
    }
    once.notes.put(vec![(of_key(key), Some(content.to_owned()))]).await
}

/// The key has bytes of its own.
async fn own(once: &Once, writing: Box<dyn Writing>, key: &str, content: &str) -> Result<(), StoreError> {
    writing.finish(key).await?;
    once.notes.put(vec![(of_key(key), None), (reference(content, key), None)]).await
}

fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write;

    bytes.iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests;
