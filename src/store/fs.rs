//! The store in a folder. In: chunks under a key. Out: a file that appears whole under its name or not at all.

mod list;

use std::fs::TryLockError;
use std::io::SeekFrom;
use std::ops::Range;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt};
use rustix::fs::statvfs;
use tokio::fs::{self, File};
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
use tokio_util::io::ReaderStream;
use uuid::Uuid;

use super::key::{self, UNFINISHED};
use super::{About, Intended, Listed, Mistake, Object, Store, StoreError, Writing};

/// The longest key, in bytes; with the root it stays below the 4096 that a path may have.
const LONGEST_KEY: usize = 2048;
const CHUNK: usize = 64 * 1024;

/// Files below a root. Unfinished ones lie below it too, on its file system, so that finishing is a rename.
pub struct FsStore {
    root: PathBuf,
}

impl FsStore {
    /// Makes the root if there is none.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let root = root.into();
        std::fs::create_dir_all(root.join(UNFINISHED)).map_err(|error| failed(&error))?;
        let root = root.canonicalize().map_err(|error| failed(&error))?;
        Ok(FsStore { root })
    }

    /// The path with all symbolic links resolved, if it is below the root.
    async fn inside(&self, path: &Path) -> Result<PathBuf, StoreError> {
        let path = fs::canonicalize(path).await.map_err(|error| failed(&error))?;
        if path.starts_with(&self.root) { Ok(path) } else { Err(StoreError::NotFound) }
    }

    async fn open_object(&self, key: &str) -> Result<(File, About), StoreError> {
        let path = self.inside(&path_below(&self.root, key)?).await?;
        let file = File::open(&path).await.map_err(|error| failed(&error))?;
        let metadata = file.metadata().await.map_err(|error| failed(&error))?;
        about(&metadata).map(|about| (file, about)).ok_or(StoreError::NotFound)
    }
}

/// What a file says of itself; `None` for what is no file.
fn about(metadata: &std::fs::Metadata) -> Option<About> {
    metadata.is_file().then(|| About { size: metadata.len(), modified: metadata.modified().ok(), tag: None })
}

/// The path of a key.
fn path_below(root: &Path, key: &str) -> Result<PathBuf, StoreError> {
    key::check(key, LONGEST_KEY)?;
    Ok(root.join(key))
}

/// No object is missing where one begins: the folder is.
fn not_begun(error: &std::io::Error) -> StoreError {
    match failed(error) {
        StoreError::NotFound => StoreError::Unavailable(format!("its folder is gone: {error}")),
        other => other,
    }
}

fn failed(error: &std::io::Error) -> StoreError {
    match error.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => StoreError::NotFound,
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => StoreError::Full,
        std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
            StoreError::Misconfigured { mistake: Mistake::NotPermitted, detail: error.to_string() }
        }
        _ => StoreError::Unavailable(error.to_string()),
    }
}

#[async_trait]
impl Store for FsStore {
    async fn create(&self, intended: &Intended) -> Result<Box<dyn Writing>, StoreError> {
        let unfinished = self.root.join(UNFINISHED).join(Uuid::new_v4().simple().to_string());
        let file = File::create_new(&unfinished).await.map_err(|error| not_begun(&error))?.into_std().await;
        // Tells `sweep`, in this process or another, that somebody is writing. A crash lets go of it. Where the file
        // system has no locks, sweeping is for times when nobody writes.
        let _ = file.try_lock();
        let file = File::from_std(file);
        let key = intended.key.clone();
        Ok(Box::new(FsWriting { file: Some(file), unfinished, root: self.root.clone(), key }))
    }

    async fn read(&self, key: &str, range: Option<Range<u64>>) -> Result<Object, StoreError> {
        let (mut file, about) = self.open_object(key).await?;
        let wanted = range.unwrap_or(0..about.size);
        let range = wanted.start.min(about.size)..wanted.end.min(about.size);
        file.seek(SeekFrom::Start(range.start)).await.map_err(|error| failed(&error))?;
        let part = file.take(range.end.saturating_sub(range.start));
        let chunks = ReaderStream::with_capacity(part, CHUNK).map(|chunk| chunk.map_err(|error| failed(&error)));
        Ok(Object { about, range, chunks: chunks.boxed() })
    }

    async fn about(&self, key: &str) -> Result<About, StoreError> {
        self.open_object(key).await.map(|(_, about)| about)
    }

