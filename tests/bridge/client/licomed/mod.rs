//! A licomed client: one user who writes to another. In: what that user does. Out: what it sees; an answer or a frame that
//! lacks a key of the document, or holds what nobody may see, fails the test.

mod frames;

use std::net::SocketAddr;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::line::Line;
use super::{Client, Heard, Outcome, claim};
use crate::harness::http::{self, Answer, field, file, form};
use crate::harness::socket::Socket;
use crate::standin::PATIENCE;
use frames::{Frames, expect};

/// The user whom the client writes to.
pub const THEM: &str = "6d1f0a52-93c7-4b0e-8a64-2f5b7c9e1d38";

pub struct Licomed {
    gateway: SocketAddr,
    token: String,
    them: String,
    line: Line<Frames>,
    may_see_secrets: bool,
}

impl Licomed {
    /// Whom it writes to from now on.
    pub fn write_to(&mut self, them: &str) {
        self.them = them.to_owned();
    }

    /// From now on it may see password hashes, as who speaks to the backend itself does.
    pub fn may_see_secrets(&mut self) {
        self.may_see_secrets = true;
    }

    /// Shows the other one a user's profile, without waiting for anything.
    pub async fn send_profile(&mut self, profile: &str) {
        let frame = json!({
            "action": "user_profile_message", "receiver_id": self.them, "attached_profile_id": profile,
        });
        self.line.say(&frame).await;
    }

    /// Says what may be no frame of the dialect.
    pub async fn send_frame(&mut self, frame: &Value) {
        self.line.say(frame).await;
    }

    /// Uploads a file without announcing it: its `chat_id`, or the status and words of the refusal.
    pub async fn upload(&self, name: &str, mime: &str, bytes: &[u8], caption: &str) -> Result<u64, (u16, String)> {
        let parts = [
            field("receiver", &self.them),
            field("message", caption),
            file("attached_file", name, mime, bytes),
            field("attached_file_name", name),
        ];
        let content_type = format!("multipart/form-data; boundary={}", http::BOUNDARY);
        let headers = [("Authorization", self.bearer()), ("Content-Type", content_type)];
        let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
        let request = http::request("POST", "/chat/attachment/", &headers, &form(&parts));
        let answer = self.call(&request).await;
        let body = answer.json();
        if answer.status != 201 {
            return Err((answer.status, words_of(&answer)));
        }
        let message = &body["entity"]["message"];
        expect(message, &UPLOADED);
        assert_eq!(body["message"], "File uploaded and chat created successfully");
        Ok(message["id"].as_u64().unwrap_or_else(|| panic!("an id that is no number: {message}")))
    }

    pub async fn announce(&mut self, chat: u64) {
        self.line.say(&json!({ "action": "file_message", "chat_id": chat })).await;
    }

    /// The threads, or the status of the refusal.
    pub async fn threads(&self) -> Result<Vec<Value>, u16> {
        let body = self.get("/chat/user/threads/").await?;
        Ok(body["data"].as_array().unwrap_or_else(|| panic!("no threads in {body}")).clone())
    }

    /// The file messages of a thread, newest first.
    pub async fn files(&self, thread: u64) -> Result<Vec<Value>, u16> {
        let body = self.get(&format!("/chat/thread/files/{thread}/")).await?;
        Ok(body["data"]["files"].as_array().unwrap_or_else(|| panic!("no files in {body}")).clone())
    }

    /// The messages with a user, newest first.
    pub async fn messages(&self, other: &str) -> Result<Vec<Value>, u16> {
        let body = self.get(&format!("/chat/messages/{other}/")).await?;
        let messages = body["data"]["messages"].as_array().unwrap_or_else(|| panic!("no messages in {body}")).clone();
        for message in &messages {
            expect(message, &MESSAGE);
        }
        Ok(messages)
    }

    async fn get(&self, path: &str) -> Result<Value, u16> {
        let request = http::request("GET", path, &[("Authorization", &self.bearer())], b"");
        let answer = self.call(&request).await;
        let body = answer.json();
        if answer.status == 200 { Ok(body) } else { Err(answer.status) }
    }

