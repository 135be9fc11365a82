//! Whether an endpoint is given requests. In: how the last ones and the checks ended. Out: yes, no, or one on trial.
//!
//! Closed: all may pass. Open, after several failures in a row: none, for a pause. Then half-open: one passes as a trial,
//! and its end decides. The pause doubles while trials fail, and varies, so that gateways do not come back all at once.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tower::util::rng::{HasherRng, Rng};

/// When a breaker opens and for how long.
#[derive(Debug, Clone, Copy)]
pub(super) struct BreakerSettings {
    /// Failures in a row that open it.
    pub failures: u32,
    /// How long it is open the first time; by chance up to half less.
    pub pause: Duration,
    /// What the pause grows to, at most.
    pub longest: Duration,
}

impl BreakerSettings {
    pub const DEFAULT: BreakerSettings =
        BreakerSettings { failures: 5, pause: Duration::from_secs(1), longest: Duration::from_secs(30) };
}

/// Failed checks in a row that open it: one may be lost by chance.
const FAILED_CHECKS: u32 = 2;

/// What a request that was let through is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pass {
    Plain,
    /// The one that decides whether others may follow.
    Trial,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed { failures: u32 },
    Open { until: Instant },
    HalfOpen,
}

#[derive(Debug)]
struct Record {
    state: State,
    /// Times that it opened since the last success.
    opened: u32,
    failed_checks: u32,
}

/// The breaker of one endpoint.
#[derive(Debug)]
pub(super) struct Breaker {
    settings: BreakerSettings,
    record: Mutex<Record>,
}

impl Breaker {
    pub fn new(settings: BreakerSettings) -> Self {
        let record = Record { state: State::Closed { failures: 0 }, opened: 0, failed_checks: 0 };
        Breaker { settings, record: Mutex::new(record) }
    }

