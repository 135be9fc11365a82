//! What has been heard at each topic, and what was delivered of each conversation. In: what was told, heard or missed.
//! Out: deliveries, once and in turn.

use std::collections::HashMap;
use std::sync::Arc;

use crate::event::{Announced, Missed, Place, Topic};
use crate::metrics;
use crate::redis::Recent;

use super::super::MemoryRelay;

/// Conversations whose last turn is known, and marks of what was told in passing.
const REMEMBERED: usize = 50_000;

/// One topic that sockets here listen at.
#[derive(Debug, Default)]
struct Heard {
    listeners: usize,
    /// The last that was heard and delivered; absent while the subscription is being made.
    last: Option<Place>,
    /// The highest number that was said, heard or not.
    said: u64,
}

/// All that is known of what was told.
pub struct State {
    topics: HashMap<Topic, Heard>,
    /// The last turn of each conversation that was delivered.
    turns: Recent<Arc<str>, u64>,
    /// Marks of what was told in passing.
    marks: Recent<u64, ()>,
    /// Something may have been missed: what is recorded waits in the journal.
    is_behind: bool,
    /// Whether all topics are subscribed to on the connection there is.
    is_wired: bool,
    /// Whether what was missed is delivered, or only counted.
    fill_gaps: bool,
}

impl State {
    pub fn new(fill_gaps: bool) -> Self {
        State {
            topics: HashMap::new(),
            turns: Recent::new(REMEMBERED),
            marks: Recent::new(REMEMBERED),
            is_behind: false,
            is_wired: false,
            fill_gaps,
        }
    }

    pub fn join(&mut self, topics: &[Topic]) {
        for topic in topics {
            self.topics.entry(topic.clone()).or_default().listeners += 1;
        }
    }

    /// Says whether a topic has no listener left.
    pub fn leave(&mut self, topics: &[Topic]) -> bool {
        let mut is_unused = false;
        for topic in topics {
            if let Some(heard) = self.topics.get_mut(topic) {
                heard.listeners -= 1;
                if heard.listeners == 0 {
                    self.topics.remove(topic);
                    is_unused = true;
                }
            }
        }
        is_unused
    }

    pub fn is_listened_to(&self, topic: &Topic) -> bool {
        self.topics.contains_key(topic)
    }

    pub fn all_topics(&self) -> Vec<Topic> {
        self.topics.keys().cloned().collect()
    }

    /// Topics of these whose numbers are not known yet.
    pub fn without_number(&self, topics: &[Topic]) -> Vec<Topic> {
        let is_new = |topic: &&Topic| self.topics.get(topic).is_some_and(|heard| heard.last.is_none());
        topics.iter().filter(is_new).cloned().collect()
    }

    /// How far a topic had come when its subscription was made.
    pub fn begin(&mut self, topic: &Topic, place: Place) {
        if let Some(heard) = self.topics.get_mut(topic) {
            heard.last.get_or_insert(place);
        }
    }

    /// Conversations whose last turn is known.
    pub fn conversations(&self) -> Vec<Arc<str>> {
        self.turns.keys().cloned().collect()
    }

    /// What a conversation has come to by the journal's word, while nothing is heard: one that has less is another history,
    /// whose turns are yet to be heard though nobody listened here when the first ones were lost.
    pub fn correct(&mut self, conversation: &Arc<str>, turn: u64) {
        if self.turns.get(conversation).is_some_and(|last| *last > turn) {
            self.turns.set(Arc::clone(conversation), turn);
        }
    }

    #[cfg(test)]
    pub fn remember_turn(&mut self, conversation: &str, turn: u64) {
        self.turns.set(conversation.into(), turn);
    }

    #[cfg(test)]
    pub fn turn(&self, conversation: &str) -> Option<u64> {
        self.turns.get(conversation).copied()
    }

    /// Something confirmed is lost at a topic.
    pub fn hear_of_loss(&mut self, topic: &Topic, number: u64) {
        if let Some(heard) = self.topics.get_mut(topic) {
            heard.said = heard.said.max(number);
            self.is_behind = true;
        }
    }

    /// The connection is lost: from now on things are missed.
    pub fn unwired(&mut self) {
        (self.is_wired, self.is_behind) = (false, true);
    }

    /// All topics are subscribed to again. Says whether something may have been missed meanwhile.
    pub fn wired(&mut self) -> bool {
        self.is_wired = true;
        self.is_behind = self.is_behind && self.topics.values().any(|heard| heard.last.is_some());
        self.is_behind
    }

