//! `replay = "missed"` with nothing but this process and its disk: what was missed is told after a reconnect, and after a
//! kill and a restart.

use std::time::Duration;

use serde_json::{Value, json};

use super::harness::socket::Socket;
use super::harness::{Gateway, PATIENCE, http};

const ALICE: &str = "302e305b-6e73-4f9c-bac7-551a92b106b0";
const BOB: &str = "75140d72-8b20-4549-885c-20599badb486";

async fn open(gateway: &Gateway, token: &str) -> Socket {
    Socket::open(gateway.address, &format!("/ws/chat/room/?token={token}"), None).await.unwrap()
}

async fn say(socket: &mut Socket, text: &str) {
    let frame = json!({ "action": "text_message", "message_body": text, "receiver_id": BOB });
    socket.say(&frame.to_string()).await;
    assert_eq!(text_of(&socket.frame().await), text, "it is confirmed");
}

fn text_of(frame: &Value) -> &str {
    frame["message"].as_str().unwrap_or_default()
}

async fn hears(socket: &mut Socket, texts: &[&str]) {
    for text in texts {
        assert_eq!(text_of(&socket.frame().await), *text);
    }
    // Nothing more; and the ping that asks for what was heard is answered meanwhile.
    let more = socket.hear_within(Duration::from_millis(300)).await;
    assert!(more.is_none(), "{more:?}");
}

/// Until Alice's socket is the only one: how far Bob had heard is kept then.
async fn until_alone(gateway: &Gateway) {
    let open = "dragoman_websocket_connections{route=\"licomed\"} 1\n";
    let alone = async {
        loop {
            let page = http::get(gateway.admin, "/metrics", &[]).await.body;
            if String::from_utf8_lossy(&page).contains(open) {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, alone).await.expect("the socket ends");
}

#[tokio::test]
async fn what_was_missed_outlives_a_kill() {
    let mut gateway = Gateway::start_with("", |_| "replay = \"missed\"".to_owned()).await;
    let alices = gateway.token(json!({ "sub": ALICE, "role": "user", "name": "Alice" }));
    let bobs = gateway.token(json!({ "sub": BOB, "role": "user", "name": "Bob" }));
    let mut alice = open(&gateway, &alices).await;
    let mut bob = open(&gateway, &bobs).await;
    say(&mut alice, "one").await;
    hears(&mut bob, &["one"]).await;
    drop(bob);
    until_alone(&gateway).await;
    say(&mut alice, "two").await;
    let mut bob = open(&gateway, &bobs).await;
    hears(&mut bob, &["two"]).await;
    drop(bob);
    until_alone(&gateway).await;
    say(&mut alice, "three").await;
    // How far Alice has heard is kept within little more than a second; her socket does not end before the kill.
    for _ in 0..6 {
        hears(&mut alice, &[]).await;
    }
    gateway.kill_and_restart().await;
    let mut alice = open(&gateway, &alices).await;
    say(&mut alice, "four").await;
    let mut bob = open(&gateway, &bobs).await;
    hears(&mut bob, &["three", "four"]).await;
}

#[tokio::test]
async fn a_stop_tells_nothing_again() {
    let mut gateway = Gateway::start_with("", |_| "replay = \"missed\"".to_owned()).await;
    let alices = gateway.token(json!({ "sub": ALICE, "role": "user", "name": "Alice" }));
    let bobs = gateway.token(json!({ "sub": BOB, "role": "user", "name": "Bob" }));
    let mut alice = open(&gateway, &alices).await;
    let mut bob = open(&gateway, &bobs).await;
    for text in ["one", "two", "three"] {
        say(&mut alice, text).await;
    }
    for text in ["one", "two", "three"] {
        assert_eq!(text_of(&bob.frame().await), text);
    }
    // Told to stop, it closes both; they read on until then, and so answer its pings.
    gateway.terminate();
    tokio::join!(alice.hear(), bob.hear());
    assert!(gateway.ended().await.success());
    gateway.kill_and_restart().await;
    let mut bob = open(&gateway, &bobs).await;
    hears(&mut bob, &[]).await;
}
