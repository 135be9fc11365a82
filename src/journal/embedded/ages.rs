//! The ends of conversations, and what is older than they: in order of age, since that is the order in which it goes. In:
//! events that come and go, in the transaction of the writer. Out: their places, and the bytes that all of them have.

use redb::{ReadableTable, WriteTransaction};

use super::super::JournalError;
use super::tables::{self, AGES, LAST, META};

/// The next place of a conversation, taken by an event that is recorded now.
pub fn next(
    transaction: &WriteTransaction,
    conversation: &str,
    at: u64,
    key: Option<&str>,
) -> Result<u64, JournalError> {
    let mut ends = transaction.open_table(LAST).map_err(tables::error)?;
    let end = ends.get(conversation).map_err(tables::error)?;
    let (mut last, mut turn) = (0, 0);
    if let Some(end) = &end {
        let (sequence, last_turn, recorded, its_key) = end.value();
        (last, turn) = (sequence, last_turn);
        // The last of a conversation stays whatever its age; from now on this is not the last.
        let mut ages = transaction.open_table(AGES).map_err(tables::error)?;
        ages.insert((recorded, conversation, sequence), its_key).map_err(tables::error)?;
    }
    drop(end);
    ends.insert(conversation, (last + 1, turn, at, key)).map_err(tables::error)?;
    Ok(last + 1)
}

/// Some bytes of events came, others went.
pub fn weigh(transaction: &WriteTransaction, came: usize, went: usize) -> Result<(), JournalError> {
    let mut meta = transaction.open_table(META).map_err(tables::error)?;
    let bytes = meta.get("bytes").map_err(tables::error)?.map_or(0, |bytes| bytes.value());
    let bytes = (bytes + came as u64).saturating_sub(went as u64);
    meta.insert("bytes", bytes).map_err(tables::error)?;
    Ok(())
}
