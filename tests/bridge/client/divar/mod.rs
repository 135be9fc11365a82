//! A divar client: an app that sends by calls, one after the other, and hears by webhooks. In: what the app does. Out: what it
//! sees. Where its events arrive is known before the gateway starts: [`Events`], which its token names.

mod events;
mod shape;

use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::{Client, Heard, Outcome};
use crate::harness::http::{self, Answer, file, form};
use crate::standin::PATIENCE;
pub use events::Events;

/// The conversation that the app is in.
pub const CONVERSATION: &str = "conversation-101";

/// Sends and outcomes that may wait; more than a test sends at once.
const WAITING: usize = 10_000;

pub struct Divar {
    app: App,
    events: Option<Arc<Events>>,
    /// Texts for the one who sends them, and what came of each, both in order.
    texts: mpsc::Sender<String>,
    outcomes: mpsc::Receiver<Outcome>,
    captions_beside_media: bool,
}

/// Who calls whom.
#[derive(Clone)]
struct App {
    gateway: SocketAddr,
    key: String,
    access_token: Option<String>,
}

impl Divar {
    /// From now on a caption stands in one message with its file. The schema forbids it, so it else follows in its own.
    pub fn captions_beside_media(&mut self) {
        self.captions_beside_media = true;
    }

    /// The first step: an upload token.
    pub async fn grant(&self) -> Result<String, (u16, String)> {
        self.app.grant().await
    }

    /// The second step alone, with any form.
    pub async fn upload_with(&self, grant: &str, kind: &str, form: &[u8]) -> Result<String, (u16, String)> {
        self.app.upload(grant, kind, form).await
    }

    /// The first two steps: a media token, or the status and words of the refusal.
    pub async fn upload(&self, name: &str, mime: &str, bytes: &[u8]) -> Result<String, (u16, String)> {
        let kind = match mime.split('/').next() {
            Some("image") => "image",
            Some("video") => "video",
            Some("audio") => "voice",
            _ => "file",
        };
        self.upload_with(&self.grant().await?, kind, &form(&[file("file", name, mime, bytes)])).await
    }

    /// The third step.
    pub async fn send_media(&self, media_token: &str, caption: &str) -> Result<(), (u16, String)> {
        self.app.send(&json!({ "message": caption, "media_token": media_token })).await
    }

    /// Sends any body to the conversation: the answer as it is.
    pub async fn send_body(&self, body: &Value) -> Answer {
        self.post(&sends(), body).await
    }

    /// Posts anything anywhere: the answer as it is.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.app.post(path, body).await
    }

    /// Writes as the bot, to a conversation of the bot's.
    pub async fn send_as_bot(&self, conversation: &str, text: &str) -> Answer {
        let path = format!("/v1/open-platform/chat/bot/conversations/{conversation}/messages");
        self.app.post(&path, &json!({ "text_message": text })).await
    }

    /// The texts of the conversation, or the refusal.
    pub async fn messages(&self) -> Result<Vec<Value>, (u16, String)> {
        let path = format!("/v1/open-platform/chat/conversations/{CONVERSATION}");
        let body = self.app.succeed(self.app.call("GET", &path, &[], b"").await)?;
        assert_eq!(body["conversation"]["id"], CONVERSATION, "{body}");
        let messages = body["messages"].as_array().unwrap_or_else(|| panic!("no messages in {body}"));
        messages.iter().for_each(shape::expect_message);
        Ok(messages.clone())
    }

    fn events(&self) -> &Events {
        self.events.as_ref().expect("a token of `Events::token`, so that the client has events to hear")
    }
}

impl App {
    async fn grant(&self) -> Result<String, (u16, String)> {
        let answer = self.post("/experimental/open-platform/chat/upload", &json!({})).await;
        let body = self.succeed(answer)?;
        Ok(body["token"].as_str().unwrap_or_else(|| panic!("no upload token in {body}")).to_owned())
    }

    async fn upload(&self, grant: &str, kind: &str, body: &[u8]) -> Result<String, (u16, String)> {
        let headers = [
            ("Authorization", format!("Bearer {grant}")),
            ("Content-Type", format!("multipart/form-data; boundary={}", http::BOUNDARY)),
        ];
        let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
        let request = http::request("POST", &format!("/upload/{kind}"), &headers, body);
        let body = self.succeed(http::send_within(self.gateway, &request, 2 * PATIENCE).await)?;
        assert_eq!(body["status"], "ok", "{body}");
        Ok(body["id"].as_str().unwrap_or_else(|| panic!("no media token in {body}")).to_owned())
    }

