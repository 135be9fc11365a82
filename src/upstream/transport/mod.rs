//! How the gateway reaches the endpoints of an upstream. In: requests with a path only. Out: answers, open sockets, or a
//! fault; a dead endpoint is passed by, and nothing is sent twice that must not be.

mod answer;
mod endpoint;
mod handshake;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::combinators::UnsyncBoxBody;

use crate::fault::{Fault, Reason};
use crate::tasks::Tasks;

pub use answer::{ResponseBody, read_limited};
pub use endpoint::Counted;
pub use handshake::{Handshake, Opened, Refused};

use super::settings::HealthCheck;

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

/// The way to an upstream's endpoints. Cloning it copies nothing.
#[derive(Clone)]
pub struct Transport;

impl Transport {
    /// Health checks run until the tasks stop or the last clone is dropped.
    pub fn new(settings: TransportSettings, tasks: &Tasks) -> Self {
        let _ = (settings, tasks);
        Transport
    }

    /// Sends a request whose URI is path and query only; `Host` is set, hop-by-hop headers must not be in it. Resolves when
    /// the answer's head is there. Errors: [`Reason::Upstream`] where no endpoint could be reached or the connection
    /// broke, [`Reason::UpstreamTimeout`] where none answered in time.
    pub async fn send(&self, request: Request<RequestBody>, again: Again) -> Result<Response<ResponseBody>, Fault> {
        let _ = (request, again);
        Err(Fault::new(Reason::NotSupported))
    }

    pub fn endpoints(&self) -> Vec<EndpointState> {
        Vec::new()
    }
}
