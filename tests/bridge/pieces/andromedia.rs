//! Visitor chat: close codes after the handshake, files that were uploaded first, the timeline, the end of a session.

use serde_json::{Value, json};

use super::promises::{PNG, Pair, promises};
use super::{SECRET, address, call, connect, token, until, upload};
use crate::client::andromedia::Andromedia as Visitor;
use crate::client::{Client, Heard, Outcome};
use crate::harness::http::{field, file};
use crate::harness::socket::{Heard as Frame, Socket};
use crate::standin::Standin;
use crate::standin::andromedia::Andromedia;

const SESSION: &str = "5e550000-0000-4000-8000-000000000101";
const UPLOAD: &str = "/chat/upload-file/";

fn ann() -> Value {
    json!({ "sub": "11111111-2222-4333-8444-555555555555", "role": "visitor" })
}

fn agent() -> Value {
    json!({ "sub": "66666666-7777-4888-9999-aaaaaaaaaaaa", "role": "agent" })
}

promises!(
    Visitor,
    Andromedia::start(SECRET, SESSION, true),
    Pair {
        ann: ann(),
        ben: json!({ "sub": "not a uuid", "role": "visitor" }),
        conversation: SESSION,
        image: "file",
        has_captions: false,
        stranger: 401,
        end: Some(4006),
        says_end: true,
        history: &["pool.png", "The pool", "menu.pdf", "Tonight", "Thanks"],
    }
);

async fn start() -> Andromedia {
    Andromedia::start(SECRET, SESSION, true).await
}

async fn enter(standin: &Andromedia, query: &str, protocol: Option<&str>) -> Socket {
    Socket::open(address(standin), &format!("/ws/visitor-chat/{query}"), protocol).await.unwrap()
}

#[tokio::test]
async fn the_handshake_is_accepted_and_then_closed() {
    let standin = start().await;
    let good = format!("Bearer, {}", token(ann()));
    let query = format!("?session_id={SESSION}");
    let unknown = "?session_id=5e550000-0000-4000-8000-000000000102";
    for (query, protocol, code) in [
        ("", None, 4001),
        ("?session_id=", Some(good.as_str()), 4001),
        ("?session_id=101", Some(&good), 4002),
        (unknown, Some("Bearer, bad"), 4002),
        (&query, Some("Bearer, bad"), 4003),
        (&query, Some("Bearer"), 4003),
    ] {
        let mut socket = enter(&standin, query, protocol).await;
        assert_eq!(socket.hear().await, Frame::Closed(code), "{query} {protocol:?}");
        assert_eq!(socket.protocol.as_deref(), protocol.map(|_| "Bearer"));
    }
    let mut socket = enter(&standin, &query, Some(&good)).await;
    assert_eq!(socket.frame().await, json!({ "type": "connection_established", "session_id": SESSION }));
    assert_eq!(socket.protocol.as_deref(), Some("Bearer"));
    assert!(standin.end().await);
    let ended = socket.frame().await;
    assert_eq!((&ended["type"], &ended["message"]), (&json!("session_ended"), &json!("The session has ended.")));
    assert_eq!(socket.hear().await, Frame::Closed(4006));
    let mut late = enter(&standin, &query, Some(&good)).await;
    let words = "This session has ended. No further communication is allowed.";
    assert_eq!(late.frame().await, json!({ "type": "error", "message": words }));
    assert_eq!(late.hear().await, Frame::Closed(4006));
    // Starting again brings it back.
    connect::<Visitor>(&standin, ann()).await.say("again").await;
    assert_eq!(standin.complaints(), [""; 0]);
}

#[tokio::test]
async fn without_an_echo_only_the_others_hear() {
    let standin = Andromedia::start(SECRET, SESSION, false).await;
    let mut ann: Visitor = connect(&standin, ann()).await;
    let mut agent: Visitor = connect(&standin, agent()).await;
    ann.send_text("hello").await;
    assert_eq!(agent.hears().await, Heard::Text("hello".to_owned()));
    standin.say("from the stand-in").await;
    assert_eq!(ann.hears().await, Heard::Text("from the stand-in".to_owned()));
}

