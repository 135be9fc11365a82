//! What a write does within its transaction. In: an event, documents. Out: the event as recorded.
//!
//! Errors that are the write's own (no such event, unreadable) come before anything is changed: the rest of the group
//! commits without it.

use std::sync::Arc;

use redb::{ReadableTable, WriteTransaction};

use crate::event::{Audience, CloudEvent, Event, Timestamp};

use super::super::{Append, JournalError, Put, Recorded};
use super::tables::{self, DOCUMENTS, EVENTS, KEYS, META, PLACES};
use super::told::Told;
use super::{ages, told};

/// Puts an event at the end of its conversation, once per key, and tells its audience.
pub fn append(transaction: &WriteTransaction, append: &Append) -> Result<(Recorded, Option<Told>), JournalError> {
    let conversation = append.event.details.conversation.id.as_str();
    let mut events = transaction.open_table(EVENTS).map_err(tables::error)?;
    let mut keys = transaction.open_table(KEYS).map_err(tables::error)?;
    if let Some(key) = &append.key {
        let earlier = keys.get((conversation, key.as_str())).map_err(tables::error)?.map(|sequence| sequence.value());
        if let Some(sequence) = earlier {
            let stored = events.get((conversation, sequence)).map_err(tables::error)?;
            let stored = stored.ok_or_else(|| JournalError::Unreadable("a key without its event".to_owned()))?;
            return Ok((Recorded { event: Arc::new(decode(stored.value())?), repeated: true }, None));
        }
    }
    let mut places = transaction.open_table(PLACES).map_err(tables::error)?;
    let mut event = append.event.clone();
    let received_at = *event.details.received_at.get_or_insert_with(Timestamp::now);
    let at = tables::milliseconds(received_at);
    let sequence = ages::next(transaction, conversation, at, append.key.as_deref())?;
    event.details.sequence = Some(sequence);
    if event.details.id.is_empty() {
        event.details.id = next_id(transaction, &places)?;
    }
    let stored = encode(&event)?;
    events.insert((conversation, sequence), stored.as_slice()).map_err(tables::error)?;
    ages::weigh(transaction, stored.len(), 0)?;
    if let Some(key) = &append.key {
        keys.insert((conversation, key.as_str()), sequence).map_err(tables::error)?;
    }
    // An event about a message (a receipt) may carry the message's id; the id goes on naming the message.
    let is_new = places.get(event.details.id.as_str()).map_err(tables::error)?.is_none();
    if is_new {
        places.insert(event.details.id.as_str(), (conversation, sequence)).map_err(tables::error)?;
    }
    put(transaction, &append.documents)?;
    let told = append.audience.as_ref().map(|audience| told::tell(transaction, &event, audience)).transpose()?;
    Ok((Recorded { event: Arc::new(event), repeated: false }, told.flatten()))
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

/// Replaces an event that is there, and tells an audience of it.
pub fn amend(
    transaction: &WriteTransaction,
    event: &Event,
    documents: &[Put],
    audience: Option<&Audience>,
) -> Result<(Arc<Event>, Option<Told>), JournalError> {
    let Some(sequence) = event.details.sequence else {
        return Err(JournalError::Unreadable("an event without its sequence cannot be amended".to_owned()));
    };
    let mut events = transaction.open_table(EVENTS).map_err(tables::error)?;
    let place = (event.details.conversation.id.as_str(), sequence);
    let stored = events.get(place).map_err(tables::error)?;
    let recorded = stored.map(|stored| Ok((decode(stored.value())?, stored.value().len()))).transpose()?;
    let Some((recorded, length)) = recorded.filter(|(recorded, _)| recorded.details.id == event.details.id) else {
        return Err(JournalError::Unreadable(format!("no event {:?} at {place:?} to amend", event.details.id)));
    };
    let mut event = event.clone();
    // Its age is that of what was recorded: the file is kept in order of it.
    event.details.received_at = recorded.details.received_at;
    let amended = encode(&event)?;
    events.insert(place, amended.as_slice()).map_err(tables::error)?;
    ages::weigh(transaction, amended.len(), length)?;
    put(transaction, documents)?;
    let told = audience.map(|audience| told::tell(transaction, &event, audience)).transpose()?;
    Ok((Arc::new(event), told.flatten()))
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

/// An event as it goes into the file.
pub fn encode(event: &Event) -> Result<Vec<u8>, JournalError> {
    serde_json::to_vec(&CloudEvent::from(event.clone())).map_err(|error| JournalError::Unreadable(error.to_string()))
}

/// An event as it lies in the file.
pub fn decode(bytes: &[u8]) -> Result<Event, JournalError> {
    let envelope: CloudEvent =
        serde_json::from_slice(bytes).map_err(|error| JournalError::Unreadable(error.to_string()))?;
    Event::try_from(envelope).map_err(|error| JournalError::Unreadable(error.to_string()))
}
