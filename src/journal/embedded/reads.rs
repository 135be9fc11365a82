//! Reads, on the state of the last commit. They take microseconds (a page of the file is in memory or one read away),
//! so they run where they are asked.

use std::sync::Arc;

use redb::ReadTransaction;

use crate::event::Event;

use super::super::{Collection, JournalError, Namespace, Span};
use super::records::decode;
use super::tables::{self, CANONICAL, DOCUMENTS, EVENTS, NATIVE, PLACES};

pub fn span(transaction: &ReadTransaction, conversation: &str, span: Span) -> Result<Vec<Arc<Event>>, JournalError> {
    let table = transaction.open_table(EVENTS).map_err(tables::error)?;
    let first = span.after.map_or(0, |after| after.saturating_add(1));
    let last = match span.before {
        Some(0) => return Ok(Vec::new()),
        Some(before) => before - 1,
        None => u64::MAX,
    };
    if first > last {
        return Ok(Vec::new());
    }
    let mut range = table.range((conversation, first)..=(conversation, last)).map_err(tables::error)?;
    let mut events = Vec::with_capacity(span.limit.min(256));
    while events.len() < span.limit {
        let next = if span.newest_first { range.next_back() } else { range.next() };
        let Some(entry) = next else { break };
        let (_, value) = entry.map_err(tables::error)?;
        events.push(Arc::new(decode(value.value())?));
    }
    Ok(events)
}

pub fn event(transaction: &ReadTransaction, id: &str) -> Result<Option<Arc<Event>>, JournalError> {
    let places = transaction.open_table(PLACES).map_err(tables::error)?;
    let Some(place) = places.get(id).map_err(tables::error)? else { return Ok(None) };
    let events = transaction.open_table(EVENTS).map_err(tables::error)?;
    let stored = events.get(place.value()).map_err(tables::error)?;
    stored.map(|value| decode(value.value()).map(Arc::new)).transpose()
}

pub fn document(
    transaction: &ReadTransaction,
    collection: Collection,
    key: &str,
) -> Result<Option<Vec<u8>>, JournalError> {
    let table = transaction.open_table(DOCUMENTS).map_err(tables::error)?;
    let found = table.get((tables::collection(collection), key)).map_err(tables::error)?;
    Ok(found.map(|value| value.value().to_vec()))
}

pub fn scan(
    transaction: &ReadTransaction,
    collection: Collection,
    prefix: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<(String, Vec<u8>)>, JournalError> {
    let table = transaction.open_table(DOCUMENTS).map_err(tables::error)?;
    let number = tables::collection(collection);
    let start = after.filter(|after| *after >= prefix).unwrap_or(prefix);
    let mut found = Vec::new();
    for entry in table.range((number, start)..(number + 1, "")).map_err(tables::error)? {
        let (key, value) = entry.map_err(tables::error)?;
        let (_, key) = key.value();
        if !key.starts_with(prefix) || found.len() == limit {
            break;
        }
        if after != Some(key) {
            found.push((key.to_owned(), value.value().to_vec()));
        }
    }
    Ok(found)
}

pub fn native(
    transaction: &ReadTransaction,
    namespace: &Namespace,
    canonical: &str,
) -> Result<Option<String>, JournalError> {
    let table = transaction.open_table(NATIVE).map_err(tables::error)?;
    let key = (&*namespace.owner, tables::resource(namespace.resource), canonical);
    Ok(table.get(key).map_err(tables::error)?.map(|native| native.value().to_owned()))
}

pub fn canonical(
    transaction: &ReadTransaction,
    namespace: &Namespace,
    native: &str,
) -> Result<Option<String>, JournalError> {
    let table = transaction.open_table(CANONICAL).map_err(tables::error)?;
    let key = (&*namespace.owner, tables::resource(namespace.resource), native);
    Ok(table.get(key).map_err(tables::error)?.map(|canonical| canonical.value().to_owned()))
}
