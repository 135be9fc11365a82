//! A visitor (or an agent) in the one session of a business. Confirmed is what the group gets from themselves; who they are
//! there is learnt from the first frame that repeats what they sent.

use std::collections::VecDeque;
use std::net::SocketAddr;

use async_trait::async_trait;
use serde_json::{Value, json};
use uuid::Uuid;

use super::line::{Line, Read, Reader};
use super::{Client, Heard, Outcome, claim, fetch};
use crate::harness::http;
use crate::harness::socket::{self, Socket};

const BUSINESS: &str = "hotel";
const CUSTOMER: &str = "room-101";

pub struct Andromedia {
    gateway: SocketAddr,
    token: String,
    session: String,
    line: Line<Frames>,
}

#[derive(Default)]
struct Frames {
    /// Once known.
    own: Option<String>,
    /// What was sent and neither confirmed nor refused: words, or the URL of a file.
    pending: VecDeque<String>,
}

impl Reader for Frames {
    fn read(&mut self, frame: &Value) -> Read {
        let text = |key: &str| frame[key].as_str().unwrap_or_default().to_owned();
        let (body, heard) = match frame["type"].as_str().unwrap_or_default() {
            "text" => (text("content"), Heard::Text(text("content"))),
            "file" => {
                let heard = Heard::File { name: text("file_name"), url: text("file"), caption: String::new() };
                (text("file"), heard)
            }
            "session_ended" => return Read::End,
            "error" => {
                self.pending.pop_front();
                assert_eq!(*frame, json!({ "type": "error", "message": text("message") }));
                return Read::Outcome(Outcome::Error { text: text("message") });
            }
            _ => return Read::Nothing,
        };
        let (sender, is_pending) = (text("sender_id"), self.pending.front().is_some_and(|sent| *sent == body));
        let is_own = self.own.as_ref().map_or(is_pending, |own| *own == sender);
        if !is_own {
            return Read::Heard(heard);
        }
        self.own = Some(sender);
        assert!(is_pending, "a confirmation of what was not sent: {frame}; pending is {:?}", self.pending);
        self.pending.pop_front();
        Read::Outcome(Outcome::Confirmed { body })
    }
}

impl Andromedia {
    fn authorization(&self) -> String {
        format!("Bearer {}", self.token)
    }

    /// The uuid under which this user uploads.
    fn uploader(&self) -> String {
        let subject = claim(&self.token, "sub").unwrap_or_default();
        let id = Uuid::parse_str(&subject).unwrap_or_else(|_| Uuid::new_v5(&Uuid::NAMESPACE_OID, subject.as_bytes()));
        id.to_string()
    }

    /// What comes of the upload alone: its `data`, or status and words of the refusal.
    pub async fn upload(&self, name: &str, mime: &str, bytes: &[u8]) -> Result<Value, (u16, String)> {
        let parts = [
            http::file("file", name, mime, bytes),
            http::field("message", "null"),
            http::field("uploaded_by_end_user", &self.uploader()),
        ];
        let headers = [("Authorization", self.authorization())];
        let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
        let answer = http::post_form(self.gateway, "/chat/upload-file/", &headers, &parts).await;
        match answer.status {
            200..300 => Ok(answer.json()["data"].clone()),
            status => Err((status, answer.json()["message"].as_str().unwrap_or_default().to_owned())),
        }
    }

    /// The session that this client is in.
    pub fn session(&self) -> &str {
        &self.session
    }
}

#[async_trait]
impl Client for Andromedia {
    async fn open(gateway: SocketAddr, token: String) -> Result<Self, u16> {
        let body = json!({ "business": BUSINESS, "external_customer_id": CUSTOMER }).to_string();
        let authorization = format!("Bearer {token}");
        let headers = [("Authorization", authorization.as_str())];
        let started = http::post_json(gateway, "/chat/start-session/", &headers, body.as_bytes()).await;
        if started.status != 200 {
            return Err(started.status);
        }
        let session = started.json()["data"]["session_id"].as_str().expect("a session").to_owned();
        let path = format!("/ws/visitor-chat/?session_id={session}");
        let mut socket = Socket::open(gateway, &path, Some(&format!("Bearer, {token}"))).await?;
        assert_eq!(socket.protocol.as_deref(), Some("Bearer"), "browsers fail without it");
        // The first frame says that the session is entered; an error may come before a close.
        loop {
            match socket.hear().await {
                socket::Heard::Closed(code) => return Err(code),
                socket::Heard::Frame(frame) if frame["type"] == "connection_established" => {
                    assert_eq!(frame["session_id"], session.as_str());
                    break;
                }
                socket::Heard::Frame(frame) => assert_eq!(frame["type"], "error", "{frame}"),
            }
        }
        Ok(Andromedia { gateway, token, session, line: Line::new(socket, Frames::default()) })
    }

    async fn send_text(&mut self, text: &str) {
        self.line.reader.pending.push_back(text.to_owned());
        self.line.say(&json!({ "type": "text", "content": text })).await;
    }

    async fn outcome(&mut self) -> Outcome {
        self.line.outcome().await
    }

    /// The dialect has no captions: the words follow as a text.
    async fn say_file(&mut self, name: &str, mime: &str, bytes: &[u8], caption: &str) -> Result<(), (u16, String)> {
        let uploaded = self.upload(name, mime, bytes).await?;
        let url = uploaded["file"].as_str().expect("a URL").to_owned();
        let is_audio = mime.starts_with("audio/");
        self.line.say(&json!({ "type": "file", "file": url, "is_audio": is_audio })).await;
        self.line.reader.pending.push_back(url);
        self.line.announced().await?;
        if !caption.is_empty() {
            self.say(caption).await;
        }
        Ok(())
    }

    async fn hears(&mut self) -> Heard {
        self.line.hears().await
    }

    async fn fetch(&self, url: &str) -> (u16, Vec<u8>) {
        fetch(self.gateway, url).await
    }

    async fn history(&mut self) -> Option<Vec<String>> {
        let authorization = self.authorization();
        let path = format!("/chat/history/{}/", self.session);
        let answer = http::get(self.gateway, &path, &[("Authorization", &authorization)]).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let body = answer.json();
        let words = |item: &Value| {
            let key = if item["type"] == "message" { "content" } else { "file_name" };
            item["data"][key].as_str().unwrap_or_default().to_owned()
        };
        Some(body["data"].as_array().expect("a timeline").iter().map(words).collect())
    }

    async fn ended(&mut self) -> bool {
        self.line.ended().await
    }

    async fn closed(&mut self) -> u16 {
        self.line.closed().await
    }
}
