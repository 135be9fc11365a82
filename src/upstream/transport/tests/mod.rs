//! Transports over real connections to origins that behave as told.

mod answers;
mod calls;
mod health;
mod origin;
mod probe;
mod secure;
mod sockets;
mod twice;

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, Uri};

use super::breaker::BreakerSettings;
use super::exchange::full;
use super::{Again, RequestBody, ResponseBody, Transport, TransportSettings, client};
use crate::fault::Fault;
use crate::tasks::Tasks;

/// After this a test has failed.
const PATIENCE: Duration = Duration::from_secs(10);

/// The timeout of most transports here: far longer than loopback needs.
const TIMEOUT: Duration = Duration::from_secs(5);

/// A timeout that is meant to pass.
const SHORT: Duration = Duration::from_millis(300);

/// Opens at once, for a moment.
const TOUCHY: BreakerSettings =
    BreakerSettings { failures: 1, pause: Duration::from_millis(20), longest: Duration::from_millis(20) };

/// Opens soon and stays so.
const LASTING: BreakerSettings =
    BreakerSettings { failures: 3, pause: Duration::from_secs(600), longest: Duration::from_secs(600) };

fn settings(endpoints: &[&str], timeout: Duration) -> TransportSettings {
    let endpoints = endpoints.iter().map(|endpoint| endpoint.parse::<Uri>().unwrap()).collect();
    TransportSettings { upstream: "origin".into(), endpoints, timeout, health: None }
}

fn transport(endpoints: &[&str]) -> Transport {
    Transport::new(settings(endpoints, TIMEOUT), &Tasks::new())
}

fn request(method: Method, path: &str, body: RequestBody) -> Request<RequestBody> {
    Request::builder().method(method).uri(path).body(body).unwrap()
}

fn text(body: &'static str) -> RequestBody {
    full(Bytes::from_static(body.as_bytes()))
}

/// With breakers of these settings, that open sooner or later than usual.
fn fragile(settings: TransportSettings, breaker: BreakerSettings) -> Transport {
    Transport::with(settings, breaker, client::trust(), &Tasks::new())
}

async fn get(transport: &Transport) -> Result<Response<ResponseBody>, Fault> {
    transport.send(request(Method::GET, "/x", text("")), Again::Never).await
}

/// Whether every endpoint is given requests.
fn healthy(transport: &Transport) -> Vec<bool> {
    transport.endpoints().iter().map(|endpoint| endpoint.healthy).collect()
}

/// Waits until something is so.
async fn until(what: &str, so: impl Fn() -> bool) {
    let poll = async {
        while !so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, poll).await.unwrap_or_else(|_| panic!("not in time: {what}"));
}
