//! What was told while a relay could not hear it. In: topics and how far each was heard. Out: all that was told there
//! since, in turn; and topics of which that cannot be said any more.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::event::{Announced, Audience, Missed, Place, Topic};
use crate::redis::{Pipeline, Value, from_redis_value, pipe, topic_text};

use super::super::JournalError;
use super::reads::{self, Stored};
use super::{RedisJournal, fault, unreadable};

/// Topics, and conversations, that are asked about at once.
const AT_ONCE: usize = 256;

/// An entry of a feed.
struct Entry {
    place: Place,
    conversation: Arc<str>,
    sequence: u64,
    turn: u64,
}

/// What was told of one conversation: by turn, the event and the topics where it was missed.
type Turns = BTreeMap<u64, (u64, Vec<Topic>)>;

impl RedisJournal {
    pub async fn read_missed(&self, heard: &[(Topic, Place)]) -> Result<Missed, JournalError> {
        let mut missed = Missed::default();
        let mut conversations: BTreeMap<Arc<str>, Turns> = BTreeMap::new();
        for some in heard.chunks(AT_ONCE) {
            let mut commands = pipe();
            for (topic, place) in some {
                self.ask_feed(&mut commands, topic, *place);
            }
            let mut answers = self.ask_together(&mut commands).await?.into_iter();
            for (topic, place) in some {
                let count: Option<u64> = from_redis_value(answers.next().unwrap_or_default()).map_err(unreadable)?;
                let entries = entries(answers.next().unwrap_or_default())?;
                let told = since(*place, count.unwrap_or(0), entries);
                if told.is_lost {
                    missed.lost.push(topic.clone());
                }
                missed.reached.push((topic.clone(), told.reached));
                for entry in told.entries {
                    let turns = conversations.entry(entry.conversation).or_default();
                    turns.entry(entry.turn).or_insert((entry.sequence, Vec::new())).1.push(topic.clone());
                }
            }
        }
        let all: Vec<_> = conversations.into_iter().collect();
        for some in all.chunks(AT_ONCE) {
            self.read_events(some, &mut missed).await?;
        }
        Ok(missed)
    }

    fn ask_feed(&self, commands: &mut Pipeline, topic: &Topic, place: Place) {
        commands.cmd("HGET").arg(self.names.told()).arg(topic_text(topic));
        // From the last that was heard, so that it is seen whether that is still the same.
        commands.cmd("XRANGE").arg(self.names.feed(topic)).arg(format!("{}-0", place.number.max(1))).arg("+");
    }

    /// The events behind turns, as last amended.
    async fn read_events(&self, conversations: &[(Arc<str>, Turns)], missed: &mut Missed) -> Result<(), JournalError> {
        let mut commands = pipe();
        for (conversation, turns) in conversations {
            let sequences = || turns.values().map(|(sequence, _)| *sequence);
            let (first, last) = (sequences().min().unwrap_or(1), sequences().max().unwrap_or(0));
            let many = usize::try_from(last - first.min(last)).unwrap_or(usize::MAX - 1) + 1;
            commands.add_command(self.reading(conversation, first, last, false, many));
        }
        let answers = self.ask_together(&mut commands).await?;
        for ((_, turns), answer) in conversations.iter().zip(answers) {
            let stored: Vec<Stored> = from_redis_value(answer).map_err(unreadable)?;
            let mut by_sequence = BTreeMap::new();
            for stored in stored {
                by_sequence.insert(stored.0, reads::parsed(stored)?);
            }
            for (turn, (sequence, topics)) in turns {
                match by_sequence.get(sequence) {
                    Some(event) => {
                        let last = Some(event.details.sender.id.as_str().into());
                        let audience = Audience { topics: topics.clone(), last };
                        missed.announced.push(Announced {
                            event: Arc::clone(event),
                            audience,
                            turn: *turn,
                            places: Vec::new(),
                        });
                    }
                    None => missed.lost.extend(topics.iter().cloned()),
                }
            }
        }
        Ok(())
    }

    async fn ask_together(&self, commands: &mut Pipeline) -> Result<Vec<Value>, JournalError> {
        let answers = self.link.ask_all(commands).await.map_err(fault)?;
        answers.into_iter().map(|answer| answer.map_err(fault)).collect()
    }

