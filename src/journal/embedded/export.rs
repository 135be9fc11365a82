//! A journal's file, read in pages. In: where to go on. Out: events with all that is known of them, documents, ids.

use std::sync::Arc;

use crate::event::{Event, Resource};

use super::super::copy::{Imported, Pair};
use super::super::{Collection, JournalError, Namespace, Span};
use super::file::JournalFile;
use super::reads;
use super::records::decode;
use super::tables::{self, AGES, ALLOCATED, CANONICAL, EVENTS, LAST, META, NATIVE, PLACES};

impl JournalFile {
    /// The conversation after one, in order of their ids.
    pub fn next_conversation(&self, after: Option<&str>) -> Result<Option<String>, JournalError> {
        self.medium.read(|transaction| {
            let ends = transaction.open_table(LAST).map_err(tables::error)?;
            for row in ends.range(after.unwrap_or_default()..).map_err(tables::error)? {
                let (conversation, _) = row.map_err(tables::error)?;
                if after != Some(conversation.value()) {
                    return Ok(Some(conversation.value().to_owned()));
                }
            }
            Ok(None)
        })
    }

    pub fn read(&self, conversation: &str, span: Span) -> Result<Vec<Arc<Event>>, JournalError> {
        self.medium.read(|transaction| reads::span(transaction, conversation, span))
    }

    pub fn events(&self, conversation: &str, after: u64, limit: usize) -> Result<Vec<Imported>, JournalError> {
        self.medium.read(|transaction| {
            let events = transaction.open_table(EVENTS).map_err(tables::error)?;
            let places = transaction.open_table(PLACES).map_err(tables::error)?;
            let ages = transaction.open_table(AGES).map_err(tables::error)?;
            let ends = transaction.open_table(LAST).map_err(tables::error)?;
            let end = ends.get(conversation).map_err(tables::error)?;
            let mut page = Vec::new();
            let range = (conversation, after.saturating_add(1))..=(conversation, u64::MAX);
            for row in events.range(range).map_err(tables::error)?.take(limit) {
                let (place, stored) = row.map_err(tables::error)?;
                let sequence = place.value().1;
                let event = decode(stored.value())?;
                let at = event.details.received_at.map_or(0, tables::milliseconds);
                let aged = ages.get((at, conversation, sequence)).map_err(tables::error)?;
                let last = end.as_ref().map(|end| end.value()).filter(|end| end.0 == sequence);
                let key = match (&aged, last) {
                    (Some(key), _) => key.value().map(str::to_owned),
                    (None, Some((.., key))) => key.map(str::to_owned),
                    (None, None) => None,
                };
                let id = event.details.id;
                let named = places.get(id.as_str()).map_err(tables::error)?;
                let is_named = named.is_some_and(|named| named.value() == (conversation, sequence));
                let text = String::from_utf8_lossy(stored.value()).into_owned();
                page.push(Imported { sequence, id, text, at, key, is_named });
            }
            Ok(page)
        })
    }

    pub fn documents(
        &self,
        collection: Collection,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Vec<u8>)>, JournalError> {
        self.medium.read(|transaction| reads::scan(transaction, collection, "", after, limit))
    }

    /// The number that the next event without an id of its own would have.
    pub fn next_id(&self) -> Result<u64, JournalError> {
        self.medium.read(|transaction| {
            let meta = transaction.open_table(META).map_err(tables::error)?;
            Ok(meta.get("next_id").map_err(tables::error)?.map_or(1, |next| next.value()))
        })
    }

    /// The namespaces of the id map, each with the last integer that was allocated in it.
    pub fn namespaces(&self) -> Result<Vec<(Namespace, u64)>, JournalError> {
        self.medium.read(|transaction| {
            let canonicals = transaction.open_table(CANONICAL).map_err(tables::error)?;
            let allocated = transaction.open_table(ALLOCATED).map_err(tables::error)?;
            let mut found: Vec<(Namespace, u64)> = Vec::new();
            loop {
                let (owner, number) = found.last().map_or((String::new(), 0), |(namespace, _)| {
                    (namespace.owner.to_string(), tables::resource(namespace.resource) + 1)
                });
                let next = canonicals.range((owner.as_str(), number, "")..).map_err(tables::error)?.next();
                let Some(row) = next else { return Ok(found) };
                let (key, _) = row.map_err(tables::error)?;
                let (owner, number, _) = key.value();
                let resources = [Resource::Message, Resource::Conversation, Resource::Party];
                let resource = resources.into_iter().find(|resource| tables::resource(*resource) == number);
                let resource = resource.ok_or_else(|| JournalError::Unreadable(format!("ids of sort {number}")))?;
                let last = allocated.get((owner, number)).map_err(tables::error)?.map_or(0, |last| last.value());
                found.push((Namespace { owner: owner.into(), resource }, last));
            }
        })
    }

    pub fn pairs(&self, namespace: &Namespace, after: Option<&str>, limit: usize) -> Result<Vec<Pair>, JournalError> {
        self.medium.read(|transaction| {
            let canonicals = transaction.open_table(CANONICAL).map_err(tables::error)?;
            let natives = transaction.open_table(NATIVE).map_err(tables::error)?;
            let (owner, number) = (&*namespace.owner, tables::resource(namespace.resource));
            let mut page = Vec::new();
            let from = (owner, number, after.unwrap_or_default());
            for row in canonicals.range(from..(owner, number + 1, "")).map_err(tables::error)? {
                let (key, canonical) = row.map_err(tables::error)?;
                let (_, _, native) = key.value();
                if after == Some(native) {
                    continue;
                }
                if page.len() == limit {
                    break;
                }
                let canonical = canonical.value().to_owned();
                let current = natives.get((owner, number, canonical.as_str())).map_err(tables::error)?;
                let is_current = current.is_some_and(|current| current.value() == native);
                page.push(Pair { native: native.to_owned(), canonical, is_current });
            }
            Ok(page)
        })
    }
}
