//! How the gateway reaches the endpoints of an upstream. In: requests with a path only. Out: answers, open sockets, or a
//! fault; a dead endpoint is passed by, and nothing is sent twice that must not be.

mod answer;
mod balance;
mod breaker;
mod check;
mod client;
mod endpoint;
mod exchange;
mod failure;
mod handshake;
mod loan;
mod probe;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode, Uri};
use http_body_util::combinators::UnsyncBoxBody;
use rustls::ClientConfig;
use tokio::sync::Semaphore;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::fault::{Fault, Reason};
use crate::tasks::Tasks;

pub use answer::{ResponseBody, read_limited, retry_after};
pub use endpoint::Counted;
pub use handshake::{Handshake, Opened, Refused};
pub use probe::{Found, probe};

use super::settings::HealthCheck;
use breaker::BreakerSettings;
use client::HttpClient;
use endpoint::Endpoint;
use exchange::{Exchange, is_failing};

/// The body of a request. An error of kind `TimedOut`, or one that wraps a [`Fault`], says whose fault it was that the
/// body did not come to its end; any other is a client that went away.
pub type RequestBody = UnsyncBoxBody<Bytes, std::io::Error>;

/// Whether a request may be sent a second time after it may have reached the upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    Never,
    /// For an idempotent request. Its body must be empty, or known in size and small; another is not sent again.
    WhenSafe,
}

/// Where the endpoints are and how they are treated.
#[derive(Debug, Clone)]
pub struct TransportSettings {
    /// The label of metrics.
    pub upstream: Arc<str>,
    /// `http:`, `https:`, `ws:` or `wss:`, an authority, perhaps a path that stands before every request's; at least one.
    pub endpoints: Vec<Uri>,
    pub timeout: Duration,
    pub health: Option<HealthCheck>,
}

/// What is known of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointState {
    /// Scheme, host and port; never a credential.
    pub address: String,
    /// Whether it is given requests.
    pub healthy: bool,
    /// Calls and sockets.
    pub in_flight: usize,
}

/// Calls of one upstream at a time, their answers' bodies included; a further one is refused. Far above what is usual, so
/// that a slow upstream cannot take the whole process's memory and descriptors.
const MOST_CALLS: usize = 4096;

/// The way to an upstream's endpoints. Cloning it copies nothing.
#[derive(Clone)]
pub struct Transport(Arc<Inner>);

struct Inner {
    upstream: Arc<str>,
    endpoints: Vec<Arc<Endpoint>>,
    timeout: Duration,
    /// For calls.
    pooled: HttpClient,
    /// For handshakes.
    single: HttpClient,
    calls: Arc<Semaphore>,
    /// Ends the health checks.
    _checks: DropGuard,
}

impl Transport {
    /// Health checks run until the tasks stop or the last clone is dropped.
    pub fn new(settings: TransportSettings, tasks: &Tasks) -> Self {
        Transport::with(settings, BreakerSettings::DEFAULT, client::trust(), tasks)
    }

    fn with(settings: TransportSettings, breaker: BreakerSettings, trust: ClientConfig, tasks: &Tasks) -> Self {
        let TransportSettings { upstream, endpoints, timeout, health } = settings;
        let endpoints = endpoints.iter().filter_map(|uri| Endpoint::new(&upstream, uri, breaker).map(Arc::new));
        let endpoints: Vec<_> = endpoints.collect();
        // An endpoint that does not even refuse must leave time for another.
        let shares = u32::try_from(endpoints.len()).unwrap_or(u32::MAX).clamp(1, 3);
        let pooled = client::pooled(trust.clone(), timeout / shares);
        let single = client::single(trust, timeout / shares);
        let dropped = CancellationToken::new();
        if let Some(health) = health {
            let checks = check::watch(endpoints.clone(), pooled.clone(), health, timeout);
            let (stopping, dropped) = (tasks.stopping(), dropped.clone());
            tasks.spawn(async move {
                tokio::select! {
                    () = checks => {}
                    () = stopping.cancelled() => {}
                    () = dropped.cancelled() => {}
                }
            });
        }
        let calls = Arc::new(Semaphore::new(MOST_CALLS));
        let _checks = dropped.drop_guard();
        Transport(Arc::new(Inner { upstream, endpoints, timeout, pooled, single, calls, _checks }))
    }

    /// Sends a request whose URI is path and query only; `Host` is set, hop-by-hop headers must not be in it. Resolves when
    /// the answer's head is there, whatever its status; within the timeout, which begins anew with each piece of the
    /// request's body that is taken. Errors: [`Reason::Upstream`] where no endpoint could be reached or the connection
    /// broke, [`Reason::UpstreamTimeout`] where none answered in time, [`Reason::Busy`] where there are too many calls;
    /// what the request's own body failed with.
    pub async fn send(&self, request: Request<RequestBody>, again: Again) -> Result<Response<ResponseBody>, Fault> {
        let busy = |_| Fault::new(Reason::Busy).detail(format!("{MOST_CALLS} calls of {} are open", self.0.upstream));
        let permit = Arc::clone(&self.0.calls).try_acquire_owned().map_err(busy)?;
        let (head, body) = request.into_parts();
        let (response, entry) = Exchange::new(&self.0, &self.0.pooled).run(&head, body, again).await?;
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            // Nobody asked for it, and what follows is no answer's body.
            let fault = failure::of_answer(entry.endpoint().address(), "it switches protocols unasked");
            entry.fail();
            return Err(fault);
        }
        let counted = if is_failing(response.status()) { entry.fail() } else { entry.succeed() };
        Ok(response.map(|incoming| ResponseBody::new(incoming, self.0.timeout, (counted, permit))))
    }

    pub fn endpoints(&self) -> Vec<EndpointState> {
        self.0.endpoints.iter().map(|endpoint| endpoint.state()).collect()
    }
}
