//! What a delivery does with each message: said part by part, tried again while that helps, noted in the journal. In: a
//! message. Out: whether it is over, or when to try again. Never logs whom a message is for, or what it says.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;

use crate::event::{Event, Timestamp};
use crate::fault::Fault;
use crate::journal::Journal;
use crate::metrics::{self, Addressee};

use super::letter::{Hearer, Letter, Outcome};
use super::patience;
use super::recipient::{Delivery, Said};
use super::record::{Record, State};

/// Before a journal that could not be asked is asked again.
const PAUSE: Duration = Duration::from_millis(200);

/// The longest that the other side can make us wait, whatever it says.
const LONGEST: Duration = Duration::from_secs(3_600);

pub(super) struct Outbox {
    pub(super) name: Arc<str>,
    pub(super) delivery: watch::Receiver<Arc<Delivery>>,
    pub(super) journal: Arc<dyn Journal>,
}

#[async_trait]
impl Hearer for Outbox {
    fn addressee(&self) -> Addressee {
        Addressee::Delivery
    }

    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn concerns(&self, event: &Event) -> bool {
        self.delivery().concerns(event)
    }

    async fn tell(&self, letter: &mut Letter) -> Outcome {
        // Asked at each try: another replica may have said some of it meanwhile.
        let id = letter.event.details.id.as_str();
        let mut record = match Record::find(&*self.journal, &self.name, id).await {
            Ok(record) => record.unwrap_or_else(|| Record::new(id)),
            Err(error) => {
                tracing::debug!(delivery = %self.name, %error, "what was delivered cannot be read yet");
                return Outcome::Later(PAUSE);
            }
        };
        if record.state != State::Begun {
            return Outcome::Over;
        }
        let delivery = self.delivery();
        loop {
            letter.tries += 1;
            match delivery.say(&letter.event, record.parts).await {
                Ok(Said::Nothing) => return Outcome::Over,
                Ok(Said::Part { id, is_last }) => {
                    letter.take();
                    record.parts += 1;
                    record.ids.extend(id);
                    let state = if is_last { State::Told } else { State::Begun };
                    self.note(&mut record, state).await;
                    self.count("told");
                    if is_last {
                        return Outcome::Over;
                    }
                }
                Err(fault) => return self.failed(&delivery, letter, record, &fault).await,
            }
        }
    }
}

impl Outbox {
    fn delivery(&self) -> Arc<Delivery> {
        Arc::clone(&self.delivery.borrow())
    }

    fn count(&self, outcome: &str) {
        metrics::count_call(Addressee::Delivery, &self.name, outcome);
    }

    async fn failed(&self, delivery: &Delivery, letter: &Letter, mut record: Record, fault: &Fault) -> Outcome {
        let reason = fault.reason.as_str().to_owned();
        if !fault.reason.retry_helps() {
            self.count("refused");
            metrics::count_undelivered(&self.name, &reason);
            tracing::warn!(delivery = %self.name, %fault, "a message was refused; it is not delivered");
            self.note(&mut record, State::Refused(reason)).await;
            return Outcome::Over;
        }
        self.count("failed");
        if age(&letter.event) < delivery.settings.give_up_after {
            // The first time it is worth a word: a wrong token is seen here.
            if letter.tries == 1 {
                tracing::warn!(delivery = %self.name, %fault, "a message is not delivered yet; tried again");
            }
            return Outcome::Later(pause(letter.tries, fault));
        }
        self.count("given_up");
        metrics::count_undelivered(&self.name, &reason);
        let tries = letter.tries;
        tracing::error!(delivery = %self.name, tries, %fault, "a message could not be delivered; given up");
        self.note(&mut record, State::GivenUp(reason)).await;
        Outcome::Over
    }

    /// A note that cannot be made is not waited for: what was said may be said again after a restart.
    async fn note(&self, record: &mut Record, state: State) {
        (record.state, record.at) = (state, Timestamp::now());
        if let Err(error) = record.keep(&*self.journal, &self.name).await {
            tracing::warn!(delivery = %self.name, %error, "what was delivered could not be noted");
        }
    }
}

/// How long ago it was recorded; nothing for what does not say when.
fn age(event: &Event) -> Duration {
    let recorded = event.details.received_at.map_or(i64::MAX, |at| at.micros());
    Duration::from_micros(Timestamp::now().micros().saturating_sub(recorded).try_into().unwrap_or(0))
}

/// As long as the other side wants, and no shorter than we would wait by ourselves.
fn pause(tries: usize, fault: &Fault) -> Duration {
    patience::backoff(tries).max(fault.retry_after.unwrap_or_default().min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Reason;

    #[test]
    fn a_pause_is_at_least_what_was_asked_for_and_has_an_end() {
        let after =
            |seconds| Fault { retry_after: Some(Duration::from_secs(seconds)), ..Fault::new(Reason::RateLimited) };
        assert_eq!(pause(1, &after(7)), Duration::from_secs(7));
        assert_eq!(pause(1, &after(1_000_000)), LONGEST);
        assert!(pause(9, &after(1)) > Duration::from_secs(20));
        assert!(pause(1, &Fault::new(Reason::Upstream)) <= Duration::from_millis(200));
    }
}
