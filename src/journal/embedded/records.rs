//! What a write does within its transaction. In: an event, documents. Out: the event as recorded.
//!
//! Errors that are the write's own (no such event, unreadable) come before anything is changed: the rest of the group
//! commits without it.

use std::sync::Arc;

use redb::{ReadableTable, WriteTransaction};

use crate::event::{CloudEvent, Event, Timestamp};

use super::super::{Append, JournalError, Put, Recorded};
use super::tables::{self, DOCUMENTS, EVENTS, KEYS, META, PLACES};

/// Puts an event at the end of its conversation, once per key.
pub fn append(transaction: &WriteTransaction, append: &Append) -> Result<Recorded, JournalError> {
    let conversation = append.event.details.conversation.id.as_str();
    let mut events = transaction.open_table(EVENTS).map_err(tables::error)?;
    let mut keys = transaction.open_table(KEYS).map_err(tables::error)?;
    if let Some(key) = &append.key {
        let earlier = keys.get((conversation, key.as_str())).map_err(tables::error)?.map(|sequence| sequence.value());
        if let Some(sequence) = earlier {
            let stored = events.get((conversation, sequence)).map_err(tables::error)?;
            let stored = stored.ok_or_else(|| JournalError::Unreadable("a key without its event".to_owned()))?;
            return Ok(Recorded { event: Arc::new(decode(stored.value())?), repeated: true });
        }
    }
    let last = events.range((conversation, 0)..=(conversation, u64::MAX)).map_err(tables::error)?.next_back();
    let sequence = last.transpose().map_err(tables::error)?.map_or(0, |(key, _)| key.value().1) + 1;
    let mut places = transaction.open_table(PLACES).map_err(tables::error)?;
    let mut event = append.event.clone();
    event.details.sequence = Some(sequence);
    if event.details.id.is_empty() {
        event.details.id = next_id(transaction, &places)?;
    }
    event.details.received_at = event.details.received_at.or_else(|| Some(Timestamp::now()));
    events.insert((conversation, sequence), encode(&event)?.as_slice()).map_err(tables::error)?;
    if let Some(key) = &append.key {
        keys.insert((conversation, key.as_str()), sequence).map_err(tables::error)?;
    }
    // An event about a message (a receipt) may carry the message's id; the id goes on naming the message.
    let is_new = places.get(event.details.id.as_str()).map_err(tables::error)?.is_none();
    if is_new {
        places.insert(event.details.id.as_str(), (conversation, sequence)).map_err(tables::error)?;
    }
    put(transaction, &append.documents)?;
    Ok(Recorded { event: Arc::new(event), repeated: false })
}

/// The next decimal id that nothing has: one counter for all conversations, never given back.
fn next_id(
    transaction: &WriteTransaction,
    places: &impl ReadableTable<&'static str, (&'static str, u64)>,
) -> Result<String, JournalError> {
    let mut meta = transaction.open_table(META).map_err(tables::error)?;
    let mut next = meta.get("next_id").map_err(tables::error)?.map_or(1, |next| next.value());
    while places.get(next.to_string().as_str()).map_err(tables::error)?.is_some() {
        next += 1;
    }
    meta.insert("next_id", next + 1).map_err(tables::error)?;
    Ok(next.to_string())
}

/// Replaces an event that is there.
pub fn amend(transaction: &WriteTransaction, event: &Event, documents: &[Put]) -> Result<Arc<Event>, JournalError> {
    let Some(sequence) = event.details.sequence else {
        return Err(JournalError::Unreadable("an event without its sequence cannot be amended".to_owned()));
    };
    let mut events = transaction.open_table(EVENTS).map_err(tables::error)?;
    let place = (event.details.conversation.id.as_str(), sequence);
    let recorded = events.get(place).map_err(tables::error)?.map(|stored| decode(stored.value())).transpose()?;
    if recorded.is_none_or(|recorded| recorded.details.id != event.details.id) {
        return Err(JournalError::Unreadable(format!("no event {:?} at {place:?} to amend", event.details.id)));
    }
    events.insert(place, encode(event)?.as_slice()).map_err(tables::error)?;
    put(transaction, documents)?;
    Ok(Arc::new(event.clone()))
}

/// Writes documents, removes those without a value.
pub fn put(transaction: &WriteTransaction, documents: &[Put]) -> Result<(), JournalError> {
    if documents.is_empty() {
        return Ok(());
    }
    let mut table = transaction.open_table(DOCUMENTS).map_err(tables::error)?;
    for document in documents {
        let key = (tables::collection(document.collection), document.key.as_str());
        match &document.value {
            Some(value) => drop(table.insert(key, value.as_slice()).map_err(tables::error)?),
            None => drop(table.remove(key).map_err(tables::error)?),
        }
    }
    Ok(())
}

fn encode(event: &Event) -> Result<Vec<u8>, JournalError> {
    serde_json::to_vec(&CloudEvent::from(event.clone())).map_err(|error| JournalError::Unreadable(error.to_string()))
}

/// An event as it lies in the file.
pub fn decode(bytes: &[u8]) -> Result<Event, JournalError> {
    let envelope: CloudEvent =
        serde_json::from_slice(bytes).map_err(|error| JournalError::Unreadable(error.to_string()))?;
    Event::try_from(envelope).map_err(|error| JournalError::Unreadable(error.to_string()))
}
