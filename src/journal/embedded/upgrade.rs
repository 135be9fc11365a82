//! From the first format to this one: the ends of conversations, ages and bytes are found from the events. In: the
//! transaction that does it, whole or not at all. Topics count from nothing, as nobody has heard anything of them.

use redb::{ReadableTable, WriteTransaction};

use super::super::JournalError;
use super::records::decode;
use super::tables::{self, AGES, EVENTS, KEYS, LAST};
use super::{ages, tables::prepare};

/// Makes the tables that the first format had not.
pub fn from_first(transaction: &WriteTransaction) -> Result<(), JournalError> {
    tracing::info!("the journal's file is of format 1 and becomes format {}", tables::FORMAT);
    prepare(transaction)?;
    let events = transaction.open_table(EVENTS).map_err(tables::error)?;
    let mut bytes = 0;
    for entry in events.iter().map_err(tables::error)? {
        let (place, stored) = entry.map_err(tables::error)?;
        let (conversation, sequence) = place.value();
        bytes += stored.value().len();
        let at = recorded(stored.value())?;
        let next = ages::next(transaction, conversation, at, None)?;
        if next != sequence {
            return Err(JournalError::Unreadable(format!("event {sequence} of {conversation:?} is not {next}")));
        }
    }
    ages::weigh(transaction, bytes, 0)?;
    let keys = transaction.open_table(KEYS).map_err(tables::error)?;
    let mut ends = transaction.open_table(LAST).map_err(tables::error)?;
    let mut by_age = transaction.open_table(AGES).map_err(tables::error)?;
    for entry in keys.iter().map_err(tables::error)? {
        let (key, sequence) = entry.map_err(tables::error)?;
        let ((conversation, key), sequence) = (key.value(), sequence.value());
        let Some(stored) = events.get((conversation, sequence)).map_err(tables::error)? else { continue };
        let at = recorded(stored.value())?;
        let last = ends.get(conversation).map_err(tables::error)?.map_or(0, |end| end.value().0);
        if last == sequence {
            ends.insert(conversation, (sequence, 0, at, Some(key))).map_err(tables::error)?;
        } else {
            by_age.insert((at, conversation, sequence), Some(key)).map_err(tables::error)?;
        }
    }
    Ok(())
}

fn recorded(stored: &[u8]) -> Result<u64, JournalError> {
    Ok(decode(stored)?.details.received_at.map_or(0, tables::milliseconds))
}
