//! A Redis, replicas over it, and users who talk to each other. In: who says what, where. Out: what each socket heard.

use serde_json::{Value, json};

use super::harness::socket::Socket;
use super::harness::{Gateway, PATIENCE};
use super::redis::RedisServer;

pub const ALICE: &str = "302e305b-6e73-4f9c-bac7-551a92b106b0";
pub const BOB: &str = "75140d72-8b20-4549-885c-20599badb486";

/// A Redis and two replicas.
pub struct Stage {
    pub redis: RedisServer,
    pub one: Gateway,
    pub other: Gateway,
}

impl Stage {
    pub async fn set() -> Self {
        Self::set_with("").await
    }

    /// The same, with further lines for every route.
    pub async fn set_with(lines: &'static str) -> Self {
        let redis = RedisServer::start();
        let one = Gateway::start_replica_with(&redis.url(), "", |_| lines.to_owned()).await;
        let other = Gateway::start_replica_with(&redis.url(), "", |_| lines.to_owned()).await;
        Stage { redis, one, other }
    }
}

/// A user's token, good at every replica.
pub fn token(gateway: &Gateway, user: &str) -> String {
    gateway.token(json!({ "sub": user, "role": "user", "name": if user == ALICE { "Alice" } else { "Bob" } }))
}

/// A user's socket at a replica.
pub async fn connect(gateway: &Gateway, user: &str) -> Socket {
    connect_with(gateway, &token(gateway, user)).await
}

/// The same with a token that it may have had before.
pub async fn connect_with(gateway: &Gateway, token: &str) -> Socket {
    Socket::open(gateway.address, &format!("/ws/chat/room/?token={token}"), None).await.unwrap()
}

pub async fn say(socket: &mut Socket, to: &str, text: &str) {
    let frame = json!({ "action": "text_message", "message_body": text, "receiver_id": to });
    socket.say(&frame.to_string()).await;
}

/// The next frame, which must be this action; its text and its id.
pub async fn hear(socket: &mut Socket, action: &str) -> (String, u64) {
    let frame: Value = tokio::time::timeout(PATIENCE, socket.frame()).await.expect("a frame in time");
    assert_eq!(frame["action"], action, "{frame}");
    let id = frame["created_msg_id"].as_u64().or_else(|| frame["message_id"].as_u64()).unwrap_or_default();
    (frame["message"].as_str().unwrap_or_default().to_owned(), id)
}

/// That many frames of an action: their texts.
pub async fn hear_all(socket: &mut Socket, action: &str, count: usize) -> Vec<String> {
    let mut texts = Vec::with_capacity(count);
    for _ in 0..count {
        texts.push(hear(socket, action).await.0);
    }
    texts
}
