//! Active health checks. In: a path and how often. Out: endpoints that are told how they are, whether or not anybody calls.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use http::uri::PathAndQuery;
use http::{Request, StatusCode, Version};
use http_body_util::{BodyExt, Limited};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use crate::fault::Fault;

use super::client::HttpClient;
use super::endpoint::Endpoint;
use super::exchange::full;
use super::loan::Loan;
use super::{HealthCheck, failure};

/// What is read of an answer, in bytes; only its status counts.
const LONGEST_ANSWER: usize = 64 * 1024;

/// Asks every endpoint, now and then every so often, until it is dropped.
pub(super) async fn watch(endpoints: Vec<Arc<Endpoint>>, client: HttpClient, check: HealthCheck, longest: Duration) {
    let Ok(path) = PathAndQuery::try_from(check.path.as_str()) else {
        tracing::error!(path = %check.path, "the path of a health check cannot be asked for: there are none");
        return;
    };
    let mut ticks = interval(check.every.max(Duration::from_millis(10)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        join_all(endpoints.iter().map(|endpoint| ask(endpoint, &client, &path, longest))).await;
    }
}

async fn ask(endpoint: &Endpoint, client: &HttpClient, path: &PathAndQuery, longest: Duration) {
    let answer = timeout(longest, status(endpoint, client, path)).await;
    endpoint.checked(answer.is_ok_and(|answer| answer.is_ok_and(is_well)));
}

/// What an endpoint answers to a health check.
pub(super) async fn status(endpoint: &Endpoint, client: &HttpClient, path: &PathAndQuery) -> Result<StatusCode, Fault> {
    let address = endpoint.locate(path).map_err(|error| failure::of_address(&error))?;
    let (_loan, body) = Loan::new(full(bytes::Bytes::new()), Instant::now());
    let mut request = Request::new(body);
    *request.uri_mut() = address;
    *request.version_mut() = Version::HTTP_11;
    let broken = |error| failure::of_connection(endpoint.address(), &error);
    let response = client.request(request).await.map_err(broken)?;
    let status = response.status();
    // Read to its end, the connection can be used again.
    let _ = Limited::new(response.into_body(), LONGEST_ANSWER).collect().await;
    Ok(status)
}

pub(super) fn is_well(status: StatusCode) -> bool {
    status.as_u16() < 500
}
