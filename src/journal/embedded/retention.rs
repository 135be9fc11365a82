//! What goes. In: how much is to be kept. Out: events removed with all that names them but the id map, in steps that are
//! short enough to go between the writes of a busy gateway.

use std::time::Duration;

use redb::{ReadTransaction, ReadableTable, ReadableTableMetadata, WriteTransaction};

use crate::event::Timestamp;

use super::super::{JournalError, Keep, feed};
use super::medium::Medium;
use super::records::decode;
use super::tables::{self, AGES, EVENTS, KEYS, LAST, META, PLACES};
use super::{ages, told};

/// Events, and entries of one feed, that go in one transaction.
const STEP: usize = 512;

/// Conversations, and topics, that are looked at in one step.
const LOOK: usize = 1_000;

/// Why an event goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    Age,
    Size,
    Length,
}

impl Reason {
    /// As metrics have it.
    pub const fn word(self) -> &'static str {
        match self {
            Reason::Age => "age",
            Reason::Size => "size",
            Reason::Length => "length",
        }
    }
}

type Victim = (String, u64, Reason);

/// Where the last step ended.
#[derive(Debug, Default)]
pub struct Sweep {
    conversation: Option<String>,
    topic: Option<String>,
}

/// What a step did.
#[derive(Debug, Default)]
pub struct Step {
    /// How many events went, and why.
    pub gone: Vec<(Reason, u64)>,
    /// Whether another step finds nothing more.
    pub is_done: bool,
}

/// What the journal holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    pub events: u64,
    /// Of these events.
    pub bytes: u64,
    /// When the oldest that may go was recorded, in milliseconds of Unix.
    pub oldest: Option<u64>,
}

pub fn figures(transaction: &ReadTransaction) -> Result<Figures, JournalError> {
    let ages = transaction.open_table(AGES).map_err(tables::error)?;
    let oldest = ages.iter().map_err(tables::error)?.next().transpose().map_err(tables::error)?;
    let events = transaction.open_table(EVENTS).map_err(tables::error)?.len().map_err(tables::error)?;
    Ok(Figures { events, bytes: bytes(transaction)?, oldest: oldest.map(|(key, _)| key.value().0) })
}

fn bytes(transaction: &ReadTransaction) -> Result<u64, JournalError> {
    let meta = transaction.open_table(META).map_err(tables::error)?;
    Ok(meta.get("bytes").map_err(tables::error)?.map_or(0, |bytes| bytes.value()))
}

/// Removes some of what is too much.
pub fn step(medium: &Medium, keep: Keep, sweep: &mut Sweep) -> Result<Step, JournalError> {
    let (victims, conversation) = medium.read(|transaction| {
        let mut victims = oldest(transaction, keep)?;
        let mut at = None;
        if let Some(most) = keep.messages
            && victims.len() < STEP
        {
            at = surplus(transaction, most, sweep.conversation.as_deref(), &mut victims)?;
        }
        Ok((victims, at))
    })?;
    let has_old_feeds =
        medium.read(|transaction| told::has_older(transaction, sweep.topic.as_deref(), LOOK, feed::LIFE));
    let (topic, is_old) = has_old_feeds?;
    if !victims.is_empty() || is_old {
        medium.write(|transaction| {
            for (conversation, sequence, _) in &victims {
                remove(transaction, conversation, *sequence)?;
            }
            told::forget(transaction, sweep.topic.as_deref(), LOOK, STEP, feed::LIFE)
        })?;
    }
    // With more to go than fits one step, the next begins where this one did.
    let is_full = victims.len() >= STEP;
    if !is_full {
        sweep.conversation = conversation;
    }
    if !is_old {
        sweep.topic = topic;
    }
    let mut step = Step { gone: Vec::new(), is_done: !is_full && !is_old };
    step.is_done &= sweep.conversation.is_none() && sweep.topic.is_none();
    for reason in [Reason::Age, Reason::Size, Reason::Length] {
        let count = victims.iter().filter(|(.., why)| *why == reason).count() as u64;
        if count > 0 {
            step.gone.push((reason, count));
        }
    }
    Ok(step)
}

