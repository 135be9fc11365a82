//! For how long a backend has answered nothing that it was sent. In: sends and answers. Out: a duration, by which a socket that
//! stalls is told from one on which nobody says anything.

use std::time::Duration;

use tokio::time::Instant;

/// A backend's silence; none while nobody waits.
#[derive(Default)]
pub(super) struct Silence(Option<Unanswered>);

/// Since this send the backend has not said a word about any.
struct Unanswered {
    since: Instant,
    /// When the sender of that one gives up.
    due: Instant,
}

impl Silence {
    /// Somebody waits, and gives up then.
    pub fn waits_until(&mut self, due: Instant) {
        self.0.get_or_insert_with(|| Unanswered { since: Instant::now(), due });
    }

    /// Something was answered: whoever is first of those who wait now has waited since then.
    pub fn broken(&mut self, first_due: Option<Instant>) {
        self.0 = first_due.map(|due| Unanswered { since: Instant::now(), due });
    }

    /// Zero until the first who waited in vain was told so.
    pub fn lasts(&self) -> Duration {
        let now = Instant::now();
        self.0.as_ref().filter(|first| first.due <= now).map_or(Duration::ZERO, |first| now - first.since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn it_begins_with_the_first_who_waits_and_counts_once_they_gave_up() {
        let mut silence = Silence::default();
        tokio::time::advance(10 * SECOND).await;
        assert_eq!(silence.lasts(), Duration::ZERO, "nobody waits");
        silence.waits_until(Instant::now() + 5 * SECOND);
        tokio::time::advance(4 * SECOND).await;
        silence.waits_until(Instant::now() + 5 * SECOND);
        assert_eq!(silence.lasts(), Duration::ZERO, "nobody gave up");
        tokio::time::advance(SECOND).await;
        assert_eq!(silence.lasts(), 5 * SECOND);
        silence.broken(Some(Instant::now() + 2 * SECOND));
        tokio::time::advance(2 * SECOND).await;
        assert_eq!(silence.lasts(), 2 * SECOND, "since the answer, not since it was sent");
        silence.broken(None);
        tokio::time::advance(SECOND).await;
        assert_eq!(silence.lasts(), Duration::ZERO);
    }
}
