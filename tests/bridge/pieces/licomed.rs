//! Users who write to each other: files that are announced, a history newest first, silence where nothing is documented.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{ANOTHER_SECRET, SECRET};
use crate::client::licomed::{Licomed, THEM};
use crate::client::{Client, Heard, Outcome};
use crate::harness::http::{self, field};
use crate::media::{File, Format};
use crate::standin::licomed::written::PASSWORD_HASH;
use crate::standin::{Failing, Standin, Taken, credentials, licomed};

const US: &str = "0e9d4c1b-7a25-4f83-b6c0-58d3a1f2e794";

async fn backend() -> licomed::Licomed {
    licomed::Licomed::start(SECRET, US, THEM).await
}

async fn client(backend: &licomed::Licomed, user: &str) -> Licomed {
    let mut client = Licomed::connect(backend.server().address(), backend.token(user)).await;
    client.may_see_secrets();
    client
}

fn text(body: &str) -> Taken {
    Taken { kind: "text".into(), body: body.into(), conversation: format!("{US}/{THEM}"), ..Taken::default() }
}

#[tokio::test]
async fn texts_both_ways() {
    let backend = backend().await;
    let mut us = client(&backend, US).await;
    us.say("hello").await;
    assert_eq!(backend.taken().await, text("hello"));
    backend.say("hello yourself").await;
    assert_eq!(us.hears().await, Heard::Text("hello yourself".into()));
    us.send_text("twice").await;
    us.send_text("twice").await;
    assert_eq!(us.outcome().await, Outcome::Confirmed { body: "twice".into() });
    assert_eq!(us.outcome().await, Outcome::Confirmed { body: "twice".into() });
    assert_eq!(us.history().await.unwrap(), ["hello", "hello yourself", "twice", "twice"]);
    assert_eq!(backend.counts(), (3, 0));
    assert!(!backend.end().await);
    assert_eq!(backend.complaints(), Vec::<String>::new());
}

#[tokio::test]
async fn the_receiver_hears_what_the_sender_sees_confirmed() {
    let backend = backend().await;
    let mut us = client(&backend, US).await;
    let mut them = client(&backend, THEM).await;
    them.write_to(US);
    us.say("one").await;
    assert_eq!(them.hears().await, Heard::Text("one".into()));
    them.say("two").await;
    assert_eq!(us.hears().await, Heard::Text("two".into()));
    us.send_profile(THEM).await;
    assert_eq!(us.outcome().await, Outcome::Confirmed { body: String::new() });
    let Heard::Text(profile) = them.hears().await else { panic!("a profile is no file") };
    let profile: Value = serde_json::from_str(&profile).unwrap();
    assert_eq!(profile["id"], THEM);
    assert_eq!(profile.as_object().unwrap().keys().collect::<Vec<_>>(), ["id", "fullname", "phone_number"]);
    assert_eq!(backend.complaints(), Vec::<String>::new());
}

#[tokio::test]
async fn a_file_is_uploaded_and_then_announced() {
    let backend = backend().await;
    let mut us = client(&backend, US).await;
    let mut them = client(&backend, THEM).await;
    them.write_to(US);
    let bytes = File::new(Format::Png, 200_000, 1).bytes();
    let chat = us.upload("a shot.png", "image/png", &bytes, "look").await.unwrap();
    assert_eq!(backend.counts(), (0, 1), "an upload is no message that was announced");
    assert_eq!(us.history().await.unwrap(), ["look"], "but the history has it");
    us.announce(chat).await;
    assert_eq!(us.outcome().await, Outcome::Confirmed { body: "look".into() });
    let taken = backend.taken().await;
    assert_eq!((taken.kind.as_str(), taken.name.as_deref()), ("file", Some("a shot.png")));
    assert_eq!(taken.file.as_deref(), Some(bytes.as_slice()));
    let Heard::File { name, url, caption } = them.hears().await else { panic!("no file") };
    assert_eq!((name.as_str(), url.as_str(), caption.as_str()), ("a shot.png", "/media/chat-files/a_shot.png", "look"));
    assert_eq!(them.fetch(&url).await, (200, bytes));
    assert_eq!(http::get(backend.server().address(), &url, &[]).await.status, 401);
    // A repeat is confirmed again, and nobody hears it twice.
    us.announce(chat).await;
    assert_eq!(us.outcome().await, Outcome::Confirmed { body: "look".into() });
    us.say("after").await;
    assert_eq!(them.hears().await, Heard::Text("after".into()));
    assert_eq!(backend.counts(), (2, 1));
    assert_eq!(backend.complaints(), Vec::<String>::new());
}

