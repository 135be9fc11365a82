//! Requests to a bucket over the gateway's own HTTP client and trust, for the client crate, which signs and retries them.
//! In: a request. Out: an answer that is a success, or a [`Trouble`]. A request that makes no progress for a while, up or
//! down, is given up; one that moves, however slowly, is not.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector as Connect, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody, HttpResponse,
    HttpResponseBody, HttpService,
};
use tokio::time::{Instant, Sleep, sleep, timeout};

use super::refusal::Trouble;
use crate::tls;

/// How long a connection waits for the next request; below what servers wait.
const IDLE: Duration = Duration::from_secs(15);
/// Connections that may wait.
const MOST_IDLE: usize = 16;
/// Bytes of a refusal's body that are read.
const LARGEST_REFUSAL: usize = 64 * 1024;

/// A client for one endpoint.
#[derive(Debug, Clone)]
pub(super) struct Transport {
    client: Client<tls::Connector, Watched>,
    patience: Duration,
}

impl Transport {
    /// `patience`: how long a request may make no progress.
    pub fn new(connect_within: Duration, patience: Duration) -> Self {
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(MOST_IDLE)
            .build(tls::connector(connect_within));
        Transport { client, patience }
    }

    pub fn http(&self) -> HttpClient {
        HttpClient::new(self.clone())
    }

    /// The answer, if each step to it comes in time.
    async fn ask(&self, request: HttpRequest) -> Result<http::Response<Incoming>, Trouble> {
        let moved = Arc::new(AtomicU64::new(0));
        let request: Request<Watched> = request.map(|body| Watched { body, moved: Arc::clone(&moved) });
        let mut answer = std::pin::pin!(self.client.request(request));
        loop {
            let before = moved.load(Ordering::Relaxed);
            match timeout(self.patience, &mut answer).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(error)) => return Err(Trouble::Lost(words(&error))),
                Err(_) if moved.load(Ordering::Relaxed) != before => {}
                Err(_) => return Err(Trouble::Lost(format!("no answer within {:?}", self.patience))),
            }
        }
    }

    async fn refused(&self, status: StatusCode, headers: &HeaderMap, body: Incoming) -> Trouble {
        let region = headers.get("x-amz-bucket-region").and_then(|value| value.to_str().ok()).map(ToOwned::to_owned);
        let body = timeout(self.patience, Limited::new(body, LARGEST_REFUSAL).collect()).await;
        let body = body.ok().and_then(Result::ok).map(http_body_util::Collected::to_bytes).unwrap_or_default();
        Trouble::of(status, region, &body)
    }
}

/// An error and what caused it, in one line.
fn words(error: &hyper_util::client::legacy::Error) -> String {
    let mut words = if error.is_connect() { "no connection".to_owned() } else { "the connection broke".to_owned() };
    let mut cause = std::error::Error::source(error);
    while let Some(here) = cause {
        let said = here.to_string();
        // Wrappers repeat what they wrap.
        if !words.contains(&said) {
            words.push_str(": ");
            words.push_str(&said);
        }
        cause = here.source();
    }
    words
}

#[async_trait]
impl HttpService for Transport {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let answer = self.ask(request).await.map_err(failed)?;
        let (head, body) = answer.into_parts();
        if !head.status.is_success() {
            return Err(failed(self.refused(head.status, &head.headers, body).await));
        }
        let silence = Box::pin(sleep(self.patience));
        let body = Patient { body, patience: self.patience, silence, is_awaited: false };
        Ok(HttpResponse::from_parts(head, HttpResponseBody::new(body)))
    }
}

/// All requests of a store may be sent twice, so what helps is tried.
fn failed(trouble: Trouble) -> HttpError {
    let kind = if trouble.retry_helps() { HttpErrorKind::Request } else { HttpErrorKind::Unknown };
    HttpError::new(kind, trouble)
}

/// Gives the client crate this transport and no other.
#[derive(Debug)]
pub(super) struct Ready(pub HttpClient);

impl Connect for Ready {
    fn connect(&self, _options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(self.0.clone())
    }
}

/// A body on its way up that counts what was taken of it.
struct Watched {
    body: HttpRequestBody,
    moved: Arc<AtomicU64>,
}

impl Body for Watched {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        self.moved.fetch_add(1, Ordering::Relaxed);
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A body on its way down that fails when it is silent for too long.
struct Patient {
    body: Incoming,
    patience: Duration,
    silence: Pin<Box<Sleep>>,
    /// Whether somebody waits for the next piece. While nobody does, the silence is not the store's.
    is_awaited: bool,
}

impl Body for Patient {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            self.is_awaited = false;
            let lost =
                |error: hyper::Error| HttpError::new(HttpErrorKind::Interrupted, Trouble::Lost(error.to_string()));
            return Poll::Ready(frame.map(|frame| frame.map_err(lost)));
        }
        if !self.is_awaited {
            self.is_awaited = true;
            let until = Instant::now() + self.patience;
            self.silence.as_mut().reset(until);
        }
        ready!(self.silence.as_mut().poll(context));
        let silent = Trouble::Lost(format!("silent for {:?}", self.patience));
        Poll::Ready(Some(Err(HttpError::new(HttpErrorKind::Timeout, silent))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
