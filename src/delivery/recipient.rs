//! A delivery: what the house says in a conversation is also said to somebody who is not connected. In: the events of the
//! hub. Out: which of them concern it; who says them is a [`Recipient`]'s business.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::event::{ConversationKind, Event};
use crate::fault::Fault;

/// What an operator says of a delivery.
#[derive(Debug, Clone, PartialEq)]
pub struct DeliverySettings {
    /// Unique; the label of metrics.
    pub name: Arc<str>,
    /// Who sends, as the other side calls us: `sender.id` of what it is told.
    pub sender: String,
    /// Conversations of these kinds are delivered.
    pub kinds: Vec<ConversationKind>,
    /// How long after it was recorded a message is still tried. 1 min to 7 days.
    pub give_up_after: Duration,
}

/// Whoever brings messages to those they are for.
#[async_trait]
pub trait Recipient: Send + Sync + 'static {
    /// Says one part of a message, counted from 0: a long text has several, and so have a file and its words where they are
    /// said apart. The same message has the same parts each time. Errors: a fault whose reason says whether a retry helps.
    async fn say(&self, message: &Event, part: usize) -> Result<Said, Fault>;
}

/// What came of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// There is no such part: all is said.
    Nothing,
    Part {
        /// What the other side calls it, if it says so.
        id: Option<String>,
        is_last: bool,
    },
}

/// What is delivered, and by whom.
pub struct Delivery {
    pub settings: DeliverySettings,
    pub recipient: Arc<dyn Recipient>,
}

impl Delivery {
    /// Whether it is to be delivered: what the house says in conversations of the right kind. A guest is never told what
    /// guests say, nor what nobody knows the role of who said it.
    pub(super) fn concerns(&self, event: &Event) -> bool {
        let details = &event.details;
        event.kind.message().is_some()
            && details.conversation.kind.is_some_and(|kind| self.settings.kinds.contains(&kind))
            && details.sender.role.is_some_and(|role| role.is_house())
    }

    /// Says a part of it as whoever we are there.
    pub(super) async fn say(&self, event: &Event, part: usize) -> Result<Said, Fault> {
        let mut message = event.clone();
        message.details.sender.id.clone_from(&self.settings.sender);
        self.recipient.say(&message, part).await
    }
}
