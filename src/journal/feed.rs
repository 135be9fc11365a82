//! What was told at topics, kept for a while, for who could not hear it. In: how far topics were heard, and what a journal
//! has kept of each. Out: what was missed, in turn; and topics of which that cannot be said any more.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::event::{Announced, Audience, Event, Missed, Place, Topic};

/// Announcements of a topic that are kept at least, unless they are older than [`LIFE`].
pub const LENGTH: u64 = 4_096;

/// How long announcements are kept.
pub const LIFE: Duration = Duration::from_secs(3_600);

/// Of a topic that somebody reserved, at most.
pub const LONGEST: u64 = 1_000_000;

/// How long a reservation holds that is not repeated, and so how long announcements are kept for it.
pub const RESERVED: Duration = Duration::from_secs(7 * 24 * 3_600);

/// The last number that may go of a feed that has come to `end` and that readers reserved after these numbers.
pub fn spare(end: u64, reserved: impl Iterator<Item = u64>) -> u64 {
    let unreserved = end.saturating_sub(LENGTH);
    reserved.fold(unreserved, u64::min).max(end.saturating_sub(LONGEST))
}

/// By chance, what tells one history from another. Half of the digits that a script can count with; 0 means that it is not
/// known.
pub fn mark() -> u64 {
    rand::random_range(1..1_u64 << 52)
}

/// An entry of a feed.
pub struct Entry {
    pub place: Place,
    pub conversation: Arc<str>,
    pub sequence: u64,
    pub turn: u64,
}

/// What was told of one conversation: by turn, the event's sequence number and where in which topics it was missed.
pub type Turns = BTreeMap<u64, (u64, Vec<(Topic, Place)>)>;

/// What was missed, before its events are looked up.
#[derive(Default)]
pub struct Gathered {
    pub conversations: BTreeMap<Arc<str>, Turns>,
    pub missed: Missed,
}

impl Gathered {
    /// What a feed says of a topic that was heard up to a place and has come to `end`. Its entries begin with the last that
    /// was heard, if that is kept, so that it is seen whether it is still the same; with a limit, there is one more at most.
    pub fn add(&mut self, topic: &Topic, heard: Place, end: Place, entries: Vec<Entry>, limit: Option<usize>) {
        let is_part = limit.is_some_and(|limit| entries.len() > limit);
        let end = entries.last().filter(|_| is_part).map_or(end, |last| last.place);
        let mut told = since(heard, end, entries);
        if let Some(limit) = limit
            && told.entries.len() > limit
        {
            // The last that was heard is not kept any more.
            told.entries.truncate(limit);
            told.reached = told.entries.last().map_or(heard, |entry| entry.place);
        }
        if told.is_lost {
            self.missed.lost.push(topic.clone());
        }
        self.missed.reached.push((topic.clone(), told.reached));
        for entry in told.entries {
            let turns = self.conversations.entry(entry.conversation).or_default();
            turns.entry(entry.turn).or_insert((entry.sequence, Vec::new())).1.push((topic.clone(), entry.place));
        }
    }
}

/// One turn with its event; without it, its topics have lost something.
pub fn announce(missed: &mut Missed, turn: u64, places: Vec<(Topic, Place)>, event: Option<&Arc<Event>>) {
    let topics = places.iter().map(|(topic, _)| topic.clone());
    match event {
        Some(event) => {
            let audience = Audience { topics: topics.collect(), last: Some(event.details.sender.id.as_str().into()) };
            missed.announced.push(Announced { event: Arc::clone(event), audience, turn, places });
        }
        None => missed.lost.extend(topics),
    }
}

/// What came of one topic.
struct Told {
    entries: Vec<Entry>,
    reached: Place,
    is_lost: bool,
}

/// What a feed says that was told after a place.
fn since(heard: Place, end: Place, mut entries: Vec<Entry>) -> Told {
    let reached = entries.last().map_or(end, |entry| further(entry.place, end));
    if end.number < heard.number {
        // The journal forgot, or another one took its place.
        return Told { entries: Vec::new(), reached, is_lost: true };
    }
    let is_other =
        |place: Place| place.number == heard.number && heard.mark != 0 && place.mark != 0 && place.mark != heard.mark;
    if is_other(end) {
        return Told { entries: Vec::new(), reached, is_lost: true };
    }
    if entries.first().is_some_and(|first| first.place.number == heard.number) && is_other(entries.remove(0).place) {
        return Told { entries: Vec::new(), reached, is_lost: true };
    }
    let next = entries.first().map_or(reached.number + 1, |entry| entry.place.number);
    let is_lost = next != heard.number + 1;
    let reached = if entries.is_empty() && !is_lost { heard } else { reached };
    Told { entries, reached, is_lost }
}

fn further(one: Place, other: Place) -> Place {
    if other.number > one.number { other } else { one }
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

    fn told(heard: (u64, u64), end: (u64, u64), entries: Vec<Entry>) -> (Vec<u64>, u64, bool) {
        let place = |(number, mark)| Place { number, mark };
        let told = since(place(heard), place(end), entries);
        (told.entries.iter().map(|entry| entry.place.number).collect(), told.reached.number, told.is_lost)
    }

    #[test]
    fn what_is_reserved_stays_within_a_bound() {
        assert_eq!(spare(5_000, [].into_iter()), 5_000 - LENGTH);
        assert_eq!(spare(5_000, [700, 300].into_iter()), 300, "for the one that is furthest behind");
        assert_eq!(spare(5_000, [4_999].into_iter()), 5_000 - LENGTH, "those who reserve nothing need theirs");
        assert_eq!(spare(LONGEST + 7, [3].into_iter()), 7);
        assert_eq!(spare(10, [0].into_iter()), 0);
    }

    #[test]
    fn what_came_after_a_place() {
        assert_eq!(told((3, 103), (5, 0), feed(3..=5)), (vec![4, 5], 5, false));
        assert_eq!(told((0, 0), (2, 0), feed(1..=2)), (vec![1, 2], 2, false));
        assert_eq!(told((3, 103), (5, 0), feed(3..=7)), (vec![4, 5, 6, 7], 7, false), "more came while it was asked");
        assert_eq!(told((3, 103), (3, 0), feed(3..=3)), (vec![], 3, false));
        assert_eq!(
            told((3, 0), (3, 0), Vec::new()),
            (vec![], 3, false),
            "the feed has expired, and nothing was missed"
        );
    }

    #[test]
    fn what_cannot_be_told_any_more() {
        assert_eq!(told((3, 103), (9, 0), feed(6..=9)), (vec![6, 7, 8, 9], 9, true), "the feed was trimmed");
        assert_eq!(told((3, 103), (9, 0), Vec::new()), (vec![], 9, true), "the feed has expired");
        assert_eq!(told((3, 103), (2, 0), feed(1..=2)), (vec![], 2, true), "the journal has less than was heard");
        assert_eq!(told((3, 999), (5, 0), feed(3..=5)), (vec![], 5, true), "another history");
        assert_eq!(told((3, 999), (3, 103), Vec::new()), (vec![], 3, true), "another history, and an expired feed");
    }
}
