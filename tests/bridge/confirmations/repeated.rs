//! A send with the sender's own key, repeated: one message at the backend, and the same answer.

use serde_json::json;

use super::{scene, unconfirmed};
use crate::client::divar::CONVERSATION;
use crate::client::licomed::Licomed;
use crate::client::{Client, Outcome};
use crate::harness::http::{self, Answer};
use crate::harness::{API_KEY, Gateway};
use crate::standin::Failing;

/// A send by a call, with this key.
pub async fn send(gateway: &Gateway, key: &str, text: &str) -> Answer {
    let path = format!("/v2/open-platform/conversations/{CONVERSATION}/messages");
    let headers = [("X-API-Key", API_KEY), ("Content-Type", "application/json"), ("Idempotency-Key", key)];
    let body = json!({ "message": text }).to_string();
    http::send_within(
        gateway.address,
        &http::request("POST", &path, &headers, body.as_bytes()),
        crate::standin::PATIENCE,
    )
    .await
}

const BACKENDS: [&str; 4] = ["frontdesk", "andromedia", "licomed", "luxmart"];

#[tokio::test]
async fn the_same_key_is_the_same_message() {
    for to in BACKENDS {
        let mut scene = scene("divar", to, "5s").await;
        let first = send(&scene.gateway, "key-1", "once").await;
        assert_eq!(first.status, 200, "{to}: {first:?}\n{}", scene.gateway.log());
        for _ in 0..3 {
            let again = send(&scene.gateway, "key-1", "once").await;
            assert_eq!((again.status, again.json()), (200, first.json()), "{to}");
        }
        assert_eq!(send(&scene.gateway, "key-2", "once").await.status, 200);
        assert_eq!(scene.backend.counts().0, 2, "{to}");
        // It is known after a restart, too.
        scene.gateway.kill_and_restart().await;
        let again = send(&scene.gateway, "key-1", "once").await;
        assert_eq!((again.status, again.json()), (200, first.json()), "{to}");
        assert_eq!(send(&scene.gateway, "key-3", "twice").await.status, 200);
        assert_eq!(scene.backend.counts().0, 3, "{to}");
        assert_eq!(unconfirmed(&scene).await, 0.0);
    }
}

#[tokio::test]
async fn who_repeats_while_the_first_is_on_its_way_gets_its_answer() {
    let scene = scene("divar", "frontdesk", "5s").await;
    scene.backend.fail(Failing::LateNext(400));
    let send = || send(&scene.gateway, "key-1", "once");
    let answers = tokio::join!(send(), send(), send());
    let statuses = [answers.0.status, answers.1.status, answers.2.status];
    assert_eq!(statuses, [200; 3], "{}", scene.gateway.log());
    assert_eq!(scene.backend.counts().0, 1);
}

#[tokio::test]
async fn what_was_refused_may_be_sent_again() {
    let scene = scene("divar", "luxmart", "5s").await;
    scene.backend.fail(Failing::Down);
    let refused = send(&scene.gateway, "key-1", "once").await;
    assert!(refused.status >= 500, "{refused:?}");
    scene.backend.fail(Failing::No);
    let mut status = 0;
    crate::faults::watch::until("it is taken", async || {
        status = send(&scene.gateway, "key-1", "once").await.status;
        status == 200
    })
    .await;
    assert_eq!((scene.backend.counts().0, scene.backend.lost()), (1, 0));
}

/// An upload is announced by its id: the second time only the one who announces hears of it.
#[tokio::test]
async fn an_upload_is_one_message_however_often_it_is_announced() {
    for to in ["frontdesk", "andromedia", "luxmart", "divar"] {
        let scene = scene("licomed", to, "5s").await;
        let mut user = Licomed::open(scene.gateway.address, scene.token.clone()).await.expect("a socket");
        let file = crate::media::File::new(crate::media::Format::Png, 10_000, 3);
        let chat = user.upload(&file.name(), "image/png", &file.bytes(), "").await.expect("an upload");
        for _ in 0..3 {
            user.announce(chat).await;
            assert_eq!(user.outcome().await, Outcome::Confirmed { body: String::new() }, "{to}");
        }
        assert_eq!(scene.backend.counts(), (1, 1), "{to}");
    }
}
