//! A member of the hotel's staff at the socket of the department, as the document (or the deployed dashboard) has it.
//! Confirmed is what comes back under their own name, or what is acknowledged.

use std::collections::VecDeque;
use std::net::SocketAddr;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::line::{Line, Read, Reader};
use super::{Client, Heard, Outcome, claim, fetch};
use crate::harness::http;
use crate::harness::socket::Socket;

const CONVERSATION: u64 = 101;

pub struct Frontdesk {
    gateway: SocketAddr,
    authorization: String,
    line: Line<Frames>,
}

#[derive(Default)]
struct Frames {
    /// Their own name, if the token says one.
    name: Option<String>,
    /// What was sent and neither confirmed nor refused.
    pending: VecDeque<String>,
    /// The ids that were acknowledged and not yet seen: their message is our own, and no second confirmation.
    acknowledged: Vec<Value>,
}

impl Reader for Frames {
    fn read(&mut self, frame: &Value) -> Read {
        match frame["type"].as_str().unwrap_or_default() {
            "acknowledgment" if frame["status"] == "received" => {
                self.acknowledged.push(frame["message_id"].clone());
                self.confirmed(None)
            }
            "chat_message" => self.message(&frame["message"]),
            "message" => self.message(&frame["data"]),
            "conversation_update" if frame["data"]["type"] == "conversation_closed" => Read::End,
            "error" => {
                self.pending.pop_front();
                let text = text(&frame["message"]);
                assert_eq!(*frame, json!({ "type": "error", "message": text }));
                Read::Outcome(Outcome::Error { text })
            }
            _ => Read::Nothing,
        }
    }
}

impl Frames {
    fn message(&mut self, message: &Value) -> Read {
        assert_eq!(message["conversation_id"], CONVERSATION, "{message}");
        if let Some(place) = self.acknowledged.iter().position(|id| *id == message["id"]) {
            self.acknowledged.remove(place);
            return Read::Nothing;
        }
        let body = text(&message["content"]);
        if self.is_own(message, &body) {
            return self.confirmed(Some(body));
        }
        Read::Heard(match message["message_type"].as_str() {
            Some("text" | "system") => Heard::Text(body),
            _ => {
                Heard::File { name: text(&message["media_filename"]), url: text(&message["media_url"]), caption: body }
            }
        })
    }

    fn is_own(&self, message: &Value, body: &str) -> bool {
        // A file without a caption comes with its name instead.
        let is_name = message["media_filename"] == body;
        let is_pending = self.pending.front().is_some_and(|sent| sent == body || (sent.is_empty() && is_name));
        let is_named = self.name.as_ref().is_none_or(|name| message["sender_name"] == name.as_str());
        message["sender_type"] == "staff" && is_named && is_pending
    }

    fn confirmed(&mut self, body: Option<String>) -> Read {
        let sent = self.pending.pop_front();
        let body = body.or(sent).expect("a confirmation of something that was sent");
        Read::Outcome(Outcome::Confirmed { body })
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

impl Frontdesk {
    fn headers(&self) -> [(&str, &str); 1] {
        [("Authorization", &self.authorization)]
    }

    /// What comes of the upload alone: the answer, or status and words of the refusal.
    pub async fn upload(&self, name: &str, mime: &str, bytes: &[u8], caption: &str) -> Result<Value, (u16, String)> {
        let parts = [
            http::field("conversation_id", &CONVERSATION.to_string()),
            http::field("caption", caption),
            http::file("file", name, mime, bytes),
        ];
        let answer = http::post_form(self.gateway, "/api/chat/upload-media/", &self.headers(), &parts).await;
        match answer.status {
            200..300 => Ok(answer.json()),
            status => {
                let body = answer.json();
                let words = ["error", "message", "detail"].iter().find_map(|key| body[key].as_str());
                Err((status, words.unwrap_or_default().to_owned()))
            }
        }
    }

    /// Names what was uploaded in a message; what came of it.
    pub async fn announce(&mut self, uploaded: &Value, caption: &str) -> Result<(), (u16, String)> {
        let mut frame = json!({
            "type": "media",
            "conversation_id": CONVERSATION,
            "file_url": uploaded["file_url"],
            "filename": uploaded["filename"],
            "file_type": uploaded["file_type"],
        });
        if !caption.is_empty() {
            frame["caption"] = json!(caption);
        }
        self.line.reader.pending.push_back(caption.to_owned());
        self.line.say(&frame).await;
        self.line.announced().await
    }
}

#[async_trait]
impl Client for Frontdesk {
    async fn open(gateway: SocketAddr, token: String) -> Result<Self, u16> {
        let socket = Socket::open(gateway, &format!("/ws/chat/?token={token}"), None).await?;
        let frames = Frames { name: claim(&token, "name"), ..Frames::default() };
        Ok(Frontdesk { gateway, authorization: format!("Bearer {token}"), line: Line::new(socket, frames) })
    }

    async fn send_text(&mut self, text: &str) {
        self.line.reader.pending.push_back(text.to_owned());
        self.line.say(&json!({ "type": "text", "conversation_id": CONVERSATION, "content": text })).await;
    }

    async fn outcome(&mut self) -> Outcome {
        self.line.outcome().await
    }

    async fn say_file(&mut self, name: &str, mime: &str, bytes: &[u8], caption: &str) -> Result<(), (u16, String)> {
        let uploaded = self.upload(name, mime, bytes, caption).await?;
        self.announce(&uploaded, caption).await
    }

    async fn hears(&mut self) -> Heard {
        self.line.hears().await
    }

    async fn fetch(&self, url: &str) -> (u16, Vec<u8>) {
        fetch(self.gateway, url).await
    }

    async fn history(&mut self) -> Option<Vec<String>> {
        let path = format!("/api/chat/conversations/{CONVERSATION}/");
        let answer = http::get(self.gateway, &path, &self.headers()).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let body = answer.json();
        let messages = body["messages"].as_array().expect("messages");
        let words = |message: &Value| match text(&message["content"]) {
            content if content.is_empty() => text(&message["media_filename"]),
            content => content,
        };
        Some(messages.iter().map(words).collect())
    }

    async fn ended(&mut self) -> bool {
        self.line.ended().await
    }

    async fn closed(&mut self) -> u16 {
        self.line.closed().await
    }
}
