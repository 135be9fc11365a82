//! Who connects while the backend fails. In: a dialect and a gateway. Out: that the socket opens, or how it is refused:
//! status and body as that dialect's document has them for its refusals.

use serde_json::{Value, json};

use super::expected::{Why, close, status_of_handshake, words};
use crate::harness::http;
use crate::harness::socket::{Heard, Socket};
use crate::pair::scene::Scene;

/// Opens the socket, or is refused for this reason in the words of its dialect.
pub async fn knock(scene: &Scene, expected: Result<(), Why>) {
    let (path, protocol) = way(scene).await;
    match expected {
        Err(why) if !is_accepted_first(scene.from, why) => {
            return refused(scene, &path, protocol.as_deref(), why).await;
        }
        _ => {}
    }
    let mut socket = Socket::open(scene.gateway.address, &path, protocol.as_deref())
        .await
        .unwrap_or_else(|status| panic!("{} → {}: {status}\n{}", scene.from, scene.to, scene.gateway.log()));
    if let Err(why) = expected {
        assert_eq!(socket.hear().await, Heard::Closed(close(scene.from, why)));
    }
}

/// The path of the client's socket and what it asks for there.
pub async fn way(scene: &Scene) -> (String, Option<String>) {
    let token = &scene.token;
    match scene.from {
        "frontdesk" => (format!("/ws/chat/?token={token}"), None),
        "licomed" => (format!("/ws/chat/room/?token={token}"), None),
        "luxmart" => (format!("/v1/chat/ws/admin/?token={token}"), None),
        "andromedia" => {
            (format!("/ws/visitor-chat/?session_id={}", session(scene).await), Some(format!("Bearer, {token}")))
        }
        other => panic!("a client of {other} opens no socket"),
    }
}

/// Where the document has close codes, they are only seen by who was let in.
fn is_accepted_first(dialect: &str, why: Why) -> bool {
    dialect == "andromedia" && matches!(why, Why::Unauthorized | Why::Unknown)
}

async fn refused(scene: &Scene, path: &str, protocol: Option<&str>, why: Why) {
    let mut headers = vec![
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    headers.extend(protocol.map(|protocol| ("Sec-WebSocket-Protocol", protocol)));
    let answer = http::get(scene.gateway.address, path, &headers).await;
    assert_eq!(
        (answer.status, answer.json()),
        (status_of_handshake(scene.from, why), refusal(scene.from, words(scene.from, why))),
        "{} → {}\n{}",
        scene.from,
        scene.to,
        scene.gateway.log()
    );
    if matches!(why, Why::Unauthorized | Why::Unknown) {
        return;
    }
    let retry = answer.header("retry-after").and_then(|seconds| seconds.parse::<u64>().ok());
    assert!(retry.is_some_and(|seconds| (1..=60).contains(&seconds)), "{answer:?}");
}

/// The session that a visitor is in.
pub async fn session(scene: &Scene) -> String {
    let body = json!({ "business": "hotel", "external_customer_id": "room-101" }).to_string();
    let bearer = format!("Bearer {}", scene.token);
    let headers = [("Authorization", bearer.as_str())];
    let answer = http::post_json(scene.gateway.address, "/chat/start-session/", &headers, body.as_bytes()).await;
    answer.json()["data"]["session_id"].as_str().unwrap_or_else(|| panic!("no session: {answer:?}")).to_owned()
}

/// A refusal with these words.
pub fn refusal(dialect: &str, words: &str) -> Value {
    match dialect {
        "frontdesk" => json!({ "success": false, "message": words, "error": words }),
        "andromedia" => json!({ "message": words }),
        "licomed" => json!({ "status": "failure", "entity": null, "message": words, "success": false }),
        "luxmart" => json!({ "error": words }),
        // Codes are those of gRPC: the backend is away, or takes too long.
        "divar" if words.ends_with("in time") => json!({ "code": 4, "message": words, "details": [] }),
        "divar" => json!({ "code": 14, "message": words, "details": [] }),
        other => panic!("nobody speaks {other}"),
    }
}
