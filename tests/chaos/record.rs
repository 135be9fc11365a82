//! What was confirmed and who heard what. In: the records of all clients. Out: what was lost, told twice or out of order; and
//! what was told again to a client that came back, which nobody could know to have heard it.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt::{Display, Formatter};
use std::time::Duration;

/// Clocks of the clients and of the servers' deeds beside: what was confirmed so shortly before somebody heard something
/// may be heard after it.
const MARGIN: Duration = Duration::from_secs(1);

/// A message, by who said it and its number among what they said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Said {
    pub party: u16,
    pub number: u32,
}

impl Said {
    /// What a text says of itself; none when it is no message of ours.
    pub fn parse(text: &str) -> Option<Self> {
        let (party, number) = text.split(' ').next()?.split_once('/')?;
        Some(Said { party: party.parse().ok()?, number: number.parse().ok()? })
    }
}

impl Display for Said {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}/{}", self.party, self.number)
    }
}

/// A time of which a client was told that it may have missed something then: between what it heard last before it was told and
/// what it heard next. Since the run began.
#[derive(Debug, Clone, Copy)]
pub struct Gap {
    pub from: Duration,
    pub until: Duration,
}

impl Gap {
    fn covers(&self, time: Duration) -> bool {
        (self.from.saturating_sub(MARGIN)..=self.until.saturating_add(MARGIN)).contains(&time)
    }
}

/// What one client heard, its own words included where its dialect repeats them.
#[derive(Debug, Clone, Default)]
pub struct Listener {
    pub name: String,
    /// The rooms that it hears.
    pub rooms: BTreeSet<u16>,
    /// A party whose words it is not told: an app its own.
    pub deaf_to: BTreeSet<u16>,
    /// Everything, with the number of the connection that it came on.
    pub heard: Vec<(u32, Said)>,
    /// How much may be told again after each cut.
    pub tail: usize,
    pub gaps: Vec<Gap>,
}

/// Everything that is known at the end.
#[derive(Debug, Clone, Default)]
pub struct Record {
    /// The room of each party.
    pub rooms: BTreeMap<u16, u16>,
    pub listeners: Vec<Listener>,
    /// All that was sent, and when.
    pub sent: BTreeMap<Said, Duration>,
    /// And confirmed.
    pub confirmed: BTreeMap<Said, Duration>,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Verdict {
    pub confirmed: usize,
    /// First hearings.
    pub deliveries: usize,
    pub lost: Vec<String>,
    /// Not heard by somebody who was told that there may be such; and how often somebody was told.
    pub told: usize,
    pub gaps: usize,
    pub doubled: Vec<String>,
    pub disordered: Vec<String>,
    /// Told again after a cut, all in all, and the most after one cut.
    pub again: usize,
    pub most_again: usize,
    pub unbounded: Vec<String>,
}

impl Verdict {
    pub fn is_good(&self) -> bool {
        [&self.lost, &self.doubled, &self.disordered, &self.unbounded].iter().all(|wrong| wrong.is_empty())
    }
}

impl Display for Verdict {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "{} confirmed, {} deliveries; {} lost, {} missed in {} gaps that were told, {} doubled, {} out of order; {} told \
             again after a cut, {} at most after one",
            self.confirmed,
            self.deliveries,
            self.lost.len(),
            self.told,
            self.gaps,
            self.doubled.len(),
            self.disordered.len(),
            self.again,
            self.most_again
        )?;
        let wrong = [&self.lost, &self.doubled, &self.disordered, &self.unbounded];
        for one in wrong.into_iter().flatten().take(20) {
            write!(formatter, "\n  {one}")?;
        }
        Ok(())
    }
}

impl Record {
    /// Whether everybody has heard all that is confirmed.
    pub fn is_complete(&self) -> bool {
        self.listeners.iter().all(|listener| {
            let heard: HashSet<Said> = listener.heard.iter().map(|(_, said)| *said).collect();
            let is_settled = |(said, time): (&Said, &Duration)| {
                !self.concerns(listener, said) || heard.contains(said) || was_told(listener, *time)
            };
            self.confirmed.iter().all(is_settled)
        })
    }

    fn concerns(&self, listener: &Listener, said: &Said) -> bool {
        self.rooms.get(&said.party).is_some_and(|room| listener.rooms.contains(room))
            && !listener.deaf_to.contains(&said.party)
    }