    pub fn fall_behind(&mut self) {
        self.is_behind = true;
    }

    /// How far these topics were heard, as far as it is known.
    pub fn places(&self, topics: &[Topic]) -> Vec<(Topic, Place)> {
        topics.iter().filter_map(|topic| Some((topic.clone(), self.topics.get(topic)?.last?))).collect()
    }

    /// Something was recorded and told at a topic. False: something before it was missed.
    pub fn hear(&mut self, topic: &Topic, place: Place, announced: Announced, local: &MemoryRelay) -> bool {
        let Some(heard) = self.topics.get_mut(topic) else { return true };
        heard.said = heard.said.max(place.number);
        if self.is_behind {
            return true;
        }
        match heard.last {
            Some(last) if place.number <= last.number => return true,
            Some(last) if place.number > last.number + 1 => {
                metrics::relayed("missed", place.number - last.number - 1);
                self.is_behind = true;
                return false;
            }
            Some(_) | None => heard.last = Some(place),
        }
        self.deliver(announced, local);
        true
    }

    /// Something was told in passing; the same may come on several channels.
    pub fn hear_in_passing(&mut self, mark: u64) -> bool {
        let is_new = self.marks.get(&mark).is_none();
        if is_new {
            self.marks.set(mark, ());
        }
        is_new
    }

    /// Where to go on from, once everything is subscribed to; nothing when nothing is behind.
    pub fn behind(&mut self) -> Vec<(Topic, Place)> {
        if !self.is_behind || !self.is_wired {
            return Vec::new();
        }
        let heard = self.topics.iter().filter_map(|(topic, heard)| Some((topic.clone(), heard.last?)));
        let behind: Vec<_> = heard.collect();
        self.is_behind = !behind.is_empty();
        behind
    }

    /// Delivers what was missed. What was told while it was looked up may still be missing; then this is still behind.
    pub fn fill(&mut self, missed: Missed, local: &MemoryRelay) {
        for announced in missed.announced {
            self.recover(announced, local);
        }
        if !missed.lost.is_empty() {
            // Another history counts anew.
            self.turns.clear();
        }
        for topic in &missed.lost {
            if let Some(heard) = self.topics.get_mut(topic) {
                heard.said = 0;
            }
            // Nobody can tell them what it was: they are let go, and read the history when they come back.
            metrics::relayed("lost", 1);
            local.end(topic);
        }
        for (topic, place) in missed.reached {
            if let Some(heard) = self.topics.get_mut(&topic) {
                heard.last = Some(place);
            }
        }
        let all_heard = |heard: &Heard| heard.last.is_none_or(|last| last.number >= heard.said);
        self.is_behind = !self.is_wired || !self.topics.values().all(all_heard);
    }

    /// Delivers what its conversation's readers have not had.
    fn deliver(&mut self, announced: Announced, local: &MemoryRelay) {
        if self.takes(&announced) {
            local.deliver(&announced.into());
        }
    }

    /// The same for what pub/sub did not bring: counted, and left out where it is not to be filled.
    fn recover(&mut self, announced: Announced, local: &MemoryRelay) {
        if !self.takes(&announced) {
            return;
        }
        let parcel = announced.into();
        let (outcome, readers) = match self.fill_gaps {
            true => ("filled", local.deliver(&parcel)),
            false => ("left_out", local.readers(&parcel)),
        };
        metrics::count_relay_missed(outcome, readers);
        if self.fill_gaps {
            metrics::relayed("recovered", 1);
        }
    }