    /// Sends a request; the answer is searched for what the backend has and nobody may see.
    async fn call(&self, request: &[u8]) -> Answer {
        let answer = http::send_within(self.gateway, request, 2 * PATIENCE).await;
        let text = String::from_utf8_lossy(&answer.body);
        for secret in ["pbkdf2", "\"password\""] {
            assert!(self.may_see_secrets || !text.contains(secret), "{secret} came through: {text}");
        }
        answer
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.token)
    }
}

#[async_trait]
impl Client for Licomed {
    async fn open(gateway: SocketAddr, token: String) -> Result<Self, u16> {
        let us = claim(&token, "sub").expect("a token with a `sub`");
        let socket = Socket::open(gateway, &format!("/ws/chat/room/?token={token}"), None).await?;
        Ok(Licomed {
            gateway,
            token,
            them: THEM.to_owned(),
            line: Line::new(socket, Frames { us }),
            may_see_secrets: false,
        })
    }

    async fn send_text(&mut self, text: &str) {
        let frame = json!({ "action": "text_message", "message_body": text, "receiver_id": self.them });
        self.line.say(&frame).await;
    }

    async fn outcome(&mut self) -> Outcome {
        self.line.outcome().await
    }

    async fn say_file(&mut self, name: &str, mime: &str, bytes: &[u8], caption: &str) -> Result<(), (u16, String)> {
        let chat = self.upload(name, mime, bytes, caption).await?;
        self.announce(chat).await;
        match self.line.outcome().await {
            Outcome::Confirmed { body } => {
                assert_eq!(body, caption, "the confirmation of a file repeats its words");
                Ok(())
            }
            Outcome::Error { text } => Err((0, text)),
            Outcome::Closed { code } => Err((code, String::new())),
        }
    }

    /// The frame of a file has no link, so it is looked up in the history, as a real client does.
    async fn hears(&mut self) -> Heard {
        match self.line.hears().await {
            Heard::File { name, url: id, caption } => {
                let messages = self.messages(&self.them).await.expect("the history of who wrote");
                let message = messages.iter().find(|message| message["id"].as_u64() == id.parse().ok());
                let message = message.unwrap_or_else(|| panic!("no message {id} in {messages:?}"));
                let url = message["attached_file"].as_str().unwrap_or_else(|| panic!("no file in {message}"));
                Heard::File { name, url: url.to_owned(), caption }
            }
            text => text,
        }
    }

    /// A path of the history is got with the token, as every call is; a whole URL as a browser does.
    async fn fetch(&self, url: &str) -> (u16, Vec<u8>) {
        let path = url.strip_prefix(&format!("http://{}", self.gateway)).unwrap_or(url);
        if !path.starts_with('/') {
            return super::fetch(self.gateway, url).await;
        }
        let request = http::request("GET", path, &[("Authorization", &self.bearer())], b"");
        let answer = http::send_within(self.gateway, &request, 2 * PATIENCE).await;
        (answer.status, answer.body)
    }

    async fn history(&mut self) -> Option<Vec<String>> {
        let messages = match self.messages(&self.them).await {
            Ok(messages) => messages,
            Err(status) => panic!("the history was refused with {status}"),
        };
        let text =
            |message: &Value, key: &str| message[key].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        let body = |message: &Value| text(message, "message").or_else(|| text(message, "attached_file_name"));
        Some(messages.iter().rev().map(|message| body(message).unwrap_or_default()).collect())
    }

    /// The dialect has no such sign.
    async fn ended(&mut self) -> bool {
        self.line.ended().await
    }

    async fn closed(&mut self) -> u16 {
        self.line.closed().await
    }
}

/// The keys of a message in the history.
const MESSAGE: [&str; 12] = [
    "id",
    "sender",
    "receiver",
    "attached_file_size",
    "message",
    "updated_at",
    "created_at",
    "attached_file",
    "message_type",
    "attached_file_name",
    "thread",
    "attached_profile",
];

/// The keys of the message in the answer to an upload.
const UPLOADED: [&str; 12] = [
    "id",
    "sender",
    "receiver",
    "attached_file_size",
    "message",
    "updated",
    "created",
    "seen",
    "deleted",
    "attached_file",
    "attached_file_name",
    "thread",
];

/// The envelope's words, else the body.
fn words_of(answer: &Answer) -> String {
    match answer.json()["message"].as_str() {
        Some(words) => words.to_owned(),
        None => String::from_utf8_lossy(&answer.body).into_owned(),
    }
}
