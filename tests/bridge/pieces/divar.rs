//! An app of the marketplace: three steps to a file, sizes and formats, errors with codes, webhooks with a key.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::divar::{CONVERSATION, Divar, Events};
use crate::client::{Client, Heard, Outcome};
use crate::harness::http::{Answer, file, form};
use crate::media::{File, Format};
use crate::standin::divar;
use crate::standin::{Failing, Standin, Taken};

const KEY: &str = "key-of-the-app-0f1e2d3c";
const ACCESS: &str = "token-of-the-seller-4b5a6978";
const MEGABYTE: usize = 1_048_576;

/// A backend and an app that hears its events.
async fn both() -> (divar::Divar, Divar, Arc<Events>) {
    let events = Events::start().await;
    let backend = divar::Divar::start(KEY, String::new(), events.key()).await;
    backend.events_at(&events.url());
    backend.require_access(ACCESS);
    let app = Divar::connect(backend.server().address(), events.token(KEY, Some(ACCESS))).await;
    (backend, app, events)
}

fn fine(backend: &divar::Divar, events: &Events) {
    assert_eq!((backend.complaints(), events.complaints()), (Vec::new(), Vec::new()));
}

fn refused(status: u16, answer: Answer) {
    let body = answer.json();
    assert_eq!(answer.status, status, "{body}");
    let code = [(400, 3), (401, 16), (403, 7), (404, 5), (412, 9)];
    let code = code.iter().find(|(known, _)| *known == status).unwrap().1;
    assert_eq!((&body["code"], &body["details"]), (&json!(code), &json!([])), "{body}");
}

#[tokio::test]
async fn texts_both_ways() {
    let (backend, mut app, events) = both().await;
    app.say("hello").await;
    let hello =
        Taken { kind: "text".into(), body: "hello".into(), conversation: CONVERSATION.into(), ..Taken::default() };
    assert_eq!(backend.taken().await, hello);
    backend.say("hello yourself").await;
    assert_eq!(app.hears().await, Heard::Text("hello yourself".into()));
    app.send_text("twice").await;
    app.send_text("twice").await;
    for _ in 0..2 {
        assert_eq!(app.outcome().await, Outcome::Confirmed { body: "twice".into() });
    }
    assert_eq!(app.history().await.unwrap(), ["hello", "hello yourself", "twice", "twice"]);
    let first = &app.messages().await.unwrap()[0];
    assert_eq!(first["sender"], json!({ "side": "SELLER", "type": "BOT" }));
    assert_eq!(first["conversation"], json!({ "id": CONVERSATION, "type": "POST", "post_token": "gXYZ" }));
    let event = &events.all()[0];
    assert_eq!(event["new_message"]["sender"], json!({ "side": "BUYER", "type": "HUMAN" }));
    assert_eq!((backend.counts(), backend.end().await), ((3, 0), false));
    fine(&backend, &events);
}

#[tokio::test]
async fn files_of_every_kind_both_ways() {
    let (backend, mut app, events) = both().await;
    let kinds = [
        (Format::Png, "image", "IMAGE"),
        (Format::Pdf, "document", "FILE"),
        (Format::M4a, "audio", "VOICE"),
        (Format::Mp4, "video", "VIDEO"),
    ];
    for (seed, (format, kind, written)) in kinds.into_iter().enumerate() {
        let made = File::new(format, 100_000, seed as u64);
        app.say_file(&made.name(), format.mime(), &made.bytes(), "").await.unwrap();
        let taken = backend.taken().await;
        assert_eq!((taken.kind.as_str(), taken.name), (kind, Some(made.name())));
        assert_eq!(taken.file, Some(made.bytes()));
        backend.say_file(&made.name(), format.mime(), &made.bytes(), "look").await;
        let Heard::File { name, url, .. } = app.hears().await else { panic!("no file") };
        assert_eq!(name, if format == Format::Pdf { made.name() } else { String::new() });
        assert_eq!(app.fetch(&url).await, (200, made.bytes()));
        assert_eq!(app.hears().await, Heard::Text("look".into()));
        let all = events.all();
        let event = &all[all.len() - 2]["new_message"];
        assert_eq!((&event["type"], event["sent_at"].is_u64()), (&json!(written), true));
    }
    assert_eq!(backend.counts(), (4, 4));
    assert_eq!(app.history().await.unwrap(), ["look"; 4], "the history has texts only");
    fine(&backend, &events);
}

