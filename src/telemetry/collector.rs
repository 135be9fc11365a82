//! The way to a collector. In: requests of the exporter. Out: answers, within a time; and a word in the log when the collector
//! goes away or comes back, not for each batch.

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use opentelemetry_http::{HttpClient, HttpError};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::tls;

/// What is read of an answer, in bytes.
const LONGEST_ANSWER: usize = 64 * 1024;
/// A collector that stays away is worth a line this often.
const SAY_EVERY: Duration = Duration::from_secs(300);

/// What the log is told about a collector.
#[derive(Debug, Clone)]
pub(super) struct Report(Arc<Reported>);

#[derive(Debug)]
struct Reported {
    /// Scheme, host and port.
    collector: String,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    problem: String,
    /// When it was last said that the collector is away; absent while it is there.
    said: Option<Instant>,
}

impl Report {
    pub(super) fn new(collector: String) -> Self {
        Report(Arc::new(Reported { collector, state: Mutex::default() }))
    }

    fn problem(&self, problem: String) {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner).problem = problem;
    }

    /// What became of a batch.
    pub(super) fn tell(&self, taken: bool, spans: usize) {
        let Reported { collector, state } = &*self.0;
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        match (taken, state.said) {
            (true, Some(_)) => {
                state.said = None;
                tracing::info!(%collector, "the collector takes spans again");
            }
            (false, said) if said.is_none_or(|said| said.elapsed() >= SAY_EVERY) => {
                state.said = Some(Instant::now());
                let problem = &state.problem;
                tracing::warn!(%collector, spans, problem, "the collector does not take spans: they are lost");
            }
            (true, None) | (false, _) => {}
        }
    }
}

/// Calls the collector from the exporter's own thread, which may wait, over connections of the runtime.
#[derive(Debug)]
pub(super) struct Collector {
    client: Client<tls::Connector, Full<Bytes>>,
    runtime: Handle,
    timeout: Duration,
    report: Report,
    over: CancellationToken,
}

impl Collector {
    /// `over`: calls end at once when it is cancelled.
    pub(super) fn new(runtime: Handle, timeout: Duration, report: Report, over: CancellationToken) -> Self {
        let mut builder = Client::builder(TokioExecutor::new());
        builder.timer(TokioTimer::new()).pool_timer(TokioTimer::new()).pool_max_idle_per_host(1);
        Collector { client: builder.build(tls::connector(timeout)), runtime, timeout, report, over }
    }

    async fn exchange(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let response = self.client.request(request.map(Full::new)).await?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, LONGEST_ANSWER).collect().await?.to_bytes();
        Ok(Response::from_parts(head, body))
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let call = async {
            tokio::select! {
                answered = tokio::time::timeout(self.timeout, self.exchange(request)) => match answered {
                    Ok(answered) => answered,
                    Err(_) => Err(format!("no answer within {} s", self.timeout.as_secs_f64()).into()),
                },
                () = self.over.cancelled() => Err("the gateway stops".into()),
            }
        };
        // The SDK's thread is none of the runtime's, and has nothing else to do.
        let answered = self.runtime.block_on(call);
        match &answered {
            Ok(response) if !response.status().is_success() => {
                self.report.problem(format!("status {}", response.status().as_u16()));
            }
            Ok(_) => {}
            Err(error) => self.report.problem(cause(&**error)),
        }
        answered
    }
}

/// What is at the bottom of it: the client's own words say only at which step it was.
fn cause(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
