//! What is told at topics: counted, and kept for a while. In: an audience, in the transaction that records the event. Out:
//! its turn and how far it brought each topic; later, what somebody missed.

use std::sync::Arc;
use std::time::Duration;

use redb::{ReadTransaction, ReadableTable, Table, WriteTransaction};

use crate::event::{Audience, Event, Missed, Place, Timestamp, Topic};

use super::super::JournalError;
use super::super::feed::{self, Entry, Gathered};
use super::readers;
use super::records::decode;
use super::tables::{self, Announcement, EVENTS, FEED, LAST, READERS, TOLD};

/// Entries of a feed that go when one is added, at most.
const TRIMMED: usize = 4;

/// An announcement, counted.
pub struct Told {
    pub turn: u64,
    pub places: Vec<(Topic, Place)>,
}

/// Counts an announcement of a recorded event. Nobody to tell: nothing is counted.
pub fn tell(transaction: &WriteTransaction, event: &Event, audience: &Audience) -> Result<Option<Told>, JournalError> {
    if audience.topics.is_empty() {
        return Ok(None);
    }
    let conversation = event.details.conversation.id.as_str();
    let sequence = event.details.sequence.unwrap_or(0);
    let turn = next_turn(transaction, conversation)?;
    let mut told = transaction.open_table(TOLD).map_err(tables::error)?;
    let mut feed = transaction.open_table(FEED).map_err(tables::error)?;
    let readers = transaction.open_table(READERS).map_err(tables::error)?;
    let (mark, now) = (feed::mark(), tables::milliseconds(Timestamp::now()));
    let mut places: Vec<(Topic, Place)> = Vec::with_capacity(audience.topics.len());
    for topic in &audience.topics {
        if places.iter().any(|(counted, _)| counted == topic) {
            continue;
        }
        let name = topic.to_string();
        let number = told.get(name.as_str()).map_err(tables::error)?.map_or(0, |place| place.value().0) + 1;
        told.insert(name.as_str(), (number, mark)).map_err(tables::error)?;
        let entry = (mark, now, conversation, sequence, turn);
        feed.insert((name.as_str(), number), entry).map_err(tables::error)?;
        let spare = feed::spare(number, readers::reserved(&readers, &name, now)?.into_iter());
        trim(&mut feed, &name, spare)?;
        places.push((topic.clone(), Place { number, mark }));
    }
    Ok(Some(Told { turn, places }))
}

/// Removes some of what may go of a feed up to a number: more than is added, so that it comes to its length again.
fn trim(feed: &mut Table<'_, (&'static str, u64), Announcement>, topic: &str, spare: u64) -> Result<(), JournalError> {
    if spare == 0 {
        return Ok(());
    }
    let mut gone = Vec::new();
    for entry in feed.range((topic, 0)..=(topic, spare)).map_err(tables::error)?.take(TRIMMED) {
        gone.push(entry.map_err(tables::error)?.0.value().1);
    }
    for number in gone {
        feed.remove((topic, number)).map_err(tables::error)?;
    }
    Ok(())
}

fn next_turn(transaction: &WriteTransaction, conversation: &str) -> Result<u64, JournalError> {
    let mut ends = transaction.open_table(LAST).map_err(tables::error)?;
    let end = ends.get(conversation).map_err(tables::error)?;
    let (sequence, turn, at, key) = end.as_ref().map_or((0, 0, 0, None), |end| end.value());
    let key = key.map(str::to_owned);
    drop(end);
    ends.insert(conversation, (sequence, turn + 1, at, key.as_deref())).map_err(tables::error)?;
    Ok(turn + 1)
}

/// How far topics have come.
pub fn places(transaction: &ReadTransaction, topics: &[Topic]) -> Result<Vec<(Topic, Place)>, JournalError> {
    let told = transaction.open_table(TOLD).map_err(tables::error)?;
    let place = |topic: &Topic| {
        let found = told.get(topic.to_string().as_str()).map_err(tables::error)?;
        let (number, mark) = found.map_or((0, 0), |place| place.value());
        Ok((topic.clone(), Place { number, mark }))
    };
    topics.iter().map(place).collect()
}

