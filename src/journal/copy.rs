//! A journal into another. In: the file of an embedded one. Out: the same in Redis, compared at the end. What is there
//! already is passed over, so that a copy that was cut off goes on.

use std::fmt::{Display, Formatter};

use super::{Collection, Journal, JournalError, JournalFile, Put, RedisJournal, Span};

/// Events, documents or ids that are given at once.
const CHUNK: usize = 256;

/// Events between two words of progress.
const WORD: u64 = 10_000;

/// How much was copied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Copied {
    pub conversations: u64,
    pub events: u64,
    /// Of these, those that were not there yet.
    pub new_events: u64,
    pub documents: u64,
    pub ids: u64,
}

impl Display for Copied {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        let Copied { conversations, events, new_events, documents, ids } = self;
        write!(
            formatter,
            "{conversations} conversations, {events} events ({new_events} of them new), {documents} documents, {ids} ids"
        )
    }
}

/// An event as a journal is given it.
#[derive(Debug, Clone)]
pub struct Imported {
    pub sequence: u64,
    pub id: String,
    /// JSON.
    pub text: String,
    /// When it was recorded, in milliseconds of Unix.
    pub at: u64,
    pub key: Option<String>,
    /// Whether it is the one that its id names.
    pub is_named: bool,
}

/// One pair of the id map.
#[derive(Debug, Clone)]
pub struct Pair {
    pub native: String,
    pub canonical: String,
    /// Whether the canonical id is given out as this native one.
    pub is_current: bool,
}

/// Copies all of it and compares. The ids come first: nothing is named anew meanwhile.
pub async fn copy(
    from: &JournalFile,
    to: &RedisJournal,
    progress: &mut dyn FnMut(&Copied),
) -> Result<Copied, JournalError> {
    let mut copied = Copied::default();
    to.import_counters(from.next_id()?).await?;
    for (namespace, allocated) in from.namespaces()? {
        let mut after = None;
        loop {
            let pairs = from.pairs(&namespace, after.as_deref(), CHUNK)?;
            to.import_pairs(&namespace, &pairs, allocated).await?;
            copied.ids += pairs.len() as u64;
            let Some(last) = pairs.last() else { break };
            after = Some(last.native.clone());
        }
    }
    for collection in Collection::ALL {
        let mut after: Option<String> = None;
        loop {
            let page = from.documents(collection, after.as_deref(), CHUNK)?;
            copied.documents += page.len() as u64;
            let Some((last, _)) = page.last() else { break };
            after = Some(last.clone());
            to.put(page.into_iter().map(|(key, value)| Put { collection, key, value: Some(value) }).collect()).await?;
        }
    }
    let mut conversation = None;
    while let Some(next) = from.next_conversation(conversation.as_deref())? {
        events(from, to, &next, &mut copied, progress).await?;
        copied.conversations += 1;
        conversation = Some(next);
    }
    progress(&copied);
    compare(from, to).await?;
    Ok(copied)
}

async fn events(
    from: &JournalFile,
    to: &RedisJournal,
    conversation: &str,
    copied: &mut Copied,
    progress: &mut dyn FnMut(&Copied),
) -> Result<(), JournalError> {
    let mut after = 0;
    loop {
        let page = from.events(conversation, after, CHUNK)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.sequence;
        copied.new_events += to.import_events(conversation, &page).await?;
        let before = copied.events;
        copied.events += page.len() as u64;
        if before / WORD != copied.events / WORD {
            progress(copied);
        }
    }
}

/// Reads everything back.
async fn compare(from: &JournalFile, to: &RedisJournal) -> Result<(), JournalError> {
    let differs =
        |what: String| JournalError::Unreadable(format!("{what} is not the same in Redis; run the copy again"));
    let mut conversation = None;
    while let Some(next) = from.next_conversation(conversation.as_deref())? {
        let mut after = 0;
        loop {
            let span = Span { after: Some(after), before: None, limit: CHUNK, newest_first: false };
            let (ours, theirs) = (from.read(&next, span)?, to.read(&next, span).await?);
            if ours != theirs {
                return Err(differs(format!("conversation {next:?} after event {after}")));
            }
            let Some(last) = ours.last().and_then(|event| event.details.sequence) else { break };
            after = last;
        }
        conversation = Some(next);
    }
    for collection in Collection::ALL {
        let mut after: Option<String> = None;
        loop {
            let page = from.documents(collection, after.as_deref(), CHUNK)?;
            let Some((last, _)) = page.last() else { break };
            after = Some(last.clone());
            for (key, value) in &page {
                if to.get(collection, key).await?.as_ref() != Some(value) {
                    return Err(differs(format!("document {key:?} of {collection:?}")));
                }
            }
        }
    }
    for (namespace, _) in from.namespaces()? {
        let mut after: Option<String> = None;
        loop {
            let pairs = from.pairs(&namespace, after.as_deref(), CHUNK)?;
            let Some(last) = pairs.last() else { break };
            after = Some(last.native.clone());
            for pair in &pairs {
                if to.canonical(&namespace, &pair.native).await?.as_ref() != Some(&pair.canonical) {
                    return Err(differs(format!("id {:?} of {}", pair.native, namespace.owner)));
                }
            }
        }
    }
    Ok(())
}
