//! Another config while the gateway runs: taken whole or not at all, by signal, by a change of the file and on request;
//! no socket is closed by it.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::time::sleep;

use super::harness::http::{self, Answer};
use super::harness::socket::Socket;
use super::harness::{Gateway, PATIENCE, SECRET};

const USER: &str = "302e305b-6e73-4f9c-bac7-551a92b106b0";
const OTHER: &str = "7c1e5a3d-90b2-4f6e-8d4a-2b6c8e0f1a35";

/// A route of another name and prefix.
fn second_route() -> String {
    format!(
        r#"
[[routes]]
name    = "second"
dialect = "licomed"
prefix  = "/second"
to      = "hub"
auth    = {{ kind = "jwt", algorithm = "HS256", secret = "{SECRET}" }}
uploads = "local"
"#
    )
}

/// Changes the file: what `change` makes of its text.
fn edit(gateway: &Gateway, change: impl FnOnce(String) -> String) {
    let file = gateway.folder().join("routes.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(file, change(text)).unwrap();
}

async fn reload(gateway: &Gateway) -> Answer {
    http::send(gateway.admin, &http::request("POST", "/api/reload", &[], b"")).await
}

async fn metrics(gateway: &Gateway) -> String {
    String::from_utf8(http::get(gateway.admin, "/metrics", &[]).await.body).unwrap()
}

/// Asks again and again until it is so.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !is_so().await {
        assert!(began.elapsed() < PATIENCE * 2, "{what} did not happen");
        sleep(Duration::from_millis(20)).await;
    }
}

async fn has_second_route(gateway: &Gateway) -> bool {
    // A socket without a credential is refused where there is a route, and unknown where there is none.
    http::get(gateway.address, "/second/ws/chat/room/", &[]).await.status != 404
}

#[tokio::test]
async fn a_config_is_taken_while_sockets_stay_open() {
    let gateway = Gateway::start("").await;
    let token = gateway.token(json!({ "sub": USER, "role": "user" }));
    let path = format!("/ws/chat/room/?token={token}");
    let mut before = Socket::open(gateway.address, &path, None).await.unwrap();
    assert!(!has_second_route(&gateway).await);

    edit(&gateway, |text| text + &second_route());
    let taken = reload(&gateway).await;
    assert_eq!((taken.status, taken.json()), (200, json!({ "status": "taken" })));
    assert!(has_second_route(&gateway).await);

    // The old socket and one of the new route are in one hub.
    let other = gateway.token(json!({ "sub": OTHER, "role": "user" }));
    let path = format!("/second/ws/chat/room/?token={other}");
    let mut after = Socket::open(gateway.address, &path, None).await.unwrap();
    let text = json!({ "action": "text_message", "message_body": "still here", "receiver_id": OTHER });
    before.say(&text.to_string()).await;
    let heard = before.frame().await;
    assert!(heard.to_string().contains("still here"), "{heard}");
    let heard = after.frame().await;
    assert!(heard.to_string().contains("still here"), "{heard}");
    assert!(metrics(&gateway).await.contains(r#"dragoman_config_reloads_total{result="taken"} 1"#));
}

#[tokio::test]
async fn a_signal_and_a_change_of_the_file_are_enough() {
    let gateway = Gateway::start("").await;
    let at_first = std::fs::read_to_string(gateway.folder().join("routes.toml")).unwrap();
    edit(&gateway, |text| text + &second_route());
    let hangup = std::process::Command::new("kill").args(["-HUP", &gateway.process_id().to_string()]).status();
    assert!(hangup.unwrap().success());
    until("the reload by signal", async || has_second_route(&gateway).await).await;
    edit(&gateway, |_| at_first);
    until("the reload by a change", async || !has_second_route(&gateway).await).await;
}

#[tokio::test]
async fn what_fails_its_check_is_refused_and_the_old_holds() {
    let gateway = Gateway::start("").await;
    edit(&gateway, |text| text.replacen("drain_timeout", "drain_timeuot", 1) + &second_route() + "\n[nothing]\n");
    let refused = reload(&gateway).await;
    assert_eq!(refused.status, 422);
    let words = refused.json()["error"].as_str().unwrap().to_owned();
    assert!(words.contains("nothing") && words.contains("routes.toml:"), "{words}");
    assert!(!words.contains(SECRET), "a secret is shown: {words}");
    assert!(!has_second_route(&gateway).await);
    // The watch does not try the same again.
    sleep(Duration::from_millis(2500)).await;
    let page = metrics(&gateway).await;
    assert!(page.contains(r#"dragoman_config_reloads_total{result="refused"} 1"#), "{page}");
}

#[tokio::test]
async fn a_config_whose_own_tests_fail_is_refused() {
    let gateway = Gateway::start("").await;
    let test = |words: &str| {
        format!(
            "\n[[tests]]\nname = \"words\"\nroute = \"second\"\nevent = {{ body = \"{words}\" }}\n\
             frame = '''{{ \"action\": \"text_message\", \"message_body\": \"hi\", \"receiver_id\": \"{OTHER}\" }}'''\n"
        )
    };
    edit(&gateway, |text| text + &second_route() + &test("ho"));
    let refused = reload(&gateway).await;
    assert_eq!(refused.status, 422);
    let words = refused.json()["error"].as_str().unwrap().to_owned();
    assert!(words.contains("config::test") && words.contains("- $.body \"ho\""), "{words}");
    assert!(!has_second_route(&gateway).await);
    let page = metrics(&gateway).await;
    assert!(page.contains(r#"dragoman_config_reloads_total{result="refused"} 1"#), "{page}");
    edit(&gateway, |text| text.replace("\"ho\"", "\"hi\""));
    assert_eq!(reload(&gateway).await.status, 200);
    assert!(has_second_route(&gateway).await);
}

#[tokio::test]
async fn what_needs_a_restart_is_said_and_not_taken() {
    let gateway = Gateway::start("").await;
    edit(&gateway, |text| {
        text.replacen("listen = \"127.0.0.1:0\"", "listen = \"127.0.0.1:1\"", 1).replacen("journal\"", "other\"", 1)
            + &second_route()
    });
    let refused = reload(&gateway).await;
    assert_eq!(refused.json(), json!({ "error": "restart to change server.listen, journal" }));
    assert!(!has_second_route(&gateway).await);
}

#[tokio::test]
async fn pages_cannot_ask_for_a_reload() {
    let gateway = Gateway::start("").await;
    let headers = [("Origin", "http://127.0.0.1")];
    let refused = http::send(gateway.admin, &http::request("POST", "/api/reload", &headers, b"")).await;
    assert_eq!(refused.status, 403);
    assert_eq!(http::get(gateway.admin, "/api/reload", &[]).await.status, 405);
    let page = metrics(&gateway).await;
    let counted: Vec<_> = page.lines().filter(|line| line.starts_with("dragoman_config_reloads_total{")).collect();
    assert!(counted.len() == 2 && counted.iter().all(|line| line.ends_with(" 0")), "{counted:?}");
}
