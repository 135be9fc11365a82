//! A webhook over the memory relay: what is told, in which order, and what happens when the app does not take it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::{RunningWebhook, Source, Webhook, WebhookSettings};
use crate::auth::Secret;
use crate::dialect::builtin;
use crate::event::{Audience, Event, EventKind, MessageKind};
use crate::journal::{Append, EmbeddedJournal, Journal};
use crate::naming::Naming;
use crate::relay::{MemoryRelay, Relay, Topic};
use crate::tasks::Tasks;

const PATIENCE: Duration = Duration::from_secs(5);

/// What the app was called with: the authorization and the body.
type Call = (String, Value);

/// An app that answers with these statuses, then with 200.
async fn app(tasks: &Tasks, statuses: &[u16]) -> (String, mpsc::Receiver<Call>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/events", listener.local_addr().unwrap());
    let (called, calls) = mpsc::channel(100);
    let statuses = Arc::new(Mutex::new(statuses.to_vec()));
    tasks.spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let service = hyper::service::service_fn(|request: http::Request<hyper::body::Incoming>| {
                let (called, statuses) = (called.clone(), Arc::clone(&statuses));
                async move {
                    let key = request.headers()["authorization"].to_str().unwrap().to_owned();
                    let body = request.into_body().collect().await.unwrap().to_bytes();
                    called.send((key, serde_json::from_slice(&body).unwrap())).await.unwrap();
                    let mut left = statuses.lock().unwrap();
                    let status = if left.is_empty() { 200 } else { left.remove(0) };
                    let mut answer = http::Response::new(Full::<Bytes>::default());
                    *answer.status_mut() = StatusCode::from_u16(status).unwrap();
                    Ok::<_, std::convert::Infallible>(answer)
                }
            });
            // The caller hangs up after its call.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        }
    });
    (url, calls)
}

fn webhook(url: &str, key: &str, naming: &Arc<Naming>) -> Webhook {
    Webhook {
        settings: WebhookSettings { url: url.parse().unwrap(), key: Secret::new(key) },
        route: "market".into(),
        dialect: builtin::find("divar").unwrap(),
        pinned: BTreeSet::from(["flat".to_owned()]),
        naming: Arc::clone(naming),
    }
}

struct Scene {
    journal: Arc<EmbeddedJournal>,
    relay: Arc<dyn Relay>,
    running: Option<RunningWebhook>,
    naming: Arc<Naming>,
    calls: mpsc::Receiver<Call>,
    _folder: tempfile::TempDir,
}

impl Scene {
    /// A webhook for the room `flat` and an app behind it.
    async fn set(tasks: &Tasks, statuses: &[u16]) -> Scene {
        let folder = tempfile::tempdir().unwrap();
        let journal = Arc::new(EmbeddedJournal::open(&folder.path().join("journal")).unwrap());
        let dialect = builtin::find("divar").unwrap();
        let naming = Arc::new(Naming::open(Arc::clone(&journal) as _, &[], &[dialect]).await.unwrap());
        let relay: Arc<dyn Relay> = Arc::new(MemoryRelay::new());
        let (url, calls) = app(tasks, statuses).await;
        let webhook = webhook(&url, "the key", &naming);
        let running = webhook.start(Source::Hub(Arc::clone(&relay)), Arc::clone(&journal) as _, tasks).await;
        let running = Some(running.unwrap());
        let (mut recorded, relaying) = (journal.follow().unwrap(), Arc::clone(&relay));
        tasks.spawn(async move {
            while let Ok(announced) = recorded.recv().await {
                relaying.publish(announced.into()).await.unwrap();
            }
        });
        Scene { journal, relay, running, naming, calls, _folder: folder }
    }

    /// Somebody writes in a conversation, through a route.
    async fn write(&self, conversation: &str, route: &str, text: &str) {
        let mut event = Event::new(EventKind::Message(MessageKind::Text));
        event.details.conversation.id = conversation.to_owned();
        event.details.sender.id = "ann".to_owned();
        event.details.body = Some(text.to_owned());
        event.details.sent_at = crate::event::Timestamp::parse("2025-01-01T00:00:00Z");
        event.details.origin.route = Some(route.to_owned());
        let audience = Some(Audience { topics: vec![Topic::Everyone], last: None });
        self.journal.append(Append { event, key: None, documents: Vec::new(), audience }).await.unwrap();
    }

