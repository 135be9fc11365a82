//! Credentials that are none, and things that belong to somebody else: sessions, chats, conversations, files.

use serde_json::{Value, json};

use super::harness::http::{self, field, file};
use super::harness::socket::{Heard, Socket};
use super::harness::{DIALECTS, Gateway};
use super::place::{ALICE, BOB, CONVERSATIONS, Place, claims, is_refusal};

const CAROL: &str = "96bf0d3f-720d-4620-8dee-0f59f997cb51";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0\x3a\x7e\x9b\x55";

/// Header and payload that say "no algorithm", signed with nothing.
const UNSIGNED: &str =
    "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiJzdGFmZi0xIiwicm9sZSI6InN0YWZmIiwiZXhwIjo0MTAyNDQ0ODAwfQ.";

fn bad_tokens(gateway: &Gateway, dialect: &str) -> Vec<(&'static str, String)> {
    let good = gateway.token(claims(dialect));
    let mut parts = good.split('.');
    let (head, body) = (parts.next().unwrap(), parts.next().unwrap());
    vec![
        ("expired", gateway.expired(claims(dialect))),
        ("of another signer", gateway.forged(claims(dialect))),
        ("without algorithm", UNSIGNED.to_owned()),
        ("without signature", format!("{head}.{body}.")),
        ("cut", good[..good.len() - 2].to_owned()),
        ("no token at all", "nonsense".to_owned()),
        ("8 KiB long", "a".repeat(8 * 1024)),
    ]
}

#[tokio::test]
async fn bad_tokens_are_refused_at_the_handshake() {
    let mut gateway = Gateway::start(CONVERSATIONS).await;
    // andromedia's client sees why, so the session has to be a real one.
    let opened = http::post_json(
        gateway.address,
        "/chat/start-session/",
        &[("Authorization", &format!("Bearer {}", gateway.token(claims("andromedia"))))],
        br#"{"business":"hotel"}"#,
    )
    .await;
    let session = opened.json()["data"]["session_id"].as_str().expect("a session").to_owned();
    for (dialect, path, status) in [
        ("frontdesk", "/ws/chat/", 403),
        ("licomed", "/ws/chat/room/", 403),
        ("luxmart", "/v1/chat/ws/store/", 401),
        ("luxmart", "/v1/chat/ws/admin/", 401),
    ] {
        for (name, token) in bad_tokens(&gateway, dialect) {
            let refused = Socket::open(gateway.address, &format!("{path}?token={token}"), None).await.err();
            assert_eq!(refused, Some(status), "{dialect}: a token {name}");
        }
        assert_eq!(Socket::open(gateway.address, path, None).await.err(), Some(status), "{dialect}: none");
    }
    for (name, token) in bad_tokens(&gateway, "andromedia") {
        let path = format!("/ws/visitor-chat/?session_id={session}");
        let mut socket = Socket::open(gateway.address, &path, Some(&format!("Bearer, {token}"))).await.unwrap();
        assert_eq!(socket.protocol.as_deref(), Some("Bearer"), "a token {name}");
        assert_eq!(socket.hear().await, Heard::Closed(4003), "andromedia: a token {name}");
    }
    assert!(gateway.is_alive());
}

