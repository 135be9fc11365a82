//! Where the events of a divar app arrive: a receiver of webhooks on the loopback. In: POSTs with the key that was agreed.
//! Out: what people said; an event that is not as the document shows it fails the test that hears it.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, Weak};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{Notify, mpsc};

use super::super::Heard;
use super::shape;
use crate::standin::server::{Backstage, Request, Response, Server, json, text};

/// How long what must come may take: longer than the deadline of a confirmation in any test.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long the sign of an end may take.
const END: Duration = Duration::from_secs(3);
/// Events that may wait.
const WAITING: usize = 10_000;
const PATH: &str = "/events";

/// The receivers of this process, by the last part of their tokens.
static RECEIVERS: LazyLock<Mutex<HashMap<String, Weak<Events>>>> = LazyLock::new(Mutex::default);

pub struct Events {
    server: Server,
    key: String,
    id: String,
    inbox: Arc<Inbox>,
    heard: tokio::sync::Mutex<mpsc::Receiver<Heard>>,
    ends: tokio::sync::Mutex<mpsc::Receiver<()>>,
}

/// What the handler of the requests keeps.
struct Inbox {
    heard: mpsc::Sender<Heard>,
    ends: mpsc::Sender<()>,
    /// Every event, in the order taken.
    all: Mutex<Vec<Value>>,
    came: Notify,
    /// POSTs that are to be refused yet, and with what.
    refusals: Mutex<(usize, u16)>,
}

impl Events {
    /// Listens on a free port of the loopback with a key of its own.
    pub async fn start() -> Arc<Self> {
        let (heard, hears) = mpsc::channel(WAITING);
        let (ends, ended) = mpsc::channel(WAITING);
        let inbox =
            Arc::new(Inbox { heard, ends, all: Mutex::default(), came: Notify::new(), refusals: Mutex::new((0, 500)) });
        let key = format!("events-key-{}", uuid::Uuid::new_v4().simple());
        let backstage = Backstage::new();
        let (shared, agreed, complains) = (inbox.clone(), key.clone(), backstage.clone());
        let server = Server::start(backstage, move |request| {
            let (inbox, key, backstage) = (shared.clone(), agreed.clone(), complains.clone());
            async move { answer(&inbox, &key, &backstage, &request) }
        });
        let id = uuid::Uuid::new_v4().to_string();
        let events = Arc::new(Events {
            server: server.await,
            key,
            id: id.clone(),
            inbox,
            heard: tokio::sync::Mutex::new(hears),
            ends: tokio::sync::Mutex::new(ended),
        });
        RECEIVERS.lock().unwrap().insert(id, Arc::downgrade(&events));
        events
    }

    /// For `events = { url, key }` of the route.
    pub fn url(&self) -> String {
        format!("http://{}{PATH}", self.server.address())
    }

    pub fn key(&self) -> &str {
        &self.key
    }

    /// What [`Divar::open`](super::Divar) takes as the token of an app that hears here.
    pub fn token(&self, api_key: &str, access_token: Option<&str>) -> String {
        format!("{api_key} {} {}", access_token.unwrap_or("-"), self.id)
    }

    /// The next POSTs with the right key are refused with this status.
    pub fn refuse(&self, times: usize, status: u16) {
        *self.inbox.refusals.lock().unwrap() = (times, status);
    }

    /// Every event that was taken, in order, those of own messages too.
    pub fn all(&self) -> Vec<Value> {
        self.inbox.all.lock().unwrap().clone()
    }

    /// Waits until so many events were taken.
    pub async fn taken(&self, count: usize) {
        let enough = async {
            loop {
                let came = self.inbox.came.notified();
                if self.inbox.all.lock().unwrap().len() >= count {
                    return;
                }
                came.await;
            }
        };
        tokio::time::timeout(PATIENCE, enough).await.unwrap_or_else(|_| panic!("only {:?} came", self.all()));
    }

