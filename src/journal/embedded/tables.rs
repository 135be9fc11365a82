//! The tables of the embedded journal's file, their version, and how redb's errors become the journal's.

use redb::{ReadTransaction, TableDefinition, TableError, WriteTransaction};

use crate::event::Resource;

use super::super::{Collection, JournalError};

/// The layout of the file; a file of another version is refused.
pub const FORMAT: u64 = 1;

/// `format` and `next_id`.
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

/// Whether the file has its tables; a file of another version is an error.
pub fn are_prepared(transaction: &ReadTransaction) -> Result<bool, JournalError> {
    let meta = match transaction.open_table(META) {
        Ok(meta) => meta,
        Err(TableError::TableDoesNotExist(_)) => return Ok(false),
        Err(other) => return Err(error(other)),
    };
    match meta.get("format").map_err(error)?.map(|format| format.value()) {
        Some(FORMAT) => Ok(true),
        other => {
            let found = other.map_or("none".to_owned(), |format| format.to_string());
            Err(JournalError::Unreadable(format!("format {found}; this version reads format {FORMAT}")))
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
