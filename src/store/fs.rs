//! The store in a folder. In: chunks under a key. Out: a file that appears whole under its name or not at all.

use std::io::SeekFrom;
use std::ops::Range;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use tokio::fs::{self, File};
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
use tokio_util::io::ReaderStream;
use uuid::Uuid;

use super::{Object, Store, StoreError, Writing};

/// Unfinished files lie here, below the root and on its file system, so that finishing is a rename.
const UNFINISHED: &str = ".unfinished";
/// The longest name that file systems take, in bytes.
const LONGEST_NAME: usize = 255;
const CHUNK: usize = 64 * 1024;

/// Files below a root.
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

    /// The file of a key, if no symbolic link leads out of the root.
    async fn existing(&self, key: &str) -> Result<PathBuf, StoreError> {
        let path = fs::canonicalize(path_below(&self.root, key)?).await.map_err(|error| failed(&error))?;
        if path.starts_with(&self.root) { Ok(path) } else { Err(StoreError::NotFound) }
    }
}

/// The path of a key that is a relative path of plain names.
fn path_below(root: &Path, key: &str) -> Result<PathBuf, StoreError> {
    let plain = |name: &str| {
        !name.is_empty() && name != "." && name != ".." && name.len() <= LONGEST_NAME && !name.contains(['\0', '\\'])
    };
    if !key.split('/').all(plain) || key.starts_with(UNFINISHED) {
        return Err(StoreError::Key);
    }
    Ok(root.join(key))
}

fn failed(error: &std::io::Error) -> StoreError {
    match error.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => StoreError::NotFound,
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => StoreError::Full,
        _ => StoreError::Unavailable(error.to_string()),
    }
}

#[async_trait]
impl Store for FsStore {
    async fn create(&self) -> Result<Box<dyn Writing>, StoreError> {
        let unfinished = self.root.join(UNFINISHED).join(Uuid::new_v4().simple().to_string());
        let file = File::create_new(&unfinished).await.map_err(|error| failed(&error))?;
        Ok(Box::new(FsWriting { file: Some(file), unfinished, root: self.root.clone() }))
    }

    async fn read(&self, key: &str, range: Option<Range<u64>>) -> Result<Object, StoreError> {
        let path = self.existing(key).await?;
        let mut file = File::open(&path).await.map_err(|error| failed(&error))?;
        let about = file.metadata().await.map_err(|error| failed(&error))?;
        if !about.is_file() {
            return Err(StoreError::NotFound);
        }
        let size = about.len();
        let wanted = range.unwrap_or(0..size);
        let range = wanted.start.min(size)..wanted.end.min(size);
        file.seek(SeekFrom::Start(range.start)).await.map_err(|error| failed(&error))?;
        let part = file.take(range.end.saturating_sub(range.start));
        let chunks = ReaderStream::with_capacity(part, CHUNK).map(|chunk| chunk.map_err(|error| failed(&error)));
        Ok(Object { size, range, modified: about.modified().ok(), chunks: chunks.boxed() })
    }

    async fn remove(&self, key: &str) -> Result<(), StoreError> {
        let path = match self.existing(key).await {
            Ok(path) => path,
            Err(StoreError::NotFound) => return Ok(()),
            Err(error) => return Err(error),
        };
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
            fs::remove_file(entry.path()).await.map_err(|error| failed(&error))?;
            removed += 1;
        }
        Ok(removed)
    }

    async fn healthy(&self) -> Result<(), StoreError> {
        fs::metadata(self.root.join(UNFINISHED)).await.map(|_| ()).map_err(|error| failed(&error))
    }
}

struct FsWriting {
    /// Gone once finished.
    file: Option<File>,
    unfinished: PathBuf,
    root: PathBuf,
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
        if let Some(file) = &mut self.file {
            file.flush().await.map_err(|error| failed(&error))?;
            file.sync_all().await.map_err(|error| failed(&error))?;
        }
        let folder = path.parent().unwrap_or(Path::new("/")).to_owned();
        fs::create_dir_all(&folder).await.map_err(|error| failed(&error))?;
        fs::rename(&self.unfinished, &path).await.map_err(|error| failed(&error))?;
        self.file = None;
        // The name is durable once its folder is.
        File::open(&folder).await.map_err(|error| failed(&error))?.sync_all().await.map_err(|error| failed(&error))
    }
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
mod tests {
    use std::sync::Arc;

    use super::super::promises;
    use super::*;

    #[tokio::test]
    async fn promises_hold() {
        let folder = tempfile::tempdir().expect("a folder");
        promises::hold(Arc::new(FsStore::open(folder.path()).expect("opens"))).await;
        let left: Vec<_> = std::fs::read_dir(folder.path().join(UNFINISHED)).expect("readable").collect();
        assert!(left.is_empty(), "{left:?}");
    }

    #[tokio::test]
    async fn a_link_out_of_the_root_is_not_followed() {
        let folder = tempfile::tempdir().expect("a folder");
        let secret = folder.path().join("secret");
        std::fs::write(&secret, "x").expect("writable");
        let store = FsStore::open(folder.path().join("root")).expect("opens");
        std::os::unix::fs::symlink(&secret, folder.path().join("root/link")).expect("linked");
        assert!(matches!(store.read("link", None).await.map(|_| ()), Err(StoreError::NotFound)));
    }

    #[tokio::test]
    async fn what_a_crash_left_is_swept() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = FsStore::open(folder.path()).expect("opens");
        let mut writing = store.create().await.expect("begins");
        writing.write(Bytes::from_static(b"half")).await.expect("writes");
        std::mem::forget(writing);
        assert_eq!(store.sweep().await.expect("sweeps"), 1);
        assert_eq!(store.sweep().await.expect("sweeps"), 0);
    }
}
