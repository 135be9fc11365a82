//! Which client said what, where all clients are one account at the upstream. In: messages of ours once the upstream gave them
//! an id. Out: their senders, for histories that know only the account.

use std::collections::HashMap;

use crate::event::{Event, Party};
use crate::fault::Fault;
use crate::journal::{Append, Span};
use crate::naming::fault;

use super::Inner;
use super::account::Account;

/// Notes of one conversation that are read back: more than a history shows.
const READ: usize = 1_000;

impl Inner {
    /// Notes who sent a message, without what it says. Where each client is an account of its own, the upstream knows that
    /// itself.
    pub async fn note_sender(&self, account: &Account, event: &Event) {
        let details = &event.details;
        if !account.shared || details.id.is_empty() || details.sender.id.is_empty() {
            return;
        }
        let mut note = Event::new(event.kind);
        note.details.conversation.id = self.noted_under(&details.conversation.id);
        note.details.sender = details.sender.clone();
        note.details.sent_at = details.sent_at;
        note.details.origin.native_id = Some(details.id.clone());
        let key = Some(format!("sender of {}", details.id));
        if let Err(error) =
            self.journal.append(Append { event: note, key, documents: Vec::new(), audience: None }).await
        {
            // The message is there; a history will show it as the account's.
            tracing::warn!(upstream = %self.settings.name, %error, "who sent a message could not be noted");
        }
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
        Ok(noted.collect())
    }

    /// No conversation of the hub has a space in its id.
    fn noted_under(&self, conversation: &str) -> String {
        format!("upstream {} senders/{conversation}", self.settings.name)
    }
}
