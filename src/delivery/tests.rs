//! A webhook over the memory relay: what is told, in which order, and what happens when the app does not take it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

mod subscriptions;

use super::{RunningWebhook, Source, Webhook, WebhookSettings};
use crate::auth::Secret;
use crate::dialect::{Dialect, builtin};
use crate::event::{Audience, Event, EventKind, MessageKind};
use crate::journal::{Append, Collection, EmbeddedJournal, Journal};
use crate::naming::Naming;
use crate::relay::{MemoryRelay, Relay, Topic};
use crate::tasks::Tasks;

const PATIENCE: Duration = Duration::from_secs(10);

/// Conversations that are the app's, for those who need many.
const ROOMS: [&str; 12] = ["r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12"];

/// What the app was called with.
#[derive(Debug)]
struct Call {
    key: String,
    once: String,
    body: Value,
}

impl Call {
    fn text(&self) -> &str {
        self.body["new_message"]["text"].as_str().unwrap()
    }
}

/// The status by which an app answers a text; none: it hangs.
type Answering = Box<dyn FnMut(&str) -> Option<u16> + Send>;

/// An app that answers with these statuses, then with 200.
async fn app(tasks: &Tasks, statuses: &[u16]) -> (String, mpsc::Receiver<Call>) {
    let mut left = std::collections::VecDeque::from(statuses.to_vec());
    app_that(tasks, Box::new(move |_| Some(left.pop_front().unwrap_or(200)))).await
}

async fn app_that(tasks: &Tasks, answering: Answering) -> (String, mpsc::Receiver<Call>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/events", listener.local_addr().unwrap());
    let (called, calls) = mpsc::channel(10_000);
    let answering = Arc::new(Mutex::new(answering));
    let connections = tasks.clone();
    tasks.spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (called, answering) = (called.clone(), Arc::clone(&answering));
            let service = hyper::service::service_fn(move |request: http::Request<hyper::body::Incoming>| {
                let (called, answering) = (called.clone(), Arc::clone(&answering));
                async move {
                    let header = |name| {
                        request.headers().get(name).map_or("", |value: &http::HeaderValue| value.to_str().unwrap())
                    };
                    let (key, once) = (header("authorization").to_owned(), header("idempotency-key").to_owned());
                    let body = request.into_body().collect().await.unwrap().to_bytes();
                    let call = Call { key, once, body: serde_json::from_slice(&body).unwrap() };
                    let status = answering.lock().unwrap()(call.text());
                    called.send(call).await.ok().unwrap();
                    let Some(status) = status else { std::future::pending().await };
                    let mut answer = http::Response::new(Full::<Bytes>::default());
                    *answer.status_mut() = StatusCode::from_u16(status).unwrap();
                    Ok::<_, std::convert::Infallible>(answer)
                }
            });
            let serving = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            connections.spawn(async move { drop(serving.await) });
        }
    });
    (url, calls)
}

fn webhook(url: &str, key: &str, naming: &Arc<Naming>) -> Webhook {
    Webhook {
        settings: WebhookSettings { url: url.parse().unwrap(), key: Secret::new(key) },
        route: "market".into(),
        dialect: builtin::find("divar").unwrap(),
        pinned: ["flat", "house"].into_iter().chain(ROOMS).map(str::to_owned).collect(),
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
        let app = app(tasks, statuses).await;
        Scene::of(tasks, app).await
    }

    async fn of(tasks: &Tasks, app: (String, mpsc::Receiver<Call>)) -> Scene {
        Scene::speaking(tasks, app, builtin::find("divar").unwrap()).await
    }

    /// The same with options of the dialect.
    async fn speaking(tasks: &Tasks, (url, calls): (String, mpsc::Receiver<Call>), dialect: Arc<Dialect>) -> Scene {
        let folder = tempfile::tempdir().unwrap();
        let journal = Arc::new(EmbeddedJournal::open(&folder.path().join("journal")).unwrap());
        let naming =
            Arc::new(Naming::open(Arc::clone(&journal) as _, &[], std::slice::from_ref(&dialect)).await.unwrap());
        let relay: Arc<dyn Relay> = Arc::new(MemoryRelay::new());
        let webhook = Webhook { dialect, ..webhook(&url, "the key", &naming) };
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
        self.journal.append(written(conversation, route, text)).await.unwrap();
    }
}