    async fn remove(&self, key: &str) -> Result<(), StoreError> {
        let path = path_below(&self.root, key)?;
        let folder = match self.inside(path.parent().unwrap_or(&self.root)).await {
            Ok(folder) => folder,
            Err(StoreError::NotFound) => return Ok(()),
            Err(error) => return Err(error),
        };
        // The name in its real folder: a link is removed, not what it points to.
        let path = folder.join(path.file_name().ok_or(StoreError::Key)?);
        match fs::remove_file(path).await {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(failed(&error)),
        }
    }

    async fn sweep(&self) -> Result<usize, StoreError> {
        let mut entries = fs::read_dir(self.root.join(UNFINISHED)).await.map_err(|error| failed(&error))?;
        let mut removed = 0;
        while let Some(entry) = entries.next_entry().await.map_err(|error| failed(&error))? {
            let path = entry.path();
            // Gone already: its writer finished, or another sweeper was here.
            let Ok(file) = File::open(&path).await else { continue };
            let file = file.into_std().await;
            if !matches!(file.try_lock(), Err(TryLockError::WouldBlock)) && fs::remove_file(&path).await.is_ok() {
                removed += 1;
            }
        }
        Ok(removed)
    }

    fn list(&self, folder: &str, after: Option<&str>) -> BoxStream<'static, Result<Listed, StoreError>> {
        list::walk(&self.root, folder, after)
    }

    async fn healthy(&self) -> Result<(), StoreError> {
        fs::metadata(self.root.join(UNFINISHED)).await.map(|_| ()).map_err(|error| failed(&error))
    }

    async fn probe(&self) -> Result<Vec<String>, StoreError> {
        let key = format!(".dragoman-probe-{}", Uuid::new_v4().simple());
        let mut writing = self.create(&Intended::default()).await?;
        writing.write(Bytes::from_static(b"probe")).await?;
        writing.finish(&key).await?;
        let read = self.about(&key).await;
        self.remove(&key).await?;
        read?;
        let space = statvfs(&self.root).map_err(|error| failed(&error.into()))?;
        let free = space.f_bavail.saturating_mul(space.f_frsize);
        Ok(vec![format!("files can be written, read and removed; {} MiB are free", free >> 20)])
    }
}

struct FsWriting {
    /// Gone once finished.
    file: Option<File>,
    unfinished: PathBuf,
    root: PathBuf,
    /// The key that it was begun for.
    key: Option<String>,
}

#[async_trait]
impl Writing for FsWriting {
    async fn write(&mut self, chunk: Bytes) -> Result<(), StoreError> {
        match &mut self.file {
            Some(file) => file.write_all(&chunk).await.map_err(|error| failed(&error)),
            None => Err(StoreError::Unavailable("already finished".to_owned())),
        }
    }

    async fn finish(mut self: Box<Self>, key: &str) -> Result<(), StoreError> {
        let path = path_below(&self.root, key)?;
        if self.key.as_ref().is_some_and(|begun| begun != key) {
            return Err(StoreError::Key);
        }
        let Some(file) = &mut self.file else { return Ok(()) };
        file.flush().await.map_err(|error| failed(&error))?;
        file.sync_all().await.map_err(|error| failed(&error))?;
        let (unfinished, root) = (self.unfinished.clone(), self.root.clone());
        let published = tokio::task::spawn_blocking(move || publish(&unfinished, &root, &path)).await;
        published.map_err(|error| StoreError::Unavailable(error.to_string()))??;
        self.file = None;
        Ok(())
    }
}

/// Gives a whole file its name.
fn publish(unfinished: &Path, root: &Path, path: &Path) -> Result<(), StoreError> {
    let folder = folder_below(root, path.parent().unwrap_or(root))?;
    let path = folder.join(path.file_name().ok_or(StoreError::Key)?);
    std::fs::rename(unfinished, path).map_err(|error| failed(&error))?;
    // The name is durable once its folder is.
    sync_folder(&folder)
}

/// Makes a folder step by step, so that no step follows a link out of the root.
fn folder_below(root: &Path, folder: &Path) -> Result<PathBuf, StoreError> {
    let mut at = root.to_owned();
    for name in folder.strip_prefix(root).map_err(|_| StoreError::Key)? {
        let next = at.join(name);
        match std::fs::create_dir(&next) {
            Ok(()) => sync_folder(&at)?,
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed(&error)),
        }
        at = next.canonicalize().map_err(|error| failed(&error))?;
        if !at.starts_with(root) || !at.is_dir() {
            return Err(StoreError::Key);
        }
    }
    Ok(at)
}

fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    std::fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| failed(&error))
}

impl Drop for FsWriting {
    fn drop(&mut self) {
        if self.file.is_some() {
            // Removing a name is quick and needs no runtime, which may be gone.
            let _ = std::fs::remove_file(&self.unfinished);
        }
    }
}

#[cfg(test)]
mod tests;
