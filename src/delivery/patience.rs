//! How often and how long an event is tried. In: what came of a try. Out: the pause before the next, or that it was the last.

use std::time::Duration;

use http::StatusCode;

use super::post::PostError;

/// Pauses before each further try; the last one again and again. The platforms' own retries are not documented.
const PAUSES: [Duration; 5] = [
    Duration::from_millis(200),
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(20),
    Duration::from_secs(30),
];

/// How long an event is tried that the app itself fails at, so that it does not hold up its conversation for ever.
const FAILING: Duration = Duration::from_secs(600);

/// How long it is tried where nobody takes anything: no connection, no answer in time, too busy.
const AWAY: Duration = Duration::from_secs(24 * 3_600);

/// What came of a try.
#[derive(Debug)]
pub(super) enum Answer {
    Taken,
    /// It stays refused.
    Refused(StatusCode),
    /// The app was there and failed.
    Failed(StatusCode),
    /// It was not there, or not for us.
    Away(String),
}

impl From<Result<StatusCode, PostError>> for Answer {
    fn from(answered: Result<StatusCode, PostError>) -> Self {
        match answered {
            Ok(status) if status.is_success() => Answer::Taken,
            // A proxy whose app is down says the last three.
            Ok(
                status @ (StatusCode::REQUEST_TIMEOUT
                | StatusCode::TOO_MANY_REQUESTS
                | StatusCode::BAD_GATEWAY
                | StatusCode::SERVICE_UNAVAILABLE
                | StatusCode::GATEWAY_TIMEOUT),
            ) => Answer::Away(format!("status {}", status.as_u16())),
            Ok(status) if status.is_client_error() => Answer::Refused(status),
            Ok(status) => Answer::Failed(status),
            Err(error) => Answer::Away(error.to_string()),
        }
    }
}

/// The pause after so many tries, of which the first was so long ago; nothing when it was the last.
pub(super) fn pause(is_away: bool, tries: usize, since: Duration) -> Option<Duration> {
    let patience = if is_away { AWAY } else { FAILING };
    (since < patience).then(|| backoff(tries))
}

/// The pause after so many tries, whatever their number.
pub(super) fn backoff(tries: usize) -> Duration {
    let pause = PAUSES[tries.saturating_sub(1).min(PAUSES.len() - 1)];
    // Conversations that failed together do not come back together.
    pause.mul_f64(rand::random_range(0.8..1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_that_is_away_is_waited_for_longer_than_one_that_fails() {
        assert!(pause(false, 1, Duration::ZERO).is_some_and(|pause| pause <= PAUSES[0]));
        assert!(pause(false, 99, FAILING - Duration::from_secs(1)).is_some_and(|pause| pause <= PAUSES[4]));
        assert!(pause(false, 99, FAILING).is_none());
        assert!(pause(true, 99, FAILING).is_some());
        assert!(pause(true, 9_999, AWAY).is_none());
    }

    #[test]
    fn a_refusal_stays_one_and_a_proxy_without_its_app_is_no_failure_of_the_event() {
        let answer = |status| Answer::from(Ok(StatusCode::from_u16(status).expect("a status")));
        assert!(matches!(answer(204), Answer::Taken));
        for refused in [400, 401, 404, 410, 422] {
            assert!(matches!(answer(refused), Answer::Refused(_)), "{refused}");
        }
        for away in [408, 429, 502, 503, 504] {
            assert!(matches!(answer(away), Answer::Away(_)), "{away}");
        }
        for failed in [301, 500, 501] {
            assert!(matches!(answer(failed), Answer::Failed(_)), "{failed}");
        }
    }
}