#[tokio::test]
async fn the_other_side_sends_a_file_under_a_name_of_its_own() {
    let backend = backend().await;
    let mut us = client(&backend, US).await;
    let bytes = File::new(Format::Pdf, 5_000, 2).bytes();
    let mut urls = Vec::new();
    for caption in ["first", ""] {
        backend.say_file("قائمة طعام.pdf", "application/pdf", &bytes, caption).await;
        let Heard::File { name, url, caption: heard } = us.hears().await else { panic!("no file") };
        assert_eq!((name.as_str(), heard.as_str()), ("قائمة طعام.pdf", caption));
        assert_eq!(us.fetch(&url).await, (200, bytes.clone()));
        urls.push(url);
    }
    assert_ne!(urls[0], urls[1]);
    assert_eq!(us.history().await.unwrap(), ["first", "قائمة طعام.pdf"]);
    assert_eq!(us.files(1).await.unwrap().len(), 2);
    assert_eq!(us.files(2).await, Err(404));
    let threads = us.threads().await.unwrap();
    assert_eq!((threads.len(), &threads[0]["other_user"]["id"]), (1, &json!(THEM)));
    assert_eq!(threads[0]["last_message"]["message"], "");
    assert_eq!(backend.complaints(), Vec::<String>::new());
}

#[tokio::test]
async fn the_history_is_newest_first_and_has_what_must_not_leave_a_gateway() {
    let backend = backend().await;
    let mut us = client(&backend, US).await;
    us.say("old").await;
    us.say("new").await;
    let messages = us.messages(THEM).await.unwrap();
    assert_eq!((&messages[0]["message"], &messages[1]["message"]), (&json!("new"), &json!("old")));
    assert_eq!(messages[0]["attached_file_size"], "0kb");
    assert_eq!(messages[0]["sender"]["password"], PASSWORD_HASH);
    assert_eq!(messages[0]["receiver"]["id"], THEM);
    for nobody in ["not-a-uuid", "11111111-2222-4333-8444-555555555555"] {
        assert_eq!(us.messages(nobody).await.err(), Some(404));
    }
    let bearer = format!("Bearer {}", backend.token(US));
    let headers = [("Authorization", bearer.as_str())];
    let refusal = http::get(backend.server().address(), "/chat/messages/not-a-uuid/", &headers).await;
    let words = json!({ "status": "failure", "entity": null, "message": "Invalid receipient", "success": false });
    assert_eq!(refusal.json(), words);
}

#[tokio::test]
#[should_panic(expected = "came through")]
async fn a_client_that_may_not_see_secrets_fails_the_test() {
    let backend = backend().await;
    let mut us = Licomed::connect(backend.server().address(), backend.token(US)).await;
    us.say("hello").await;
    us.history().await;
}

#[tokio::test]
async fn bad_tokens_and_bad_uploads_are_refused() {
    let backend = backend().await;
    let address = backend.server().address();
    let forged = credentials::token(ANOTHER_SECRET, json!({ "sub": US }));
    let stranger = backend.token("11111111-2222-4333-8444-555555555555");
    for token in [forged, stranger] {
        assert_eq!(Licomed::open(address, token.clone()).await.err(), Some(403));
        let headers = [("Authorization", format!("Bearer {token}"))];
        let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
        assert_eq!(http::get(address, "/chat/user/threads/", &headers).await.status, 401);
    }
    let mut us = client(&backend, US).await;
    for nobody in ["11111111-2222-4333-8444-555555555555", "", US] {
        us.write_to(nobody);
        let refused = us.say_file("a.png", "image/png", b"\x89PNG", "").await.unwrap_err();
        assert_eq!(refused, (404, "Invalid receipient".to_owned()));
    }
    let bearer = format!("Bearer {}", backend.token(US));
    let parts = [field("receiver", THEM), field("message", "no file")];
    let answer = http::post_form(address, "/chat/attachment/", &[("Authorization", &bearer)], &parts).await;
    assert_eq!((answer.status, answer.json()["success"].clone()), (400, json!(false)));
    assert_eq!(backend.counts(), (0, 0));
    assert_eq!(backend.complaints(), Vec::<String>::new());
}