#[tokio::test]
async fn frames_are_as_documented() {
    let standin = start().await;
    let query = format!("?session_id={SESSION}");
    let mut socket = enter(&standin, &query, Some(&format!("Bearer, {}", token(ann())))).await;
    socket.frame().await;
    socket.say(r#"{"type":"text","content":"Hello"}"#).await;
    let mut told = socket.frame().await;
    let at = told["timestamp"].take();
    assert!(at.as_str().is_some_and(|at| at.len() == 24 && at.ends_with('Z')), "{at}");
    let sender = "11111111-2222-4333-8444-555555555555";
    assert_eq!(told, json!({ "type": "text", "content": "Hello", "sender_id": sender, "timestamp": null }));
    for (frame, words) in [
        (r#"{"type":"text","content":" "}"#, "Message content cannot be empty."),
        (r#"{"type":"file","file":"https://elsewhere.example/a.pdf","is_audio":false}"#, "Unknown file."),
    ] {
        socket.say(frame).await;
        assert_eq!(socket.frame().await, json!({ "type": "error", "message": words }));
    }
    assert_eq!(standin.complaints(), [""; 0]);
    for frame in [r#"{"type":"dance"}"#, "{", r#"{"type":"text","content":"a","conversation_id":1}"#] {
        socket.say(frame).await;
        socket.frame().await;
    }
    assert_eq!(standin.complaints().len(), 3);
}

#[tokio::test]
async fn calls_refuse_what_the_document_refuses() {
    let standin = start().await;
    let (visitor, bad) = (format!("Bearer {}", token(ann())), "Bearer bad");
    let says = |words: &str| json!({ "message": words });
    let start = "/chat/start-session/";
    let (status, started) = call(&standin, "POST", start, "", Some(json!({ "business": "hotel" }))).await;
    assert_eq!((status, &started["data"]), (200, &json!({ "session_id": SESSION, "active": true })));
    for (credential, body, status, words) in [
        ("", json!({}), 400, "business is required"),
        ("", json!({ "business": "motel" }), 400, "Unknown business"),
        (bad, json!({ "business": "hotel" }), 401, "Invalid authentication credentials."),
    ] {
        assert_eq!(call(&standin, "POST", start, credential, Some(body)).await, (status, says(words)));
    }
    let user = || field("uploaded_by_end_user", "11111111-2222-4333-8444-555555555555");
    let png = || file("file", "a b.png", "image/png", PNG);
    for (parts, words) in [
        (vec![user()], "file is required"),
        (vec![png()], "uploaded_by_end_user is required"),
        (vec![png(), field("uploaded_by_end_user", "7")], "uploaded_by_end_user must be a UUID"),
    ] {
        let answer = upload(&standin, UPLOAD, &visitor, &parts).await;
        assert_eq!((answer.status, answer.json()), (400, says(words)));
    }
    let answer = upload(&standin, UPLOAD, &visitor, &[png(), field("message", ""), user()]).await;
    let url = format!("{}/media/chat_attachments/a%20b.png", standin.http());
    let body = json!({ "message": "File uploaded successfully", "data": { "file": url, "file_name": "a b.png" } });
    assert_eq!((answer.status, answer.json()), (200, body));
    let other = "/chat/history/5e550000-0000-4000-8000-000000000102/";
    assert_eq!(call(&standin, "GET", other, &visitor, None).await.0, 404);
    assert_eq!(standin.complaints(), [""; 0]);
}

#[tokio::test]
async fn an_agent_ends_the_session() {
    let standin = start().await;
    let mut visitor: Visitor = connect(&standin, ann()).await;
    let (ann, agent) = (format!("Bearer {}", token(ann())), format!("Bearer {}", token(agent())));
    let end = "/chats/end-session/";
    let body = || Some(json!({ "session_id": SESSION }));
    assert_eq!(call(&standin, "POST", end, "", body()).await.0, 401);
    assert_eq!(call(&standin, "POST", end, &ann, body()).await.0, 403);
    assert_eq!(call(&standin, "POST", end, &agent, Some(json!({ "session_id": "other" }))).await.0, 404);
    assert_eq!(call(&standin, "POST", end, &agent, body()).await.0, 200);
    assert!(visitor.ended().await);
    assert_eq!(visitor.closed().await, 4006);
    assert_eq!(visitor.outcome().await, Outcome::Closed { code: 4006 });
    assert_eq!(call(&standin, "POST", end, &agent, body()).await.0, 400);
    until("nobody is connected", || standin.sockets() == 0).await;
}