    /// Whether its conversation's readers have not had it; from now on they have.
    fn takes(&mut self, announced: &Announced) -> bool {
        let conversation = announced.event.details.conversation.id.as_str();
        if self.turns.get(conversation).is_some_and(|last| announced.turn <= *last) {
            return false;
        }
        self.turns.set(conversation.into(), announced.turn);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::{MailboxLimits, MailboxReceiver, Relay, Subscription, mailbox};
    use super::*;
    use crate::event::{Audience, Event, EventKind, MessageKind};

    fn told(conversation: &str, turn: u64, topics: &[Topic]) -> Announced {
        let mut event = Event::new(EventKind::Message(MessageKind::Text));
        event.details.conversation.id = conversation.to_owned();
        event.details.body = Some(turn.to_string());
        let audience = Audience { topics: topics.to_vec(), last: None };
        Announced { event: Arc::new(event), audience, turn, places: Vec::new() }
    }

    fn at(number: u64) -> Place {
        Place { number, mark: number }
    }

    fn room(name: &str) -> Topic {
        Topic::Conversation(name.into())
    }

    async fn place(topics: &[Topic]) -> (State, MemoryRelay, MailboxReceiver, Subscription) {
        let (local, mut state) = (MemoryRelay::new(), State::new(true));
        let (sender, receiver) = mailbox(MailboxLimits { messages: 100, bytes: 1 << 20 });
        let subscription = local.subscribe("ann".into(), topics.to_vec(), sender).await.expect("subscribed");
        state.join(topics);
        state.wired();
        for topic in topics {
            state.begin(topic, Place::default());
        }
        (state, local, receiver, subscription)
    }

    fn bodies(receiver: &mut MailboxReceiver) -> Vec<String> {
        let next = || receiver.try_recv().and_then(Result::ok);
        std::iter::from_fn(next).map(|parcel| parcel.event.details.body.clone().unwrap_or_default()).collect()
    }

    #[tokio::test]
    async fn copies_are_one() {
        let topics = [room("r"), Topic::Everyone];
        let (mut state, local, mut receiver, _subscription) = place(&topics).await;
        for turn in 1..=3 {
            for topic in &topics {
                assert!(state.hear(topic, at(turn), told("r", turn, &topics), &local));
            }
        }
        assert_eq!(bodies(&mut receiver), ["1", "2", "3"]);
        assert!(state.hear_in_passing(9) && !state.hear_in_passing(9));
    }

    #[tokio::test]
    async fn a_hole_is_seen_and_filled_before_what_follows() {
        let topics = [room("r")];
        let (mut state, local, mut receiver, _subscription) = place(&topics).await;
        assert!(state.hear(&topics[0], at(1), told("r", 1, &topics), &local));
        assert!(!state.hear(&topics[0], at(4), told("r", 4, &topics), &local), "2 and 3 are missing");
        assert!(state.hear(&topics[0], at(5), told("r", 5, &topics), &local), "known already");
        assert_eq!(state.behind(), [(room("r"), at(1))]);
        let some = Missed {
            announced: vec![told("r", 2, &topics), told("r", 3, &topics)],
            reached: vec![(room("r"), at(3))],
            lost: Vec::new(),
        };
        state.fill(some, &local);
        assert_eq!(state.behind(), [(room("r"), at(3))], "4 and 5 were only said");
        let rest = Missed {
            announced: vec![told("r", 3, &topics), told("r", 4, &topics), told("r", 5, &topics)],
            reached: vec![(room("r"), at(5))],
            lost: Vec::new(),
        };
        state.fill(rest, &local);
        assert_eq!(state.behind(), []);
        assert!(state.hear(&topics[0], at(6), told("r", 6, &topics), &local));
        assert_eq!(bodies(&mut receiver), ["1", "2", "3", "4", "5", "6"]);
    }

    #[tokio::test]
    async fn where_holes_stay_what_follows_is_delivered() {
        let topics = [room("r")];
        let (mut state, local, mut receiver, _subscription) = place(&topics).await;
        state.fill_gaps = false;
        assert!(!state.hear(&topics[0], at(3), told("r", 3, &topics), &local), "1 and 2 are missing");
        let holes = Missed {
            announced: (1..=3).map(|turn| told("r", turn, &topics)).collect(),
            reached: vec![(room("r"), at(3))],
            lost: Vec::new(),
        };
        state.fill(holes, &local);
        assert!(state.hear(&topics[0], at(4), told("r", 4, &topics), &local));
        assert_eq!(bodies(&mut receiver), ["4"]);
    }

    #[tokio::test]
    async fn nothing_is_asked_for_until_everything_is_subscribed() {
        let topics = [room("r")];
        let (mut state, local, _receiver, _subscription) = place(&topics).await;
        state.unwired();
        assert_eq!(state.behind(), []);
        state.fill(Missed { reached: vec![(room("r"), at(0))], ..Missed::default() }, &local);
        assert!(state.wired());
        assert_eq!(state.behind(), [(room("r"), at(0))]);
    }

    #[tokio::test]
    async fn what_is_lost_ends_its_readers() {
        let topics = [room("r")];
        let (mut state, local, mut receiver, _subscription) = place(&topics).await;
        state.fill(Missed { lost: vec![room("r")], ..Missed::default() }, &local);
        assert!(matches!(receiver.try_recv(), Some(Err(super::super::super::MailboxEnd::Overflowed))));
    }
}
