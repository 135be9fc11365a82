//! Failures at backends of the client's own dialect, where everything is passed on as it is: so are refusals and closes. What
//! has no form of its own, a connection that breaks, becomes the gateway's close or the dialect's refusal.

use tokio::time::{Instant, interval};
use tokio_tungstenite::tungstenite::Message;

use super::aside::Aside;
use super::door::way;
use super::{PATIENCE, watch};
use crate::client::Heard;
use crate::harness::http::{self, Answer};
use crate::harness::socket::Socket;
use crate::harness::{API_KEY, DIALECTS};
use crate::pair::scene::{Scene, Staging, open};
use crate::standin::Failing::{self, *};

/// "Try again later": the other side is lost, by no fault of the client's.
const LOST: u16 = 1013;

/// What becomes of the socket that is open (its close code, if it closes), and of one that is opened meanwhile: the
/// status that refuses it, or the code that closes it.
type Fate = (Failing, Option<u16>, Option<u16>);

/// The same in all dialects that have sockets.
const FATES: [Fate; 12] = [
    (Status500, None, Some(500)),
    (Silent, None, Some(504)),
    (Down, Some(LOST), Some(502)),
    (Reset, Some(LOST), Some(502)),
    (HugeFrame, Some(LOST), None),
    (RefuseHandshake(401), None, Some(401)),
    (RefuseHandshake(403), None, Some(403)),
    (RefuseHandshake(404), None, Some(404)),
    (RefuseHandshake(429), None, Some(429)),
    (RefuseHandshake(503), None, Some(503)),
    (CloseWith(1006), Some(LOST), Some(LOST)),
    (CloseWith(1011), Some(1011), Some(1011)),
];
/// The codes of the one document that has some.
const CODES: [Fate; 4] = [
    (CloseWith(4001), Some(4001), Some(4001)),
    (CloseWith(4002), Some(4002), Some(4002)),
    (CloseWith(4003), Some(4003), Some(4003)),
    (CloseWith(4006), Some(4006), Some(4006)),
];

async fn stage(dialect: &'static str) -> (Scene, Aside) {
    let mut aside = Aside::beside(dialect).await;
    let staging = Staging { upstream: "timeout = \"800ms\"".to_owned(), more: aside.config(), ..Staging::default() };
    let scene = Scene::set_as(dialect, dialect, &staging).await;
    aside.join(&scene.gateway).await;
    (scene, aside)
}

/// All of them, one after the other, in one gateway.
async fn suffer(dialect: &'static str, fates: &[Fate]) {
    let (mut scene, mut aside) = stage(dialect).await;
    for (number, fate) in fates.iter().enumerate() {
        both_ways(&mut scene, &format!("before {number}")).await;
        once(&mut scene, &mut aside, *fate).await;
        scene.backend.fail(No);
        again(&mut scene).await;
    }
    both_ways(&mut scene, "after all").await;
    garbage(&mut scene).await;
    assert_eq!(scene.backend.complaints(), Vec::<String>::new());
    watch::no_error_of_ours(&scene.gateway);
    let Scene { gateway, backend, client, .. } = scene;
    drop((client, aside));
    watch::all_gone(&gateway).await;
    watch::until("no socket is left at the backend", async || backend.sockets() == 0).await;
}

async fn both_ways(scene: &mut Scene, text: &str) {
    scene.client.say(text).await;
    assert_eq!(scene.backend.taken().await.body, text);
    scene.backend.say(&format!("{text}, too")).await;
    assert_eq!(scene.client.hears().await, Heard::Text(format!("{text}, too")));
}

async fn once(scene: &mut Scene, aside: &mut Aside, (failing, socket, newcomer): Fate) {
    scene.backend.fail(failing);
    if failing == Reset {
        // It is the answer to this that breaks off.
        scene.client.send_text("cut off").await;
        assert_eq!(scene.backend.taken().await.body, "cut off");
    }
    match socket {
        Some(code) => assert_eq!(scene.client.closed().await, code, "{failing:?}"),
        None if failing != Silent => scene.client.say("still here").await,
        None => {}
    }
    if socket.is_none() && failing != Silent {
        assert_eq!(scene.backend.taken().await.body, "still here");
    }
    aside.goes_on("meanwhile").await;
    if matches!(failing, HugeFrame | Reset) && scene.from == "andromedia" {
        return session(scene, failing).await;
    }
    let opened = open(scene.from, scene.gateway.address, scene.token.clone()).await;
    match (opened, newcomer) {
        (Ok(_), None) => {}
        (Ok(mut client), Some(code)) => assert_eq!(client.closed().await, code, "{failing:?}"),
        (Err(status), expected) => assert_eq!(Some(status), expected, "{failing:?}"),
    }
}

