//! Limits of a route: how often a principal may call, how many sockets there may be.

use serde_json::json;

use super::harness::http;
use super::harness::socket::Socket;
use super::harness::{Gateway, PATIENCE};

const ALICE: &str = "302e305b-6e73-4f9c-bac7-551a92b106b0";

fn limits(text: &'static str) -> impl Fn(&str) -> String {
    move |_| format!("limits = {{ {text} }}")
}

#[tokio::test]
async fn a_principal_that_calls_too_often_is_told_when_to_come_back() {
    let gateway = Gateway::start_with("", limits("rate = \"3/m\"")).await;
    let token = gateway.token(json!({ "sub": ALICE, "role": "user" }));
    let other = gateway.token(json!({ "sub": "75140d72-8b20-4549-885c-20599badb486", "role": "user" }));
    let call = async |token: &str| {
        let bearer = format!("Bearer {token}");
        http::get(gateway.address, "/chat/user/threads/", &[("Authorization", &bearer)]).await
    };
    for _ in 0..3 {
        assert_eq!(call(&token).await.status, 200);
    }
    let refused = call(&token).await;
    assert_eq!(refused.status, 429, "{refused:?}");
    assert_eq!(refused.json()["status"], "failure");
    let seconds: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
    assert_eq!(call(&other).await.status, 200, "another principal has a budget of its own");
}

#[tokio::test]
async fn a_route_takes_so_many_sockets_and_one_more_when_one_left() {
    let gateway = Gateway::start_with("", limits("connections = 2")).await;
    let token = gateway.token(json!({ "sub": ALICE, "role": "user" }));
    let path = format!("/ws/chat/room/?token={token}");
    let first = Socket::open(gateway.address, &path, None).await.unwrap();
    let _second = Socket::open(gateway.address, &path, None).await.unwrap();
    let refused = Socket::open(gateway.address, &path, None).await.err();
    assert_eq!(refused, Some(503));
    drop(first);
    // The gateway learns that the first left when it reads the end of it.
    let opened = tokio::time::timeout(PATIENCE, async {
        while Socket::open(gateway.address, &path, None).await.is_err() {
            tokio::task::yield_now().await;
        }
    });
    opened.await.expect("a place became free");
}
