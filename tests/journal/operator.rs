//! A day of an operator: back up the gateway that runs, lose the journal, restore it.

use serde_json::{Value, json};

use super::command::{refused, said};
use super::harness::socket::Socket;
use super::harness::{Gateway, PATIENCE, http};

const ALICE: &str = "302e305b-6e73-4f9c-bac7-551a92b106b0";
const BOB: &str = "75140d72-8b20-4549-885c-20599badb486";

fn token(gateway: &Gateway) -> String {
    gateway.token(json!({ "sub": ALICE, "role": "user", "name": "Alice" }))
}

async fn say(gateway: &Gateway, texts: &[&str]) {
    let path = format!("/ws/chat/room/?token={}", token(gateway));
    let mut socket = Socket::open(gateway.address, &path, None).await.unwrap();
    for text in texts {
        let frame = json!({ "action": "text_message", "message_body": text, "receiver_id": BOB });
        socket.say(&frame.to_string()).await;
        let frame: Value = tokio::time::timeout(PATIENCE, socket.frame()).await.unwrap();
        assert_eq!(frame["action"], "conf_message", "{frame}");
    }
}

async fn texts(gateway: &Gateway) -> Vec<String> {
    let bearer = format!("Bearer {}", token(gateway));
    let path = format!("/chat/messages/{BOB}/");
    let answer = http::get(gateway.address, &path, &[("Authorization", bearer.as_str())]).await;
    let json = answer.json();
    let messages = json["data"]["messages"].as_array().unwrap_or_else(|| panic!("{answer:?}"));
    messages.iter().rev().map(|message| message["message"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_backup_of_a_running_gateway_is_restored() {
    let mut gateway = Gateway::start("").await;
    let folder = gateway.folder().to_owned();
    let bob = gateway.token(json!({ "sub": BOB, "role": "user", "name": "Bob" }));
    drop(Socket::open(gateway.address, &format!("/ws/chat/room/?token={bob}"), None).await.unwrap());
    say(&gateway, &["one", "two"]).await;
    let admin = gateway.admin.to_string();
    let backup = said(&folder, &["backup", "monday", "--admin", &admin]);
    assert!(backup.starts_with("monday: ") && backup.ends_with("all fits\n"), "{backup}");
    assert!(!folder.join("journal.backup").exists(), "it was moved");
    assert!(refused(&folder, &["backup", "monday", "--admin", &admin]).contains("--force"));
    say(&gateway, &["after the backup"]).await;
    for arguments in [&["restore", "monday", "--force"][..], &["verify"], &["compact"]] {
        let why = refused(&folder, arguments);
        assert!(why.contains("in use; stop the gateway first"), "{arguments:?}: {why}");
    }
    gateway.terminate();
    assert!(gateway.ended().await.success());
    assert!(said(&folder, &["verify"]).contains("all fits"));
    assert!(refused(&folder, &["restore", "monday"]).contains("--force"));
    assert!(refused(&folder, &["restore", "routes.toml", "--force"]).contains("dragoman: "));
    let restored = said(&folder, &["restore", "monday", "--force"]);
    assert!(restored.contains("restored "), "{restored}");
    assert!(said(&folder, &["verify", "journal.replaced"]).contains("all fits"));
    assert!(said(&folder, &["compact"]).contains("bytes before"));
    gateway.kill_and_restart().await;
    assert_eq!(texts(&gateway).await, ["one", "two"], "as when it was backed up");
    say(&gateway, &["and on"]).await;
    assert_eq!(texts(&gateway).await, ["one", "two", "and on"]);
}

#[tokio::test]
async fn pages_and_readers_get_no_backup() {
    let gateway = Gateway::start("").await;
    let page = [("Origin", "https://elsewhere.example")];
    let answer = http::post_json(gateway.admin, "/api/journal/backup", &page, b"").await;
    assert_eq!(answer.status, 403, "{answer:?}");
    assert_eq!(http::get(gateway.admin, "/api/journal/backup", &[]).await.status, 405);
    assert_eq!(http::post_json(gateway.address, "/api/journal/backup", &[], b"").await.status, 404, "not for clients");
    assert!(!gateway.folder().join("journal.backup").exists());
}

#[tokio::test]
async fn what_a_journal_holds_is_counted() {
    let gateway = Gateway::start("").await;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let page = http::get(gateway.admin, "/metrics", &[]).await;
        let page = String::from_utf8(page.body.to_vec()).unwrap();
        let line = page.lines().find(|line| line.starts_with("dragoman_journal_file_bytes ")).unwrap();
        if !line.ends_with(" 0") {
            assert!(page.contains("dragoman_journal_events "));
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "{line}");
        tokio::task::yield_now().await;
    }
}
