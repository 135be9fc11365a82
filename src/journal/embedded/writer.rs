//! The one thread that writes. In: queued writes. Out: groups of them, each one transaction and one fsync, answered in
//! the order in which they came.

use std::sync::Arc;

use redb::{Database, ReadableTable, WriteTransaction};
use tokio::sync::{broadcast, mpsc, oneshot};

use crate::event::{CloudEvent, Event, IdForm, Timestamp};

use super::super::{Append, JournalError, Namespace, Put, Recorded};
use super::ids;
use super::tables::{self, DOCUMENTS, EVENTS, FORMAT, KEYS, META, PLACES};

/// Writes in one transaction. More would make the first wait for the last.
const GROUP: usize = 512;

type Answer<T> = oneshot::Sender<Result<T, JournalError>>;

/// A queued write and where its outcome goes.
pub enum Write {
    Append(Box<Append>, Answer<Recorded>),
    Amend(Box<Event>, Vec<Put>, Answer<Arc<Event>>),
    Put(Vec<Put>, Answer<()>),
    Native { namespace: Namespace, canonical: String, form: IdForm, answer: Answer<String> },
    Bind { namespace: Namespace, canonical: String, native: String, answer: Answer<()> },
}

/// What a write came to, if its group is committed.
enum Outcome {
    Recorded(Recorded),
    Amended(Arc<Event>),
    Done,
    Named(String),
    /// The one outcome that can be no: it fails alone, not with its group.
    Bound(Result<(), JournalError>),
}

/// Makes the tables, checks the version.
pub fn prepare(database: &Database) -> Result<(), JournalError> {
    let transaction = database.begin_write().map_err(tables::error)?;
    {
        let mut meta = transaction.open_table(META).map_err(tables::error)?;
        let format = meta.get("format").map_err(tables::error)?.map(|format| format.value());
        match format {
            Some(FORMAT) => {}
            Some(other) => {
                return Err(JournalError::Unreadable(format!("format {other}; this version reads format {FORMAT}")));
            }
            None => {
                meta.insert("format", FORMAT).map_err(tables::error)?;
            }
        }
        transaction.open_table(EVENTS).map_err(tables::error)?;
        transaction.open_table(PLACES).map_err(tables::error)?;
        transaction.open_table(KEYS).map_err(tables::error)?;
        transaction.open_table(DOCUMENTS).map_err(tables::error)?;
        transaction.open_table(tables::NATIVE).map_err(tables::error)?;
        transaction.open_table(tables::CANONICAL).map_err(tables::error)?;
        transaction.open_table(tables::ALLOCATED).map_err(tables::error)?;
    }
    transaction.commit().map_err(tables::error)
}

/// Runs until the queue is closed and empty.
pub fn run(database: &Database, mut queue: mpsc::Receiver<Write>, committed: &broadcast::Sender<Arc<Event>>) {
    while let Some(first) = queue.blocking_recv() {
        let mut group = vec![first];
        while group.len() < GROUP
            && let Ok(next) = queue.try_recv()
        {
            group.push(next);
        }
        match commit(database, &group) {
            Ok(outcomes) => {
                for (write, outcome) in group.into_iter().zip(outcomes) {
                    if let Some(event) = confirm(write, outcome) {
                        // Nobody follows: nobody is told.
                        let _ = committed.send(event);
                    }
                }
            }
            // All or nothing: what went well in this group is not durable either.
            Err(error) => group.into_iter().for_each(|write| refuse(write, error.clone())),
        }
    }
}

/// One transaction, one fsync.
fn commit(database: &Database, group: &[Write]) -> Result<Vec<Outcome>, JournalError> {
    let mut transaction = database.begin_write().map_err(tables::error)?;
    // After a crash the file is opened without reading all of it.
    transaction.set_quick_repair(true);
    let outcomes = group.iter().map(|write| apply(&transaction, write)).collect::<Result<Vec<_>, _>>()?;
    transaction.commit().map_err(tables::error)?;
    Ok(outcomes)
}

