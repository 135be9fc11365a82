//! Giving back what a file does not need any more. In: a file that nobody else has open. Out: a shorter one.

use redb::{Database, ReadableDatabase};

use super::super::JournalError;
use super::tables::{self, META};

/// Bytes that must have gone before it is asked whether it is worth while.
const LEAST: u64 = 16 << 20;

/// How long a file was and is, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compacted {
    pub before: u64,
    pub after: u64,
}

/// Whether at least half of a file of this length is free. Most of the time that is known without looking at all of it.
pub fn is_worth_it(database: &Database, length: u64) -> Result<bool, JournalError> {
    let meta = database.begin_read().map_err(tables::error)?.open_table(META).map_err(tables::error)?;
    let freed = meta.get("freed").map_err(tables::error)?.map_or(0, |freed| freed.value());
    if freed < LEAST.max(length / 4) {
        return Ok(false);
    }
    let mut transaction = database.begin_write().map_err(tables::error)?;
    transaction.set_quick_repair(true);
    let stats = transaction.stats().map_err(tables::error)?;
    // Whatever comes of it, it is not asked again before as much has gone.
    transaction.open_table(META).map_err(tables::error)?.remove("freed").map_err(tables::error)?;
    transaction.commit().map_err(tables::error)?;
    Ok(stats.allocated_pages() * stats.page_size() as u64 <= length / 2)
}

/// Compacts. A sudden end of the process loses nothing; the next opening may take longer.
pub fn compact(database: &mut Database) -> Result<(), JournalError> {
    database.compact().map_err(|error| JournalError::Unavailable(error.to_string()))?;
    Ok(())
}
