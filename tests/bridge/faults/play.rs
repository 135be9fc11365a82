//! One failure from its beginning to its end. In: the dialects and how the backend fails. Out: nothing; panics where a
//! client is told something else than its dialect's refusal, or anybody else notices.

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::PATIENCE;
use super::aside::Aside;
use super::door::{knock, refusal, session};
use super::expected::{Expected, Why, close, status, words};
use super::watch;
use crate::client::licomed::THEM;
use crate::client::{Heard, Outcome};
use crate::harness::{API_KEY, http};
use crate::media::{File, Format};
use crate::pair::scene::{Scene, Staging};
use crate::standin::Failing;

/// How often a client tries again.
pub const RETRY: Duration = Duration::from_millis(100);
/// How soon what is said on an open socket is heard.
const HEARD_WITHIN: Duration = Duration::from_secs(1);
/// Attempts to connect to a backend that fails, in the seconds that a test lets it fail: pauses grow.
const ATTEMPTS: usize = 10;
/// What the other side calls until it is heard.
const CALL: &str = "are you there?";

/// Short deadlines, and what else the gateway is to know.
pub fn staging(more: String) -> Staging {
    Staging {
        upstream: "timeout = \"500ms\"".to_owned(),
        route: "confirm_within = \"1s\"".to_owned(),
        more,
        ..Staging::default()
    }
}

/// Plays it, with a credential that the gateway makes.
pub async fn play(from: &'static str, to: &'static str, failing: Failing) {
    play_as(from, to, failing, false).await;
}

/// Plays it; `forwards` says whether the credential is the client's own.
pub async fn play_as(from: &'static str, to: &'static str, failing: Failing, forwards: bool) {
    let expected = Expected::of(to, failing, forwards);
    let mut aside = Aside::beside(from).await;
    let mut scene = Scene::set_as(from, to, &Staging { forwards, ..staging(aside.config()) }).await;
    aside.join(&scene.gateway).await;
    before(&mut scene).await;
    aside.goes_on("before").await;

    let handshakes = watch::handshakes(&scene);
    strike(&scene, failing, &expected).await;
    let mut confirmed = Vec::new();
    if let Some(why) = expected.closes {
        assert_eq!(scene.client.closed().await, close(from, why));
    } else {
        confirmed.extend(meanwhile(&mut scene, &mut aside, expected.text).await);
    }
    if let Some(fate) = expected.file {
        file(&mut scene, 1, fate).await;
    }
    history(&scene, expected.history).await;
    if let Some(door) = expected.newcomer.filter(|_| from != "divar") {
        knock(&scene, door).await;
    }
    aside.goes_on("after the other was refused").await;
    let attempts = watch::handshakes(&scene) - handshakes;
    assert!(attempts <= ATTEMPTS, "{attempts} attempts to connect to what fails");

    scene.backend.fail(Failing::No);
    if expected.closes.is_some() {
        scene.reconnect().await;
    } else if expected.recovers {
        spoken_to(&mut scene, failing).await;
    }
    confirmed.push(again(&mut scene).await);
    scene.backend.say("welcome back").await;
    // What was said in vain must not be heard now, nor anything that is no message.
    while let heard = scene.client.hears().await
        && heard != Heard::Text("welcome back".to_owned())
    {
        assert!(may_be_heard(&heard, failing), "{heard:?}");
    }
    file(&mut scene, 2, Ok(())).await;
    aside.goes_on("afterwards").await;
    watch::settled(&scene).await;
    watch::taken_once(&scene, &["before"], &confirmed).await;
    watch::no_error_of_ours(&scene.gateway);
    let Scene { gateway, backend: _backend, client, .. } = scene;
    drop((client, aside));
    watch::all_gone(&gateway).await;
}

/// All is well.
pub async fn before(scene: &mut Scene) {
    scene.client.say("before").await;
    assert_eq!(scene.backend.taken().await.body, "before");
    scene.backend.say("go on").await;
    assert_eq!(scene.client.hears().await, Heard::Text("go on".to_owned()));
}

/// The client sends, and others go on; what it sent, if that was taken.
async fn meanwhile(scene: &mut Scene, aside: &mut Aside, expected: Result<(), Why>) -> Option<String> {
    let text = "meanwhile".to_owned();
    scene.client.send_text(&text).await;
    aside.goes_on("while the other waits").await;
    let outcome = scene.client.outcome().await;
    match expected {
        Ok(()) => {
            assert_eq!(outcome, Outcome::Confirmed { body: text.clone() });
            Some(text)
        }
        Err(why) => {
            assert_refused(scene, outcome, why);
            None
        }
    }
}