/// Tells who asked; gives back the event that is news. Whoever asked may have gone; the write stands all the same.
fn confirm(write: Write, outcome: Outcome) -> Option<Arc<Event>> {
    match (write, outcome) {
        (Write::Append(_, answer), Outcome::Recorded(recorded)) => {
            let news = (!recorded.repeated).then(|| Arc::clone(&recorded.event));
            let _ = answer.send(Ok(recorded));
            news
        }
        (Write::Amend(_, _, answer), Outcome::Amended(event)) => {
            let _ = answer.send(Ok(event));
            None
        }
        (Write::Put(_, answer), _) => {
            let _ = answer.send(Ok(()));
            None
        }
        (Write::Native { answer, .. }, Outcome::Named(native)) => {
            let _ = answer.send(Ok(native));
            None
        }
        (Write::Bind { answer, .. }, Outcome::Bound(bound)) => {
            let _ = answer.send(bound);
            None
        }
        // `apply` gives each write its own kind of outcome.
        (write, _) => {
            refuse(write, JournalError::Unavailable("outcomes out of step".to_owned()));
            None
        }
    }
}

fn refuse(write: Write, error: JournalError) {
    match write {
        Write::Append(_, answer) => drop(answer.send(Err(error))),
        Write::Amend(_, _, answer) => drop(answer.send(Err(error))),
        Write::Put(_, answer) => drop(answer.send(Err(error))),
        Write::Native { answer, .. } => drop(answer.send(Err(error))),
        Write::Bind { answer, .. } => drop(answer.send(Err(error))),
    }
}

fn apply(transaction: &WriteTransaction, write: &Write) -> Result<Outcome, JournalError> {
    match write {
        Write::Append(append, _) => record(transaction, append).map(Outcome::Recorded),
        Write::Amend(event, documents, _) => amend(transaction, event, documents).map(Outcome::Amended),
        Write::Put(documents, _) => put(transaction, documents).map(|()| Outcome::Done),
        Write::Native { namespace, canonical, form, .. } => {
            ids::native(transaction, namespace, canonical, *form).map(Outcome::Named)
        }
        Write::Bind { namespace, canonical, native, .. } => {
            match ids::bind(transaction, namespace, canonical, native) {
                Ok(()) => Ok(Outcome::Bound(Ok(()))),
                Err(error @ JournalError::Bound { .. }) => Ok(Outcome::Bound(Err(error))),
                Err(error) => Err(error),
            }
        }
    }
}

fn record(transaction: &WriteTransaction, append: &Append) -> Result<Recorded, JournalError> {
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
    let last = last.transpose().map_err(tables::error)?.map_or(0, |(key, _)| key.value().1);
    let mut event = append.event.clone();
    let sequence = last + 1;
    event.details.sequence = Some(sequence);
    if event.details.id.is_empty() {
        event.details.id = next_id(transaction)?.to_string();
    }
    if event.details.received_at.is_none() {
        event.details.received_at = Some(Timestamp::now());
    }
    events.insert((conversation, sequence), encode(&event)?.as_slice()).map_err(tables::error)?;
    if let Some(key) = &append.key {
        keys.insert((conversation, key.as_str()), sequence).map_err(tables::error)?;
    }
    let mut places = transaction.open_table(PLACES).map_err(tables::error)?;
    places.insert(event.details.id.as_str(), (conversation, sequence)).map_err(tables::error)?;
    put(transaction, &append.documents)?;
    Ok(Recorded { event: Arc::new(event), repeated: false })
}

fn next_id(transaction: &WriteTransaction) -> Result<u64, JournalError> {
    let mut meta = transaction.open_table(META).map_err(tables::error)?;
    let next = meta.get("next_id").map_err(tables::error)?.map_or(1, |next| next.value());
    meta.insert("next_id", next + 1).map_err(tables::error)?;
    Ok(next)
}

fn amend(transaction: &WriteTransaction, event: &Event, documents: &[Put]) -> Result<Arc<Event>, JournalError> {
    let Some(sequence) = event.details.sequence else {
        return Err(JournalError::Unreadable("an event without its sequence cannot be amended".to_owned()));
    };
    let mut events = transaction.open_table(EVENTS).map_err(tables::error)?;
    let place = (event.details.conversation.id.as_str(), sequence);
    events.insert(place, encode(event)?.as_slice()).map_err(tables::error)?;
    put(transaction, documents)?;
    Ok(Arc::new(event.clone()))
}

fn put(transaction: &WriteTransaction, documents: &[Put]) -> Result<(), JournalError> {
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
