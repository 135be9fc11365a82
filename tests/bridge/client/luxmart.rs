//! A store or an admin (whichever the token says) in session 7. Confirmed is what comes back to the sender's side; a file
//! goes by the call that takes an attachment, and is confirmed by its answer.

use std::collections::VecDeque;
use std::net::SocketAddr;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::line::{Line, Read, Reader};
use super::{Client, Heard, Outcome, claim, fetch};
use crate::harness::http::{self, Answer};
use crate::harness::socket::Socket;

const SESSION: u64 = 7;

pub struct Luxmart {
    gateway: SocketAddr,
    authorization: String,
    role: &'static str,
    /// As admin, the session that was opened; a store's is implied.
    session: u64,
    line: Line<Frames>,
}

struct Frames {
    role: &'static str,
    /// What was sent over the socket and neither confirmed nor refused.
    pending: VecDeque<String>,
    /// The ids of messages that a call has confirmed; they come back once more.
    called: Vec<Value>,
}

impl Reader for Frames {
    fn read(&mut self, frame: &Value) -> Read {
        let payload = &frame["payload"];
        match frame["type"].as_str().unwrap_or_default() {
            "message" => self.message(&payload["message"]),
            "session_update" if payload["session"]["status"] == "closed" => Read::End,
            "error" => {
                self.pending.pop_front();
                let text = text(&payload["message"]);
                assert_eq!(*frame, json!({ "type": "error", "payload": { "message": text } }));
                Read::Outcome(Outcome::Error { text })
            }
            _ => Read::Nothing,
        }
    }
}

impl Frames {
    fn message(&mut self, message: &Value) -> Read {
        if let Some(place) = self.called.iter().position(|id| *id == message["id"]) {
            self.called.remove(place);
            return Read::Nothing;
        }
        let (body, url) = (text(&message["content"]), text(&message["attachment_url"]));
        let is_pending = self.pending.front().is_some_and(|sent| *sent == body);
        if message["sender_type"] == self.role && is_pending && url.is_empty() {
            self.pending.pop_front();
            return Read::Outcome(Outcome::Confirmed { body });
        }
        Read::Heard(match url.is_empty() {
            true => Heard::Text(body),
            false => Heard::File { name: tail(&url), url, caption: body },
        })
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The only name that the dialect tells of a file.
fn tail(url: &str) -> String {
    url.split('?').next().and_then(|url| url.rsplit('/').next()).unwrap_or_default().to_owned()
}

fn refusal(answer: &Answer) -> (u16, String) {
    let body = answer.json();
    let text = text(&body["error"]);
    // A backend that is ill may answer with anything.
    assert!(body.is_null() || body == json!({ "error": text }), "{answer:?}");
    (answer.status, text)
}

impl Luxmart {
    fn headers(&self) -> [(&str, &str); 1] {
        [("Authorization", &self.authorization)]
    }

    /// What comes of the upload alone: the answer, or status and words of the refusal.
    pub async fn upload(&self, name: &str, mime: &str, bytes: &[u8]) -> Result<Value, (u16, String)> {
        let session = self.session.to_string();
        let parts = [http::field("session_id", &session), http::file("file", name, mime, bytes)];
        let answer = http::post_form(self.gateway, "/v1/chat/upload/", &self.headers(), &parts).await;
        if answer.status == 200 { Ok(answer.json()) } else { Err(refusal(&answer)) }
    }

    /// Sends by the call; the message of the answer.
    pub async fn post(&mut self, mut body: Value) -> Result<Value, (u16, String)> {
        if self.role == "admin" {
            body["session_id"] = json!(self.session);
        }
        let path = format!("/v1/chat/{}/message/", self.role);
        let answer = http::post_json(self.gateway, &path, &self.headers(), body.to_string().as_bytes()).await;
        if answer.status != 200 {
            return Err(refusal(&answer));
        }
        let message = answer.json()["message"].clone();
        self.line.reader.called.push(message["id"].clone());
        Ok(message)
    }

    async fn get(&self, path: &str) -> Value {
        let answer = http::get(self.gateway, path, &self.headers()).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    /// The session with its messages, however this role gets it.
    async fn read_session(&self) -> Value {
        match self.role {
            "admin" => self.get(&format!("/v1/chat/admin/session/?session_id={}", self.session)).await,
            _ => self.get("/v1/chat/store/session/").await,
        }
    }
}

#[async_trait]
impl Client for Luxmart {
    async fn open(gateway: SocketAddr, token: String) -> Result<Self, u16> {
        let role = match claim(&token, "role").as_deref() {
            Some("admin" | "2") => "admin",
            _ => "store",
        };
        let socket = Socket::open(gateway, &format!("/v1/chat/ws/{role}/?token={token}"), None).await?;
        let frames = Frames { role, pending: VecDeque::new(), called: Vec::new() };
        let line = Line::new(socket, frames);
        let mut client = Luxmart { gateway, authorization: format!("Token {token}"), role, session: SESSION, line };
        if role == "store" {
            // A store learns which session is its own, and has one from then on.
            client.session = client.read_session().await["id"].as_u64().expect("the id of the session");
        }
        Ok(client)
    }

    async fn send_text(&mut self, text: &str) {
        self.line.reader.pending.push_back(text.to_owned());
        let mut payload = json!({ "content": text });
        if self.role == "admin" {
            payload["session_id"] = json!(self.session);
        }
        self.line.say(&json!({ "type": "message", "payload": payload })).await;
    }

    async fn outcome(&mut self) -> Outcome {
        self.line.outcome().await
    }

    async fn say_file(&mut self, name: &str, mime: &str, bytes: &[u8], caption: &str) -> Result<(), (u16, String)> {
        let uploaded = self.upload(name, mime, bytes).await?;
        let mut body = json!({ "attachment_url": uploaded["url"], "attachment_type": uploaded["type"] });
        if !caption.is_empty() {
            body["content"] = json!(caption);
        }
        let message = self.post(body).await?;
        assert_eq!((&message["attachment_url"], &message["content"]), (&uploaded["url"], &json!(caption)));
        Ok(())
    }

    async fn hears(&mut self) -> Heard {
        self.line.hears().await
    }

    async fn fetch(&self, url: &str) -> (u16, Vec<u8>) {
        fetch(self.gateway, url).await
    }

    async fn history(&mut self) -> Option<Vec<String>> {
        let session = self.read_session().await;
        let words = |message: &Value| match text(&message["content"]) {
            content if content.is_empty() => tail(&text(&message["attachment_url"])),
            content => content,
        };
        Some(session["messages"].as_array().expect("messages").iter().map(words).collect())
    }

    async fn ended(&mut self) -> bool {
        self.line.ended().await
    }

    async fn closed(&mut self) -> u16 {
        self.line.closed().await
    }
}
