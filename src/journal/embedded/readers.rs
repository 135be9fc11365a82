//! Who reserved the feed of a topic, and from where. In: readers and how far they are. Out: the numbers after which a feed
//! is kept.

use redb::{ReadOnlyTable, ReadTransaction, ReadableTable, TableError, WriteTransaction};

use crate::event::{Timestamp, Topic};

use super::super::{JournalError, feed};
use super::tables::{self, READERS};

/// Readers of a topic that are heeded. There is one for each webhook of a config.
const HEEDED: usize = 1_000;

/// As of [`READERS`].
pub type Readers = ReadOnlyTable<(&'static str, &'static str), (u64, u64)>;

/// Keeps a feed for a reader from now on; forgets readers of the topic whose time is over.
pub fn reserve(transaction: &WriteTransaction, topic: &Topic, reader: &str, after: u64) -> Result<(), JournalError> {
    let mut readers = transaction.open_table(READERS).map_err(tables::error)?;
    let (topic, now) = (topic.to_string(), tables::milliseconds(Timestamp::now()));
    let mut over = Vec::new();
    for row in readers.range((topic.as_str(), "")..).map_err(tables::error)?.take(HEEDED) {
        let (key, value) = row.map_err(tables::error)?;
        if key.value().0 != topic {
            break;
        }
        if value.value().1 < now {
            over.push(key.value().1.to_owned());
        }
    }
    for reader in over {
        readers.remove((topic.as_str(), reader.as_str())).map_err(tables::error)?;
    }
    let until = now + u64::try_from(feed::RESERVED.as_millis()).unwrap_or(u64::MAX >> 1);
    readers.insert((topic.as_str(), reader), (after, until)).map_err(tables::error)?;
    Ok(())
}

/// The numbers after which a topic is kept for somebody at this time.
pub fn reserved(
    readers: &impl ReadableTable<(&'static str, &'static str), (u64, u64)>,
    topic: &str,
    now: u64,
) -> Result<Vec<u64>, JournalError> {
    let mut reserved = Vec::new();
    for row in readers.range((topic, "")..).map_err(tables::error)?.take(HEEDED) {
        let (key, value) = row.map_err(tables::error)?;
        if key.value().0 != topic {
            break;
        }
        let (after, until) = value.value();
        if until >= now {
            reserved.push(after);
        }
    }
    Ok(reserved)
}

/// The table; a file of an earlier build has none until something is told.
pub fn table(transaction: &ReadTransaction) -> Result<Option<Readers>, JournalError> {
    match transaction.open_table(READERS) {
        Ok(table) => Ok(Some(table)),
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(tables::error(error)),
    }
}
