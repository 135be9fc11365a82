//! How often a principal may call. In: a principal's id. Out: yes, or when to come back. Per process.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::fault::{Fault, Reason};

/// How often a principal may call, by the generic cell rate algorithm.
pub struct RateLimit {
    limiter: DefaultKeyedRateLimiter<Arc<str>>,
    clock: DefaultClock,
}

/// Principals that are remembered before those who are quiet are forgotten.
const REMEMBERED: usize = 10_000;

impl RateLimit {
    /// So many calls in so long, as many at once.
    pub fn new(calls: NonZeroU32, within: Duration) -> Option<Self> {
        let quota = Quota::with_period(within / calls.get())?.allow_burst(calls);
        Some(RateLimit { limiter: RateLimiter::keyed(quota), clock: DefaultClock::default() })
    }

    /// So many in a minute, as many at once.
    pub fn per_minute(calls: NonZeroU32) -> Self {
        RateLimit { limiter: RateLimiter::keyed(Quota::per_minute(calls)), clock: DefaultClock::default() }
    }

    /// One call more of this principal, or when to come back.
    pub fn check(&self, principal: &Arc<str>) -> Result<(), Fault> {
        if self.limiter.len() > REMEMBERED {
            self.limiter.retain_recent();
        }
        self.limiter.check_key(principal).map_err(|until| {
            let retry_after = Some(until.wait_time_from(self.clock.now()));
            Fault { retry_after, ..Fault::new(Reason::RateLimited) }
        })
    }
}