fn written(conversation: &str, route: &str, text: &str) -> Append {
    let mut event = Event::new(EventKind::Message(MessageKind::Text));
    event.details.conversation.id = conversation.to_owned();
    event.details.sender.id = "ann".to_owned();
    event.details.body = Some(text.to_owned());
    event.details.sent_at = crate::event::Timestamp::parse("2025-01-01T00:00:00Z");
    event.details.origin.route = Some(route.to_owned());
    let audience = Some(Audience { topics: vec![Topic::Everyone], last: None });
    Append { event, key: None, documents: Vec::new(), audience }
}

impl Scene {
    /// Many at once, in turn in all rooms: `<room>/<number>`.
    async fn write_many(&self, count: usize, rooms: &[&str]) {
        let text = |at: usize| format!("{}/{}", rooms[at % rooms.len()], at / rooms.len());
        for some in (0..count).collect::<Vec<_>>().chunks(1_000) {
            let appends =
                some.iter().map(|at| self.journal.append(written(rooms[at % rooms.len()], "desk", &text(*at))));
            for outcome in futures_util::future::join_all(appends.collect::<Vec<_>>()).await {
                outcome.unwrap();
            }
        }
    }

    async fn next(&mut self) -> Call {
        tokio::time::timeout(PATIENCE, self.calls.recv()).await.expect("a call in time").unwrap()
    }

    async fn next_text(&mut self) -> String {
        self.next().await.text().to_owned()
    }
}

#[tokio::test]
async fn the_app_is_told_of_its_conversations_and_not_of_its_own_words() {
    let tasks = Tasks::new();
    let mut scene = Scene::set(&tasks, &[]).await;
    scene.write("elsewhere", "desk", "not for the app").await;
    scene.write("flat", "market", "its own").await;
    scene.write("flat", "desk", "hello").await;
    let call = scene.next().await;
    assert_eq!((call.key.as_str(), &call.body["type"], call.text()), ("the key", &"NEW_MESSAGE".into(), "hello"));
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
    for expected in ["first", "second"] {
        let call = tokio::time::timeout(PATIENCE, calls.recv()).await.expect("a call in time").unwrap();
        assert_eq!((call.key.as_str(), call.text()), ("another key", expected));
    }
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
        let call = tokio::time::timeout(PATIENCE, calls.recv()).await.expect("a call in time").unwrap();
        assert_eq!(call.text(), expected);
    }
    tasks.stop();
}

#[tokio::test]
async fn a_conversation_that_the_app_fails_at_holds_up_no_other() {
    let tasks = Tasks::new();
    for status in [None, Some(500), Some(503)] {
        let answering = move |text: &str| if text == "stuck" { status } else { Some(200) };
        let mut scene = Scene::of(&tasks, app_that(&tasks, Box::new(answering)).await).await;
        scene.write("flat", "desk", "stuck").await;
        scene.write("flat", "desk", "behind it").await;
        for text in ["1", "2", "3", "4", "5"] {
            scene.write("house", "desk", text).await;
        }
        let mut heard = Vec::new();
        while heard.last().is_none_or(|text| text != "5") {
            let text = scene.next_text().await;
            if text != "stuck" {
                heard.push(text);
            }
        }
        assert_eq!(heard, ["1", "2", "3", "4", "5"], "{status:?}");
    }
    tasks.stop();
}