#[tokio::test]
async fn bad_tokens_are_refused_by_every_call() {
    let mut gateway = Gateway::start(CONVERSATIONS).await;
    for (dialect, method, path, header, scheme) in [
        ("frontdesk", "GET", "/api/chat/conversations/", "Authorization", "Bearer "),
        ("frontdesk", "GET", "/api/chat/conversations/123/", "Authorization", "Bearer "),
        ("frontdesk", "POST", "/api/chat/upload-media/", "Authorization", "Bearer "),
        ("frontdesk", "POST", "/api/chat/conversations/close/", "Authorization", "Bearer "),
        ("andromedia", "GET", "/chat/history/00000000-0000-4000-8000-000000000000/", "Authorization", "Bearer "),
        ("andromedia", "POST", "/chat/upload-file/", "Authorization", "Bearer "),
        ("andromedia", "POST", "/chat/end-session/", "Authorization", "Bearer "),
        ("licomed", "GET", "/chat/messages/75140d72-8b20-4549-885c-20599badb486/", "Authorization", "Bearer "),
        ("licomed", "GET", "/chat/user/threads/", "Authorization", "Bearer "),
        ("licomed", "GET", "/chat/thread/files/1/", "Authorization", "Bearer "),
        ("licomed", "POST", "/chat/attachment/", "Authorization", "Bearer "),
        ("divar", "POST", "/experimental/open-platform/chat/upload", "X-API-Key", ""),
        ("divar", "POST", "/upload/image", "Authorization", "Bearer "),
        ("divar", "POST", "/v2/open-platform/conversations/conversation-101/messages", "X-API-Key", ""),
        ("divar", "GET", "/v1/open-platform/chat/conversations/conversation-101", "X-API-Key", ""),
        ("luxmart", "POST", "/v1/chat/upload/", "Authorization", "Token "),
        ("luxmart", "GET", "/v1/chat/store/session/", "Authorization", "Token "),
        ("luxmart", "POST", "/v1/chat/store/message/", "Authorization", "Token "),
        ("luxmart", "POST", "/v1/chat/admin/close/", "Authorization", "Token "),
    ] {
        let mut headers: Vec<(&str, String)> = vec![(header, String::new())];
        for (name, token) in bad_tokens(&gateway, dialect) {
            headers[0].1 = format!("{scheme}{token}");
            let headers = [(headers[0].0, headers[0].1.as_str()), ("Content-Type", "application/json")];
            let answer = http::send(gateway.address, &http::request(method, path, &headers, b"{}")).await;
            assert_eq!(answer.status, 401, "{dialect} {method} {path}: a token {name}: {answer:?}");
            assert!(is_refusal(dialect, &answer.json()), "{dialect} {method} {path}: {answer:?}");
            let text = String::from_utf8_lossy(&answer.body).into_owned();
            assert!(!text.contains(&token), "{dialect} {path}: the answer repeats the token");
        }
        let answer = http::send(gateway.address, &http::request(method, path, &[], b"{}")).await;
        assert_eq!(answer.status, 401, "{dialect} {method} {path}: no token: {answer:?}");
    }
    let log = gateway.log();
    for dialect in DIALECTS {
        for (name, token) in bad_tokens(&gateway, dialect) {
            assert!(!log.contains(&token), "{dialect}: a token {name} is in the log");
        }
    }
    assert!(gateway.is_alive());
}

async fn licomed(gateway: &Gateway, user: &str, name: &str) -> (String, Socket) {
    let token = gateway.token(json!({ "sub": user, "role": "user", "name": name }));
    let socket = Socket::open(gateway.address, &format!("/ws/chat/room/?token={token}"), None).await.unwrap();
    (token, socket)
}

/// Uploads for BOB, and says the chat_id.
async fn attach(gateway: &Gateway, token: &str) -> Value {
    let parts =
        [field("receiver", BOB), field("message", "a file"), file("attached_file", "view.png", "image/png", PNG)];
    let headers = [("Authorization", format!("Bearer {token}"))];
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    let answer = http::post_form(gateway.address, "/chat/attachment/", &headers, &parts).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()["entity"]["message"]["id"].clone()
}

#[tokio::test]
async fn a_second_announcement_confirms_again_and_delivers_nothing() {
    let mut gateway = Gateway::start(CONVERSATIONS).await;
    let ((token, mut alice), (_, mut bob)) =
        (licomed(&gateway, ALICE, "Alice").await, licomed(&gateway, BOB, "Bob").await);
    let chat_id = attach(&gateway, &token).await;
    for _ in 0..3 {
        alice.say(&json!({ "action": "file_message", "chat_id": chat_id }).to_string()).await;
        let confirmation = alice.frame().await;
        assert_eq!((&confirmation["action"], &confirmation["created_msg_id"]), (&json!("conf_message"), &chat_id));
    }
    alice.say(&json!({ "action": "text_message", "message_body": "after", "receiver_id": BOB }).to_string()).await;
    let (first, second) = (bob.frame().await, bob.frame().await);
    assert_eq!((&first["message_type"], &first["created_msg_id"]), (&json!("file"), &chat_id));
    assert_eq!(second["message"], "after");
    assert!(gateway.is_alive());
}

#[tokio::test]
async fn somebody_elses_chat_id_is_refused() {
    let mut gateway = Gateway::start(CONVERSATIONS).await;
    let (token, mut alice) = licomed(&gateway, ALICE, "Alice").await;
    let (_, mut bob) = licomed(&gateway, BOB, "Bob").await;
    let (_, mut carol) = licomed(&gateway, CAROL, "Carol").await;
    let chat_id = attach(&gateway, &token).await;
    for thief in [&mut bob, &mut carol] {
        thief.say(&json!({ "action": "file_message", "chat_id": chat_id }).to_string()).await;
        assert_eq!(thief.frame().await["action"], "error");
    }
    alice.say(&json!({ "action": "file_message", "chat_id": chat_id }).to_string()).await;
    assert_eq!(alice.frame().await["action"], "conf_message");
    assert_eq!(bob.frame().await["created_msg_id"], chat_id);
    assert!(gateway.is_alive());
}

