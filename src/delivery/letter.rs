//! An event on its way to somebody who is told, and who that may be. In: an event. Out: whether it is over, or when to try
//! again.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::HeaderValue;
use tokio::time::Instant;

use crate::event::{Event, Place};
use crate::metrics::Addressee;
use crate::trace::{RequestId, Scope};

/// Somebody who is told.
#[async_trait]
pub(super) trait Hearer: Send + Sync {
    /// What its metrics and its place in the journal are called by.
    fn addressee(&self) -> Addressee;

    /// Unique among its like.
    fn name(&self) -> &Arc<str>;

    /// Whether an event is its business, as far as that can be told without asking anybody.
    fn concerns(&self, event: &Event) -> bool;

    /// One try.
    async fn tell(&self, letter: &mut Letter) -> Outcome;
}

/// What came of a try.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Told, refused, given up, or nothing that could be told.
    Over,
    Later(Duration),
}

/// An event on its way.
pub(super) struct Letter {
    pub(super) event: Arc<Event>,
    /// As of [`crate::event::Announced`].
    pub(super) turn: u64,
    /// Where it stands in the journal; absent for what is not recorded there.
    pub(super) place: Option<Place>,
    /// Told in passing: not worth a second try.
    pub(super) is_fleeting: bool,
    /// What is to be sent, once that is known; of those who are sent ready frames.
    pub(super) frames: Option<Vec<String>>,
    /// How many of its parts were taken.
    pub(super) taken: usize,
    /// Of the part that is next.
    pub(super) tries: usize,
    pub(super) first_try: Option<Instant>,
}

impl Letter {
    pub(super) fn new(event: Arc<Event>, turn: u64, place: Option<Place>) -> Self {
        Letter { event, turn, place, is_fleeting: false, frames: None, taken: 0, tries: 0, first_try: None }
    }

    pub(super) fn fleeting(event: Arc<Event>) -> Self {
        Letter { is_fleeting: true, ..Letter::new(event, 0, None) }
    }

    /// What one try of it is about. It has an id of its own: what it came from may be long over.
    pub(super) fn scope(&self) -> Scope {
        let scope = Scope::of_event(RequestId::new(), self.event.details.origin.trace.as_deref());
        scope.say_conversation(&self.event.details.conversation.id);
        scope.say_message(&self.event.details.id);
        scope
    }

    /// One more part was taken.
    pub(super) fn take(&mut self) {
        (self.taken, self.tries, self.first_try) = (self.taken + 1, 0, None);
    }

    /// The same each time that this is told, and of nothing else; where it is recorded.
    pub(super) fn once(&self) -> Option<HeaderValue> {
        let id = &self.event.details.id;
        if self.turn == 0 || id.is_empty() {
            return None;
        }
        let part = if self.taken == 0 { String::new() } else { format!("-{}", self.taken) };
        HeaderValue::try_from(format!("{id}-{}{part}", self.turn)).ok()
    }
}
