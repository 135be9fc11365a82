//! An app that is called over TLS.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::time::sleep;

use super::harness::identity::{Provider, Says};
use super::harness::socket::Socket;
use super::harness::{Gateway, PATIENCE, http};

/// A conversation of the app, for staff and for it.
const ROOM: &str = r#"
[[conversations]]
name      = "room"
kind      = "post"
frontdesk = 101
divar     = "post-101"
"#;

async fn told(gateway: &Gateway, outcome: &str) -> bool {
    let page = String::from_utf8(http::get(gateway.admin, "/metrics", &[]).await.body).unwrap();
    let line = format!("dragoman_webhook_calls_total{{outcome=\"{outcome}\",route=\"divar\"}} ");
    page.lines().any(|found| found.strip_prefix(&line).is_some_and(|count| count != "0"))
}

/// Says something that the app at this address is to hear, and waits until its call came to this.
async fn call(url: &str, outcome: &str) -> Gateway {
    let gateway = Gateway::start_with(ROOM, |dialect| match dialect {
        "divar" => format!("events = {{ url = \"{url}\", key = \"the-invented-key-of-an-app\" }}"),
        _ => String::new(),
    })
    .await;
    let staff = gateway.token(json!({ "sub": "staff-1", "role": "staff", "name": "Ann", "department": "reception" }));
    let mut socket = Socket::open(gateway.address, &format!("/ws/chat/?token={staff}"), None).await.unwrap();
    socket.say(r#"{"type":"text","conversation_id":101,"content":"is it still there?"}"#).await;
    socket.hear_within(PATIENCE).await.expect("its confirmation");
    let began = Instant::now();
    while !told(&gateway, outcome).await {
        assert!(began.elapsed() < PATIENCE, "no call that is {outcome}: {}", gateway.log());
        sleep(Duration::from_millis(20)).await;
    }
    gateway
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_is_told_over_tls() {
    let app = Provider::start_secured(&[]).await;
    app.say(Says::This { status: 200, headers: String::new(), body: Vec::new() });
    call(&app.url(), "told").await;
    assert_eq!(app.asked(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_told_to_who_shows_a_certificate_of_another_name() {
    let app = Provider::start_at("127.0.0.2:0".parse().unwrap(), &[], true).await;
    let url = app.url().replace("localhost", "127.0.0.2");
    let gateway = call(&url, "failed").await;
    assert_eq!(app.asked(), 0, "{}", gateway.log());
}
