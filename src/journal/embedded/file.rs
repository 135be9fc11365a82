//! The file of an embedded journal while no gateway runs on it. In: its path. Out: backups, proofs, a shorter file.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use super::super::JournalError;
use super::backup::{self, beside};
use super::compaction::Compacted;
use super::medium::Medium;
use super::verify::{self, Verified};

/// A journal's file, and nobody else's while this lives.
pub struct JournalFile {
    pub(super) medium: Medium,
    path: PathBuf,
}

impl JournalFile {
    /// Whether a process has this file open.
    pub fn is_in_use(path: &Path) -> bool {
        let locked = File::open(path).map(|file| matches!(file.try_lock(), Err(std::fs::TryLockError::WouldBlock)));
        locked.unwrap_or(false)
    }

    /// Opens a file that is there.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let metadata = std::fs::metadata(path).map_err(|error| backup::fault(path, &error))?;
        if !metadata.is_file() || metadata.len() == 0 {
            return Err(JournalError::Unreadable(format!("{} is no journal", path.display())));
        }
        Ok(JournalFile { medium: Medium::file(path)?, path: path.to_owned() })
    }

    /// Writes a copy, in place of a file that is there.
    pub fn back_up(&self, to: &Path) -> Result<(), JournalError> {
        self.medium.read(|transaction| backup::write(transaction, to, &AtomicBool::new(false)))
    }

    /// Reads all of it: whether what lies on the disk is what was written, and whether it holds together.
    pub fn verify(&self) -> Result<Verified, JournalError> {
        if !self.medium.is_intact()? {
            let words = "its checksums do not fit: the disk changed it. Restore a backup";
            return Err(JournalError::Unreadable(format!("{}: {words}", self.path.display())));
        }
        self.medium.read(verify::verify)
    }

    pub fn compact(&self) -> Result<Compacted, JournalError> {
        self.medium.compact()
    }

    /// Puts this journal, which is a backup, in the place of another. One that was there stays as `<path>.replaced`.
    pub fn restore(&self, path: &Path) -> Result<Option<PathBuf>, JournalError> {
        let restoring = beside(path, "restoring");
        self.back_up(&restoring)?;
        let replaced = beside(path, "replaced");
        let is_there = path.exists();
        if is_there {
            // Under both names until the new one takes its place: there is a journal at every moment.
            let _ = std::fs::remove_file(&replaced);
            let kept = std::fs::hard_link(path, &replaced).or_else(|_| std::fs::copy(path, &replaced).map(drop));
            kept.map_err(|error| backup::fault(&replaced, &error))?;
        }
        backup::put(&restoring, path)?;
        Ok(is_there.then_some(replaced))
    }
}

/// Puts a finished file elsewhere, on another disk perhaps; it is there whole or not at all.
pub fn move_file(from: &Path, to: &Path) -> Result<(), JournalError> {
    if std::fs::rename(from, to).is_ok() {
        return Ok(());
    }
    let partial = beside(to, "partial");
    std::fs::copy(from, &partial).map_err(|error| backup::fault(&partial, &error))?;
    backup::put(&partial, to)?;
    std::fs::remove_file(from).map_err(|error| backup::fault(from, &error))
}
