//! Somebody who uploads in each dialect. In: a running gateway, a file. Out: the answer of the upload, and the path under
//! which the file is served.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::harness::http::{self, Answer, Part, field, file};
use crate::harness::socket::Socket;
use crate::harness::{API_KEY, Gateway};

pub const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0\x3a\x7e\x9b\x55";

pub const ALICE: &str = "302e305b-6e73-4f9c-bac7-551a92b106b0";
pub const BOB: &str = "75140d72-8b20-4549-885c-20599badb486";
pub const CAROL: &str = "96bf0d3f-720d-4620-8dee-0f59f997cb51";

/// A conversation of a department; the other dialects make theirs.
pub const CONVERSATIONS: &str = r#"
[[conversations]]
name       = "room-101"
frontdesk  = 123
kind       = "service"
department = "reception"
"#;

/// A header of a call.
pub type Header = (&'static str, String);

/// How a dialect takes an upload.
pub struct Upload {
    pub dialect: &'static str,
    pub path: &'static str,
    pub header: Header,
    pub fields: Vec<(&'static str, &'static str)>,
    pub file: &'static str,
}

impl Upload {
    /// By the usual client of the dialect.
    pub async fn of(gateway: &Gateway, dialect: &'static str) -> Upload {
        if dialect == "licomed" {
            // The addressee must have been here before.
            let token = gateway.token(json!({ "sub": BOB, "role": "user", "name": "Bob" }));
            drop(Socket::open(gateway.address, &format!("/ws/chat/room/?token={token}"), None).await.unwrap());
        }
        let (path, fields, file) = match dialect {
            "frontdesk" => ("/api/chat/upload-media/", vec![("conversation_id", "123")], "file"),
            "andromedia" => ("/chat/upload-file/", vec![("message", "null")], "file"),
            "licomed" => ("/chat/attachment/", vec![("receiver", BOB), ("message", "a file")], "attached_file"),
            "divar" => ("/upload/image", vec![], "file"),
            "luxmart" => ("/v1/chat/upload/", vec![], "file"),
            other => unreachable!("no dialect {other}"),
        };
        let header = match dialect {
            "divar" => ("Authorization", format!("Bearer {}", grant(gateway).await)),
            _ => credential(gateway, dialect, &claims(dialect)),
        };
        Upload { dialect, path, header, fields, file }
    }

    pub fn parts(&self, name: &str, mime: &str, content: &[u8]) -> Vec<Part> {
        let mut parts: Vec<Part> = self.fields.iter().map(|(name, value)| field(name, value)).collect();
        parts.push(file(self.file, name, mime, content));
        parts
    }

    pub async fn send(&self, gateway: &Gateway, name: &str, mime: &str, content: &[u8]) -> Answer {
        let parts = self.parts(name, mime, content);
        http::post_form(gateway.address, self.path, &[(self.header.0, &self.header.1)], &parts).await
    }

    /// A good upload: the path of its URL.
    pub async fn stored(&self, gateway: &Gateway, name: &str, mime: &str, content: &[u8]) -> String {
        let kept = || {
            let files = files(&gateway.uploads()).into_iter();
            let key = |file: PathBuf| file.strip_prefix(gateway.uploads()).unwrap().to_str().unwrap().to_owned();
            files.map(key).collect()
        };
        self.stored_among(gateway, kept, name, mime, content).await
    }

    /// The same where the store has other `keys` than files in the folder.
    pub async fn stored_among(
        &self,
        gateway: &Gateway,
        keys: impl Fn() -> Vec<String>,
        name: &str,
        mime: &str,
        content: &[u8],
    ) -> String {
        let before = keys();
        let answer = self.send(gateway, name, mime, content).await;
        assert!((200..300).contains(&answer.status), "{}: {name}: {answer:?}", self.dialect);
        self.told(&answer.json()).unwrap_or_else(|| {
            let new = keys().into_iter().find(|key| !before.contains(key)).expect("a new file");
            format!("/chat-media/{new}")
        })
    }

    /// The path of a file's URL in the answer of its upload. divar tells it only to who receives the message.
    pub fn told(&self, json: &Value) -> Option<String> {
        let told = match self.dialect {
            "frontdesk" => &json["file_url"],
            "andromedia" => &json["data"]["file"],
            "licomed" => &json["entity"]["message"]["attached_file"],
            "luxmart" => &json["url"],
            "divar" => return None,
            other => unreachable!("no dialect {other}"),
        };
        let told = told.as_str().unwrap_or_else(|| panic!("{}: no URL in {json}", self.dialect));
        let path = told.split_once("://").map_or(told, |(_, rest)| &rest[rest.find('/').expect("a path")..]);
        Some(path.to_owned())
    }
}

/// The upload token of divar's first step.
async fn grant(gateway: &Gateway) -> String {
    let headers = [("X-API-Key", API_KEY)];
    let answer = http::post_json(gateway.address, "/experimental/open-platform/chat/upload", &headers, b"{}").await;
    answer.json()["token"].as_str().unwrap_or_else(|| panic!("no upload token in {answer:?}")).to_owned()
}

/// What somebody of these claims shows.
pub fn credential(gateway: &Gateway, dialect: &str, claims: &Value) -> Header {
    let scheme = if dialect == "luxmart" { "Token" } else { "Bearer" };
    ("Authorization", format!("{scheme} {}", gateway.token(claims.clone())))
}

/// Who uploads; the role is the dialect's own kind of client.
pub fn claims(dialect: &str) -> Value {
    match dialect {
        "frontdesk" => json!({ "sub": "staff-1", "role": "staff", "name": "Ann", "department": "reception" }),
        "andromedia" => {
            json!({ "sub": "11111111-2222-4333-8444-555555555555", "role": "visitor", "business": "hotel" })
        }
        "licomed" => json!({ "sub": ALICE, "role": "user", "name": "Alice" }),
        "divar" => json!({ "sub": "app-1", "role": "bot", "name": "App" }),
        "luxmart" => json!({ "sub": "10", "role": "store", "name": "Store" }),
        other => unreachable!("no dialect {other}"),
    }
}

/// Whether a body is the dialect's own way to say no.
pub fn is_refusal(dialect: &str, body: &Value) -> bool {
    let members = body.as_object().map_or(0, serde_json::Map::len);
    match dialect {
        "frontdesk" => body["error"].is_string() || (body["success"] == false && body["message"].is_string()),
        "andromedia" => (body["message"].is_string() && members == 1) || body["error"].is_string(),
        "licomed" => {
            body["status"] == "failure"
                && body["entity"].is_null()
                && body["message"].is_string()
                && body["success"] == false
        }
        "divar" => body["code"].is_u64() && body["message"].is_string() && body["details"].is_array(),
        "luxmart" => body["error"].is_string() && members == 1,
        other => unreachable!("no dialect {other}"),
    }
}

/// Every file below a folder, unfinished ones included.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found
}
