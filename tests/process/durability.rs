//! What was confirmed is there after the process was killed: no message lost, none twice, none out of order.

use serde_json::{Value, json};

use super::harness::http;
use super::harness::socket::Socket;
use super::harness::{Gateway, PATIENCE};

const ALICE: &str = "302e305b-6e73-4f9c-bac7-551a92b106b0";
const BOB: &str = "75140d72-8b20-4549-885c-20599badb486";
/// Kills, and messages that are confirmed before each; some more are on their way when it comes.
const ROUNDS: usize = 5;
const CONFIRMED: usize = 25;
const ON_THEIR_WAY: usize = 10;

async fn connect(gateway: &Gateway, token: &str) -> Socket {
    Socket::open(gateway.address, &format!("/ws/chat/room/?token={token}"), None).await.unwrap()
}

async fn texts(gateway: &Gateway, token: &str) -> Vec<String> {
    let headers = [("Authorization", format!("Bearer {token}"))];
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    let answer = http::get(gateway.address, &format!("/chat/messages/{BOB}/"), &headers).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let json = answer.json();
    let messages = json["data"]["messages"].as_array().unwrap();
    messages.iter().rev().map(|message| message["message"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn what_was_confirmed_survives_a_kill() {
    let mut gateway = Gateway::start("").await;
    let alice = gateway.token(json!({ "sub": ALICE, "role": "user", "name": "Alice" }));
    let bob = gateway.token(json!({ "sub": BOB, "role": "user", "name": "Bob" }));
    drop(connect(&gateway, &bob).await);
    let mut confirmed: Vec<String> = Vec::new();
    let mut last_id = 0;
    for round in 0..ROUNDS {
        let mut socket = connect(&gateway, &alice).await;
        for number in 0..CONFIRMED + ON_THEIR_WAY {
            let text = format!("{round}.{number}");
            socket
                .say(&json!({ "action": "text_message", "message_body": text, "receiver_id": BOB }).to_string())
                .await;
        }
        for _ in 0..CONFIRMED {
            let frame: Value = tokio::time::timeout(PATIENCE, socket.frame()).await.unwrap();
            assert_eq!(frame["action"], "conf_message", "{frame}");
            let id = frame["created_msg_id"].as_u64().unwrap();
            assert!(id > last_id, "ids go on rising after a restart: {id} after {last_id}");
            last_id = id;
            confirmed.push(frame["message"].as_str().unwrap().to_owned());
        }
        gateway.kill_and_restart().await;
        let kept = texts(&gateway, &alice).await;
        let positions: Vec<Option<usize>> =
            confirmed.iter().map(|text| kept.iter().position(|other| other == text)).collect();
        assert!(positions.iter().all(Option::is_some), "round {round}: lost, {confirmed:?} of {kept:?}");
        assert!(positions.is_sorted(), "round {round}: out of order");
        let mut once = kept.clone();
        once.sort();
        once.dedup();
        assert_eq!(once.len(), kept.len(), "round {round}: twice");
    }
}

/// Sessions, ids and uploads are what they were.
#[tokio::test]
async fn names_and_files_survive_a_kill() {
    let mut gateway = Gateway::start("").await;
    let visitor =
        gateway.token(json!({ "sub": "11111111-2222-4333-8444-555555555555", "role": "visitor", "business": "hotel" }));
    let bearer = format!("Bearer {visitor}");
    let headers = [("Authorization", bearer.as_str())];
    let start = br#"{"business":"hotel"}"#;
    let session =
        http::post_json(gateway.address, "/chat/start-session/", &headers, start).await.json()["data"]["session_id"]
            .clone();
    let content = b"%PDF-1.4\n%%EOF\n";
    let parts = [http::file("file", "plan.pdf", "application/pdf", content)];
    let uploaded = http::post_form(gateway.address, "/chat/upload-file/", &headers, &parts).await.json();
    let path = uploaded["data"]["file"].as_str().unwrap().split_once("/media/").unwrap().1.to_owned();

    gateway.kill_and_restart().await;

    let again =
        http::post_json(gateway.address, "/chat/start-session/", &headers, start).await.json()["data"]["session_id"]
            .clone();
    assert_eq!(again, session);
    let served = http::get(gateway.address, &format!("/media/{path}"), &[]).await;
    assert_eq!((served.status, served.body.as_slice()), (200, content.as_slice()));
}

/// The key of visitors' tokens belongs to the installation, not to the process.
#[tokio::test]
async fn a_visitors_token_outlives_a_restart() {
    let mut gateway = Gateway::start("").await;
    let opened = http::post_json(gateway.address, "/chat/start-session/", &[], br#"{"business":"hotel"}"#).await;
    assert_eq!(opened.status, 200, "{opened:?}");
    let token = opened.header("X-Visitor-Token").expect("a token for who came without one").to_owned();
    let session = opened.json()["data"]["session_id"].as_str().expect("a session").to_owned();
    gateway.kill_and_restart().await;
    let path = format!("/chat/history/{session}/");
    let headers = [("Authorization", format!("Bearer {token}"))];
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    assert_eq!(http::get(gateway.address, &path, &headers).await.status, 200);
    assert_eq!(http::get(gateway.address, &path, &[]).await.status, 401);
}
