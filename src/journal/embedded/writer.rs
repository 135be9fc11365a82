//! The one thread that writes. In: queued writes. Out: groups of them, each one transaction and one fsync, answered in
//! the order in which they came.

use std::sync::Arc;

use redb::WriteTransaction;
use tokio::sync::{broadcast, mpsc, oneshot};

use crate::event::{Announced, Audience, Event, IdForm, Topic};

use super::super::{Append, JournalError, Namespace, Put, Recorded};
use super::medium::Medium;
use super::told::Told;
use super::{ids, readers, records};

/// Writes in one transaction. More would make the first wait for the last.
const GROUP: usize = 512;

type Answer<T> = oneshot::Sender<Result<T, JournalError>>;

/// A queued write and where its outcome goes.
pub enum Write {
    Append(Box<Append>, Answer<Recorded>),
    Amend { event: Box<Event>, documents: Vec<Put>, audience: Option<Audience>, answer: Answer<Arc<Event>> },
    Put(Vec<Put>, Answer<()>),
    Native { namespace: Namespace, canonical: String, form: IdForm, answer: Answer<String> },
    Bind { namespace: Namespace, canonical: String, native: String, answer: Answer<()> },
    Reserve { topic: Topic, reader: String, after: u64, answer: Answer<()> },
}

/// What a write came to, if its group is committed.
enum Outcome {
    Recorded(Recorded, Option<Told>),
    Amended(Arc<Event>, Option<Told>),
    Done,
    Named(String),
    /// The write's own fault: it fails alone, not with its group, and has changed nothing.
    Refused(JournalError),
}

/// Runs until the queue is closed and empty.
pub fn run(medium: &Medium, mut queue: mpsc::Receiver<Write>, committed: &broadcast::Sender<Announced>) {
    while let Some(first) = queue.blocking_recv() {
        let mut group = vec![first];
        while group.len() < GROUP
            && let Ok(next) = queue.try_recv()
        {
            group.push(next);
        }
        let outcomes = medium.write(|transaction| group.iter().map(|write| apply(transaction, write)).collect());
        settle(group, outcomes, committed);
    }
}

fn settle(group: Vec<Write>, outcomes: Result<Vec<Outcome>, JournalError>, committed: &broadcast::Sender<Announced>) {
    match outcomes {
        Ok(outcomes) => {
            for (write, outcome) in group.into_iter().zip(outcomes) {
                if let Some(announced) = confirm(write, outcome) {
                    // Nobody follows: nobody is told.
                    let _ = committed.send(announced);
                }
            }
        }
        // All or nothing: what went well in this group is not durable either.
        Err(error) => group.into_iter().for_each(|write| refuse(write, error.clone())),
    }
}

/// Tells who asked; gives back what is to be told to others. Whoever asked may have gone; the write stands all the same.
fn confirm(write: Write, outcome: Outcome) -> Option<Announced> {
    let announced = |event: &Arc<Event>, audience: Option<Audience>, told: Option<Told>| {
        let Told { turn, places } = told?;
        Some(Announced { event: Arc::clone(event), audience: audience?, turn, places })
    };
    match (write, outcome) {
        (Write::Append(append, answer), Outcome::Recorded(recorded, told)) => {
            let news = announced(&recorded.event, append.audience, told);
            let _ = answer.send(Ok(recorded));
            news
        }
        (Write::Amend { audience, answer, .. }, Outcome::Amended(event, told)) => {
            let news = announced(&event, audience, told);
            let _ = answer.send(Ok(event));
            news
        }
        (Write::Put(_, answer) | Write::Bind { answer, .. } | Write::Reserve { answer, .. }, Outcome::Done) => {
            let _ = answer.send(Ok(()));
            None
        }
        (Write::Native { answer, .. }, Outcome::Named(native)) => {
            let _ = answer.send(Ok(native));
            None
        }
        (write, Outcome::Refused(error)) => {
            refuse(write, error);
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
        Write::Amend { answer, .. } => drop(answer.send(Err(error))),
        Write::Put(_, answer) => drop(answer.send(Err(error))),
        Write::Native { answer, .. } => drop(answer.send(Err(error))),
        Write::Bind { answer, .. } | Write::Reserve { answer, .. } => drop(answer.send(Err(error))),
    }
}

fn apply(transaction: &WriteTransaction, write: &Write) -> Result<Outcome, JournalError> {
    let outcome = match write {
        Write::Append(append, _) => {
            records::append(transaction, append).map(|(recorded, told)| Outcome::Recorded(recorded, told))
        }
        Write::Amend { event, documents, audience, .. } => {
            let amended = records::amend(transaction, event, documents, audience.as_ref());
            amended.map(|(event, told)| Outcome::Amended(event, told))
        }
        Write::Put(documents, _) => records::put(transaction, documents).map(|()| Outcome::Done),
        Write::Native { namespace, canonical, form, .. } => {
            ids::native(transaction, namespace, canonical, *form).map(Outcome::Named)
        }
        Write::Bind { namespace, canonical, native, .. } => {
            ids::bind(transaction, namespace, canonical, native).map(|()| Outcome::Done)
        }
        Write::Reserve { topic, reader, after, .. } => {
            readers::reserve(transaction, topic, reader, *after).map(|()| Outcome::Done)
        }
    };
    match outcome {
        Err(error @ (JournalError::Bound { .. } | JournalError::Unreadable(_))) => Ok(Outcome::Refused(error)),
        other => other,
    }
}