    /// POSTs without the key, to other paths, or without JSON.
    pub fn complaints(&self) -> Vec<String> {
        self.server.backstage().ledger.complaints()
    }

    pub(super) async fn hears(&self) -> Heard {
        let next = tokio::time::timeout(PATIENCE, async { self.heard.lock().await.recv().await }).await;
        match next {
            Ok(heard) => heard.expect("the inbox holds the other end"),
            Err(_) => panic!("no event in time; there were {:?}, and {:?}", self.all(), self.complaints()),
        }
    }

    pub(super) async fn ended(&self) -> bool {
        tokio::time::timeout(END, async { self.ends.lock().await.recv().await }).await.is_ok()
    }
}

/// API key, access token and receiver of a token that [`Events::token`] made; of any other, itself.
pub(super) fn parts_of(token: &str) -> (String, Option<String>, Option<Arc<Events>>) {
    let mut parts = token.split(' ');
    let key = parts.next().unwrap_or_default().to_owned();
    let access_token = parts.next().filter(|token| *token != "-").map(str::to_owned);
    let events = parts.next().map(|id| {
        let known = RECEIVERS.lock().unwrap().get(id).and_then(Weak::upgrade);
        known.expect("the receiver of the events is kept while its client lives")
    });
    (key, access_token, events)
}

fn answer(inbox: &Inbox, key: &str, backstage: &Backstage, request: &Request) -> Response {
    let refuse = |status, why: String| {
        backstage.ledger.complain(why.clone());
        text(status, &why)
    };
    if (request.method.as_str(), request.path.as_str()) != ("POST", PATH) {
        return refuse(404, format!("{} {} is no place for events", request.method, request.path));
    }
    // Verbatim: no scheme before it.
    if request.header("authorization") != Some(key) {
        return refuse(401, "an event without the key".to_owned());
    }
    let is_json = request.header("content-type").is_some_and(|mime| mime.starts_with("application/json"));
    let Some(event) = request.json().filter(|_| is_json) else {
        return refuse(400, format!("an event that is no JSON: {}", String::from_utf8_lossy(&request.body)));
    };
    {
        let mut refusals = inbox.refusals.lock().unwrap();
        if refusals.0 > 0 {
            refusals.0 -= 1;
            return text(refusals.1, "not now");
        }
    }
    inbox.take(backstage, event);
    json(200, &serde_json::json!({}))
}

impl Inbox {
    fn take(&self, backstage: &Backstage, event: Value) {
        let message = match event["type"].as_str() {
            Some("NEW_MESSAGE") => Some(&event["new_message"]),
            Some("NEW_CHATBOT_MESSAGE") => Some(&event["new_chatbot_message"]),
            Some("USER_ACCESS_REVOCATION") => {
                let _ = self.ends.try_send(());
                None
            }
            Some("POST_UPDATE" | "PAYMENT_TRANSACTION") => None,
            _ => {
                backstage.ledger.complain(format!("an event of no known type: {event}"));
                None
            }
        };
        if let Some(message) = message {
            for complaint in shape::wrong_in(message, true) {
                backstage.ledger.complain(format!("{complaint} in {event}"));
            }
            // What the app said itself comes back as a BOT's, if at all.
            if message["sender"]["type"] == "HUMAN" {
                let _ = self.heard.try_send(heard(message));
            }
        }
        self.all.lock().unwrap().push(event);
        self.came.notify_waiters();
    }
}

fn heard(message: &Value) -> Heard {
    let data = ["image_data", "file_data", "voice_data", "video_data"].into_iter().find_map(|key| message.get(key));
    match data {
        Some(data) => Heard::File {
            name: data["name"].as_str().unwrap_or_default().to_owned(),
            url: data["link"].as_str().unwrap_or_default().to_owned(),
            // What the gateway adds where the platform would say nothing.
            caption: message["text"].as_str().unwrap_or_default().to_owned(),
        },
        None => match message["text"].as_str() {
            Some(words) => Heard::Text(words.to_owned()),
            None => Heard::Text(message.to_string()),
        },
    }
}
