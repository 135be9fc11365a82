//! What was told while a relay could not hear it. In: topics and how far each was heard. Out: all that was told there
//! since, in turn; and topics of which that cannot be said any more.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::event::{Missed, Place, Topic};
use crate::redis::{Pipeline, Value, cmd, from_redis_value, pipe, topic_text};

use super::super::JournalError;
use super::super::feed::{self, Entry, Gathered, Turns};
use super::reads::{self, Stored};
use super::{RedisJournal, fault, unreadable};

/// Topics, and conversations, that are asked about at once.
const AT_ONCE: usize = 256;

impl RedisJournal {
    /// With a limit, no more than the oldest so many of each topic.
    pub async fn read_missed(&self, heard: &[(Topic, Place)], limit: Option<usize>) -> Result<Missed, JournalError> {
        let mut gathered = Gathered::default();
        let counts = self.counts(heard).await?;
        let all: Vec<_> = heard.iter().zip(counts).collect();
        for some in all.chunks(AT_ONCE) {
            let mut commands = pipe();
            for ((topic, place), count) in some {
                self.ask_feed(&mut commands, topic, *place, *count, limit);
            }
            let answers = self.ask_together(&mut commands).await?;
            for (((topic, place), count), answer) in some.iter().zip(answers) {
                let counted = Place { number: *count, mark: 0 };
                gathered.add(topic, *place, counted, entries(answer)?, limit);
            }
        }
        let Gathered { conversations, mut missed } = gathered;
        let all: Vec<_> = conversations.into_iter().collect();
        for some in all.chunks(AT_ONCE) {
            self.read_events(some, &mut missed).await?;
        }
        Ok(missed)
    }

    /// How far topics have come by now.
    pub async fn read_places(&self, topics: &[Topic]) -> Result<Vec<(Topic, Place)>, JournalError> {
        let mut places = Vec::with_capacity(topics.len());
        for some in topics.chunks(AT_ONCE) {
            let mut commands = pipe();
            for topic in some {
                commands.cmd("HGET").arg(self.names.told()).arg(topic_text(topic));
                commands.cmd("XREVRANGE").arg(self.names.feed(topic)).arg("+").arg("-").arg("COUNT").arg(1);
            }
            let mut answers = self.ask_together(&mut commands).await?.into_iter();
            for topic in some {
                let count: Option<u64> = from_redis_value(answers.next().unwrap_or_default()).map_err(unreadable)?;
                let last = entries(answers.next().unwrap_or_default())?.pop();
                let counted = Place { number: count.unwrap_or(0), mark: 0 };
                // The feed is asked last: it may be one further, and never behind, unless it has expired.
                let last = last.map(|entry| entry.place).filter(|place| place.number >= counted.number);
                places.push((topic.clone(), last.unwrap_or(counted)));
            }
        }
        Ok(places)
    }

    /// How much was told at each topic, all asked at one moment: what was told then is in all its topics, or in none. Read one
    /// after the other, an event that is told meanwhile would be found at some of its topics and told only there.
    async fn counts(&self, heard: &[(Topic, Place)]) -> Result<Vec<u64>, JournalError> {
        if heard.is_empty() {
            return Ok(Vec::new());
        }
        let mut command = cmd("HMGET");
        command.arg(self.names.told());
        for (topic, _) in heard {
            command.arg(topic_text(topic));
        }
        let counts: Vec<Option<u64>> = self.link.ask(&command).await.map_err(fault)?;
        Ok(counts.into_iter().map(Option::unwrap_or_default).collect())
    }

    fn ask_feed(&self, commands: &mut Pipeline, topic: &Topic, place: Place, count: u64, limit: Option<usize>) {
        // From the last that was heard, so that it is seen whether that is still the same.
        let (first, last) = (place.number.max(1), count.max(place.number));
        commands.cmd("XRANGE").arg(self.names.feed(topic)).arg(format!("{first}-0")).arg(format!("{last}-0"));
        if let Some(limit) = limit {
            commands.arg("COUNT").arg(limit + 1);
        }
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
            for (turn, (sequence, places)) in turns {
                feed::announce(missed, *turn, places.clone(), by_sequence.get(sequence));
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