    async fn send(&self, body: &Value) -> Result<(), (u16, String)> {
        let body = self.succeed(self.post(&sends(), body).await)?;
        assert!(body["status"] == 200 && body["message"].is_string(), "not the answer to a send: {body}");
        Ok(())
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        self.call("POST", path, &[("Content-Type", "application/json")], body.to_string().as_bytes()).await
    }

    async fn call(&self, method: &str, path: &str, more: &[(&str, &str)], body: &[u8]) -> Answer {
        let bearer = self.access_token.as_ref().map(|token| format!("Bearer {token}"));
        let mut headers = vec![("X-API-Key", self.key.as_str())];
        headers.extend(bearer.as_deref().map(|bearer| ("Authorization", bearer)));
        headers.extend(more);
        http::send_within(self.gateway, &http::request(method, path, &headers, body), 2 * PATIENCE).await
    }

    /// The body of a 200, which is JSON; else the status, and the words of its error or the body.
    fn succeed(&self, answer: Answer) -> Result<Value, (u16, String)> {
        let body = answer.json();
        if answer.status == 200 {
            let mime = answer.header("content-type").unwrap_or_default();
            assert!(mime.starts_with("application/json") && body.is_object(), "no JSON: {answer:?}");
            return Ok(body);
        }
        if answer.status != 0 && body["code"].is_u64() {
            let is_whole = body["message"].is_string() && body["details"].is_array();
            assert!(is_whole, "an error has code, message and details: {body}");
            return Err((answer.status, body["message"].as_str().unwrap_or_default().to_owned()));
        }
        Err((answer.status, String::from_utf8_lossy(&answer.body).into_owned()))
    }
}

#[async_trait]
impl Client for Divar {
    /// The token is the app's key, or what [`Events::token`] makes of it. An app has no socket, so an upload token is asked
    /// for to see whether the key is good.
    async fn open(gateway: SocketAddr, token: String) -> Result<Self, u16> {
        let (key, access_token, events) = events::parts_of(&token);
        let app = App { gateway, key, access_token };
        app.grant().await.map_err(|(status, _)| status)?;
        let (texts, waiting) = mpsc::channel(WAITING);
        let (says, outcomes) = mpsc::channel(WAITING);
        send_in_order(app.clone(), waiting, says);
        Ok(Divar { app, events, texts, outcomes, captions_beside_media: false })
    }

    async fn send_text(&mut self, text: &str) {
        self.texts.send(text.to_owned()).await.expect("the one who sends is there");
    }

    async fn outcome(&mut self) -> Outcome {
        let outcome = tokio::time::timeout(3 * PATIENCE, self.outcomes.recv()).await;
        outcome.expect("an answer in time").expect("the one who sends is there")
    }

    async fn say_file(&mut self, name: &str, mime: &str, bytes: &[u8], caption: &str) -> Result<(), (u16, String)> {
        let media_token = self.upload(name, mime, bytes).await?;
        if self.captions_beside_media {
            return self.send_media(&media_token, caption).await;
        }
        self.send_media(&media_token, "").await?;
        if caption.is_empty() { Ok(()) } else { self.app.send(&json!({ "message": caption })).await }
    }

    async fn hears(&mut self) -> Heard {
        self.events().hears().await
    }

    async fn fetch(&self, url: &str) -> (u16, Vec<u8>) {
        super::fetch(self.app.gateway, url).await
    }

    /// Texts only, as the document says.
    async fn history(&mut self) -> Option<Vec<String>> {
        let messages = self.messages().await.unwrap_or_else(|refused| panic!("the history was refused: {refused:?}"));
        Some(messages.iter().map(|message| message["text"].as_str().unwrap_or_default().to_owned()).collect())
    }

    /// The nearest that the dialect has: the user takes the app's access away.
    async fn ended(&mut self) -> bool {
        match &self.events {
            Some(events) => events.ended().await,
            None => false,
        }
    }

    async fn closed(&mut self) -> u16 {
        panic!("an app has no socket that could close")
    }
}

/// Where the app sends.
fn sends() -> String {
    format!("/v2/open-platform/conversations/{CONVERSATION}/messages")
}

/// Sends the texts one after the other, as an app does that wants them in order.
#[allow(clippy::disallowed_methods, reason = "the drain of the gateway is not concerned by a client in a test")]
fn send_in_order(app: App, mut texts: mpsc::Receiver<String>, says: mpsc::Sender<Outcome>) {
    tokio::spawn(async move {
        while let Some(text) = texts.recv().await {
            let outcome = match app.send(&json!({ "message": text })).await {
                Ok(()) => Outcome::Confirmed { body: text },
                // The connection broke off without an answer.
                Err((0, _)) => Outcome::Closed { code: 1006 },
                Err((_, text)) => Outcome::Error { text },
            };
            if says.send(outcome).await.is_err() {
                return;
            }
        }
    });
}
