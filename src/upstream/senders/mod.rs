//! Which client said what, where all clients are one account at the upstream. In: messages of ours once the upstream gave them
//! an id. Out: their senders, for histories that know only the account.

#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::stream::{self, StreamExt};

use crate::event::{Event, Party};
use crate::fault::Fault;
use crate::journal::{Append, Journal, Span};
use crate::metrics;
use crate::naming::fault;
use crate::tasks::Tasks;

use super::Inner;
use super::account::Account;

/// Notes of one conversation that are read back: more than a history shows.
const READ: usize = 1_000;
/// Notes that are known before the journal has them: as many as can be on their way there.
const LATEST: usize = 1_024;
/// Notes that are written at once.
const AT_ONCE: usize = 64;
/// Notes that wait to be written. One more is not written, and counted.
const WAITING: usize = LATEST - AT_ONCE;

/// The notes of one upstream. Cloning it copies nothing.
#[derive(Clone)]
pub struct Senders(Arc<Notes>);

struct Notes {
    upstream: Arc<str>,
    journal: Arc<dyn Journal>,
    tasks: Tasks,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Newest last.
    latest: VecDeque<Latest>,
    waiting: VecDeque<Append>,
    /// Whether a task writes what waits.
    is_writing: bool,
}

struct Latest {
    conversation: String,
    message: String,
    sender: Party,
}

impl Senders {
    pub fn new(upstream: Arc<str>, journal: Arc<dyn Journal>, tasks: Tasks) -> Self {
        Senders(Arc::new(Notes { upstream, journal, tasks, state: Mutex::default() }))
    }

    /// Notes who sent a message, without what it says. Nobody waits until the journal has it.
    fn note(&self, event: &Event) {
        let details = &event.details;
        let mut note = Event::new(event.kind);
        note.details.conversation.id = self.0.noted_under(&details.conversation.id);
        note.details.sender = details.sender.clone();
        note.details.sent_at = details.sent_at;
        note.details.origin.native_id = Some(details.id.clone());
        let key = Some(format!("sender of {}", details.id));
        let mut state = self.0.state();
        if state.latest.len() >= LATEST {
            state.latest.pop_front();
        }
        state.latest.push_back(Latest {
            conversation: details.conversation.id.clone(),
            message: details.id.clone(),
            sender: details.sender.clone(),
        });
        if state.waiting.len() >= WAITING {
            self.0.failed(&"too many wait for the journal");
            return;
        }
        state.waiting.push_back(Append { event: note, key, documents: Vec::new(), audience: None });
        if !std::mem::replace(&mut state.is_writing, true) {
            let notes = Arc::clone(&self.0);
            self.0.tasks.spawn(async move { notes.write().await });
        }
    }

    /// The senders of a conversation's messages, by message.
    async fn of(&self, conversation: &str) -> Result<HashMap<String, Party>, Fault> {
        let span = Span { after: None, before: None, limit: READ, newest_first: true };
        let notes = self.0.journal.read(&self.0.noted_under(conversation), span).await.map_err(fault)?;
        let noted = notes.iter().filter_map(|note| {
            let id = note.details.origin.native_id.clone()?;
            Some((id, note.details.sender.clone()))
        });
        let mut senders: HashMap<String, Party> = noted.collect();
        let state = self.0.state();
        let latest = state.latest.iter().filter(|latest| latest.conversation == conversation);
        senders.extend(latest.map(|latest| (latest.message.clone(), latest.sender.clone())));
        Ok(senders)
    }
}

impl Notes {
    fn state(&self) -> MutexGuard<'_, State> {
        // Each change is whole before anything could panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes until nothing waits.
    async fn write(&self) {
        loop {
            stream::iter(std::iter::from_fn(|| self.state().waiting.pop_front()))
                .for_each_concurrent(AT_ONCE, |append| async {
                    if let Err(error) = self.journal.append(append).await {
                        self.failed(&error);
                    }
                })
                .await;
            let mut state = self.state();
            if state.waiting.is_empty() {
                state.is_writing = false;
                return;
            }
        }
    }

    /// The message is there; once it is none of the latest, a history will show it as the account's.
    fn failed(&self, why: &dyn std::fmt::Display) {
        metrics::count_unnoted(&self.upstream);
        tracing::warn!(upstream = %self.upstream, error = %why, "who sent a message could not be noted");
    }

    /// No conversation of the hub has a space in its id.
    fn noted_under(&self, conversation: &str) -> String {
        format!("upstream {} senders/{conversation}", self.upstream)
    }
}

impl Inner {
    /// Notes who sent a message through an account that clients share. Where each client has its own, the upstream knows
    /// that itself.
    pub fn note_sender(&self, account: &Account, event: &Event) {
        if account.shared && !event.details.id.is_empty() && !event.details.sender.id.is_empty() {
            self.senders.note(event);
        }
    }

    /// The senders of messages of a conversation that clients of a shared account sent, by message.
    pub async fn noted_senders(&self, account: &Account, conversation: &str) -> Result<HashMap<String, Party>, Fault> {
        if account.shared { self.senders.of(conversation).await } else { Ok(HashMap::new()) }
    }
}