/// What was told after these places; with a limit, no more than the oldest so many of each topic.
pub fn missed(
    transaction: &ReadTransaction,
    heard: &[(Topic, Place)],
    limit: Option<usize>,
) -> Result<Missed, JournalError> {
    let told = transaction.open_table(TOLD).map_err(tables::error)?;
    let feed = transaction.open_table(FEED).map_err(tables::error)?;
    let mut gathered = Gathered::default();
    for (topic, place) in heard {
        let name = topic.to_string();
        let end = told.get(name.as_str()).map_err(tables::error)?.map_or((0, 0), |end| end.value());
        let mut entries = Vec::new();
        let range = (name.as_str(), place.number.max(1))..=(name.as_str(), u64::MAX);
        let most = limit.map_or(usize::MAX, |limit| limit + 1);
        for entry in feed.range(range).map_err(tables::error)?.take(most) {
            let (key, value) = entry.map_err(tables::error)?;
            let (mark, _, conversation, sequence, turn) = value.value();
            let place = Place { number: key.value().1, mark };
            entries.push(Entry { place, conversation: conversation.into(), sequence, turn });
        }
        gathered.add(topic, *place, Place { number: end.0, mark: end.1 }, entries, limit);
    }
    let events = transaction.open_table(EVENTS).map_err(tables::error)?;
    let Gathered { conversations, mut missed } = gathered;
    for (conversation, turns) in conversations {
        for (turn, (sequence, places)) in turns {
            let stored = events.get((&*conversation, sequence)).map_err(tables::error)?;
            let event = stored.map(|stored| decode(stored.value()).map(Arc::new)).transpose()?;
            feed::announce(&mut missed, turn, places, event.as_ref());
        }
    }
    Ok(missed)
}

/// Whether one of some topics after `from` has something older than this. Returns where to go on, if there are more.
pub fn has_older(
    transaction: &ReadTransaction,
    from: Option<&str>,
    topics: usize,
    life: Duration,
) -> Result<(Option<String>, bool), JournalError> {
    let feed = transaction.open_table(FEED).map_err(tables::error)?;
    let readers = readers::table(transaction)?;
    let (since, now) = (oldest(life), tables::milliseconds(Timestamp::now()));
    let mut at = from.map(str::to_owned);
    for _ in 0..topics {
        let Some((topic, number, first)) = next_topic(&feed, at.as_deref())? else { return Ok((None, false)) };
        let reserved = match &readers {
            Some(readers) => readers::reserved(readers, &topic, now)?.into_iter().min(),
            None => None,
        };
        if first < since && reserved.is_none_or(|after| number <= after) {
            return Ok((at, true));
        }
        at = Some(topic);
    }
    Ok((at, false))
}

/// Forgets what is older than this in the feeds of some topics after `from`, at most so many entries.
pub fn forget(
    transaction: &WriteTransaction,
    from: Option<&str>,
    topics: usize,
    most: usize,
    life: Duration,
) -> Result<(), JournalError> {
    let mut feed = transaction.open_table(FEED).map_err(tables::error)?;
    let readers = transaction.open_table(READERS).map_err(tables::error)?;
    let (mut at, mut left, since) = (from.map(str::to_owned), most, oldest(life));
    let now = tables::milliseconds(Timestamp::now());
    for _ in 0..topics {
        let Some((topic, ..)) = next_topic(&feed, at.as_deref())? else { return Ok(()) };
        let mut old = Vec::new();
        let last = readers::reserved(&readers, &topic, now)?.into_iter().min().unwrap_or(u64::MAX);
        for entry in feed.range((topic.as_str(), 0)..=(topic.as_str(), last)).map_err(tables::error)?.take(left) {
            let (key, value) = entry.map_err(tables::error)?;
            if value.value().1 >= since {
                break;
            }
            old.push(key.value().1);
        }
        left -= old.len();
        for number in old {
            feed.remove((topic.as_str(), number)).map_err(tables::error)?;
        }
        at = Some(topic);
    }
    Ok(())
}

fn oldest(life: Duration) -> u64 {
    tables::milliseconds(Timestamp::now()).saturating_sub(u64::try_from(life.as_millis()).unwrap_or(u64::MAX))
}

/// The first topic after one, the number of its first entry, and when that was told.
fn next_topic(
    feed: &impl ReadableTable<(&'static str, u64), Announcement>,
    after: Option<&str>,
) -> Result<Option<(String, u64, u64)>, JournalError> {
    let after = after.map_or(("", 0), |after| (after, u64::MAX));
    let next = feed.range(after..).map_err(tables::error)?.next().transpose().map_err(tables::error)?;
    Ok(next.map(|(key, value)| (key.value().0.to_owned(), key.value().1, value.value().1)))
}
