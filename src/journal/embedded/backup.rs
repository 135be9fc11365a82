//! A copy of a journal's file, whole and short. In: the state of one commit, while writes may go on. Out: a file at another
//! path, there only once it is complete and on the disk.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use redb::{Database, Key, ReadTransaction, ReadableTable, TableDefinition, Value};

use super::super::JournalError;
use super::medium::{self, builder};
use super::tables::{
    self, AGES, ALLOCATED, CANONICAL, DOCUMENTS, EVENTS, FEED, KEYS, LAST, META, NATIVE, PLACES, TOLD,
};

/// Rows in one transaction of the copy.
const CHUNK: usize = 20_000;

/// Writes all tables to a file at `to`, in place of one that is there. What is cut off leaves `<to>.partial` behind, which
/// the next one overwrites.
pub fn write(from: &ReadTransaction, to: &Path, stop: &AtomicBool) -> Result<(), JournalError> {
    let partial = beside(to, "partial");
    match std::fs::remove_file(&partial) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(fault(&partial, &error)),
        Ok(()) | Err(_) => {}
    }
    let file = medium::open_file(&partial).map_err(|error| fault(&partial, &error))?;
    let database = builder().create_file(file).map_err(tables::error)?;
    let copy = Copy { from, to: &database, stop };
    copy.table(META)?;
    copy.table(EVENTS)?;
    copy.table(PLACES)?;
    copy.table(KEYS)?;
    copy.table(DOCUMENTS)?;
    copy.table(NATIVE)?;
    copy.table(CANONICAL)?;
    copy.table(ALLOCATED)?;
    copy.table(LAST)?;
    copy.table(AGES)?;
    copy.table(TOLD)?;
    copy.table(FEED)?;
    drop(database);
    put(&partial, to)
}

/// Gives a finished file its name. That is durable, and the file that had the name is there until then.
pub fn put(finished: &Path, to: &Path) -> Result<(), JournalError> {
    let sync = |path: &Path| File::open(path)?.sync_all();
    let put = OpenOptions::new().read(true).write(true).open(finished).and_then(|file| file.sync_all());
    let put = put.and_then(|()| std::fs::rename(finished, to)).and_then(|()| sync(medium::folder(to)));
    put.map_err(|error| fault(to, &error))
}

/// A name beside a file: `journal` and `partial` make `journal.partial`.
pub fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    PathBuf::from(name)
}

pub fn fault(path: &Path, error: &std::io::Error) -> JournalError {
    match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => JournalError::Full,
        _ => JournalError::Unavailable(format!("{}: {error}", path.display())),
    }
}

struct Copy<'a> {
    from: &'a ReadTransaction,
    to: &'a Database,
    stop: &'a AtomicBool,
}

impl Copy<'_> {
    fn table<K: Key + 'static, V: Value + 'static>(
        &self,
        table: TableDefinition<'static, K, V>,
    ) -> Result<(), JournalError> {
        let rows = self.from.open_table(table).map_err(tables::error)?;
        let mut rows = rows.iter().map_err(tables::error)?.peekable();
        loop {
            if self.stop.load(Ordering::Relaxed) {
                return Err(JournalError::Unavailable("the gateway stops".to_owned()));
            }
            let transaction = self.to.begin_write().map_err(tables::error)?;
            let mut copy = transaction.open_table(table).map_err(tables::error)?;
            for row in rows.by_ref().take(CHUNK) {
                let (key, value) = row.map_err(tables::error)?;
                copy.insert(key.value(), value.value()).map_err(tables::error)?;
            }
            drop(copy);
            transaction.commit().map_err(tables::error)?;
            if rows.peek().is_none() {
                return Ok(());
            }
        }
    }
}
