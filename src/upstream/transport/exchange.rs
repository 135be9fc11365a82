//! One request and its answer, over as many endpoints as it takes. In: method, path, headers, body. Out: the head of an
//! answer, or a fault; sent twice only where that is safe.

use std::sync::Arc;

use bytes::Bytes;
use http::header::HOST;
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{Request, Response, StatusCode, Version};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Body, Incoming};
use tokio::time::{Instant, timeout};

use crate::fault::Fault;
use crate::metrics;
use crate::trace::{self, Span, SpanKind};

use super::balance::choose;
use super::client::HttpClient;
use super::endpoint::{Endpoint, Entry};
use super::loan::{Lent, Loan};
use super::{Again, Inner, RequestBody, failure};

/// Bytes of a body that are kept to be sent again.
const KEPT: u64 = 64 * 1024;

/// Why a try gave no answer.
enum Failure {
    /// The request's body did not come to its end.
    Source(Fault),
    /// Nothing was sent; the body is whole.
    Unsent(Fault, RequestBody),
    /// It may have reached the endpoint.
    Broken(Fault),
    /// The time is over.
    Late(Fault),
}

/// The tries of one request.
pub(super) struct Exchange<'a> {
    transport: &'a Inner,
    client: &'a HttpClient,
    began: Instant,
    tried: Vec<Arc<Endpoint>>,
}

impl<'a> Exchange<'a> {
    pub fn new(transport: &'a Inner, client: &'a HttpClient) -> Self {
        Exchange { transport, client, began: Instant::now(), tried: Vec::new() }
    }

    /// Sends the request until there is an answer. What the answer says about its endpoint is for the caller to decide,
    /// by the entry.
    pub async fn run(
        mut self,
        head: &Parts,
        mut body: RequestBody,
        again: Again,
    ) -> Result<(Response<Incoming>, Entry), Fault> {
        let mut copy = None;
        if again == Again::WhenSafe {
            (body, copy) = self.keep(body).await?;
        }
        let mut entry = self.next().ok_or_else(|| self.unavailable())?;
        loop {
            let broken = match self.attempt(&entry, head, body).await {
                Ok(response) if !is_failing(response.status()) || copy.is_none() => return Ok((response, entry)),
                Ok(response) => {
                    // Another endpoint may do better. If there is none, this is the answer.
                    let Some(other) = self.next() else { return Ok((response, entry)) };
                    entry.fail();
                    (entry, body) = (other, again_from(&mut copy));
                    continue;
                }
                // The endpoint did nothing wrong.
                Err(Failure::Source(fault)) => return Err(fault),
                Err(Failure::Unsent(fault, whole)) => {
                    entry.fail();
                    if self.began.elapsed() >= self.transport.timeout {
                        return Err(fault);
                    }
                    entry = self.next().ok_or(fault)?;
                    body = whole;
                    continue;
                }
                Err(Failure::Late(fault)) => {
                    entry.fail();
                    return Err(fault);
                }
                Err(Failure::Broken(fault)) => fault,
            };
            let same = Arc::clone(entry.endpoint());
            entry.fail();
            if copy.is_none() {
                return Err(broken);
            }
            // Where there is no other: a connection that was kept may just have been closed by the other side.
            entry = self.next().or_else(|| same.enter()).ok_or(broken)?;
            body = again_from(&mut copy);
        }
    }

    /// A body that can be sent again, with the copy to do it from, if it is small.
    async fn keep(&self, body: RequestBody) -> Result<(RequestBody, Option<Bytes>), Fault> {
        if body.is_end_stream() {
            return Ok((body, Some(Bytes::new())));
        }
        if body.size_hint().exact().is_none_or(|size| size > KEPT) {
            return Ok((body, None));
        }
        let late = |_| failure::of_source(std::io::ErrorKind::TimedOut.into());
        // The limit holds even if the body is larger than it says.
        let collect = Limited::new(body, KEPT as usize).collect();
        let whole = timeout(self.transport.timeout, collect).await.map_err(late)?;
        let bytes = whole.map_err(|error| failure::of_source(io(error)))?.to_bytes();
        Ok((full(bytes.clone()), Some(bytes)))
    }

    /// An endpoint that was not tried yet.
    fn next(&mut self) -> Option<Entry> {
        let entry = choose(&self.transport.endpoints, &self.tried)?;
        self.tried.push(Arc::clone(entry.endpoint()));
        Some(entry)
    }