#[tokio::test]
async fn a_caption_follows_in_a_message_of_its_own() {
    let (backend, mut app, events) = both().await;
    let png = File::new(Format::Png, 1_000, 1).bytes();
    app.say_file("a.png", "image/png", &png, "look").await.unwrap();
    assert_eq!((backend.taken().await.body, backend.taken().await.body), (String::new(), "look".to_owned()));
    app.captions_beside_media();
    let refused = app.say_file("a.png", "image/png", &png, "look").await.unwrap_err();
    assert_eq!(refused.0, 400, "the schema has words or a media token: {}", refused.1);
    backend.allow_words_beside_media(true);
    app.say_file("a.png", "image/png", &png, "look").await.unwrap();
    let taken = backend.taken().await;
    assert_eq!((taken.kind.as_str(), taken.body.as_str()), ("image", "look"));
    fine(&backend, &events);
}

#[tokio::test]
async fn sizes_and_formats_are_those_of_the_document() {
    let (backend, app, events) = both().await;
    let limits = [
        (Format::Png, "image/png", 5 * MEGABYTE),
        (Format::Pdf, "application/pdf", 5 * MEGABYTE),
        (Format::M4a, "audio/mp4", 3 * MEGABYTE / 2),
        (Format::Mp4, "video/mp4", 50 * MEGABYTE),
    ];
    for (format, mime, limit) in limits {
        for (size, status) in [(limit, None), (limit + 1, Some(413))] {
            let made = File::new(format, size, 3);
            let answer = app.upload(&made.name(), mime, &made.bytes()).await;
            assert_eq!(answer.err().map(|(status, _)| status), status, "{size} bytes of {mime}");
        }
    }
    let png = File::new(Format::Png, 1_000, 1).bytes();
    let wrong = [
        ("a.gif", "image/gif", b"GIF89a".as_slice()),
        ("a.png", "image/png", b"no picture at all"),
        ("a", "image/png", &png),
        ("a.pdf", "image/png", &png),
        ("a.mp3", "audio/mpeg", b"ID3"),
        ("a.txt", "text/plain", b"words"),
        ("a.mov", "video/quicktime", b"\0\0\0\x14ftypqt  \0\0\0\0qt  "),
    ];
    for (name, mime, bytes) in wrong {
        assert_eq!(app.upload(name, mime, bytes).await.unwrap_err().0, 400, "{name} as {mime}");
    }
    assert_eq!(backend.counts(), (0, 4));
    fine(&backend, &events);
}

#[tokio::test]
async fn the_largest_file_is_uploaded_while_it_is_made() {
    let (backend, app, events) = both().await;
    let film = File::new(Format::Mp4, 50 * MEGABYTE, 4);
    let bearer = format!("Bearer {}", app.grant().await.unwrap());
    let headers = [("Authorization", bearer.as_str())];
    let (answer, written) = film.upload(backend.server().address(), "/upload/video", &headers, &[], "file").await;
    assert_eq!((answer.status, written > film.size), (200, true));
    app.send_media(answer.json()["id"].as_str().unwrap(), "").await.unwrap();
    let taken = backend.taken().await.file.unwrap();
    let mut rest = taken.as_slice();
    for chunk in film.chunks() {
        rest = rest.strip_prefix(&chunk[..]).expect("the bytes that were made");
    }
    assert!(rest.is_empty());
    fine(&backend, &events);
}

#[tokio::test]
async fn tokens_are_checked_and_bound() {
    let (backend, app, events) = both().await;
    let address = backend.server().address();
    assert_eq!(Divar::open(address, "another-key".into()).await.err(), Some(401));
    backend.know("another-key");
    // Without the user's token: an upload may begin, nothing is said in the user's name.
    let other = Divar::connect(address, "another-key".into()).await;
    refused(401, other.send_body(&json!({ "message": "x" })).await);
    assert_eq!(other.messages().await.unwrap_err().0, 401);
    let png = File::new(Format::Png, 1_000, 1).bytes();
    let media = other.upload("a.png", "image/png", &png).await.unwrap();
    assert_eq!(app.send_media(&media, "").await.unwrap_err().0, 400, "the media token of another app");
    let media = app.upload("a.png", "image/png", &png).await.unwrap();
    app.send_media(&media, "").await.unwrap();
    app.send_media(&media, "").await.unwrap();
    backend.forget_media();
    assert_eq!(app.send_media(&media, "").await.unwrap_err().0, 400);
    let grant = app.grant().await.unwrap();
    backend.expire_grants();
    let body = form(&[file("file", "a.png", "image/png", &png)]);
    assert_eq!(app.upload_with(&grant, "image", &body).await.unwrap_err().0, 401);
    assert_eq!(backend.counts(), (2, 2));
    fine(&backend, &events);
}

