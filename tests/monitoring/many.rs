//! As many series for ten thousand users as for a few: users, conversations, files, addresses and whatever else a client can
//! make up are no labels.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::iter;
use serde_json::json;

use crate::harness::socket::{Heard, Socket};
use crate::harness::{Gateway, http};
use crate::page::Page;

/// Each with a token, a conversation and a file of its own.
const USERS: usize = 10_000;
/// Who warms up: all that a client can do is done before the first look.
const FIRST: usize = 100;
/// Of how many users one also opens a socket, and one tries what is not allowed.
const EACH: usize = 50;
const AT_ONCE: usize = 24;

const OPEN: &str = "dragoman_websocket_connections{route=\"licomed\"}";

/// What a client may call something, to break a label or a line.
fn hostile(user: usize) -> String {
    format!("{user}\"}} 1 #\\ {{x=\\\"{user}\\\"}} дом 🏠 '\u{202e}")
}

fn id(user: usize) -> String {
    format!("5f3b1c7e-52d5-4b6f-8a51-{user:012}")
}

/// With whom everybody talks.
fn desk() -> String {
    id(999_999_999_999)
}

/// It was there, and so is known to all.
async fn open_desk(gateway: &Gateway) {
    let token = gateway.token(json!({ "sub": desk(), "role": "user", "name": "The desk" }));
    Socket::open(gateway.address, &format!("/ws/chat/room/?token={token}"), None).await.expect("a socket");
}

/// One user's way through the gateway.
async fn come(gateway: &Gateway, user: usize) {
    let claims = json!({ "sub": id(user), "role": "user", "name": hostile(user), "business": hostile(user) });
    let token = gateway.token(claims);
    let bearer = format!("Bearer {token}");
    let headers = [("Authorization", bearer.as_str())];
    // A conversation of two is one of their own.
    let parts = [
        http::field("receiver", &desk()),
        http::field("message", &hostile(user)),
        http::file("attached_file", &format!("bill-{user}.pdf"), "application/pdf", b"%PDF-1.4\n%%EOF\n"),
    ];
    let answer = http::post_form(gateway.address, "/chat/attachment/", &headers, &parts).await;
    assert_eq!(answer.status, 201, "user {user}: {answer:?}");
    if user.is_multiple_of(EACH) {
        talk(gateway, user, &token).await;
    }
    if user % EACH == 1 {
        offend(gateway, user, &bearer).await;
    }
}

/// Says something on a socket, and something that is no message.
async fn talk(gateway: &Gateway, user: usize, token: &str) {
    let path = format!("/ws/chat/room/?token={token}&{user}=1");
    let mut socket = Socket::open(gateway.address, &path, None).await.expect("a socket");
    let frame = json!({ "action": "text_message", "message_body": hostile(user), "receiver_id": desk() });
    socket.say(&frame.to_string()).await;
    assert_eq!(socket.frame().await["action"], "conf_message");
    socket.say(&json!({ "action": hostile(user) }).to_string()).await;
    assert!(matches!(socket.hear().await, Heard::Frame(_)), "a refusal");
}

/// What is refused: paths, methods, names, credentials that nobody has.
async fn offend(gateway: &Gateway, user: usize, bearer: &str) {
    let path = format!("/nowhere/{user}/%22%7D%0A?{user}={user}");
    assert_eq!(http::get(gateway.address, &path, &[("Authorization", bearer)]).await.status, 404);
    let origin = format!("https://{user}.example");
    let forged = format!("Bearer {user}.{user}.{user}");
    let headers = [("Authorization", forged.as_str()), ("Origin", &origin), ("Idempotency-Key", &origin)];
    assert_eq!(http::get(gateway.address, &format!("/chat/messages/{}/", id(user)), &headers).await.status, 401);
    let method = format!("M{user}");
    let unknown = http::request(&method, "/chat/attachment/", &[("Authorization", bearer)], b"");
    assert_eq!(http::send(gateway.address, &unknown).await.status, 405);
}

async fn all_come(gateway: &Gateway, users: std::ops::Range<usize>) {
    let coming = iter(users).map(|user| come(gateway, user)).buffer_unordered(AT_ONCE);
    coming.for_each(|()| async {}).await;
}

/// The page once nothing is open any more: ends of sockets are counted soon after them.
async fn settled(gateway: &Gateway) -> Page {
    Page::once(gateway, |page| page.value(OPEN) == 0.0).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_users_have_no_labels() {
    let gateway = Gateway::start_quiet("", |_| String::new()).await;
    open_desk(&gateway).await;
    all_come(&gateway, 0..FIRST).await;
    let before = settled(&gateway).await;
    all_come(&gateway, FIRST..FIRST + USERS).await;
    let after = settled(&gateway).await;
    let new: Vec<&str> = after.series().difference(&before.series()).copied().collect();
    assert!(new.is_empty(), "{} series came with the users: {new:#?}", new.len());
    let gone: Vec<&str> = before.series().difference(&after.series()).copied().collect();
    assert!(gone.is_empty(), "{gone:?}");
    // They were all there.
    let kept = |page: &Page| page.value("dragoman_store_uploads_total{outcome=\"kept\",store=\"local\"}");
    assert_eq!(kept(&after) - kept(&before), USERS as f64);
    let pair = "dragoman_messages_confirmed_total{from=\"licomed\",route=\"licomed\",to=\"hub\"}";
    assert_eq!(after.value(pair) - before.value(pair), (USERS / EACH) as f64);
    assert!(after.series().len() < 1_000, "{} series", after.series().len());
}

/// A socket that stays does not count as a slow request.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_socket_is_no_long_request() {
    let gateway = Gateway::start("").await;
    open_desk(&gateway).await;
    let token = gateway.token(json!({ "sub": id(1), "role": "user" }));
    let opened = tokio::time::Instant::now();
    let mut socket = Socket::open(gateway.address, &format!("/ws/chat/room/?token={token}"), None).await.unwrap();
    // It is open a moment after its handshake.
    Page::once(&gateway, |page| page.value(OPEN) == 1.0).await;
    // Long enough to be told from a handshake: as long as it takes, and as many frames.
    while opened.elapsed() < Duration::from_millis(1_500) {
        let frame = json!({ "action": "text_message", "message_body": "still here", "receiver_id": desk() });
        socket.say(&frame.to_string()).await;
        assert_eq!(socket.frame().await["action"], "conf_message");
    }
    drop(socket);
    let page = settled(&gateway).await;
    let of = "op=\"socket\",route=\"licomed\"";
    assert_eq!(page.value(&format!("dragoman_http_request_duration_seconds_count{{{of}}}")), 2.0);
    let sum = page.value(&format!("dragoman_http_request_duration_seconds_sum{{{of}}}"));
    assert!(sum < 1.0, "{sum} s for two handshakes");
}
