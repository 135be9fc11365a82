//! What was heard lately in each conversation of an account. In: messages as they are told. Out: whether one is new when
//! a history shows it after an outage, and whether one that is said then was told from the history already.

use std::collections::{HashMap, VecDeque};

use crate::event::Timestamp;

/// Conversations of which something is kept, those that were heard of last.
const CONVERSATIONS: usize = 256;
/// Messages of each that are kept, the last ones.
const MESSAGES: usize = 64;
/// Messages told from a history that may still be said.
const TOLD: usize = 1_024;

/// Bounded, whatever is said.
#[derive(Default)]
pub struct Seen {
    conversations: HashMap<String, Heard>,
    /// Counts what was heard, so that the order of conversations is known.
    clock: u64,
    told: VecDeque<String>,
}

/// The last messages of a conversation.
#[derive(Debug, Clone, Default)]
pub struct Heard {
    ids: VecDeque<String>,
    latest: Option<Timestamp>,
    at: u64,
}

impl Heard {
    pub fn knows(&self, id: &str) -> bool {
        self.ids.iter().any(|known| known == id)
    }

    /// When the latest was sent, by the upstream's clock.
    pub fn latest(&self) -> Option<Timestamp> {
        self.latest
    }
}

impl Seen {
    /// A message was told, or comes back.
    pub fn note(&mut self, conversation: &str, id: &str, sent_at: Option<Timestamp>) {
        self.clock += 1;
        let clock = self.clock;
        if !self.conversations.contains_key(conversation) && self.conversations.len() >= CONVERSATIONS {
            let oldest = self.conversations.iter().min_by_key(|(_, heard)| heard.at).map(|(id, _)| id.clone());
            oldest.map(|id| self.conversations.remove(&id));
        }
        let heard = self.conversations.entry(conversation.to_owned()).or_default();
        heard.at = clock;
        heard.latest = heard.latest.max(sent_at);
        if !heard.knows(id) {
            if heard.ids.len() >= MESSAGES {
                heard.ids.pop_front();
            }
            heard.ids.push_back(id.to_owned());
        }
    }

    /// Where a message was heard, of which only the id is told.
    pub fn conversation_of(&self, id: &str) -> Option<String> {
        let mut all = self.conversations.iter();
        all.find(|(_, heard)| heard.knows(id)).map(|(conversation, _)| conversation.clone())
    }

    pub fn of(&self, conversation: &str) -> Heard {
        self.conversations.get(conversation).cloned().unwrap_or_default()
    }

    /// Conversations, the one heard of last first.
    pub fn latest(&self) -> Vec<String> {
        let mut all: Vec<(&String, &Heard)> = self.conversations.iter().collect();
        all.sort_by_key(|(_, heard)| std::cmp::Reverse(heard.at));
        all.into_iter().map(|(id, _)| id.clone()).collect()
    }

    /// A message is told from a history. It may be said as well, when it was sent between the two.
    pub fn tell(&mut self, id: &str) {
        if self.told.len() >= TOLD {
            self.told.pop_front();
        }
        self.told.push_back(id.to_owned());
    }

    /// Whether a message that is said was told from a history; only the first time.
    pub fn was_told(&mut self, id: &str) -> bool {
        let at = self.told.iter().position(|told| told == id);
        at.and_then(|at| self.told.remove(at)).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_messages_are_known() {
        let mut seen = Seen::default();
        for number in 0..100 {
            seen.note("a", &number.to_string(), Some(Timestamp::from_micros(number)));
        }
        let heard = seen.of("a");
        assert!(heard.knows("99") && heard.knows("36") && !heard.knows("35"));
        assert_eq!(heard.latest(), Some(Timestamp::from_micros(99)));
        seen.note("a", "late", Some(Timestamp::from_micros(3)));
        assert_eq!(seen.of("a").latest(), Some(Timestamp::from_micros(99)), "an earlier one changes nothing");
        assert_eq!(seen.of("b").latest(), None);
        assert_eq!((seen.conversation_of("99"), seen.conversation_of("0")), (Some("a".to_owned()), None));
    }

    #[test]
    fn what_is_kept_is_bounded_and_the_quietest_goes() {
        let mut seen = Seen::default();
        for number in 0..CONVERSATIONS {
            seen.note(&number.to_string(), "x", None);
        }
        seen.note("0", "y", None);
        seen.note("new", "x", None);
        assert_eq!(seen.conversations.len(), CONVERSATIONS);
        assert!(seen.of("0").knows("y") && !seen.of("1").knows("x"));
        assert_eq!(seen.latest()[..2], ["new".to_owned(), "0".to_owned()]);
    }

    #[test]
    fn one_that_was_told_is_passed_over_once() {
        let mut seen = Seen::default();
        seen.tell("a");
        assert!(seen.was_told("a") && !seen.was_told("a"));
        for number in 0..=TOLD {
            seen.tell(&number.to_string());
        }
        assert!(!seen.was_told("0") && seen.was_told("1"));
    }
}
