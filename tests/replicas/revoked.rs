//! Tokens that are revoked at one replica: refused at all, their open sockets closed, and not forgotten.

use std::process::{Command, Output};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tokio::time::sleep;

use super::harness::socket::{Heard, Socket};
use super::harness::{ACCESS_TOKEN, API_KEY, Gateway, http};
use super::stage::{ALICE, BOB, Stage, connect, connect_with, hear, say};

/// Within which all replicas know.
const SOON: Duration = Duration::from_secs(4);

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// A token of a user that says when it was issued and what it is called.
fn token(gateway: &Gateway, user: &str, issued: u64, id: &str) -> String {
    gateway.token(json!({ "sub": user, "role": "user", "iat": issued, "jti": id }))
}

async fn operator(gateway: &Gateway, path: &str, body: Value) -> http::Answer {
    http::post_json(gateway.admin, path, &[], body.to_string().as_bytes()).await
}

async fn status(gateway: &Gateway, token: &str) -> u16 {
    let bearer = format!("Bearer {token}");
    http::get(gateway.address, "/chat/user/threads/", &[("Authorization", &bearer)]).await.status
}

/// Calls with this token are answered so at this replica, soon.
async fn until(gateway: &Gateway, token: &str, wanted: u16) {
    let began = Instant::now();
    loop {
        let found = status(gateway, token).await;
        if found == wanted {
            return;
        }
        assert!(began.elapsed() < SOON, "{found} in place of {wanted}");
        sleep(Duration::from_millis(50)).await;
    }
}

async fn closes(socket: &mut Socket) -> u16 {
    loop {
        match socket.hear_within(SOON).await.expect("the end of a revoked socket") {
            Heard::Closed(code) => return code,
            Heard::Frame(_) => {}
        }
    }
}

fn dragoman(gateway: &Gateway, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dragoman"));
    command.args(["token"]).args(arguments).args(["--admin", &gateway.admin.to_string(), "--config"]);
    command.arg(gateway.folder().join("routes.toml")).output().unwrap()
}

fn said(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_principal_is_revoked_on_all_replicas_and_may_come_again() {
    let mut stage = Stage::set().await;
    let old = token(&stage.one, ALICE, now() - 60, "old");
    let mut here = connect_with(&stage.one, &old).await;
    let mut there = connect_with(&stage.other, &old).await;
    let mut bob = connect(&stage.other, BOB).await;
    assert_eq!((status(&stage.one, &old).await, status(&stage.other, &old).await), (200, 200));
    let answer = operator(&stage.one, "/api/tokens/revoke", json!({ "sub": ALICE, "before": now() - 30 })).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let id = answer.json()["revoked"]["id"].as_str().unwrap().to_owned();
    // Where it was said it holds from the answer on.
    assert_eq!(status(&stage.one, &old).await, 401);
    assert_eq!((closes(&mut here).await, closes(&mut there).await), (1008, 1008));
    until(&stage.other, &old, 401).await;
    let refused = Socket::open(stage.other.address, &format!("/ws/chat/room/?token={old}"), None).await;
    assert!(refused.is_err(), "a socket was opened with it");
    // A token of hers that was issued since is good, and Bob was not concerned.
    let new = token(&stage.one, ALICE, now(), "new");
    let mut again = connect_with(&stage.other, &new).await;
    say(&mut again, BOB, "here I am").await;
    assert_eq!(hear(&mut bob, "re_message").await.0, "here I am");
    // A replica that was away knows it.
    stage.other.kill_and_restart().await;
    assert_eq!(status(&stage.other, &old).await, 401);
    assert_eq!(status(&stage.other, &new).await, 200);
    let listed = operator(&stage.other, "/api/tokens/list", json!({})).await.json();
    assert_eq!(listed["revoked"][0]["id"], id.as_str(), "{listed}");
    assert_eq!(operator(&stage.other, "/api/tokens/restore", json!({ "id": id })).await.status, 200);
    assert_eq!(status(&stage.other, &old).await, 200);
    until(&stage.one, &old, 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_revoked_by_the_command_line_while_redis_comes_and_goes() {
    let mut stage = Stage::set().await;
    let leaked = token(&stage.one, ALICE, now(), "leaked");
    let named = token(&stage.one, ALICE, now(), "named");
    let file = stage.one.folder().join("leaked.txt");
    std::fs::write(&file, format!("{leaked}\n")).unwrap();
    let mut socket = connect_with(&stage.other, &leaked).await;
    let line = said(&dragoman(&stage.one, &["revoke", "--token-file", file.to_str().unwrap()]));
    assert!(line.contains("sha256") && line.contains("until") && !line.contains(&leaked), "{line}");
    assert_eq!(closes(&mut socket).await, 1008);
    said(&dragoman(&stage.one, &["revoke", "--jti", "named", "--for", "12h", "--route", "licomed"]));
    until(&stage.other, &named, 401).await;
    let listed = said(&dragoman(&stage.other, &["revoked"]));
    assert!(listed.lines().count() == 2 && listed.contains("jti named  on licomed"), "{listed}");
    // Without Redis nothing can be revoked, and nothing is forgotten.
    stage.redis.kill();
    let refused = dragoman(&stage.one, &["revoke", "--jti", "another"]);
    let why = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(1) && why.contains("unavailable"), "{why}");
    assert_eq!(
        operator(&stage.one, "/api/tokens/list", json!({})).await.json()["revoked"].as_array().unwrap().len(),
        2
    );
    stage.redis.restart();
    let id = listed.lines().find(|line| line.contains("sha256")).unwrap().split(' ').next().unwrap();
    let began = Instant::now();
    while !dragoman(&stage.one, &["restore", id]).status.success() {
        assert!(began.elapsed() < SOON * 3, "Redis is back and nothing is restored");
        sleep(Duration::from_millis(100)).await;
    }
    until(&stage.one, &leaked, 200).await;
    until(&stage.other, &leaked, 200).await;
    assert_eq!(status(&stage.other, &named).await, 401);
    let everything = stage.one.log() + &stage.other.log();
    assert!(!everything.contains(&leaked), "a token in a log");
}

#[tokio::test(flavor = "multi_thread")]
async fn fixed_tokens_can_be_revoked_and_wrong_wishes_are_refused() {
    let stage = Stage::set().await;
    let user = format!("Bearer {ACCESS_TOKEN}");
    let key = [("X-API-Key", API_KEY), ("Authorization", user.as_str())];
    let path = "/v1/open-platform/chat/conversations/conversation-101";
    let ask = async |gateway: &Gateway| http::get(gateway.address, path, &key).await.status;
    let before = ask(&stage.one).await;
    assert_ne!(before, 401);
    assert_eq!(
        operator(&stage.one, "/api/tokens/revoke", json!({ "sub": "app-1", "route": "divar" })).await.status,
        200
    );
    assert_eq!(ask(&stage.one).await, 401);
    for wrong in [
        json!({}),
        json!({ "jti": "a", "sub": "b" }),
        json!({ "sha256": "the token itself" }),
        json!({ "jti": "a", "until": 1 }),
        json!({ "token": "a" }),
        json!([]),
    ] {
        let answer = operator(&stage.one, "/api/tokens/revoke", wrong).await;
        assert!(answer.status == 400 && answer.json()["error"].is_string(), "{answer:?}");
    }
    assert_eq!(operator(&stage.one, "/api/tokens/restore", json!({ "id": "nothing" })).await.status, 404);
    let huge = json!({ "jti": "a".repeat(10_000) });
    assert_eq!(operator(&stage.one, "/api/tokens/revoke", huge).await.status, 400);
}
