//! How often a principal may call: over each dialect's calls and sockets, in its words, with when to come back where it has a
//! place for that.

use serde_json::{Value, json};

use super::harness::socket::Socket;
use super::harness::{ACCESS_TOKEN, API_KEY, Gateway, http};

const USER: &str = "302e305b-6e73-4f9c-bac7-551a92b106b0";
const VISITOR: &str = "11111111-2222-4333-8444-555555555555";

async fn three_a_minute() -> Gateway {
    Gateway::start_with("", |_| "limits = { rate = \"3/m\" }".to_owned()).await
}

/// A token of somebody who may use each dialect's calls.
fn token(gateway: &Gateway, dialect: &str) -> String {
    gateway.token(match dialect {
        "frontdesk" => json!({ "sub": "staff-1", "role": "staff", "name": "Ann", "department": "reception" }),
        "andromedia" => json!({ "sub": VISITOR, "role": "visitor", "business": "hotel" }),
        "licomed" => json!({ "sub": USER, "role": "user" }),
        _ => json!({ "sub": "2", "role": "admin", "name": "Eve" }),
    })
}

#[tokio::test]
async fn calls_are_refused_in_the_dialect_s_words_with_when_to_come_back() {
    let gateway = three_a_minute().await;
    for (dialect, path, words) in [
        (
            "frontdesk",
            "/api/chat/conversations/",
            json!({ "error": "Too many requests", "success": false, "message": "Too many requests" }),
        ),
        ("andromedia", "/chat/history/7/", json!({ "message": "Too many requests" })),
        (
            "licomed",
            "/chat/user/threads/",
            json!({ "status": "failure", "entity": null, "message": "Too many requests", "success": false }),
        ),
        (
            "divar",
            "/v1/open-platform/chat/conversations/7",
            json!({ "code": 8, "message": "too many requests", "details": [] }),
        ),
        ("luxmart", "/v1/chat/admin/sessions/open/", json!({ "error": "Too many requests" })),
    ] {
        let bearer = format!("Bearer {}", token(&gateway, dialect));
        let headers = match dialect {
            "divar" => [("X-Api-Key", API_KEY), ("x-access-token", ACCESS_TOKEN)].to_vec(),
            _ => [("Authorization", bearer.as_str())].to_vec(),
        };
        for _ in 0..3 {
            let answer = http::get(gateway.address, path, &headers).await;
            assert_ne!(answer.status, 429, "{dialect}: {answer:?}");
        }
        let refused = http::get(gateway.address, path, &headers).await;
        assert_eq!((refused.status, refused.json()), (429, words), "{dialect}");
        let seconds: u64 = refused.header("retry-after").expect("a time").parse().expect("whole seconds");
        assert!((1..=20).contains(&seconds), "{dialect}: the next of three a minute is in {seconds} s");
    }
}

#[tokio::test]
async fn frames_are_refused_in_the_dialect_s_words_and_the_socket_stays() {
    let gateway = three_a_minute().await;
    for (dialect, path, words) in [
        ("frontdesk", "/ws/chat/", json!({ "type": "error", "message": "Too many requests" })),
        ("licomed", "/ws/chat/room/", json!({ "action": "error", "message": "Too many requests" })),
        ("luxmart", "/v1/chat/ws/admin/", json!({ "type": "error", "payload": { "message": "Too many requests" } })),
    ] {
        let token = token(&gateway, dialect);
        let mut socket = Socket::open(gateway.address, &format!("{path}?token={token}"), None).await.expect("open");
        for _ in 0..3 {
            socket.say("{}").await;
            assert_ne!(socket.frame().await, words, "{dialect}");
        }
        for _ in 0..2 {
            socket.say("{}").await;
            assert_eq!(socket.frame().await, words, "{dialect}");
        }
    }
}

#[tokio::test]
async fn calls_and_sockets_of_one_principal_have_one_budget() {
    let gateway = three_a_minute().await;
    let token = token(&gateway, "licomed");
    let mut socket = Socket::open(gateway.address, &format!("/ws/chat/room/?token={token}"), None).await.expect("open");
    for _ in 0..3 {
        socket.say("{}").await;
        let heard: Value = socket.frame().await;
        assert_eq!(heard["message"], "Unknown action");
    }
    let bearer = format!("Bearer {token}");
    let refused = http::get(gateway.address, "/chat/user/threads/", &[("Authorization", &bearer)]).await;
    assert_eq!(refused.status, 429, "{refused:?}");
    assert!(refused.header("retry-after").is_some());
    let page = http::get(gateway.admin, "/metrics", &[]).await;
    let page = String::from_utf8_lossy(&page.body).into_owned();
    let line = "dragoman_refused_total{reason=\"rate_limited\",route=\"licomed\"} 1\n";
    assert!(page.contains(line), "{line}");
}
