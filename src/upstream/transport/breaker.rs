//! Whether an endpoint is given requests. In: how the last ones and the checks ended. Out: yes, no, or one on trial.
//!
//! Closed: all may pass. Open, after several failures in a row: none, for a pause. Then half-open: one passes as a trial,
//! and its end decides. The pause doubles while trials fail, and varies, so that gateways do not come back all at once.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

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
    pub fn admits(&self, now: Instant) -> Result<(), Duration> {
        self.with(|record| match record.state {
            State::Closed { .. } => Ok(()),
            State::Open { until } => match until.saturating_duration_since(now) {
                Duration::ZERO => Ok(()),
                left => Err(left),
            },
            State::HalfOpen => Err(Duration::ZERO),
        })
    }

    /// Lets one request pass, or not. A trial must be followed by [`Breaker::succeed`], [`Breaker::fail`] or
    /// [`Breaker::abandon`].
    pub fn enter(&self, now: Instant) -> Option<Pass> {
        self.with(|record| match record.state {
            State::Closed { .. } => Some(Pass::Plain),
            State::Open { until } if until <= now => {
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

    pub fn fail(&self, pass: Pass, now: Instant) {
        self.with(|record| match (record.state, pass) {
            (State::Closed { failures }, _) if failures + 1 < self.settings.failures => {
                record.state = State::Closed { failures: failures + 1 };
            }
            (State::Closed { .. }, _) | (State::HalfOpen, Pass::Trial) => self.open(record, now),
            (State::Open { .. }, _) | (State::HalfOpen, Pass::Plain) => {}
        });
    }

    /// Nobody waited for the end: it says nothing, and the next one is the trial.
    pub fn abandon(&self, pass: Pass, now: Instant) {
        self.with(|record| {
            if (record.state, pass) == (State::HalfOpen, Pass::Trial) {
                record.state = State::Open { until: now };
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
    pub fn fail_check(&self, now: Instant) {
        self.with(|record| {
            record.failed_checks = record.failed_checks.saturating_add(1);
            match record.state {
                State::Closed { .. } if record.failed_checks >= FAILED_CHECKS => self.open(record, now),
                State::Open { .. } => self.open(record, now),
                State::Closed { .. } | State::HalfOpen => {}
            }
        });
    }

    fn open(&self, record: &mut Record, now: Instant) {
        let doubled = self.settings.pause.saturating_mul(1 << record.opened.min(16));
        let pause = doubled.min(self.settings.longest);
        record.opened = record.opened.saturating_add(1);
        let shortened = pause.mul_f64(1.0 - HasherRng::default().next_f64() / 2.0);
        record.state = State::Open { until: now + shortened };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: BreakerSettings =
        BreakerSettings { failures: 3, pause: Duration::from_secs(1), longest: Duration::from_secs(3) };

    fn opened(now: Instant) -> Breaker {
        let breaker = Breaker::new(SETTINGS);
        for _ in 0..3 {
            let pass = breaker.enter(now).expect("closed");
            breaker.fail(pass, now);
        }
        breaker
    }

    #[test]
    fn failures_in_a_row_open_it() {
        let now = Instant::now();
        let breaker = Breaker::new(SETTINGS);
        for _ in 0..10 {
            breaker.fail(Pass::Plain, now);
            breaker.fail(Pass::Plain, now);
            breaker.succeed(Pass::Plain);
        }
        assert!(breaker.is_closed(), "a success between them");
        assert!(!opened(now).is_closed());
        assert_eq!(opened(now).enter(now), None);
    }

    #[test]
    fn one_trial_decides() {
        let now = Instant::now();
        let breaker = opened(now);
        let later = now + SETTINGS.pause;
        assert_eq!(breaker.enter(later), Some(Pass::Trial));
        assert_eq!(breaker.enter(later), None, "only one");
        breaker.succeed(Pass::Plain);
        breaker.fail(Pass::Plain, later);
        assert_eq!(breaker.enter(later + SETTINGS.longest), None, "an older request says nothing");
        breaker.succeed(Pass::Trial);
        assert_eq!(breaker.enter(later), Some(Pass::Plain));
    }

    #[test]
    fn the_pause_grows_while_trials_fail_and_is_bounded() {
        let mut now = Instant::now();
        let breaker = opened(now);
        for pause in [1.0, 2.0, 3.0, 3.0] {
            let left = breaker.admits(now).expect_err("open").as_secs_f64();
            assert!((pause / 2.0..=pause).contains(&left), "{left} s of {pause} s");
            now += Duration::from_secs_f64(pause);
            assert_eq!(breaker.enter(now), Some(Pass::Trial));
            breaker.fail(Pass::Trial, now);
        }
    }

    #[test]
    fn a_success_shortens_the_pause_again() {
        let now = Instant::now();
        let breaker = opened(now);
        let mut later = now + SETTINGS.longest;
        assert_eq!(breaker.enter(later), Some(Pass::Trial));
        breaker.fail(Pass::Trial, later);
        later += SETTINGS.longest;
        assert_eq!(breaker.enter(later), Some(Pass::Trial));
        breaker.succeed(Pass::Trial);
        for _ in 0..3 {
            breaker.fail(Pass::Plain, later);
        }
        assert!(breaker.admits(later).expect_err("open") <= SETTINGS.pause);
    }

    #[test]
    fn a_trial_that_nobody_waited_for_leaves_the_place_to_the_next() {
        let now = Instant::now();
        let breaker = opened(now);
        let later = now + SETTINGS.pause;
        assert_eq!(breaker.enter(later), Some(Pass::Trial));
        breaker.abandon(Pass::Trial, later);
        assert_eq!(breaker.enter(later), Some(Pass::Trial));
    }

    #[test]
    fn checks_open_and_close_it_but_requests_have_the_last_word() {
        let now = Instant::now();
        let breaker = Breaker::new(SETTINGS);
        breaker.fail_check(now);
        assert!(breaker.is_closed(), "one check may be lost");
        breaker.fail_check(now);
        assert!(!breaker.is_closed());
        breaker.pass_check();
        assert!(breaker.is_closed());
        breaker.fail(Pass::Plain, now);
        assert!(!breaker.is_closed(), "on probation, one failure is enough");
        breaker.pass_check();
        breaker.succeed(Pass::Plain);
        breaker.fail(Pass::Plain, now);
        assert!(breaker.is_closed(), "a success ends the probation");
    }
}