    pub fn judge(&self) -> Verdict {
        let mut verdict = Verdict { confirmed: self.confirmed.len(), ..Verdict::default() };
        let mut firsts = Vec::new();
        for listener in &self.listeners {
            let first = first_hearings(listener, &mut verdict);
            let heard: HashSet<Said> = first.iter().copied().collect();
            for (said, time) in &self.confirmed {
                if !self.concerns(listener, said) || heard.contains(said) {
                    continue;
                }
                match was_told(listener, *time) {
                    true => verdict.told += 1,
                    false => {
                        verdict.lost.push(format!("{} did not hear {said}, confirmed at {time:.1?}", listener.name))
                    }
                }
            }
            verdict.gaps += listener.gaps.len();
            verdict.deliveries += first.len();
            firsts.push(first);
        }
        self.judge_order(&firsts, &mut verdict);
        verdict
    }

    /// All who hear a room hear one order, in which each party's words are in theirs. What was recorded and never
    /// confirmed, since the sender was cut off, has its place there too. Of what was said in a gap that anybody was told of
    /// nothing is known: another history took the place of the one that some heard.
    fn judge_order(&self, firsts: &[Vec<Said>], verdict: &mut Verdict) {
        let in_gap = |said: &&Said| {
            let times = [self.sent.get(said), self.confirmed.get(said)];
            times.into_iter().flatten().any(|time| self.listeners.iter().any(|listener| was_told(listener, *time)))
        };
        let unsettled: HashSet<Said> = self.sent.keys().filter(in_gap).copied().collect();
        let rooms: BTreeSet<u16> = self.rooms.values().copied().collect();
        for room in rooms {
            let in_room = |said: &&Said| self.rooms.get(&said.party) == Some(&room) && !unsettled.contains(said);
            let hears = self.listeners.iter().zip(firsts).filter(|(listener, _)| listener.rooms.contains(&room));
            let heard: Vec<(&Listener, Vec<Said>)> =
                hears.map(|(listener, first)| (listener, first.iter().filter(in_room).copied().collect())).collect();
            let Some((_, all)) = heard.iter().max_by_key(|(_, heard)| heard.len()) else { continue };
            for (listener, heard) in &heard {
                let expected: Vec<Said> =
                    all.iter().filter(|said| !listener.deaf_to.contains(&said.party)).copied().collect();
                if let Some(at) = (0..expected.len().max(heard.len())).find(|at| expected.get(*at) != heard.get(*at)) {
                    let (theirs, others) = (heard.get(at), expected.get(at));
                    verdict.disordered.push(format!(
                        "{}: message {at} of room {room} is {theirs:?}, for others {others:?}",
                        listener.name
                    ));
                }
            }
            let mut last = BTreeMap::new();
            for said in all {
                if last.insert(said.party, said.number).is_some_and(|last| last >= said.number) {
                    verdict.disordered.push(format!("room {room}: {said} comes after a later one of the same party"));
                }
            }
        }
    }
}

/// Whether a client was told that it may have missed something at that time.
fn was_told(listener: &Listener, time: Duration) -> bool {
    listener.gaps.iter().any(|gap| gap.covers(time))
}

/// What a client heard for the first time, in order; notes what it heard again.
fn first_hearings(listener: &Listener, verdict: &mut Verdict) -> Vec<Said> {
    let mut first = Vec::new();
    let (mut ever, mut now, mut connection) = (HashSet::new(), HashSet::new(), 0);
    let mut again = BTreeMap::<u32, usize>::new();
    for (on, said) in &listener.heard {
        if *on != connection {
            (now, connection) = (HashSet::new(), *on);
        }
        let is_new_here = now.insert(*said);
        if ever.insert(*said) {
            first.push(*said);
        } else if is_new_here {
            *again.entry(*on).or_default() += 1;
        } else {
            verdict.doubled.push(format!("{} heard {said} twice on one connection", listener.name));
        }
    }
    for (on, count) in again {
        verdict.again += count;
        verdict.most_again = verdict.most_again.max(count);
        if count > listener.tail {
            verdict.unbounded.push(format!("{} heard {count} again on its connection {on}", listener.name));
        }
    }
    first
}
