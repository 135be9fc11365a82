//! SIGTERM: clients are told, nothing confirmed is lost, the process ends with success.

use serde_json::json;

use super::harness::Gateway;
use super::harness::http;
use super::harness::socket::{Heard, Socket};

#[tokio::test]
async fn sockets_are_closed_and_the_process_ends() {
    let mut gateway = Gateway::start("").await;
    let token = gateway.token(json!({ "sub": "302e305b-6e73-4f9c-bac7-551a92b106b0", "role": "user" }));
    let mut sockets = Vec::new();
    for _ in 0..10 {
        sockets.push(Socket::open(gateway.address, &format!("/ws/chat/room/?token={token}"), None).await.unwrap());
    }
    gateway.terminate();
    for socket in &mut sockets {
        let heard = socket.hear().await;
        assert!(matches!(heard, Heard::Closed(1001 | 1012)), "{heard:?}");
    }
    assert!(gateway.ended().await.success());
}

#[tokio::test]
async fn operators_see_health_and_metrics() {
    let gateway = Gateway::start("").await;
    for (path, says) in [("/healthz", "alive"), ("/readyz", "ready"), ("/metrics", "dragoman_")] {
        let answer = http::get(gateway.admin, path, &[]).await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(String::from_utf8_lossy(&answer.body).contains(says), "{path}");
    }
    // What is for operators is not for clients.
    assert_eq!(http::get(gateway.address, "/metrics", &[]).await.status, 404);
}
