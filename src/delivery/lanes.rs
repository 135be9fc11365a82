//! Calls to whoever is told: one after the other within a conversation, several conversations at once. In: letters. Out: each that is
//! over, whenever it is.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};

use super::letter::{Hearer, Letter, Outcome};

/// Calls at once.
const AT_ONCE: usize = 32;

/// Letters of all lanes that wait, at most.
const ROOM: usize = 2_048;

pub(super) struct Lanes<'hearer> {
    hearer: &'hearer dyn Hearer,
    /// What waits of each conversation behind what is being told.
    lanes: HashMap<Arc<str>, VecDeque<Letter>>,
    /// Conversations of which something can be told now.
    ready: VecDeque<Arc<str>>,
    calls: FuturesUnordered<BoxFuture<'hearer, (Letter, Outcome)>>,
    /// Conversations that are tried again later; they use no call meanwhile.
    pauses: FuturesUnordered<BoxFuture<'hearer, Arc<str>>>,
    waiting: usize,
    /// Nothing more is begun.
    is_closed: bool,
}

impl<'hearer> Lanes<'hearer> {
    pub(super) fn new(hearer: &'hearer dyn Hearer) -> Self {
        Lanes {
            hearer,
            lanes: HashMap::new(),
            ready: VecDeque::new(),
            calls: FuturesUnordered::new(),
            pauses: FuturesUnordered::new(),
            waiting: 0,
            is_closed: false,
        }
    }

    /// How many letters may be added.
    pub(super) fn room(&self) -> usize {
        ROOM.saturating_sub(self.waiting)
    }

    /// How many are not over.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Whether no call is under way.
    pub(super) fn is_silent(&self) -> bool {
        self.calls.is_empty()
    }

    /// Begins nothing more.
    pub(super) fn close(&mut self) {
        self.is_closed = true;
    }

    pub(super) fn add(&mut self, letter: Letter) {
        self.waiting += 1;
        let conversation = letter.event.details.conversation.id.as_str();
        if let Some(lane) = self.lanes.get_mut(conversation) {
            lane.push_back(letter);
        } else {
            let conversation: Arc<str> = conversation.into();
            self.lanes.insert(Arc::clone(&conversation), VecDeque::from([letter]));
            self.ready.push_back(conversation);
        }
    }

    /// The next letter that is over; none comes while nothing is under way.
    pub(super) async fn over(&mut self) -> Letter {
        loop {
            self.begin();
            tokio::select! {
                Some((letter, outcome)) = self.calls.next() => match outcome {
                    Outcome::Over => {
                        self.go_on(&letter);
                        return letter;
                    }
                    Outcome::Later(pause) => self.postpone(letter, pause),
                },
                Some(conversation) = self.pauses.next() => self.ready.push_back(conversation),
                else => std::future::pending().await,
            }
        }
    }

    fn begin(&mut self) {
        while !self.is_closed
            && self.calls.len() < AT_ONCE
            && let Some(conversation) = self.ready.pop_front()
        {
            let Some(mut letter) = self.lanes.get_mut(&conversation).and_then(VecDeque::pop_front) else { continue };
            let hearer = self.hearer;
            let scope = letter.scope();
            self.calls.push(Box::pin(scope.run(async move {
                let outcome = hearer.tell(&mut letter).await;
                (letter, outcome)
            })));
        }
    }

    fn go_on(&mut self, letter: &Letter) {
        self.waiting -= 1;
        let conversation = letter.event.details.conversation.id.as_str();
        if self.lanes.get(conversation).is_some_and(VecDeque::is_empty) {
            self.lanes.remove(conversation);
        } else {
            self.ready.push_back(conversation.into());
        }
    }

    fn postpone(&mut self, letter: Letter, pause: Duration) {
        let conversation: Arc<str> = letter.event.details.conversation.id.as_str().into();
        self.lanes.entry(Arc::clone(&conversation)).or_default().push_front(letter);
        self.pauses.push(Box::pin(async move {
            tokio::time::sleep(pause).await;
            conversation
        }));
    }
}