    fn with<T>(&self, act: impl FnOnce(&mut Record) -> T) -> T {
        // Nothing in here panics between two writes; a record is whole whatever another thread did.
        act(&mut self.record.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether all may pass.
    pub fn is_closed(&self) -> bool {
        self.with(|record| matches!(record.state, State::Closed { .. }))
    }

    /// Whether [`Breaker::enter`] would let one pass; if not, how long until it might.
    pub fn admits(&self) -> Result<(), Duration> {
        self.with(|record| match record.state {
            State::Closed { .. } => Ok(()),
            State::Open { until } => match until.saturating_duration_since(Instant::now()) {
                Duration::ZERO => Ok(()),
                left => Err(left),
            },
            State::HalfOpen => Err(Duration::ZERO),
        })
    }

    /// Lets one request pass, or not. A trial must be followed by [`Breaker::succeed`], [`Breaker::fail`] or
    /// [`Breaker::abandon`].
    pub fn enter(&self) -> Option<Pass> {
        self.with(|record| match record.state {
            State::Closed { .. } => Some(Pass::Plain),
            State::Open { until } if until <= Instant::now() => {
                record.state = State::HalfOpen;
                Some(Pass::Trial)
            }
            State::Open { .. } | State::HalfOpen => None,
        })
    }

    pub fn succeed(&self, pass: Pass) {
        self.with(|record| match (record.state, pass) {
            (State::Closed { .. }, _) | (State::HalfOpen, Pass::Trial) => {
                *record = Record { state: State::Closed { failures: 0 }, opened: 0, ..*record };
            }
            // It was sent before the others failed.
            (State::Open { .. }, _) | (State::HalfOpen, Pass::Plain) => {}
        });
    }

    pub fn fail(&self, pass: Pass) {
        self.with(|record| match (record.state, pass) {
            (State::Closed { failures }, _) if failures + 1 < self.settings.failures => {
                record.state = State::Closed { failures: failures + 1 };
            }
            (State::Closed { .. }, _) | (State::HalfOpen, Pass::Trial) => self.open(record),
            (State::Open { .. }, _) | (State::HalfOpen, Pass::Plain) => {}
        });
    }

    /// Nobody waited for the end: it says nothing, and the next one is the trial.
    pub fn abandon(&self, pass: Pass) {
        self.with(|record| {
            if (record.state, pass) == (State::HalfOpen, Pass::Trial) {
                record.state = State::Open { until: Instant::now() };
            }
        });
    }

    /// A check went well. Requests may pass again, but it is they who prove that the endpoint is well: the first that
    /// fails opens the breaker anew, for longer.
    pub fn pass_check(&self) {
        self.with(|record| {
            record.failed_checks = 0;
            if let State::Open { .. } = record.state {
                record.state = State::Closed { failures: self.settings.failures.saturating_sub(1) };
            }
        });
    }

    /// A check failed. Two in a row open the breaker; an open one stays so.
    pub fn fail_check(&self) {
        self.with(|record| {
            record.failed_checks = record.failed_checks.saturating_add(1);
            match record.state {
                State::Closed { .. } if record.failed_checks >= FAILED_CHECKS => self.open(record),
                State::Open { .. } => self.open(record),
                State::Closed { .. } | State::HalfOpen => {}
            }
        });
    }

    fn open(&self, record: &mut Record) {
        let doubled = self.settings.pause.saturating_mul(1 << record.opened.min(16));
        let pause = doubled.min(self.settings.longest);
        record.opened = record.opened.saturating_add(1);
        let shortened = pause.mul_f64(1.0 - HasherRng::default().next_f64() / 2.0);
        record.state = State::Open { until: Instant::now() + shortened };
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const SETTINGS: BreakerSettings =
        BreakerSettings { failures: 3, pause: Duration::from_secs(1), longest: Duration::from_secs(3) };

    fn opened() -> Breaker {
        let breaker = Breaker::new(SETTINGS);
        for _ in 0..3 {
            let pass = breaker.enter().expect("closed");
            breaker.fail(pass);
        }
        breaker
    }

    #[tokio::test(start_paused = true)]
    async fn failures_in_a_row_open_it() {
        let breaker = Breaker::new(SETTINGS);
        for _ in 0..10 {
            breaker.fail(Pass::Plain);
            breaker.fail(Pass::Plain);
            breaker.succeed(Pass::Plain);
        }
        assert!(breaker.is_closed(), "a success between them");
        assert!(!opened().is_closed());
        assert_eq!(opened().enter(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn one_trial_decides() {
        let breaker = opened();
        advance(SETTINGS.pause).await;
        assert_eq!(breaker.enter(), Some(Pass::Trial));
        assert_eq!(breaker.enter(), None, "only one");
        breaker.succeed(Pass::Plain);
        assert_eq!(breaker.enter(), None, "an older request says nothing");
        breaker.succeed(Pass::Trial);
        assert_eq!(breaker.enter(), Some(Pass::Plain));
    }

    #[tokio::test(start_paused = true)]
    async fn the_pause_grows_while_trials_fail_and_is_bounded() {
        let breaker = opened();
        for pause in [1.0, 2.0, 3.0, 3.0] {
            let left = breaker.admits().expect_err("open").as_secs_f64();
            assert!((pause / 2.0..=pause).contains(&left), "{left} s of {pause} s");
            advance(Duration::from_secs_f64(pause)).await;
            assert_eq!(breaker.enter(), Some(Pass::Trial));
            breaker.fail(Pass::Trial);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_trial_that_nobody_waited_for_leaves_the_place_to_the_next() {
        let breaker = opened();
        advance(SETTINGS.pause).await;
        assert_eq!(breaker.enter(), Some(Pass::Trial));
        breaker.abandon(Pass::Trial);
        assert_eq!(breaker.enter(), Some(Pass::Trial));
    }

    #[tokio::test(start_paused = true)]
    async fn checks_open_and_close_it_but_requests_have_the_last_word() {
        let breaker = Breaker::new(SETTINGS);
        breaker.fail_check();
        assert!(breaker.is_closed(), "one check may be lost");
        breaker.fail_check();
        assert!(!breaker.is_closed());
        breaker.pass_check();
        assert!(breaker.is_closed());
        breaker.fail(Pass::Plain);
        assert!(!breaker.is_closed(), "on probation, one failure is enough");
        breaker.pass_check();
        breaker.succeed(Pass::Plain);
        breaker.fail(Pass::Plain);
        assert!(breaker.is_closed(), "a success ends the probation");
    }
}
