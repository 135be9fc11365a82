//! A stand-in of the WhatsApp Cloud API. In: calls, which must be as documented. Out: what it took, and what it refused; on
//! demand it fails, holds a call without an answer, dies with all its connections, and comes back on its port.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::harness::PATIENCE;
use super::request::{Asked, Call, Media, Refused, judge, refusal};

/// What becomes of a call that is as documented, instead of being taken.
#[derive(Debug, Clone)]
pub enum Mood {
    /// Refused, with what else its head says.
    Refuse(Refused, Vec<(&'static str, &'static str)>),
    /// Neither taken nor answered: it is under way until the stand-in dies.
    Hold,
    /// Taken, and not answered.
    TakeAndHold,
}

#[derive(Default)]
struct State {
    media: BTreeMap<String, Media>,
    messages: Vec<Value>,
    /// Calls that were not as documented.
    violations: Vec<String>,
    moods: VecDeque<Mood>,
    /// All calls, those to be refused included.
    calls: usize,
}

pub struct Api {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    heard: mpsc::Sender<()>,
    hears: mpsc::Receiver<()>,
    /// Absent while it is dead.
    serving: Option<tokio::task::JoinHandle<()>>,
}

impl Api {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (heard, hears) = mpsc::channel(10_000);
        let mut api = Api { address, state: Arc::default(), heard, hears, serving: None };
        api.serve(listener);
        api
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    #[allow(clippy::disallowed_methods, reason = "the drain of the gateway is not concerned by a stand-in in a test")]
    fn serve(&mut self, listener: TcpListener) {
        let (state, heard) = (Arc::clone(&self.state), self.heard.clone());
        self.serving = Some(tokio::spawn(async move {
            // With this task all its connections end.
            let mut connections = JoinSet::new();
            loop {
                let Ok((stream, _)) = listener.accept().await else { return };
                let (state, heard) = (Arc::clone(&state), heard.clone());
                connections.spawn(async move {
                    let service = service_fn(move |request| answer(request, Arc::clone(&state), heard.clone()));
                    let served =
                        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                    drop(served.await);
                });
            }
        }));
    }

    /// Ends without a word, in the middle of whatever it is at.
    pub async fn kill(&mut self) {
        if let Some(serving) = self.serving.take() {
            serving.abort();
            drop(serving.await);
        }
    }

    /// Comes back on its port, knowing what it had taken.
    pub async fn come_back(&mut self) {
        let listener = loop {
            // The port was its own a moment ago.
            match TcpListener::bind(self.address).await {
                Ok(listener) => break listener,
                Err(_) => tokio::task::yield_now().await,
            }
        };
        self.serve(listener);
    }

    /// What becomes of the next calls that are as documented, one after the other.
    pub fn expect(&self, moods: impl IntoIterator<Item = Mood>) {
        self.state.lock().unwrap().moods.extend(moods);
    }

    /// Waits for the next call to come, whatever becomes of it.
    pub async fn called(&mut self) {
        tokio::time::timeout(PATIENCE * 4, self.hears.recv()).await.expect("a call in time").unwrap();
    }

    pub fn calls(&self) -> usize {
        self.state.lock().unwrap().calls
    }

    /// Forgets what was uploaded, as it does after 30 days.
    pub fn forget_media(&self) {
        self.state.lock().unwrap().media.clear();
    }

    pub fn media(&self) -> Vec<Media> {
        self.state.lock().unwrap().media.values().cloned().collect()
    }

    /// What was taken, in order.
    pub fn messages(&self) -> Vec<Value> {
        self.state.lock().unwrap().messages.clone()
    }

    /// Waits until so many messages were taken.
    pub async fn taken(&mut self, count: usize) -> Vec<Value> {
        while self.messages().len() < count {
            self.called().await;
        }
        self.messages()
    }

    pub fn violations(&self) -> Vec<String> {
        self.state.lock().unwrap().violations.clone()
    }
}

/// The texts of messages.
pub fn texts(messages: &[Value]) -> Vec<&str> {
    messages.iter().map(|message| message["text"]["body"].as_str().unwrap_or_default()).collect()
}

async fn answer(
    request: http::Request<hyper::body::Incoming>,
    state: Arc<Mutex<State>>,
    heard: mpsc::Sender<()>,
) -> Result<http::Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let Ok(body) = body.collect().await else { return Ok(http::Response::default()) };
    let name = |name: &http::HeaderName| name.as_str().to_owned();
    let headers = head.headers.iter().map(|(key, value)| (name(key), value.to_str().unwrap_or_default().to_owned()));
    let call = Call {
        method: head.method.to_string(),
        target: head.uri.to_string(),
        headers: headers.collect(),
        body: body.to_bytes().to_vec(),
    };
    let (answer, more) = decide(&call, &mut state.lock().unwrap());
    heard.try_send(()).expect("room for a word of each call");
    let Some((status, json)) = answer else { std::future::pending().await };
    let mut response = http::Response::new(Full::from(json.to_string()));
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
    response.headers_mut().insert("content-type", http::HeaderValue::from_static("application/json; charset=UTF-8"));
    for (name, value) in more {
        response.headers_mut().insert(name, http::HeaderValue::from_static(value));
    }
    Ok(response)
}

/// The answer, if there is to be one, and further lines of its head.
type Decided = (Option<(u16, Value)>, Vec<(&'static str, &'static str)>);

fn decide(call: &Call, state: &mut State) -> Decided {
    state.calls += 1;
    let asked = match judge(call, &state.media) {
        Ok(asked) => asked,
        Err(refused) => {
            state.violations.push(format!("{} {}: {}", call.method, call.target, refused.2));
            return (Some(refusal(&refused)), Vec::new());
        }
    };
    let mood = state.moods.pop_front();
    match &mood {
        Some(Mood::Refuse(refused, more)) => return (Some(refusal(refused)), more.clone()),
        Some(Mood::Hold) => return (None, Vec::new()),
        Some(Mood::TakeAndHold) | None => {}
    }
    let answer = match asked {
        Asked::Upload(media) => {
            let id = format!("{}", 1_013_859_600_285_441_u64 + state.calls as u64);
            state.media.insert(id.clone(), media);
            json!({ "id": id })
        }
        Asked::Message(message) => {
            let to = message["to"].clone();
            state.messages.push(message);
            let id = format!("wamid.{:024}", state.messages.len());
            json!({
                "messaging_product": "whatsapp",
                "contacts": [{ "input": to, "wa_id": to.as_str().unwrap_or_default().trim_start_matches('+') }],
                "messages": [{ "id": id }],
            })
        }
    };
    (mood.is_none().then_some((200, answer)), Vec::new())
}
