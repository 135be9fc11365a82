//! `docs/write-a-dialect.md`, run as it stands: its files as they grow, its commands, what they print; then the gateway
//! serves what was written. `UPDATE_GUIDE=1` writes what the commands print into the page.

#[path = "../harness/mod.rs"]
mod harness;
mod page;

use std::path::{Path, PathBuf};
use std::process::Command;

use harness::socket::Socket;
use harness::{Gateway, SECRET, http};
use page::{Block, Edit, Page};
use serde_json::{Value, json};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/write-a-dialect.md");

fn read() -> Page {
    Page::parse(&std::fs::read_to_string(PAGE).unwrap())
}

/// What a command prints on both channels.
fn run(folder: &Path, command: &str) -> String {
    let binary = PathBuf::from(env!("CARGO_BIN_EXE_dragoman"));
    let script = format!("PATH='{}':\"$PATH\"; exec 2>&1; {command}", binary.parent().unwrap().display());
    let output = Command::new("sh").arg("-c").arg(script).current_dir(folder).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// The page with what its commands print now; its files are left in the folder.
fn played(page: &Page, folder: &Path) -> String {
    let mut text = String::new();
    for block in &page.blocks {
        match block {
            Block::Words(words) => text += words,
            Block::File { name, edit, content, written } => {
                let path = folder.join(name);
                let before = std::fs::read_to_string(&path).unwrap_or_default();
                std::fs::write(&path, edit.apply(&before, content)).unwrap();
                text += written;
            }
            Block::Console { commands } => {
                text += "```console\n";
                for command in commands {
                    text += &format!("$ {command}\n{}", run(folder, command));
                }
                text += "```\n";
            }
        }
    }
    text
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test asks whether to rewrite what it compares")]
fn each_command_of_the_page_prints_what_the_page_says() {
    let folder = tempfile::tempdir().unwrap();
    let page = read();
    let commands = page.blocks.iter().filter(|block| matches!(block, Block::Console { .. })).count();
    assert!(commands >= 8, "only {commands} consoles on the page");
    let found = played(&page, folder.path());
    if std::env::var_os("UPDATE_GUIDE").is_some() {
        std::fs::write(PAGE, &found).unwrap();
        return;
    }
    for (written, now) in page.text.lines().zip(found.lines()) {
        assert_eq!(written, now, "docs/write-a-dialect.md says otherwise; UPDATE_GUIDE=1 writes it anew");
    }
    assert_eq!(page.text, found);
}

#[test]
fn a_page_that_says_something_else_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let page = Page::parse("Words.\n\n```toml a.toml\nx = 1\n```\n\n```console\n$ cat a.toml\nx = 2\n```\n");
    assert_eq!(played(&page, folder.path()), page.text.replace("x = 2", "x = 1"));
    assert_eq!(Edit::After("x".to_owned()).apply("x = 1\nz = 3\n", "y = 2\n"), "x = 1\ny = 2\nz = 3\n");
    assert_eq!(Edit::Replaces("one".to_owned()).apply("one\n", "two\n"), "two\n");
}

/// The gateway with the routes of the page, and its dialect.
async fn served(folder: &Path) -> Gateway {
    let routes = std::fs::read_to_string(folder.join("routes.toml")).unwrap();
    // Journal and store are the harness's; so is the secret, by which it makes tokens.
    let routes = &routes[routes.find("[[routes]]").expect("the page has routes")..];
    let dialect = folder.join("tickets.toml").display().to_string();
    let routes = routes.replace("./tickets.toml", &dialect).replace("a secret of thirty-two letters ok", SECRET);
    Gateway::start_routes(&routes).await
}

async fn heard(socket: &mut Socket, member: &str, wanted: &str) -> Value {
    loop {
        let frame = socket.frame().await;
        if frame[member] == wanted {
            return frame;
        }
    }
}

#[tokio::test]
async fn what_the_page_writes_is_served() {
    let folder = tempfile::tempdir().unwrap();
    played(&read(), folder.path());
    let gateway = served(folder.path()).await;
    let agent = gateway.token(json!({ "sub": "3", "role": "agent", "name": "Ann" }));
    let admin = gateway.token(json!({ "sub": "2", "role": "admin", "name": "Eve" }));
    let mut tickets = Socket::open(gateway.address, &format!("/tickets/ws?token={agent}"), None).await.unwrap();
    let mut shop = Socket::open(gateway.address, &format!("/v1/chat/ws/admin/?token={admin}"), None).await.unwrap();

    tickets.say(&json!({ "op": "say", "ticket": 7, "text": "the lamp flickers" }).to_string()).await;
    let own = heard(&mut tickets, "op", "said").await;
    assert_eq!((&own["text"], &own["by"]["agent"]), (&json!("the lamp flickers"), &json!(true)));
    let told = heard(&mut shop, "type", "message").await;
    assert_eq!(told["payload"]["message"]["content"], "the lamp flickers");
    let answer = json!({ "type": "message", "payload": { "session_id": 7, "content": "turn it off and on" } });
    shop.say(&answer.to_string()).await;
    assert_eq!(heard(&mut tickets, "op", "said").await["text"], "turn it off and on");

    // A file, by its address.
    let authorization = format!("Bearer {agent}");
    let headers = [("Authorization", authorization.as_str())];
    let file = [http::file("file", "lamp.png", "image/png", b"\x89PNG\r\n\x1a\n and a lamp")];
    let uploaded = http::post_form(gateway.address, "/tickets/7/files", &headers, &file).await;
    assert_eq!((uploaded.status, &uploaded.json()["name"]), (201, &json!("lamp.png")));
    let url = uploaded.json()["file"].clone();
    tickets.say(&json!({ "op": "attach", "ticket": 7, "file": url, "text": "this one" }).to_string()).await;
    assert_eq!(heard(&mut tickets, "op", "attached").await["name"], "lamp.png");
    let at_shop = loop {
        let told = heard(&mut shop, "type", "message").await;
        let message = &told["payload"]["message"];
        // Its own words come back to it first.
        if message["attachment_url"] != "" {
            break message.clone();
        }
    };
    assert_eq!((&at_shop["attachment_url"], &at_shop["content"]), (&url, &json!("this one")));

    let lines = http::get(gateway.address, "/tickets/7/lines", &headers).await.json();
    let texts: Vec<&Value> = lines["lines"].as_array().unwrap().iter().map(|line| &line["text"]).collect();
    assert_eq!(texts, ["the lamp flickers", "turn it off and on", "this one"]);

    let headers = [("Authorization", &*format!("Token {admin}"))];
    let session = http::get(gateway.address, "/v1/chat/admin/session/?session_id=7", &headers).await.json();
    let contents: Vec<&Value> = session["messages"].as_array().unwrap().iter().map(|one| &one["content"]).collect();
    assert_eq!(contents, texts);

    // In the API's own words.
    tickets.say(&json!({ "op": "say", "ticket": 8, "text": "hello?" }).to_string()).await;
    assert_eq!(heard(&mut tickets, "op", "error").await["what"], "no such ticket");
}