/// What is too old, or too much for all, beginning with the oldest.
fn oldest(transaction: &ReadTransaction, keep: Keep) -> Result<Vec<Victim>, JournalError> {
    let mut excess = keep.bytes.map_or(Ok(0), |most| Ok(bytes(transaction)?.saturating_sub(most)))?;
    let longest = |age: Duration| u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
    let since = keep.age.map_or(0, |age| tables::milliseconds(Timestamp::now()).saturating_sub(longest(age)));
    let mut victims = Vec::new();
    if excess == 0 && since == 0 {
        return Ok(victims);
    }
    let events = transaction.open_table(EVENTS).map_err(tables::error)?;
    let ages = transaction.open_table(AGES).map_err(tables::error)?;
    for entry in ages.iter().map_err(tables::error)?.take(STEP) {
        let (key, _) = entry.map_err(tables::error)?;
        let (at, conversation, sequence) = key.value();
        let reason = match (at < since, excess > 0) {
            (true, _) => Reason::Age,
            (false, true) => Reason::Size,
            (false, false) => break,
        };
        let stored = events.get((conversation, sequence)).map_err(tables::error)?;
        excess = excess.saturating_sub(stored.map_or(0, |stored| stored.value().len() as u64));
        victims.push((conversation.to_owned(), sequence, reason));
    }
    Ok(victims)
}

/// What is too much of some conversations after one. Returns where to go on.
fn surplus(
    transaction: &ReadTransaction,
    most: u64,
    after: Option<&str>,
    victims: &mut Vec<Victim>,
) -> Result<Option<String>, JournalError> {
    let ends = transaction.open_table(LAST).map_err(tables::error)?;
    let events = transaction.open_table(EVENTS).map_err(tables::error)?;
    let mut looked = 0;
    let mut at = None;
    for entry in ends.range(after.unwrap_or_default()..).map_err(tables::error)? {
        let (conversation, end) = entry.map_err(tables::error)?;
        let conversation = conversation.value();
        if after == Some(conversation) {
            continue;
        }
        if looked == LOOK || victims.len() >= STEP {
            return Ok(at);
        }
        looked += 1;
        at = Some(conversation.to_owned());
        let last_to_go = end.value().0.saturating_sub(most.max(1));
        for event in events.range((conversation, 0)..=(conversation, last_to_go)).map_err(tables::error)? {
            let (place, _) = event.map_err(tables::error)?;
            victims.push((conversation.to_owned(), place.value().1, Reason::Length));
            if victims.len() >= STEP {
                break;
            }
        }
    }
    Ok(None)
}

/// Removes an event that is not the last of its conversation. One that is gone already stays gone.
fn remove(transaction: &WriteTransaction, conversation: &str, sequence: u64) -> Result<(), JournalError> {
    let mut events = transaction.open_table(EVENTS).map_err(tables::error)?;
    let Some(stored) = events.remove((conversation, sequence)).map_err(tables::error)? else { return Ok(()) };
    let (event, length) = (decode(stored.value())?, stored.value().len());
    drop(stored);
    let mut ages = transaction.open_table(AGES).map_err(tables::error)?;
    let at = event.details.received_at.map_or(0, tables::milliseconds);
    let key = ages.remove((at, conversation, sequence)).map_err(tables::error)?;
    if let Some(key) = key.as_ref().and_then(|key| key.value()) {
        let mut keys = transaction.open_table(KEYS).map_err(tables::error)?;
        keys.remove((conversation, key)).map_err(tables::error)?;
    }
    let id = event.details.id.as_str();
    let mut places = transaction.open_table(PLACES).map_err(tables::error)?;
    let named = places.get(id).map_err(tables::error)?.is_some_and(|place| place.value() == (conversation, sequence));
    if named {
        places.remove(id).map_err(tables::error)?;
    }
    ages::weigh(transaction, 0, length)?;
    let mut meta = transaction.open_table(META).map_err(tables::error)?;
    let freed = meta.get("freed").map_err(tables::error)?.map_or(0, |freed| freed.value());
    meta.insert("freed", freed + length as u64).map_err(tables::error)?;
    Ok(())
}
