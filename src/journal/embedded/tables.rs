//! The tables of the embedded journal's file, their version, and how redb's errors become the journal's.

use redb::{ReadTransaction, TableDefinition, TableError, WriteTransaction};

use crate::event::{Resource, Timestamp};

use super::super::{Collection, JournalError};

/// The layout of the file; a file of another version is refused.
pub const FORMAT: u64 = 2;

/// `format`; `next_id`; `bytes` of the events that are kept; `freed`: bytes of events that went since that was last looked at.
pub const META: TableDefinition<'static, &str, u64> = TableDefinition::new("meta");
/// (conversation, sequence) → CloudEvents JSON.
pub const EVENTS: TableDefinition<'static, (&str, u64), &[u8]> = TableDefinition::new("events");
/// Event id → (conversation, sequence).
pub const PLACES: TableDefinition<'static, &str, (&str, u64)> = TableDefinition::new("places");
/// (conversation, origin key) → sequence.
pub const KEYS: TableDefinition<'static, (&str, &str), u64> = TableDefinition::new("keys");
/// (collection, key) → JSON.
pub const DOCUMENTS: TableDefinition<'static, (u8, &str), &[u8]> = TableDefinition::new("documents");
/// (owner, resource, canonical) → native.
pub const NATIVE: TableDefinition<'static, (&str, u8, &str), &str> = TableDefinition::new("native");
/// (owner, resource, native) → canonical.
pub const CANONICAL: TableDefinition<'static, (&str, u8, &str), &str> = TableDefinition::new("canonical");
/// (owner, resource) → the last integer that was allocated.
pub const ALLOCATED: TableDefinition<'static, (&str, u8), u64> = TableDefinition::new("allocated");

/// Conversation → its last sequence number, its last turn, and of its last event: when it was recorded, its origin key.
pub const LAST: TableDefinition<'static, &str, (u64, u64, u64, Option<&str>)> = TableDefinition::new("last");
/// (recorded, conversation, sequence) → origin key, of all events but the last of each conversation.
pub const AGES: TableDefinition<'static, (u64, &str, u64), Option<&str>> = TableDefinition::new("ages");
/// What was told, when, under which mark: mark, time, conversation, sequence, turn.
pub type Announcement = (u64, u64, &'static str, u64, u64);

/// Topic → how many were told there, and the mark of the last.
pub const TOLD: TableDefinition<'static, &str, (u64, u64)> = TableDefinition::new("told");
/// (topic, number) → what was told there.
pub const FEED: TableDefinition<'static, (&str, u64), Announcement> = TableDefinition::new("feed");

/// (topic, reader) → the number after which the feed is kept for it, and until when. Absent in files of earlier builds.
pub const READERS: TableDefinition<'static, (&str, &str), (u64, u64)> = TableDefinition::new("readers");

/// The number a collection has in the file. Never changed, only added to.
pub fn collection(collection: Collection) -> u8 {
    match collection {
        Collection::Conversations => 1,
        Collection::Parties => 2,
        Collection::Uploads => 3,
        Collection::Handles => 4,
        Collection::Grants => 5,
        Collection::ReadMarkers => 6,
        Collection::Subscriptions => 7,
        Collection::ActiveSessions => 8,
        Collection::Deliveries => 9,
        Collection::Bridged => 10,
        Collection::RemoteFiles => 11,
        Collection::Sends => 12,
        Collection::Cursors => 13,
        Collection::Copies => 14,
        Collection::Unfinished => 15,
        Collection::Contents => 16,
        Collection::Revoked => 17,
    }
}

/// The number a resource has in the file.
pub fn resource(resource: Resource) -> u8 {
    match resource {
        Resource::Message => 1,
        Resource::Conversation => 2,
        Resource::Party => 3,
    }
}

/// A time as the file has it: milliseconds of Unix.
pub fn milliseconds(time: Timestamp) -> u64 {
    u64::try_from(time.micros() / 1_000).unwrap_or(0)
}

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Nothing yet.
    New,
    /// What this version writes.
    Current,
    /// The first format, which `upgrade` makes into this one.
    First,
}

/// The layout of a file; one that this version does not know is an error that says what to do.
pub fn layout(transaction: &ReadTransaction) -> Result<Layout, JournalError> {
    let meta = match transaction.open_table(META) {
        Ok(meta) => meta,
        Err(TableError::TableDoesNotExist(_)) => return Ok(Layout::New),
        Err(other) => return Err(error(other)),
    };
    match meta.get("format").map_err(error)?.map(|format| format.value()) {
        Some(FORMAT) => Ok(Layout::Current),
        Some(1) => Ok(Layout::First),
        Some(newer) if newer > FORMAT => Err(JournalError::Unreadable(format!(
            "format {newer}; this version reads format {FORMAT}. A newer version wrote it: start that one, or restore a \
             backup that this version made"
        ))),
        other => {
            let found = other.map_or("none".to_owned(), |format| format.to_string());
            Err(JournalError::Unreadable(format!(
                "format {found}; this version reads format {FORMAT}. It is no journal of any version known here: give \
                 another `path` in [journal], or restore a backup"
            )))
        }
    }
}

/// Makes the tables of a new file.
pub fn prepare(transaction: &WriteTransaction) -> Result<(), JournalError> {
    transaction.open_table(META).map_err(error)?.insert("format", FORMAT).map_err(error)?;
    transaction.open_table(EVENTS).map_err(error)?;
    transaction.open_table(PLACES).map_err(error)?;
    transaction.open_table(KEYS).map_err(error)?;
    transaction.open_table(DOCUMENTS).map_err(error)?;
    transaction.open_table(NATIVE).map_err(error)?;
    transaction.open_table(CANONICAL).map_err(error)?;
    transaction.open_table(ALLOCATED).map_err(error)?;
    transaction.open_table(LAST).map_err(error)?;
    transaction.open_table(AGES).map_err(error)?;
    transaction.open_table(TOLD).map_err(error)?;
    transaction.open_table(FEED).map_err(error)?;
    transaction.open_table(READERS).map_err(error)?;
    Ok(())
}

/// No room is told apart, as an operator mends it differently from all else.
pub fn error(error: impl Into<redb::Error>) -> JournalError {
    use std::io::ErrorKind::{QuotaExceeded, StorageFull};
    match error.into() {
        redb::Error::Io(io) if matches!(io.kind(), StorageFull | QuotaExceeded) => JournalError::Full,
        other => JournalError::Unavailable(other.to_string()),
    }
}
