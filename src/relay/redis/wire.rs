//! Which channels are subscribed to on the connection there is. In: topics that sockets came to or left, and connections
//! that come and go. Out: the server's subscriptions, and word of each time when they were not there.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use crate::event::{Place, Topic};
use crate::redis::{Cmd, LinkState, RedisError, Value, cmd, from_redis_value, pipe, topic_text};

use super::Inner;

/// Channels of one command.
const AT_ONCE: usize = 512;

/// Before another try on a connection that seems good.
const PAUSE: Duration = Duration::from_millis(100);

/// What the server was told.
#[derive(Default)]
pub struct Wire {
    subscribed: HashSet<Topic>,
}

impl Inner {
    /// Subscribes to what is not subscribed to yet; afterwards everything told at these topics is heard, or asked for.
    pub async fn wire_up(&self, topics: &[Topic]) -> Result<(), RedisError> {
        let mut wire = self.wire.lock().await;
        let new: Vec<Topic> = topics.iter().filter(|topic| !wire.subscribed.contains(*topic)).cloned().collect();
        self.subscribe_to(&new).await?;
        wire.subscribed.extend(new);
        self.begin(topics).await
    }

    async fn subscribe_to(&self, topics: &[Topic]) -> Result<(), RedisError> {
        for some in topics.chunks(AT_ONCE) {
            self.link.subscribe(&self.channels(some)).await?;
        }
        Ok(())
    }

    /// Asks how far topics have come that were subscribed to just now.
    async fn begin(&self, topics: &[Topic]) -> Result<(), RedisError> {
        let new = self.state().without_number(topics);
        for some in new.chunks(AT_ONCE) {
            let mut commands = pipe();
            commands.add_command(counts(&self.names.told(), some.iter().map(topic_text)));
            for topic in some {
                commands.cmd("XREVRANGE").arg(self.names.feed(topic)).arg("+").arg("-").arg("COUNT").arg(1);
            }
            let mut answers = self.link.ask_all(&mut commands).await?.into_iter();
            let counted = answers.next().unwrap_or(Ok(Value::Nil))?;
            let counted: Vec<Option<u64>> = from_redis_value(counted).unwrap_or_default();
            for (topic, (count, latest)) in some.iter().zip(counted.into_iter().zip(answers)) {
                let counted = Place { number: count.unwrap_or(0), mark: 0 };
                // By its mark it is known again later. Asked last, it may be one further; it is behind where it has expired.
                let latest = latest_place(latest?).filter(|latest| latest.number >= counted.number);
                self.state().begin(topic, latest.unwrap_or(counted));
            }
        }
        Ok(())
    }

    /// Whether conversations went on from where they were heard, asked on each new connection: it may be another server's.
    async fn compare_turns(&self) -> Result<(), RedisError> {
        let known = self.state().conversations();
        for some in known.chunks(AT_ONCE) {
            let fields = some.iter().map(|conversation| format!("turn:{conversation}"));
            let turns: Vec<Option<u64>> = self.link.ask(&counts(&self.names.told(), fields)).await?;
            let mut state = self.state();
            for (conversation, turn) in some.iter().zip(turns) {
                state.correct(conversation, turn.unwrap_or(0));
            }
        }
        Ok(())
    }

    fn channels(&self, topics: &[Topic]) -> Vec<String> {
        topics.iter().map(|topic| self.names.channel(topic)).collect()
    }

    /// Subscribes anew on each connection, and leaves channels that are nobody's.
    pub async fn keep_wired(&self) {
        let mut link = self.link.state();
        let mut wired_on = 0;
        loop {
            let state = link.borrow_and_update().clone();
            match state {
                LinkState::Up { number } if number != wired_on => {
                    self.state().unwired();
                    match self.rewire().await {
                        Ok(()) => wired_on = number,
                        Err(error) => {
                            tracing::debug!(%error, "not subscribed again yet");
                            tokio::time::sleep(PAUSE).await;
                            continue;
                        }
                    }
                }
                LinkState::Up { .. } => {}
                LinkState::Down(_) => {
                    wired_on = 0;
                    self.state().unwired();
                }
            }
            tokio::select! {
                changed = link.changed() => if changed.is_err() { return },
                () = self.unused.notified() => self.leave_unused().await,
            }
        }
    }

    /// All that is listened to, on a new connection.
    async fn rewire(&self) -> Result<(), RedisError> {
        let mut wire = self.wire.lock().await;
        wire.subscribed.clear();
        let topics = self.state().all_topics();
        self.subscribe_to(&topics).await?;
        self.begin(&topics).await?;
        self.compare_turns().await?;
        wire.subscribed.extend(topics);
        let is_behind = self.state().wired();
        if is_behind {
            self.gap();
        }
        Ok(())
    }

    async fn leave_unused(&self) {
        let mut wire = self.wire.lock().await;
        let unused: Vec<Topic> = {
            let state = self.state();
            wire.subscribed.iter().filter(|topic| !state.is_listened_to(topic)).cloned().collect()
        };
        for some in unused.chunks(AT_ONCE) {
            // On a connection that fails nothing is subscribed to, and the next one starts from what is needed.
            let _ = self.link.unsubscribe(&self.channels(some)).await;
            for topic in some {
                wire.subscribed.remove(topic);
            }
        }
    }
}

fn counts(told: &str, fields: impl Iterator<Item = String>) -> Cmd {
    let mut command = cmd("HMGET");
    command.arg(told);
    for field in fields {
        command.arg(field);
    }
    // Never empty: a command without a field is none.
    command
}

/// The place of the one entry of a feed that was asked for.
fn latest_place(answer: Value) -> Option<Place> {
    let entries: Vec<(String, HashMap<String, String>)> = from_redis_value(answer).ok()?;
    let (id, fields) = entries.into_iter().next()?;
    Some(Place { number: id.strip_suffix("-0")?.parse().ok()?, mark: fields.get("mark")?.parse().ok()? })
}
