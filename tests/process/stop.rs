//! SIGTERM: clients are told, nothing confirmed is lost, the process ends with success.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
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

#[tokio::test]
async fn many_sockets_are_closed_one_after_another() {
    const SOCKETS: usize = 150;
    let mut gateway = Gateway::start("").await;
    let token = gateway.token(json!({ "sub": "302e305b-6e73-4f9c-bac7-551a92b106b0", "role": "user" }));
    let path = format!("/ws/chat/room/?token={token}");
    let mut sockets = Vec::new();
    for _ in 0..SOCKETS {
        sockets.push(Socket::open(gateway.address, &path, None).await.unwrap());
    }
    let began = Instant::now();
    gateway.terminate();
    let admin = gateway.admin;
    let (address, other_path) = (gateway.address, path.clone());
    let meanwhile = async move {
        // Not ready from the first moment on, and still answering.
        while http::get(admin, "/readyz", &[]).await.status == 200 {}
        let refused = Socket::open(address, &other_path, None).await;
        (refused.err(), http::get(admin, "/healthz", &[]).await.status)
    };
    let leaving = join_all(sockets.iter_mut().map(async |socket| {
        let heard = socket.hear().await;
        assert!(matches!(heard, Heard::Closed(1001 | 1012)), "{heard:?}");
        began.elapsed()
    }));
    let ((refused, alive), mut left) = tokio::join!(meanwhile, leaving);
    assert_eq!((refused, alive), (Some(503), 200));
    left.sort();
    let (first, middle, last) = (left[0], left[SOCKETS / 2], left[SOCKETS - 1]);
    println!("{SOCKETS} sockets were closed after {first:?} to {last:?}, half of them by {middle:?}");
    // 20 ms for each: they would all be gone at once if the turns were not spread.
    assert!(last - first > Duration::from_secs(1) && middle - first > Duration::from_millis(500), "{left:?}");
    assert!(gateway.ended().await.success());
}