#[tokio::test]
async fn an_ended_session_takes_nothing_more() {
    let mut gateway = Gateway::start(CONVERSATIONS).await;
    let visitor = gateway.token(claims("andromedia"));
    let agent =
        gateway.token(json!({ "sub": "66666666-7777-4888-9999-aaaaaaaaaaaa", "role": "agent", "business": "hotel" }));
    let bearer = |token: &str| format!("Bearer {token}");
    let opened = http::post_json(
        gateway.address,
        "/chat/start-session/",
        &[("Authorization", &bearer(&visitor))],
        br#"{"business":"hotel"}"#,
    )
    .await;
    let session = opened.json()["data"]["session_id"].as_str().expect("a session").to_owned();
    let path = format!("/ws/visitor-chat/?session_id={session}");
    let protocol = format!("Bearer, {visitor}");
    let mut socket = Socket::open(gateway.address, &path, Some(&protocol)).await.unwrap();
    assert_eq!(socket.frame().await["type"], "connection_established");
    socket.say(r#"{"type":"text","content":"before"}"#).await;
    assert_eq!(socket.frame().await["content"], "before");

    let end = json!({ "session_id": session }).to_string();
    let ended =
        http::post_json(gateway.address, "/chat/end-session/", &[("Authorization", &bearer(&agent))], end.as_bytes())
            .await;
    assert_eq!(ended.status, 200, "{ended:?}");
    assert_eq!(socket.frame().await["type"], "session_ended");
    assert_eq!(socket.hear().await, Heard::Closed(4006));

    let mut late = Socket::open(gateway.address, &path, Some(&protocol)).await.unwrap();
    assert_eq!(late.frame().await["type"], "error");
    assert_eq!(late.hear().await, Heard::Closed(4006));

    let history =
        http::get(gateway.address, &format!("/chat/history/{session}/"), &[("Authorization", &bearer(&agent))])
            .await
            .json();
    assert_eq!(history["data"].as_array().map(Vec::len), Some(1));
    assert_eq!(history["data"][0]["data"]["content"], "before");
    assert!(gateway.is_alive());
}

#[tokio::test]
async fn conversations_of_others_are_refused() {
    let mut gateway = Gateway::start(CONVERSATIONS).await;
    let mut places = Place::all(&gateway).await;
    for place in &mut places {
        place.confirmed(&gateway, "mine").await;
    }
    let token = |claims: Value| gateway.token(claims);
    let housekeeping = token(json!({ "sub": "staff-9", "role": "staff", "department": "housekeeping" }));
    let stranger =
        token(json!({ "sub": "99999999-2222-4333-8444-555555555555", "role": "visitor", "business": "hotel" }));
    let carol = token(json!({ "sub": CAROL, "role": "user" }));
    let andromedia = &places[1];
    let session = andromedia.get(&gateway, "/chat/history/none/").await;
    assert!((400..500).contains(&session.status));

    // Somebody of another department neither reads nor writes.
    let read = http::get(
        gateway.address,
        "/api/chat/conversations/123",
        &[("Authorization", &format!("Bearer {housekeeping}"))],
    )
    .await;
    assert_eq!(read.status, 403, "{read:?}");
    assert!(is_refusal("frontdesk", &read.json()));
    let mut socket = Socket::open(gateway.address, &format!("/ws/chat/?token={housekeeping}"), None).await.unwrap();
    socket.say(r#"{"type":"text","conversation_id":123,"content":"let me in"}"#).await;
    assert_eq!(socket.frame().await, json!({ "type": "error", "message": "Access denied to this conversation" }));

    // A visitor sees neither another's session nor its history.
    let opened = http::post_json(
        gateway.address,
        "/chat/start-session/",
        &[("Authorization", &format!("Bearer {}", andromedia.token))],
        br#"{"business":"hotel"}"#,
    )
    .await;
    let session = opened.json()["data"]["session_id"].as_str().unwrap().to_owned();
    let path = format!("/ws/visitor-chat/?session_id={session}");
    let mut socket = Socket::open(gateway.address, &path, Some(&format!("Bearer, {stranger}"))).await.unwrap();
    assert_eq!(socket.hear().await, Heard::Closed(4003));
    let read = http::get(
        gateway.address,
        &format!("/chat/history/{session}/"),
        &[("Authorization", &format!("Bearer {stranger}"))],
    )
    .await;
    assert_eq!(read.status, 403, "{read:?}");

    // A user sees no thread of two others.
    let threads =
        http::get(gateway.address, "/chat/user/threads/", &[("Authorization", &format!("Bearer {carol}"))]).await;
    assert_eq!(threads.json()["data"], json!([]));
    for thread in 1..5 {
        let files = http::get(
            gateway.address,
            &format!("/chat/thread/files/{thread}/"),
            &[("Authorization", &format!("Bearer {carol}"))],
        )
        .await;
        assert_eq!(files.status, 404, "{files:?}");
    }

    // Nothing came in by that.
    for place in &places {
        assert_eq!(place.history(&gateway).await, ["mine"], "{}", place.dialect);
    }
    assert!(gateway.is_alive());
}