#[tokio::test]
async fn a_call_that_is_repeated_says_so() {
    let tasks = Tasks::new();
    let mut scene = Scene::set(&tasks, &[503]).await;
    scene.write("flat", "desk", "first").await;
    scene.write("flat", "desk", "second").await;
    let calls = [scene.next().await, scene.next().await, scene.next().await];
    let [once, again, second] = calls.map(|call| call.once);
    assert!(!once.is_empty());
    assert_eq!(once, again);
    assert_ne!(once, second);
    tasks.stop();
}

#[tokio::test]
async fn what_was_told_beyond_a_stuck_event_is_not_told_again() {
    let tasks = Tasks::new();
    let is_stuck = Arc::new(std::sync::atomic::AtomicBool::new(true));
    let stuck = Arc::clone(&is_stuck);
    let answering = move |text: &str| {
        let is_stuck = text == "stuck" && stuck.load(std::sync::atomic::Ordering::Relaxed);
        Some(if is_stuck { 503 } else { 200 })
    };
    let (url, calls) = app_that(&tasks, Box::new(answering)).await;
    let mut scene = Scene::of(&tasks, (url.clone(), calls)).await;
    scene.write("flat", "desk", "stuck").await;
    for text in ["1", "2"] {
        scene.write("house", "desk", text).await;
    }
    while scene.next_text().await != "2" {}
    // It is noted within a moment; then another process goes on.
    let noted = async {
        loop {
            let kept = scene.journal.get(Collection::Deliveries, "webhook/market").await.unwrap().unwrap();
            let kept: Value = serde_json::from_slice(&kept).unwrap();
            if kept["beyond"].as_object().is_some_and(|beyond| beyond.values().any(|last| last["number"] == 3)) {
                break;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, noted).await.expect("noted");
    let other = Tasks::new();
    let (url, mut calls) = app(&other, &[]).await;
    let source = Source::Hub(Arc::clone(&scene.relay));
    // The embedded journal gives the claim to everybody.
    let _running = webhook(&url, "key", &scene.naming).start(source, Arc::clone(&scene.journal) as _, &other).await;
    let mut next = async || tokio::time::timeout(PATIENCE, calls.recv()).await.expect("a call in time").unwrap();
    assert_eq!(next().await.text(), "stuck");
    scene.write("house", "desk", "3").await;
    assert_eq!(next().await.text(), "3", "and neither 1 nor 2");
    tasks.stop();
    other.stop();
}

/// An app that nobody called for longer than the feed is long hears everything, in order within each conversation. The rate
/// is printed: first of one conversation, call after call, then of twelve.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_that_is_far_behind_hears_everything() {
    const MANY: usize = 4_500;
    for rooms in [&ROOMS[..1], &ROOMS] {
        let (before, tasks) = (Tasks::new(), Tasks::new());
        let (url, calls) = app(&tasks, &[]).await;
        let mut scene = Scene::of(&before, (url.clone(), calls)).await;
        drop(scene.running.take());
        before.stop();
        before.drain(Duration::from_millis(200)).await;
        scene.write_many(MANY, rooms).await;
        let source = Source::Hub(Arc::clone(&scene.relay));
        let webhook = webhook(&url, "the key", &scene.naming);
        let _running = webhook.start(source, Arc::clone(&scene.journal) as _, &tasks).await;
        let began = std::time::Instant::now();
        let mut heard: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for _ in 0..MANY {
            let text = scene.next_text().await;
            let (room, number) = text.split_once('/').unwrap();
            heard.entry(room.to_owned()).or_default().push(number.parse().unwrap());
        }
        let rate = MANY as f64 / began.elapsed().as_secs_f64();
        println!("{} conversations: {rate:.0} events/s", rooms.len());
        for (at, room) in rooms.iter().enumerate() {
            let of_room = (0..MANY).filter(|one| one % rooms.len() == at).map(|one| one / rooms.len());
            assert_eq!(heard[*room], of_room.collect::<Vec<_>>(), "{room}");
        }
        tasks.stop();
    }
}
