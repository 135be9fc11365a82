//! The one thread that writes. In: queued writes. Out: groups of them, each one transaction and one fsync, answered in
//! the order in which they came.

use std::sync::Arc;

use redb::WriteTransaction;
use tokio::sync::{broadcast, mpsc, oneshot};

use crate::event::{Event, IdForm};

use super::super::{Append, JournalError, Namespace, Put, Recorded};
use super::medium::Medium;
use super::{ids, records};

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
    /// The write's own fault: it fails alone, not with its group, and has changed nothing.
    Refused(JournalError),
}

/// Runs until the queue is closed and empty.
pub fn run(medium: &Medium, mut queue: mpsc::Receiver<Write>, committed: &broadcast::Sender<Arc<Event>>) {
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

fn settle(group: Vec<Write>, outcomes: Result<Vec<Outcome>, JournalError>, committed: &broadcast::Sender<Arc<Event>>) {
    match outcomes {
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
        (Write::Put(_, answer) | Write::Bind { answer, .. }, Outcome::Done) => {
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
        Write::Amend(_, _, answer) => drop(answer.send(Err(error))),
        Write::Put(_, answer) => drop(answer.send(Err(error))),
        Write::Native { answer, .. } => drop(answer.send(Err(error))),
        Write::Bind { answer, .. } => drop(answer.send(Err(error))),
    }
}

fn apply(transaction: &WriteTransaction, write: &Write) -> Result<Outcome, JournalError> {
    let outcome = match write {
        Write::Append(append, _) => records::append(transaction, append).map(Outcome::Recorded),
        Write::Amend(event, documents, _) => records::amend(transaction, event, documents).map(Outcome::Amended),
        Write::Put(documents, _) => records::put(transaction, documents).map(|()| Outcome::Done),
        Write::Native { namespace, canonical, form, .. } => {
            ids::native(transaction, namespace, canonical, *form).map(Outcome::Named)
        }
        Write::Bind { namespace, canonical, native, .. } => {
            ids::bind(transaction, namespace, canonical, native).map(|()| Outcome::Done)
        }
    };
    match outcome {
        Err(error @ (JournalError::Bound { .. } | JournalError::Unreadable(_))) => Ok(Outcome::Refused(error)),
        other => other,
    }
}
