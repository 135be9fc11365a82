//! Messages that an upstream's own history does not tell: some have words only. In: what was said and by whom. Out: the
//! same beside the upstream's history, so that a client whose dialect shows files only there finds them.

use std::sync::Arc;

use crate::dialect::{Dialect, Op};
use crate::event::{Event, EventKind, Field, MessageKind};
use crate::fault::Fault;
use crate::journal::{Append, Span};
use crate::naming::fault;

use crate::upstream::Inner;

/// Messages of one conversation that are read back.
const READ: usize = 1_000;

impl Inner {
    /// Keeps a message of a kind that the upstream's history has no form for.
    pub async fn keep(&self, event: &Event) -> Result<(), Fault> {
        let untold = event.kind.message().is_some_and(|kind| !tells_in_history(&self.settings.dialect, kind));
        if !untold {
            return Ok(());
        }
        let mut event = event.clone();
        event.details.conversation.id = self.kept_under(&event.details.conversation.id);
        // Several accounts may hear of one message.
        let key = Some(event.details.id.clone()).filter(|id| !id.is_empty());
        self.journal.append(Append { event, key, documents: Vec::new(), audience: None }).await.map_err(fault)?;
        Ok(())
    }

    /// What was kept of a conversation, oldest first.
    pub async fn kept(&self, conversation: &str) -> Result<Vec<Arc<Event>>, Fault> {
        let span = Span { after: None, before: None, limit: READ, newest_first: true };
        let mut events = self.journal.read(&self.kept_under(conversation), span).await.map_err(fault)?;
        events.reverse();
        Ok(events)
    }

    /// No conversation of the hub has a space in its id.
    fn kept_under(&self, conversation: &str) -> String {
        format!("upstream {}/{conversation}", self.settings.name)
    }
}

/// Whether the call that reads a conversation answers such messages too.
fn tells_in_history(dialect: &Dialect, kind: MessageKind) -> bool {
    let reads = |op| matches!(op, Op::History | Op::SessionShow | Op::SessionOpen);
    dialect
        .calls
        .iter()
        .any(|call| reads(call.op) && call.answer.shapes.lists(Field::Messages, EventKind::Message(kind)))
}