    /// How many were told at a topic so far.
    #[cfg(test)]
    pub async fn told(&self, topic: &Topic) -> u64 {
        let mut command = crate::redis::cmd("HGET");
        command.arg(self.names.told()).arg(topic_text(topic));
        self.ask::<Option<u64>>(&command).await.expect("answered").unwrap_or(0)
    }
}

fn entries(answer: Value) -> Result<Vec<Entry>, JournalError> {
    let entries: Vec<(String, BTreeMap<String, String>)> = from_redis_value(answer).map_err(unreadable)?;
    let entry = |(id, fields): (String, BTreeMap<String, String>)| {
        let number = |name: &str| fields.get(name)?.parse().ok();
        Some(Entry {
            place: Place { number: id.strip_suffix("-0")?.parse().ok()?, mark: number("mark")? },
            conversation: fields.get("conversation")?.as_str().into(),
            sequence: number("sequence")?,
            turn: number("turn")?,
        })
    };
    entries.into_iter().map(|found| entry(found).ok_or_else(|| unreadable("an entry of a feed"))).collect()
}

/// What came of one topic.
struct Told {
    entries: Vec<Entry>,
    reached: Place,
    is_lost: bool,
}

/// What a feed says that was told after a place; `count` is how many were told in all.
fn since(heard: Place, count: u64, mut entries: Vec<Entry>) -> Told {
    let end = Place { number: count, mark: 0 };
    let reached = entries.last().map_or(end, |entry| entry.place).max_by_number(end);
    if count < heard.number {
        // The server forgot, or another one took its place.
        return Told { entries: Vec::new(), reached, is_lost: true };
    }
    if entries.first().is_some_and(|first| first.place.number == heard.number) {
        let same = entries.remove(0).place;
        if heard.mark != 0 && same.mark != heard.mark {
            return Told { entries: Vec::new(), reached, is_lost: true };
        }
    }
    let next = entries.first().map_or(reached.number + 1, |entry| entry.place.number);
    let is_lost = next != heard.number + 1;
    let reached = if entries.is_empty() && !is_lost { heard } else { reached };
    Told { entries, reached, is_lost }
}

impl Place {
    /// The further one.
    fn max_by_number(self, other: Place) -> Place {
        if other.number > self.number { other } else { self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(numbers: std::ops::RangeInclusive<u64>) -> Vec<Entry> {
        let entry = |number| Entry {
            place: Place { number, mark: 100 + number },
            conversation: "room".into(),
            sequence: number,
            turn: number,
        };
        numbers.map(entry).collect()
    }

    fn told(heard: (u64, u64), count: u64, entries: Vec<Entry>) -> (Vec<u64>, u64, bool) {
        let told = since(Place { number: heard.0, mark: heard.1 }, count, entries);
        (told.entries.iter().map(|entry| entry.place.number).collect(), told.reached.number, told.is_lost)
    }

    #[test]
    fn what_came_after_a_place() {
        assert_eq!(told((3, 103), 5, feed(3..=5)), (vec![4, 5], 5, false));
        assert_eq!(told((0, 0), 2, feed(1..=2)), (vec![1, 2], 2, false));
        assert_eq!(told((3, 103), 5, feed(3..=7)), (vec![4, 5, 6, 7], 7, false), "more came while it was asked");
        assert_eq!(told((3, 103), 3, feed(3..=3)), (vec![], 3, false));
        assert_eq!(told((3, 0), 3, Vec::new()), (vec![], 3, false), "the feed has expired, and nothing was missed");
    }

    #[test]
    fn what_cannot_be_told_any_more() {
        assert_eq!(told((3, 103), 9, feed(6..=9)), (vec![6, 7, 8, 9], 9, true), "the feed was trimmed");
        assert_eq!(told((3, 103), 9, Vec::new()), (vec![], 9, true), "the feed has expired");
        assert_eq!(told((3, 103), 2, feed(1..=2)), (vec![], 2, true), "the server has less than was heard");
        assert_eq!(told((3, 999), 5, feed(3..=5)), (vec![], 5, true), "another history");
    }
}
