//! Active health checks. In: a path and how often. Out: endpoints that are told how they are, whether or not anybody calls.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use http::uri::PathAndQuery;
use http::{Request, Version};
use http_body_util::{BodyExt, Limited};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::HealthCheck;
use super::client::HttpClient;
use super::endpoint::Endpoint;
use super::exchange::full;
use super::loan::Loan;

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
    let well = timeout(longest, is_well(endpoint, client, path)).await.unwrap_or(false);
    endpoint.checked(well);
}

async fn is_well(endpoint: &Endpoint, client: &HttpClient, path: &PathAndQuery) -> bool {
    let Ok(address) = endpoint.locate(path) else { return false };
    let (_loan, body) = Loan::new(full(bytes::Bytes::new()), Instant::now());
    let mut request = Request::new(body);
    *request.uri_mut() = address;
    *request.version_mut() = Version::HTTP_11;
    let Ok(response) = client.request(request).await else { return false };
    let well = response.status().as_u16() < 500;
    // Read to its end, the connection can be used again.
    let _ = Limited::new(response.into_body(), LONGEST_ANSWER).collect().await;
    well
}