/// What a visitor asks for its session with is a call. Its answer is as huge; or the head is there, and the rest is not: whoever
/// was promised more sees that.
async fn session(scene: &Scene, failing: Failing) {
    let bearer = format!("Bearer {}", scene.token);
    let body = br#"{ "business": "hotel", "external_customer_id": "room-101" }"#;
    let answer =
        http::post_json(scene.gateway.address, "/chat/start-session/", &[("Authorization", &bearer)], body).await;
    let promised = answer.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(usize::MAX);
    match failing {
        HugeFrame => assert!(answer.status == 200 && answer.body.len() > 20 * 1024 * 1024, "{}", answer.body.len()),
        _ => assert!(answer.status == 502 || promised > answer.body.len(), "{answer:?}"),
    }
}

/// The client connects as soon as it can.
async fn again(scene: &mut Scene) {
    let began = Instant::now();
    let mut ticks = interval(super::play::RETRY);
    loop {
        ticks.tick().await;
        match open(scene.from, scene.gateway.address, scene.token.clone()).await {
            Ok(client) => {
                scene.client = client;
                // The one before may still be known there: what is said would be heard by nobody.
                return watch::until("one socket is open", async || scene.backend.sockets() == 1).await;
            }
            Err(status) => assert!(began.elapsed() < PATIENCE, "still {status}:\n{}", scene.gateway.log()),
        }
    }
}

/// What is no JSON comes through as it is.
async fn garbage(scene: &mut Scene) {
    let (path, protocol) = way(scene).await;
    let mut raw = Socket::open(scene.gateway.address, &path, protocol.as_deref()).await.expect("a socket");
    let greets = scene.from == "andromedia";
    if greets || scene.from == "luxmart" {
        assert!(matches!(raw.next().await, Some(Message::Text(text)) if text.starts_with('{')));
    }
    scene.backend.fail(Garbage);
    scene.backend.fail(No);
    assert_eq!(raw.next().await, Some(Message::text("<html>this is no JSON")));
    scene.backend.say("sense").await;
    let heard = raw.next().await;
    assert!(matches!(&heard, Some(Message::Text(text)) if text.contains("\"sense\"")), "{heard:?}");
}

#[tokio::test]
async fn frontdesk() {
    suffer("frontdesk", &FATES).await;
}

#[tokio::test]
async fn andromedia() {
    suffer("andromedia", &[FATES.as_slice(), &CODES].concat()).await;
}

#[tokio::test]
async fn licomed() {
    suffer("licomed", &FATES).await;
}

#[tokio::test]
async fn luxmart() {
    suffer("luxmart", &FATES).await;
}

/// Without sockets: what a call is answered.
#[tokio::test]
async fn divar() {
    let (mut scene, mut aside) = stage("divar").await;
    let calls: [(Failing, u16, Option<&str>); 6] = [
        (Status500, 500, Some("Internal Server Error")),
        (Garbage, 200, Some("<html>this is no JSON")),
        (HugeFrame, 200, None),
        (Silent, 504, None),
        (Down, 502, None),
        (Reset, 502, None),
    ];
    for (failing, status, body) in calls {
        let text = format!("before {failing:?}");
        scene.client.say(&text).await;
        assert_eq!(scene.backend.taken().await.body, text);
        scene.backend.fail(failing);
        let answer = send(&scene, "in vain").await;
        assert_eq!(answer.status, status, "{failing:?}: {answer:?}");
        match body {
            Some(body) => assert_eq!(String::from_utf8_lossy(&answer.body), body, "{failing:?}"),
            None if status == 200 => assert!(answer.body.len() > 20 * 1024 * 1024, "{failing:?}: cut off"),
            None => assert!(answer.json()["code"].is_u64() && answer.json()["details"].is_array(), "{answer:?}"),
        }
        aside.goes_on("meanwhile").await;
        scene.backend.fail(No);
        if failing == Reset {
            assert_eq!(scene.backend.taken().await.body, "in vain");
        }
        watch::until("it is used again", async || send(&scene, "again").await.status == 200).await;
        while scene.backend.taken().await.body != "again" {}
    }
    watch::no_error_of_ours(&scene.gateway);
}

async fn send(scene: &Scene, text: &str) -> Answer {
    let path = "/v2/open-platform/conversations/conversation-101/messages";
    let body = serde_json::json!({ "message": text }).to_string();
    http::post_json(scene.gateway.address, path, &[("X-API-Key", API_KEY)], body.as_bytes()).await
}

/// No dialect is left out.
#[test]
fn all_dialects_are_here() {
    assert_eq!(DIALECTS, ["frontdesk", "andromedia", "licomed", "divar", "luxmart"]);
}
