//! The journal's file. In: transactions to run. Out: what they came to, once durable. A file that failed once (no room, a
//! lost disk) is opened anew, as redb refuses every further use of it.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use redb::{Builder, Database, DatabaseError, ReadTransaction, ReadableDatabase, WriteTransaction};

use super::super::JournalError;
use super::compaction::{self, Compacted};
use super::tables::{self, Layout};
use super::upgrade;

/// Bytes of the file that are kept in memory, at most.
const CACHE: usize = 64 << 20;

type Open = Box<dyn Fn() -> Result<Database, JournalError> + Send + Sync>;

pub struct Medium {
    open: Open,
    /// Where it is, if it is a file.
    path: Option<PathBuf>,
    /// Absent after it was closed, or while it cannot be opened.
    database: RwLock<Option<Database>>,
}

impl Medium {
    /// The file at this path; made if there is none, readable by its owner alone.
    pub fn file(path: &Path) -> Result<Self, JournalError> {
        let (path, own) = (path.to_owned(), path.to_owned());
        let medium = Medium::new(Box::new(move || {
            let file = open_file(&path).map_err(|error| tables::error(redb::Error::Io(error)))?;
            builder().create_file(file).map_err(|error| match error {
                DatabaseError::DatabaseAlreadyOpen => {
                    JournalError::Unavailable(format!("{} is open in another process", path.display()))
                }
                other => tables::error(other),
            })
        }))?;
        Ok(Medium { path: Some(own), ..medium })
    }

    /// What `open` opens, now and again after each failure.
    pub fn new(open: Open) -> Result<Self, JournalError> {
        let database = prepared(&open)?;
        Ok(Medium { open, path: None, database: RwLock::new(Some(database)) })
    }

    /// Bytes of the file; 0 where it is none.
    pub fn length(&self) -> u64 {
        let path = self.path.as_ref();
        path.and_then(|path| std::fs::metadata(path).ok()).map_or(0, |metadata| metadata.len())
    }

    /// Compacts the file if at least half of it is free. Nobody else may use it meanwhile.
    pub fn compact_if_worth_it(&self) -> Result<Option<Compacted>, JournalError> {
        let length = self.length();
        let is_worth_it = |database| compaction::is_worth_it(database, length);
        // A statement of its own: compacting needs the lock that this one holds.
        let is_worth_it = self.database().as_ref().map(is_worth_it).transpose()?;
        if is_worth_it == Some(true) { self.compact().map(Some) } else { Ok(None) }
    }

    /// Compacts the file. Nobody else may use it meanwhile.
    pub fn compact(&self) -> Result<Compacted, JournalError> {
        let before = self.length();
        let mut database = self.database.write().unwrap_or_else(PoisonError::into_inner);
        compaction::compact(database.as_mut().ok_or_else(absent)?)?;
        Ok(Compacted { before, after: self.length() })
    }

    /// Whether every page is as it was written. Nobody else may use the file meanwhile.
    pub fn is_intact(&self) -> Result<bool, JournalError> {
        let mut database = self.database.write().unwrap_or_else(PoisonError::into_inner);
        match database.as_mut().ok_or_else(absent)?.check_integrity() {
            Ok(is_intact) => Ok(is_intact),
            Err(DatabaseError::Storage(redb::StorageError::Corrupted(_))) => Ok(false),
            Err(other) => Err(tables::error(other)),
        }
    }

    /// Where the file is, if it is one.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Lets go of the file, once those who read it are done.
    pub fn close(&self) {
        *self.database.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn database(&self) -> RwLockReadGuard<'_, Option<Database>> {
        self.database.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn read<T>(&self, work: impl FnOnce(&ReadTransaction) -> Result<T, JournalError>) -> Result<T, JournalError> {
        let database = self.database();
        let database = database.as_ref().ok_or_else(absent)?;
        work(&database.begin_read().map_err(tables::error)?)
    }

    /// One transaction, one fsync.
    pub fn write<T>(&self, work: impl FnOnce(&WriteTransaction) -> Result<T, JournalError>) -> Result<T, JournalError> {
        if self.database().is_none() {
            self.open_anew()?;
        }
        let outcome = self.database().as_ref().ok_or_else(absent).and_then(|database| write(database, work));
        if let Err(error) = &outcome {
            tracing::error!(%error, "the journal could not write; its file is opened anew");
            // Whether this works shows at the next write.
            let _ = self.open_anew();
        }
        outcome
    }

    fn open_anew(&self) -> Result<(), JournalError> {
        let mut database = self.database.write().unwrap_or_else(PoisonError::into_inner);
        // The old one first: it holds the lock on the file.
        *database = None;
        *database = Some(prepared(&self.open)?);
        Ok(())
    }
}

fn absent() -> JournalError {
    JournalError::Unavailable("its file is not open".to_owned())
}

pub fn builder() -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE);
    builder
}

fn prepared(open: &Open) -> Result<Database, JournalError> {
    let database = open()?;
    // Nothing is written to a file that is fit already: the disk may be full, and reading is better than nothing.
    match tables::layout(&database.begin_read().map_err(tables::error)?)? {
        Layout::Current => {}
        Layout::New => write(&database, tables::prepare)?,
        Layout::First => write(&database, upgrade::from_first)?,
    }
    Ok(database)
}

fn write<T>(
    database: &Database,
    work: impl FnOnce(&WriteTransaction) -> Result<T, JournalError>,
) -> Result<T, JournalError> {
    let mut transaction = database.begin_write().map_err(tables::error)?;
    // After a crash the file is opened without reading all of it.
    transaction.set_quick_repair(true);
    let outcome = work(&transaction)?;
    transaction.commit().map_err(tables::error)?;
    Ok(outcome)
}

/// The folder that a file lies in.
pub fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Opens a file or makes it, readable by its owner alone.
pub fn open_file(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let folder = folder(path);
    std::fs::create_dir_all(folder)?;
    let file = options.open(path)?;
    // The name is durable once its folder is.
    File::open(folder)?.sync_all()?;
    Ok(file)
}