    async fn next(&mut self) -> Call {
        tokio::time::timeout(PATIENCE, self.calls.recv()).await.expect("a call in time").unwrap()
    }

    async fn next_text(&mut self) -> String {
        self.next().await.1["new_message"]["text"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn the_app_is_told_of_its_conversations_and_not_of_its_own_words() {
    let tasks = Tasks::new();
    let mut scene = Scene::set(&tasks, &[]).await;
    scene.write("elsewhere", "desk", "not for the app").await;
    scene.write("flat", "market", "its own").await;
    scene.write("flat", "desk", "hello").await;
    let (key, call) = scene.next().await;
    assert_eq!(key, "the key");
    assert_eq!((&call["type"], &call["new_message"]["text"]), (&"NEW_MESSAGE".into(), &"hello".into()));
    tasks.stop();
}

#[tokio::test]
async fn a_failed_call_is_repeated_before_the_next_event() {
    let tasks = Tasks::new();
    let mut scene = Scene::set(&tasks, &[503]).await;
    scene.write("flat", "desk", "first").await;
    scene.write("flat", "desk", "second").await;
    let heard = [scene.next_text().await, scene.next_text().await, scene.next_text().await];
    assert_eq!(heard, ["first", "first", "second"]);
    tasks.stop();
}

#[tokio::test]
async fn a_refused_event_is_not_repeated() {
    let tasks = Tasks::new();
    let mut scene = Scene::set(&tasks, &[404]).await;
    scene.write("flat", "desk", "first").await;
    scene.write("flat", "desk", "second").await;
    assert_eq!([scene.next_text().await, scene.next_text().await], ["first", "second"]);
    tasks.stop();
}

#[tokio::test]
async fn a_changed_webhook_loses_nothing_that_waits() {
    let tasks = Tasks::new();
    let mut scene = Scene::set(&tasks, &[503]).await;
    scene.write("flat", "desk", "first").await;
    scene.write("flat", "desk", "second").await;
    assert_eq!(scene.next_text().await, "first");
    // While the first is to be repeated, the app moves.
    let (url, mut calls) = app(&tasks, &[]).await;
    scene.running.as_ref().unwrap().change(webhook(&url, "another key", &scene.naming));
    assert_eq!(scene.next_text().await, "first");
    let (key, call) = tokio::time::timeout(PATIENCE, calls.recv()).await.expect("a call in time").unwrap();
    assert_eq!((key.as_str(), &call["new_message"]["text"]), ("another key", &"second".into()));
    tasks.stop();
}

#[tokio::test]
async fn a_stopped_webhook_tells_what_waits_and_nothing_more() {
    let tasks = Tasks::new();
    let mut scene = Scene::set(&tasks, &[503]).await;
    scene.write("flat", "desk", "first").await;
    scene.write("flat", "desk", "second").await;
    assert_eq!(scene.next_text().await, "first");
    drop(scene.running.take());
    assert_eq!([scene.next_text().await, scene.next_text().await], ["first", "second"]);
    scene.write("flat", "desk", "too late").await;
    let more = tokio::time::timeout(Duration::from_millis(200), scene.calls.recv()).await;
    assert!(more.is_err(), "{more:?}");
}

#[tokio::test]
async fn what_nobody_told_meanwhile_is_told_once_somebody_listens_again() {
    let tasks = Tasks::new();
    let mut scene = Scene::set(&tasks, &[]).await;
    scene.write("flat", "desk", "first").await;
    assert_eq!(scene.next_text().await, "first");
    drop(scene.running.take());
    tasks.stop();
    // The app itself goes on.
    tasks.drain(Duration::from_millis(200)).await;
    let tasks = Tasks::new();
    scene.write("flat", "desk", "second").await;
    scene.write("elsewhere", "desk", "not for the app").await;
    scene.write("flat", "desk", "third").await;
    let (url, mut calls) = app(&tasks, &[]).await;
    let source = Source::Hub(Arc::clone(&scene.relay));
    let _running = webhook(&url, "the key", &scene.naming).start(source, Arc::clone(&scene.journal) as _, &tasks).await;
    for expected in ["second", "third"] {
        let (_, call) = tokio::time::timeout(PATIENCE, calls.recv()).await.expect("a call in time").unwrap();
        assert_eq!(call["new_message"]["text"], expected);
    }
    tasks.stop();
}