/// Begins to fail, and waits until the gateway has met with it.
async fn strike(scene: &Scene, failing: Failing, expected: &Expected) {
    let before = watch::handshakes(scene);
    scene.backend.fail(failing);
    match failing {
        Failing::RefuseHandshake(_) => {
            scene.backend.server().backstage().sockets.cut();
            // Once the second is asked for, the refusal of the first is known. What is for good is asked for once.
            let asked = if matches!(expected.text, Err(Why::Unauthorized | Why::Unknown)) { 1 } else { 2 };
            watch::until("handshakes are refused", async || watch::handshakes(scene) >= before + asked).await;
        }
        Failing::HugeFrame if scene.to != "divar" => {
            watch::until("a new socket is open", async || {
                watch::handshakes(scene) > before && scene.backend.sockets() == 1
            })
            .await;
        }
        _ => {}
    }
}

fn assert_refused(scene: &Scene, outcome: Outcome, why: Why) {
    let text = words(scene.from, why).to_owned();
    assert_eq!(outcome, Outcome::Error { text }, "{} → {}\n{}", scene.from, scene.to, scene.gateway.log());
}

/// A file, which needs calls.
async fn file(scene: &mut Scene, seed: u64, fate: Result<(), Why>) {
    let file = File::new(Format::Png, 20_000, seed);
    let sent = scene.client.say_file(&file.name(), "image/png", &file.bytes(), "").await;
    // The dialects that send files by calls say the status; elsewhere the error is a frame.
    let by_call = matches!(scene.from, "divar" | "luxmart");
    let fate = fate.map_err(|why| (if by_call { status(why) } else { 0 }, words(scene.from, why).to_owned()));
    assert_eq!(sent, fate, "{} → {}\n{}", scene.from, scene.to, scene.gateway.log());
}

/// The messages so far, which only the backend knows.
async fn history(scene: &Scene, expected: Result<(), Why>) {
    let (bearer, token) = (format!("Bearer {}", scene.token), format!("Token {}", scene.token));
    let (path, header) = match scene.from {
        "frontdesk" => ("/api/chat/conversations/101/".to_owned(), ("Authorization", &*bearer)),
        "andromedia" => (format!("/chat/history/{}/", session(scene).await), ("Authorization", &*bearer)),
        "licomed" => (format!("/chat/messages/{THEM}/"), ("Authorization", &*bearer)),
        "luxmart" => ("/v1/chat/admin/session/?session_id=7".to_owned(), ("Authorization", &*token)),
        _ => ("/v1/open-platform/chat/conversations/conversation-101".to_owned(), ("X-API-Key", API_KEY)),
    };
    let answer = http::get(scene.gateway.address, &path, &[header]).await;
    match expected {
        Ok(()) => assert_eq!(answer.status, 200, "{answer:?}\n{}", scene.gateway.log()),
        Err(why) => {
            let expected = (status(why), refusal(scene.from, words(scene.from, why)));
            assert_eq!((answer.status, answer.json()), expected, "{} → {}", scene.from, scene.to);
        }
    }
}

/// The other side speaks until it is heard, which needs nothing of the client. A socket that opened at the last moment may
/// still be closed under what is said.
async fn spoken_to(scene: &mut Scene, failing: Failing) {
    let began = Instant::now();
    for attempt in 1.. {
        assert!(began.elapsed() < PATIENCE, "nothing is heard:\n{}", scene.gateway.log());
        scene.backend.say(&format!("{CALL} {attempt}")).await;
        while let Ok(heard) = timeout(HEARD_WITHIN, scene.client.hears()).await {
            assert!(may_be_heard(&heard, failing), "{heard:?}");
            if is_call(&heard) {
                return;
            }
        }
    }
}

/// What was said in vain must not be heard afterwards. Where an answer broke off the backend may have the file all the same,
/// and its history tells.
fn may_be_heard(heard: &Heard, failing: Failing) -> bool {
    is_call(heard) || failing == Failing::Reset && matches!(heard, Heard::File { .. })
}

fn is_call(heard: &Heard) -> bool {
    matches!(heard, Heard::Text(text) if text.starts_with(CALL))
}

/// Tries until a message goes through; which one did.
pub async fn again(scene: &mut Scene) -> String {
    let began = Instant::now();
    let mut ticks = interval(RETRY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for attempt in 1.. {
        ticks.tick().await;
        let text = format!("again {attempt}");
        scene.client.send_text(&text).await;
        match scene.client.outcome().await {
            Outcome::Confirmed { body } => {
                assert_eq!(body, text);
                return body;
            }
            Outcome::Error { text } => {
                assert!(began.elapsed() < PATIENCE, "still {text:?}:\n{}", scene.gateway.log());
            }
            Outcome::Closed { code } => panic!("closed with {code}:\n{}", scene.gateway.log()),
        }
    }
    unreachable!("the attempts have no end but these")
}
