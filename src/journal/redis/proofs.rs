//! Whether what was confirmed is still there when another server answers. In: writes that were confirmed here, and connections.
//! Out: for each that a server does not have, a gap that is told at all topics of its audience.
//!
//! A failover may go to a server that was behind, and nobody there knows what it never had: those who heard it do, and who
//! confirmed it.

use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use crate::metrics;
use crate::redis::{Link, LinkState, Names, RedisError, Value, pipe};

use super::super::feed;
use super::orders;
use super::scripts::LOSE;

/// Writes that are remembered, and how long: less than their intents are kept.
const REMEMBERED: (usize, Duration) = (8_192, Duration::from_secs(300));

/// Intents that are asked for at once.
const AT_ONCE: usize = 512;

/// What shows that a write is there.
pub struct Proof {
    /// The key that it leaves.
    pub intent: String,
    /// Whom it was told, as texts.
    pub topics: Vec<String>,
}

/// The latest proofs of this process.
pub struct Proofs {
    names: Names,
    /// With the time of its confirmation.
    kept: VecDeque<(Instant, Proof)>,
    /// The connection that was asked last.
    asked: u64,
}

impl Proofs {
    pub fn new(names: Names) -> Self {
        Proofs { names, kept: VecDeque::new(), asked: 0 }
    }

    /// Notes a write by its answer; one that found everything done already left nothing of its own.
    pub fn keep(&mut self, proof: Proof, answer: &Value) {
        let is_new = match answer {
            Value::Array(members) => members.get(2) == Some(&Value::Int(0)),
            answer => *answer == Value::Int(1),
        };
        if is_new && !proof.topics.is_empty() {
            self.kept.push_back((Instant::now(), proof));
            self.forget();
        }
    }

    fn forget(&mut self) {
        let is_old = |(at, _): &(Instant, Proof)| at.elapsed() > REMEMBERED.1;
        while self.kept.len() > REMEMBERED.0 || self.kept.front().is_some_and(is_old) {
            self.kept.pop_front();
        }
    }

    /// Asks a connection that was not asked yet. An error: it could not be, and nothing is to be written there before.
    pub async fn check(&mut self, link: &Link) -> Result<(), RedisError> {
        let state = link.state().borrow().clone();
        let LinkState::Up { number } = state else { return link.healthy() };
        if number == self.asked {
            return Ok(());
        }
        self.forget();
        let mut gone = Vec::new();
        for at in (0..self.kept.len()).step_by(AT_ONCE) {
            let some: Vec<usize> = (at..self.kept.len().min(at + AT_ONCE)).collect();
            let mut commands = pipe();
            for at in &some {
                commands.cmd("EXISTS").arg(&self.kept[*at].1.intent);
            }
            for (at, answer) in some.into_iter().zip(link.ask_all(&mut commands).await?) {
                if answer? == Value::Int(0) {
                    gone.push(at);
                }
            }
        }
        if !gone.is_empty() {
            self.tell(link, &gone).await?;
        }
        self.asked = number;
        Ok(())
    }

    /// Tells all who may miss these, and forgets them.
    async fn tell(&mut self, link: &Link, gone: &[usize]) -> Result<(), RedisError> {
        let topics: BTreeSet<&String> = gone.iter().flat_map(|at| &self.kept[*at].1.topics).collect();
        let mut command = LOSE.call(&[&self.names.told()]);
        command.arg(self.names.prefix());
        orders::bounds(&mut command);
        command.arg(feed::mark());
        command.arg(topics.len()).arg(topics.iter().collect::<Vec<_>>());
        link.ask::<()>(&command).await?;
        let count = gone.len();
        tracing::error!(
            count,
            "Redis does not have messages that were confirmed: another server took its place that was behind, or it lost data; \
             whoever may have missed them is told"
        );
        metrics::count_vanished(count);
        for at in gone.iter().rev() {
            self.kept.remove(*at);
        }
        Ok(())
    }
}