    fn unavailable(&self) -> Fault {
        let Inner { upstream, endpoints, .. } = self.transport;
        metrics::count_upstream_unavailable(upstream);
        let soonest = endpoints.iter().filter_map(|endpoint| endpoint.admits().err()).min();
        failure::of_all(upstream, soonest.unwrap_or_default())
    }

    /// One try. What is asked for is not said: paths and queries of upstreams may hold credentials.
    fn span(&self, endpoint: &Endpoint, head: &Parts) -> Span {
        let span = Span::part(SpanKind::Client, trace::method(&head.method));
        if span.is_recorded() {
            trace::about_call(&span, &head.method, endpoint.host(), endpoint.port());
            span.say("dragoman.upstream", &self.transport.upstream);
            if self.tried.len() > 1 {
                span.set("http.request.resend_count", i64::try_from(self.tried.len() - 1).unwrap_or(i64::MAX));
            }
        }
        span
    }

    async fn attempt(&self, entry: &Entry, head: &Parts, body: RequestBody) -> Result<Response<Incoming>, Failure> {
        let began = Instant::now();
        let address = entry.endpoint().address();
        let (loan, lent) = Loan::new(body, self.began);
        let span = self.span(entry.endpoint(), head);
        let answered = match address_to(entry.endpoint(), head, lent, &span) {
            Ok(request) => tokio::select! {
                answered = self.client.request(request) => answered.map_err(|error| {
                    let fault = failure::of_connection(address, &error);
                    match (loan.failure(), loan.take_back()) {
                        (Some(error), _) => Failure::Source(failure::of_source(error)),
                        (None, Some(body)) => Failure::Unsent(fault.untaken(), body),
                        (None, None) => Failure::Broken(fault),
                    }
                }),
                () = loan.overdue(self.transport.timeout) => {
                    Err(Failure::Late(failure::of_time(address, self.transport.timeout)))
                }
            },
            Err(error) => Err(Failure::Source(failure::of_address(&error))),
        };
        let outcome = outcome(&answered);
        match &answered {
            Ok(response) => {
                let status = response.status();
                span.set("http.response.status_code", i64::from(status.as_u16()));
                if status.is_client_error() || status.is_server_error() {
                    span.fail(status.as_str().to_owned());
                }
            }
            Err(_) => span.fail(outcome),
        }
        metrics::count_upstream_request(&self.transport.upstream, outcome, began.elapsed().as_secs_f64());
        answered
    }
}

/// The request as one endpoint gets it.
fn address_to(endpoint: &Endpoint, head: &Parts, body: Lent, span: &Span) -> Result<Request<Lent>, http::Error> {
    let path = head.uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
    let mut request = Request::new(body);
    *request.uri_mut() = endpoint.locate(&path)?;
    *request.method_mut() = head.method.clone();
    *request.version_mut() = Version::HTTP_11;
    *request.headers_mut() = head.headers.clone();
    // The library sets the endpoint's.
    request.headers_mut().remove(HOST);
    trace::show(request.headers_mut());
    span.show(request.headers_mut());
    Ok(request)
}

/// Whether the status says that the endpoint, or what is behind it, is not there for anybody.
pub(super) fn is_failing(status: StatusCode) -> bool {
    matches!(status, StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT)
}

fn outcome(answered: &Result<Response<Incoming>, Failure>) -> &'static str {
    match answered {
        Ok(response) => match response.status().as_u16() {
            ..200 => "1xx",
            200..300 => "2xx",
            300..400 => "3xx",
            400..500 => "4xx",
            500.. => "5xx",
        },
        Err(Failure::Source(_)) => "cut_off",
        Err(Failure::Unsent(..)) => "unreachable",
        Err(Failure::Broken(_)) => "broken",
        Err(Failure::Late(_)) => "timeout",
    }
}

/// The second body; there is no third.
fn again_from(copy: &mut Option<Bytes>) -> RequestBody {
    full(copy.take().unwrap_or_default())
}

pub(super) fn full(bytes: Bytes) -> RequestBody {
    Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
}

fn io(error: Box<dyn std::error::Error + Send + Sync>) -> std::io::Error {
    error.downcast::<std::io::Error>().map_or_else(std::io::Error::other, |error| *error)
}
