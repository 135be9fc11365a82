//! One call outwards. In: an address, headers, a body. Out: the status, or why there is none; always within the deadline.

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::{Client, Error as ClientError};
use hyper_util::rt::{TokioExecutor, TokioTimer};

use crate::tls;
use crate::trace::{self, Span, SpanKind};

/// Connecting, sending and the answer together.
const DEADLINE: Duration = Duration::from_secs(10);

/// What is read of an answer, in bytes; only its status counts.
const LONGEST_ANSWER: usize = 64 * 1024;

/// After this a connection that nobody uses is closed: before the app's server does it, many of which take 5 s.
const IDLE: Duration = Duration::from_secs(4);

/// Connections that may wait for the next call.
const MOST_IDLE: usize = 32;

/// Why there is no status. Never holds a header or the body.
#[derive(Debug, thiserror::Error)]
pub(super) enum PostError {
    #[error("no answer within {} s", DEADLINE.as_secs())]
    TooSlow,
    #[error("no connection, or it broke: {}", cause(.0))]
    Broken(ClientError),
    #[error("the address or a header cannot be sent")]
    Unsendable,
}

impl PostError {
    /// One word, for spans.
    const fn as_str(&self) -> &'static str {
        match self {
            PostError::TooSlow => "timeout",
            PostError::Broken(_) => "broken",
            PostError::Unsendable => "unsendable",
        }
    }
}

/// What is at the bottom of it: the client's own words say only at which step it was.
fn cause(error: &ClientError) -> String {
    let mut cause: &dyn Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

/// Calls over connections that are kept for the next call; over TLS where the address says so.
pub(super) struct Poster {
    client: Client<tls::Connector, Full<Bytes>>,
}

impl Poster {
    pub(super) fn new() -> Self {
        let mut builder = Client::builder(TokioExecutor::new());
        builder.pool_timer(TokioTimer::new()).pool_idle_timeout(IDLE).pool_max_idle_per_host(MOST_IDLE);
        Poster { client: builder.build(tls::connector(DEADLINE)) }
    }

    /// POSTs JSON. Redirects are not followed: the address is the operator's word.
    pub(super) async fn post(&self, address: &Uri, headers: HeaderMap, json: String) -> Result<StatusCode, PostError> {
        let mut request = Request::post(address.clone())
            .header(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .body(Full::new(Bytes::from(json)))
            .map_err(|_| PostError::Unsendable)?;
        request.headers_mut().extend(headers);
        let span = Span::part(SpanKind::Client, "POST");
        if span.is_recorded() {
            let is_secure = address.scheme() == Some(&http::uri::Scheme::HTTPS);
            let port = address.port_u16().unwrap_or(if is_secure { 443 } else { 80 });
            trace::about_call(&span, request.method(), address.host().unwrap_or_default(), port);
        }
        trace::show(request.headers_mut());
        span.show(request.headers_mut());
        let answered = match tokio::time::timeout(DEADLINE, self.exchange(request)).await {
            Ok(answered) => answered,
            Err(_) => Err(PostError::TooSlow),
        };
        match &answered {
            Ok(status) => span.set("http.response.status_code", i64::from(status.as_u16())),
            Err(error) => span.fail(error.as_str()),
        }
        answered
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<StatusCode, PostError> {
        let response = self.client.request(request).await.map_err(PostError::Broken)?;
        let status = response.status();
        // The rest of the answer is read so that its connection can be used again, and thrown away.
        let _ = Limited::new(response.into_body(), LONGEST_ANSWER).collect().await;
        Ok(status)
    }
}