#[tokio::test]
async fn bad_sends_are_refused_with_code_and_details() {
    let (backend, app, events) = both().await;
    for body in [
        json!({}),
        json!({ "media_token": "x" }),
        json!({ "message": "" }),
        json!({ "message": 5 }),
        json!({ "message": "", "media_token": "unknown" }),
        json!({ "message": "x", "receiver_buttons": { "rows": [{ "buttons": [] }, {}, {}, {}] } }),
        json!({ "message": "x", "receiver_buttons": { "rows": [{ "buttons": [{ "caption": "no action" }] }] } }),
    ] {
        refused(400, app.send_body(&body).await);
    }
    let button = json!({ "action": { "open_direct_link": "https://divar.example" }, "icon": "HOME", "caption": "Go" });
    let grid = json!({ "rows": [{ "buttons": [button] }] });
    let answer = app.send_body(&json!({ "message": "x", "type": "TEXT", "receiver_buttons": grid })).await;
    assert_eq!((answer.status, answer.json()["status"].clone()), (200, json!(200)));
    backend.restrict(true);
    refused(412, app.send_body(&json!({ "message": "x" })).await);
    backend.forbid(true);
    refused(403, app.send_body(&json!({ "message": "x" })).await);
    assert_eq!(backend.counts(), (1, 0));
    fine(&backend, &events);
    backend.forbid(false);
    backend.restrict(false);
    app.send_body(&json!({ "message": "x", "conversation_id": "y" })).await;
    app.post("/v3/open-platform/anything", &json!({})).await;
    let complaints = backend.complaints();
    assert_eq!(complaints.len(), 2, "{complaints:?}");
    assert!(complaints[0].contains("conversation_id") && complaints[1].contains("/v3/"), "{complaints:?}");
}

#[tokio::test]
async fn the_bot_has_conversations_of_its_own() {
    let (backend, mut app, events) = both().await;
    backend.say_to_bot("bot-conversation-7", "/start MY_DIVAR").await;
    assert_eq!(app.hears().await, Heard::Text("/start MY_DIVAR".into()));
    assert_eq!(events.all()[0]["new_chatbot_message"]["sender"], json!({ "type": "HUMAN" }));
    let answer = app.send_as_bot("bot-conversation-7", "welcome").await;
    assert_eq!((answer.status, answer.json()), (200, json!({ "conversation_id": "bot-conversation-7" })));
    assert_eq!(backend.taken().await.conversation, "bot-conversation-7");
    fine(&backend, &events);
}

#[tokio::test]
async fn own_messages_come_back_when_the_platform_echoes() {
    let (backend, mut app, events) = both().await;
    backend.echo(true);
    app.say("mine").await;
    backend.say("theirs").await;
    assert_eq!(app.hears().await, Heard::Text("theirs".into()));
    events.taken(2).await;
    let echoes: Vec<Value> = events.all().iter().map(|event| event["new_message"]["sender"]["type"].clone()).collect();
    assert!(echoes.contains(&json!("BOT")) && echoes.contains(&json!("HUMAN")), "{echoes:?}");
    fine(&backend, &events);
}

#[tokio::test]
async fn events_are_tried_again_and_carry_the_key() {
    let (backend, mut app, events) = both().await;
    events.refuse(3, 503);
    backend.say("at last").await;
    assert_eq!(app.hears().await, Heard::Text("at last".into()));
    assert_eq!(events.all().len(), 1);
    fine(&backend, &events);
}

#[tokio::test]
#[should_panic(expected = "refused with 401")]
async fn an_event_with_a_wrong_key_fails_the_test() {
    let (backend, _app, _events) = both().await;
    backend.events_key("another-key");
    backend.say("from nobody").await;
}

#[tokio::test]
async fn it_fails_as_it_is_told() {
    let (backend, mut app, events) = both().await;
    backend.fail(Failing::LateNext(300));
    let began = Instant::now();
    app.say("late").await;
    assert!(began.elapsed().as_millis() >= 300);
    backend.fail(Failing::Status500);
    app.send_text("lost").await;
    assert_eq!(app.outcome().await, Outcome::Error { text: "Internal Server Error".into() });
    for failing in [Failing::Reset, Failing::Down] {
        backend.fail(failing);
        app.send_text("into the void").await;
        assert_eq!(app.outcome().await, Outcome::Closed { code: 1006 }, "{failing:?}");
    }
    for failing in [Failing::Garbage, Failing::HugeFrame] {
        backend.fail(failing);
        let answer = app.send_body(&json!({ "message": "x" })).await;
        assert_eq!((answer.status, answer.json()["status"].is_u64()), (200, false), "{failing:?}");
    }
    for failing in [Failing::Silent, Failing::DropNext] {
        backend.fail(failing);
        let body = json!({ "message": "x" });
        let unanswered = tokio::time::timeout(Duration::from_millis(200), app.send_body(&body)).await;
        assert!(unanswered.is_err(), "{failing:?}: {unanswered:?}");
    }
    app.say("back again").await;
    // What was reset is the answer: the message had been kept, which the app cannot know.
    assert_eq!(app.history().await.unwrap(), ["late", "into the void", "back again"]);
    fine(&backend, &events);
}
