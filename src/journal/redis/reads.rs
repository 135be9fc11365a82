//! Reads: events of a conversation, one event by its id, documents in order. They may be asked for twice.

use std::sync::Arc;

use crate::event::Event;
use crate::redis::{Cmd, cmd, telling};

use super::super::{Collection, JournalError, Span};
use super::scripts::{READ, SCAN};
use super::{RedisJournal, keys, unreadable};

/// Events or documents that are read at once, so that no read holds up the server for long.
const PAGE: usize = 500;

/// An event as the script answers it: sequence, id, text.
pub type Stored = (u64, String, String);

pub fn parsed((sequence, id, text): Stored) -> Result<Arc<Event>, JournalError> {
    let mut event = telling::parse_event(&text).map_err(unreadable)?;
    event.details.sequence = Some(sequence);
    event.details.id = id;
    Ok(Arc::new(event))
}

impl RedisJournal {
    /// The script's call for events from one sequence number to another, both included.
    pub fn reading(&self, conversation: &str, first: u64, last: u64, newest_first: bool, limit: usize) -> Cmd {
        let keys = keys::conversation(&self.names, conversation);
        let mut command = READ.call(&[&keys.events, &keys.amended]);
        match newest_first {
            false => command.arg("XRANGE").arg(format!("{first}-0")).arg(format!("{last}-0")),
            true => command.arg("XREVRANGE").arg(format!("{last}-0")).arg(format!("{first}-0")),
        };
        command.arg(limit);
        command
    }

    pub async fn read_span(&self, conversation: &str, span: Span) -> Result<Vec<Arc<Event>>, JournalError> {
        let mut first = span.after.map_or(1, |after| after.saturating_add(1));
        let mut last = match span.before {
            Some(before) => before.saturating_sub(1),
            None => u64::MAX,
        };
        let mut events = Vec::new();
        while events.len() < span.limit && first <= last {
            let wanted = PAGE.min(span.limit - events.len());
            let command = self.reading(conversation, first, last, span.newest_first, wanted);
            let page: Vec<Stored> = self.ask(&command).await?;
            let (found, end) = (page.len(), page.last().map(|(sequence, ..)| *sequence));
            for stored in page {
                events.push(parsed(stored)?);
            }
            match end {
                Some(end) if found == wanted && span.newest_first => last = end - 1,
                Some(end) if found == wanted => first = end + 1,
                Some(_) | None => break,
            }
        }
        Ok(events)
    }

    pub async fn read_event(&self, id: &str) -> Result<Option<Arc<Event>>, JournalError> {
        let mut command = cmd("HGET");
        command.arg(keys::places(&self.names, keys::bucket_of_id(id))).arg(id);
        let Some(place) = self.ask::<Option<String>>(&command).await? else { return Ok(None) };
        let (sequence, conversation) = place.split_once(' ').ok_or_else(|| unreadable(format!("place {place:?}")))?;
        let sequence = sequence.parse().map_err(unreadable)?;
        let found: Vec<Stored> = self.ask(&self.reading(conversation, sequence, sequence, false, 1)).await?;
        found.into_iter().next().map(parsed).transpose()
    }

    pub async fn scan_documents(
        &self,
        collection: Collection,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Vec<u8>)>, JournalError> {
        let values = keys::documents(&self.names, collection);
        // Behind every key with the prefix: no UTF-8 has such a byte.
        let end = [b"(", prefix.as_bytes(), b"\xff"].concat();
        let mut start = match after.filter(|after| *after >= prefix) {
            Some(after) => format!("({after}"),
            None => format!("[{prefix}"),
        };
        let mut found: Vec<(String, Vec<u8>)> = Vec::new();
        while found.len() < limit {
            let wanted = PAGE.min(limit - found.len());
            let mut command = SCAN.call(&[&values]);
            command.arg(&start).arg(&end).arg(wanted);
            let page: Vec<(String, Vec<u8>)> = self.ask(&command).await?;
            let is_last = page.len() < wanted;
            found.extend(page);
            match found.last() {
                Some((key, _)) if !is_last => start = format!("({key}"),
                Some(_) | None => break,
            }
        }
        Ok(found)
    }
}