#[tokio::test]
async fn what_no_document_has_is_complained_about() {
    let backend = backend().await;
    let mut us = client(&backend, US).await;
    us.send_frame(&json!({ "action": "text_message", "message_body": "x", "receiver_id": THEM, "id": 1 })).await;
    assert_eq!(us.outcome().await, Outcome::Confirmed { body: "x".into() });
    us.send_frame(&json!({ "action": "dance" })).await;
    us.send_frame(&json!({ "action": "file_message", "chat_id": "1" })).await;
    us.announce(77).await;
    us.say("still there").await;
    backend.answer_errors();
    us.write_to("11111111-2222-4333-8444-555555555555");
    us.send_text("to nobody").await;
    assert_eq!(us.outcome().await, Outcome::Error { text: "Invalid receipient".into() });
    let found = backend.complaints();
    assert_eq!(found.len(), 4, "{found:?}");
    for (found, expected) in found.iter().zip(["`id`", "dance", "chat_id", "77"]) {
        assert!(found.contains(expected), "{found}");
    }
    us.send_frame(&json!([])).await;
    assert_eq!(us.closed().await, 1011);
}

#[tokio::test]
async fn a_third_user_has_a_thread_of_its_own() {
    let backend = backend().await;
    let third = "7c5b2d90-1e4f-4a6b-9d38-0f1e2d3c4b5a";
    backend.know(third);
    let mut us = client(&backend, US).await;
    let mut other = client(&backend, third).await;
    us.say("from us").await;
    other.say("from the third").await;
    assert_eq!(us.history().await.unwrap(), ["from us"]);
    assert_eq!(other.history().await.unwrap(), ["from the third"]);
    assert_eq!(other.files(1).await, Err(404));
}

#[tokio::test]
async fn it_fails_as_it_is_told() {
    let backend = backend().await;
    let address = backend.server().address();
    let mut us = client(&backend, US).await;
    backend.fail(Failing::DropNext);
    us.send_text("lost").await;
    us.say("kept").await;
    assert_eq!(backend.taken().await, text("kept"));
    let began = Instant::now();
    backend.fail(Failing::LateNext(300));
    us.say("late").await;
    assert!(began.elapsed().as_millis() >= 300);
    us.say("in time").await;
    assert_eq!(us.history().await.unwrap(), ["kept", "late", "in time"]);
    for (failing, status) in [(Failing::Status500, 500), (Failing::RefuseHandshake(503), 503)] {
        backend.fail(failing);
        assert_eq!(Licomed::open(address, backend.token(US)).await.err(), Some(status));
    }
    let headers = [("Authorization", format!("Bearer {}", backend.token(US)))];
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    for failing in [Failing::Garbage, Failing::HugeFrame] {
        // Garbage would be said on the socket too, and this client reads no garbage.
        backend.fail(Failing::CloseWith(1001));
        assert_eq!(us.closed().await, 1001);
        backend.fail(failing);
        let answer = http::get(address, "/chat/user/threads/", &headers).await;
        assert_eq!((answer.status, answer.json()["data"].is_array()), (200, false), "{failing:?}");
        backend.fail(Failing::No);
        us = client(&backend, US).await;
    }
    backend.fail(Failing::Silent);
    let opening = tokio::time::timeout(Duration::from_millis(200), Licomed::open(address, backend.token(US)));
    assert!(opening.await.is_err(), "a handshake that is answered");
    backend.fail(Failing::CloseWith(1012));
    assert_eq!(us.closed().await, 1012);
    for (failing, code) in [(Failing::Reset, 1006), (Failing::Down, 1006)] {
        backend.fail(Failing::No);
        let mut us = client(&backend, US).await;
        backend.fail(failing);
        us.send_text("into the void").await;
        assert_eq!(us.closed().await, code, "{failing:?}");
    }
    backend.fail(Failing::No);
    client(&backend, US).await.say("and it is back").await;
}
