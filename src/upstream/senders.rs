//! Which client said what, where all clients are one account at the upstream. In: messages of ours once the upstream gave them
//! an id. Out: their senders, for histories that know only the account.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::event::{Event, Party};
use crate::fault::Fault;
use crate::journal::{Append, Span};
use crate::naming::fault;

use super::Inner;
use super::account::Account;

/// Notes of one conversation that are read back: more than a history shows.
const READ: usize = 1_000;
/// Notes that are known before the journal has them: more than are on their way there.
const LATEST: usize = 1_024;

/// The senders of the latest messages, by message; newest last.
#[derive(Default)]
pub struct LatestSenders(Mutex<VecDeque<(String, Party)>>);

impl LatestSenders {
    fn taken(&self) -> MutexGuard<'_, VecDeque<(String, Party)>> {
        // Each change is whole before anything could panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, id: &str, sender: &Party) {
        let mut latest = self.taken();
        if latest.len() >= LATEST {
            latest.pop_front();
        }
        latest.push_back((id.to_owned(), sender.clone()));
    }
}

impl Inner {
    /// Notes who sent a message, without what it says. Where each client is an account of its own, the upstream knows that
    /// itself. Nobody waits until the journal has it.
    pub fn note_sender(&self, account: &Account, event: &Event) {
        let details = &event.details;
        if !account.shared || details.id.is_empty() || details.sender.id.is_empty() {
            return;
        }
        self.latest_senders.add(&details.id, &details.sender);
        let mut note = Event::new(event.kind);
        note.details.conversation.id = self.noted_under(&details.conversation.id);
        note.details.sender = details.sender.clone();
        note.details.sent_at = details.sent_at;
        note.details.origin.native_id = Some(details.id.clone());
        let key = Some(format!("sender of {}", details.id));
        let (journal, upstream) = (Arc::clone(&self.journal), Arc::clone(&self.settings.name));
        self.tasks.spawn(async move {
            let append = Append { event: note, key, documents: Vec::new(), audience: None };
            if let Err(error) = journal.append(append).await {
                // The message is there; a history will show it as the account's.
                tracing::warn!(%upstream, %error, "who sent a message could not be noted");
            }
        });
    }

    /// The senders of messages of a conversation that clients of a shared account sent, by message.
    pub async fn noted_senders(&self, account: &Account, conversation: &str) -> Result<HashMap<String, Party>, Fault> {
        if !account.shared {
            return Ok(HashMap::new());
        }
        let span = Span { after: None, before: None, limit: READ, newest_first: true };
        let notes = self.journal.read(&self.noted_under(conversation), span).await.map_err(fault)?;
        let noted = notes.iter().filter_map(|note| {
            let id = note.details.origin.native_id.clone()?;
            Some((id, note.details.sender.clone()))
        });
        let latest = self.latest_senders.taken().clone();
        Ok(noted.chain(latest).collect())
    }

    /// No conversation of the hub has a space in its id.
    fn noted_under(&self, conversation: &str) -> String {
        format!("upstream {} senders/{conversation}", self.settings.name)
    }
}
