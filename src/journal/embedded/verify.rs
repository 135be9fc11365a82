//! Whether a journal's file holds together. In: a file. Out: how much it holds, and each contradiction in it.

use redb::{ReadTransaction, ReadableTable, ReadableTableMetadata};

use super::super::{Collection, JournalError};
use super::records::decode;
use super::tables::{self, AGES, CANONICAL, DOCUMENTS, EVENTS, FEED, KEYS, LAST, META, NATIVE, PLACES, TOLD};

/// Contradictions that are told; more are counted.
const TOLD_FAULTS: usize = 20;

/// What a file holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    pub conversations: u64,
    pub events: u64,
    /// Of the events.
    pub bytes: u64,
    pub documents: u64,
    /// Pairs of the id map, by native id.
    pub ids: u64,
    /// Contradictions; the first of them in words.
    pub faults: u64,
    pub words: Vec<String>,
}

impl Verified {
    fn expect(&mut self, holds: bool, words: impl FnOnce() -> String) {
        if !holds {
            self.faults += 1;
            if self.words.len() < TOLD_FAULTS {
                self.words.push(words());
            }
        }
    }
}

/// Reads everything and compares each part with the others.
pub fn verify(transaction: &ReadTransaction) -> Result<Verified, JournalError> {
    let mut found = Verified::default();
    events(transaction, &mut found)?;
    names(transaction, &mut found)?;
    feeds(transaction, &mut found)?;
    let documents = transaction.open_table(DOCUMENTS).map_err(tables::error)?;
    let known = Collection::ALL.map(tables::collection);
    for row in documents.iter().map_err(tables::error)? {
        let (key, value) = row.map_err(tables::error)?;
        found.expect(known.contains(&key.value().0), || format!("document {:?} is of no collection", key.value()));
        let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(value.value()).is_ok();
        found.expect(is_json, || format!("document {:?} is no JSON", key.value()));
        found.documents += 1;
    }
    Ok(found)
}

fn events(transaction: &ReadTransaction, found: &mut Verified) -> Result<(), JournalError> {
    let events = transaction.open_table(EVENTS).map_err(tables::error)?;
    let places = transaction.open_table(PLACES).map_err(tables::error)?;
    let ends = transaction.open_table(LAST).map_err(tables::error)?;
    let ages = transaction.open_table(AGES).map_err(tables::error)?;
    let mut before: Option<(String, u64)> = None;
    for row in events.iter().map_err(tables::error)? {
        let (place, stored) = row.map_err(tables::error)?;
        let (conversation, sequence) = place.value();
        let last = ends.get(conversation).map_err(tables::error)?.map_or(0, |end| end.value().0);
        found.expect(sequence <= last, || format!("event {sequence} of {conversation:?} is behind its end, {last}"));
        let follows = before.as_ref().is_none_or(|(of, number)| of != conversation || number + 1 == sequence);
        found.expect(follows, || format!("a hole before event {sequence} of {conversation:?}"));
        found.events += 1;
        found.bytes += stored.value().len() as u64;
        match decode(stored.value()) {
            Ok(event) => {
                let details = &event.details;
                let is_own = details.conversation.id == conversation && details.sequence == Some(sequence);
                found.expect(is_own, || format!("event {sequence} of {conversation:?} says that it is another"));
                let is_named = places.get(details.id.as_str()).map_err(tables::error)?.is_some();
                found.expect(is_named, || format!("event {:?} is not found by its id", details.id));
                let at = details.received_at.map_or(0, tables::milliseconds);
                let has_age = ages.get((at, conversation, sequence)).map_err(tables::error)?.is_some();
                found.expect(has_age != (sequence == last), || {
                    format!("the age of event {:?} is not known", details.id)
                });
            }
            Err(error) => found.expect(false, || format!("event {sequence} of {conversation:?}: {error}")),
        }
        before = Some((conversation.to_owned(), sequence));
    }
    found.conversations = ends.len().map_err(tables::error)?;
    for row in ends.iter().map_err(tables::error)? {
        let (conversation, end) = row.map_err(tables::error)?;
        let (conversation, last) = (conversation.value(), end.value().0);
        let is_there = last == 0 || events.get((conversation, last)).map_err(tables::error)?.is_some();
        found.expect(is_there, || format!("the last event of {conversation:?}, {last}, is not there"));
    }
    let meta = transaction.open_table(META).map_err(tables::error)?;
    let counted = meta.get("bytes").map_err(tables::error)?.map_or(0, |bytes| bytes.value());
    let (events, bytes) = (found.events, found.bytes);
    found.expect(counted == bytes, || format!("{events} events have {bytes} bytes, and {counted} were counted"));
    Ok(())
}

/// What names events, and the id map.
fn names(transaction: &ReadTransaction, found: &mut Verified) -> Result<(), JournalError> {
    let events = transaction.open_table(EVENTS).map_err(tables::error)?;
    for row in transaction.open_table(PLACES).map_err(tables::error)?.iter().map_err(tables::error)? {
        let (id, place) = row.map_err(tables::error)?;
        let is_there = events.get(place.value()).map_err(tables::error)?.is_some();
        found.expect(is_there, || format!("id {:?} names an event that is not there", id.value()));
    }
    for row in transaction.open_table(KEYS).map_err(tables::error)?.iter().map_err(tables::error)? {
        let (key, sequence) = row.map_err(tables::error)?;
        let is_there = events.get((key.value().0, sequence.value())).map_err(tables::error)?.is_some();
        found.expect(is_there, || format!("a key of {:?} names an event that is not there", key.value().0));
    }
    let canonicals = transaction.open_table(CANONICAL).map_err(tables::error)?;
    found.ids = canonicals.len().map_err(tables::error)?;
    for row in transaction.open_table(NATIVE).map_err(tables::error)?.iter().map_err(tables::error)? {
        let (key, native) = row.map_err(tables::error)?;
        let (owner, resource, canonical) = key.value();
        let back = canonicals.get((owner, resource, native.value())).map_err(tables::error)?;
        let is_same = back.is_some_and(|back| back.value() == canonical);
        found.expect(is_same, || format!("{owner}: id {:?} does not lead back to its own", native.value()));
    }
    Ok(())
}

fn feeds(transaction: &ReadTransaction, found: &mut Verified) -> Result<(), JournalError> {
    let told = transaction.open_table(TOLD).map_err(tables::error)?;
    let feed = transaction.open_table(FEED).map_err(tables::error)?;
    for row in feed.iter().map_err(tables::error)? {
        let (key, _) = row.map_err(tables::error)?;
        let (topic, number) = key.value();
        let count = told.get(topic).map_err(tables::error)?.map_or(0, |count| count.value().0);
        found.expect(number <= count, || format!("{topic:?} has {number} and counts {count}"));
    }
    Ok(())
}
