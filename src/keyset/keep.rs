//! Keeps the keys of one route fresh: on a schedule, and when a token has a key that is not held. In: a [`KeySet`]. Out: the
//! same, with other keys in it; counts of how looks went. One look at a time.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::metrics;

use super::fetch::{FetchError, Fetched, fetch};
use super::held::{Held, KeySet, Round};
use super::settings::Source;

/// Between two looks for keys that tokens ask for: whoever invents names of keys costs the provider no more.
const ASKED_EVERY: Duration = Duration::from_secs(10);
/// The shortest that a provider's `max-age` is taken for.
const SHORTEST_AGE: Duration = Duration::from_secs(30);
/// How often a file is read.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The longest between two tries after a failure; the first comes after a second.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Looks until told to stop, or until nobody wants this set any more.
pub(super) async fn keep(set: Arc<KeySet>, stop: CancellationToken) {
    let mut failures = 0;
    let mut may_be_asked = Instant::now();
    loop {
        let began = Instant::now();
        set.rounds.send_modify(|round| round.is_looking = true);
        let looked = tokio::select! {
            () = stop.cancelled() => return,
            () = set.ended.cancelled() => return,
            looked = fetch(&set.settings.source) => looked,
        };
        let (wrong, pause) = match looked {
            Ok(fetched) => {
                failures = 0;
                let pause = next_look(&set, fetched.max_age);
                take(&set, fetched);
                (None, pause)
            }
            Err(error) => {
                failures += 1;
                fail(&set, &error);
                (Some(error.to_string()), next_try(failures))
            }
        };
        let next = Instant::now() + pause;
        set.rounds.send_replace(Round { began, is_looking: false, next, may_be_asked, wrong });
        tokio::select! {
            () = stop.cancelled() => return,
            () = set.ended.cancelled() => return,
            () = sleep_until(next) => {}
            () = asked(&set, began, may_be_asked) => may_be_asked = Instant::now() + ASKED_EVERY,
        }
    }
}

/// Resolves once somebody asked for keys after `began`, and not before `from`.
async fn asked(set: &KeySet, began: Instant, from: Instant) {
    // The sender is the set's own and lives as long.
    let _ = set.asked.subscribe().wait_for(|asked| *asked > began).await;
    sleep_until(from).await;
}

fn take(set: &KeySet, fetched: Fetched) {
    let before = set.held();
    let is_same = before.is_some_and(|before| before.digest == fetched.digest);
    // A file is read all the time.
    if !is_same || matches!(set.settings.source, Source::Url(_)) {
        metrics::count_jwks_fetch(&set.name, "taken");
    }
    if !is_same {
        tracing::info!(route = %set.name, source = %set.settings.source, keys = fetched.keys.len(), "keys are taken");
    }
    metrics::show_jwks(&set.name, fetched.keys.len());
    let keys = fetched.keys.into_iter().map(Arc::new).collect();
    set.hold(Held { keys, fetched: Instant::now(), digest: fetched.digest });
}

fn fail(set: &KeySet, error: &FetchError) {
    metrics::count_jwks_fetch(&set.name, error.outcome());
    match set.held() {
        Some(held) => {
            let age = held.fetched.elapsed().as_secs();
            tracing::warn!(route = %set.name, source = %set.settings.source, %error, age, "keys are not fetched; those before are used");
        }
        None => {
            metrics::hide_jwks(&set.name);
            tracing::error!(route = %set.name, source = %set.settings.source, %error, "keys are not fetched; tokens are refused until they are");
        }
    }
}

/// When a set that was fetched is fetched again: replicas that began together do not go on together.
fn next_look(set: &KeySet, max_age: Option<Duration>) -> Duration {
    let refresh = set.settings.refresh;
    match &set.settings.source {
        Source::File(_) => LOOK_EVERY,
        Source::Url(_) => {
            let shortest = SHORTEST_AGE.min(refresh);
            max_age.unwrap_or(refresh).clamp(shortest, refresh).mul_f64(rand::random_range(0.9..1.0))
        }
    }
}

fn next_try(failures: u32) -> Duration {
    let pause = Duration::from_secs(1 << (failures - 1).min(6)).min(LONGEST_PAUSE);
    pause.mul_f64(rand::random_range(0.8..1.0))
}
