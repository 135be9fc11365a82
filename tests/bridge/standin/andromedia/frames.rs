//! The session's sockets: accepted first and closed after with the code that says why, else a member of the group.

use std::sync::Arc;

use serde_json::{Value, json};

use super::super::server::{Request, Response, Said, Session};
use super::{Content, Desk, User};

const ENDED: &str = "This session has ended. No further communication is allowed.";

impl Desk {
    pub(super) fn handshake(self: &Arc<Self>, request: Request) -> Response {
        let offered: Vec<String> = request
            .header("sec-websocket-protocol")
            .map(|offered| offered.split(',').map(|one| one.trim().to_owned()).collect())
            .unwrap_or_default();
        let session = request.query.get("session_id").cloned().unwrap_or_default();
        let is_bearer = offered.first().is_some_and(|first| first == "Bearer");
        let user = offered.get(1).filter(|_| is_bearer).and_then(|token| self.user(token));
        let refusal = match &user {
            _ if session.is_empty() => Some(4001),
            _ if session != self.session => Some(4002),
            None => Some(4003),
            Some(_) => None,
        };
        let who = user.as_ref().map(|user| user.id.clone()).unwrap_or_default();
        let (desk, base) = (self.clone(), format!("http://{}", request.address));
        self.backstage.accept(request, &who, is_bearer.then_some("Bearer"), move |session| async move {
            match (refusal, user) {
                (None, Some(user)) => desk.visit(session, &user, &base).await,
                (refusal, _) => session.close(refusal.unwrap_or(4003)).await,
            }
        })
    }

    async fn visit(&self, mut session: Session, user: &User, base: &str) {
        if self.has_ended() {
            return self.refuse_ended(&session).await;
        }
        session.say(&json!({ "type": "connection_established", "session_id": self.session })).await;
        while let Some(said) = session.hear().await {
            if self.has_ended() {
                return self.refuse_ended(&session).await;
            }
            let Said::Text(text) = said else {
                self.backstage.ledger.complain("socket: a binary frame".to_owned());
                continue;
            };
            if let Err(words) = self.frame(&session, user, base, &text).await {
                session.say(&json!({ "type": "error", "message": words })).await;
            }
        }
    }

    async fn refuse_ended(&self, session: &Session) {
        session.say(&json!({ "type": "error", "message": ENDED })).await;
        session.close(4006).await;
    }

    async fn frame(&self, session: &Session, user: &User, base: &str, text: &str) -> Result<(), &'static str> {
        let ledger = &self.backstage.ledger;
        let Ok(frame) = serde_json::from_str::<Value>(text) else {
            ledger.complain(format!("socket: no JSON: {text}"));
            return Err("Invalid JSON.");
        };
        let content = match frame["type"].as_str() {
            Some("text") => {
                ledger.expect_keys("socket", &frame, &["type", "content"]);
                let content = frame["content"].as_str().filter(|content| !content.trim().is_empty());
                Content::Text(content.ok_or("Message content cannot be empty.")?.to_owned())
            }
            Some("file") => {
                ledger.expect_keys("socket", &frame, &["type", "file", "file_name", "is_audio"]);
                self.file(base, &frame)?
            }
            other => {
                ledger.complain(format!("socket: unknown type {other:?}"));
                return Err("Unknown message type.");
            }
        };
        if !self.backstage.keeps().await {
            return Ok(());
        }
        let item = self.keep(user, content);
        self.take(base, &item);
        let own = session.seat();
        self.backstage.sockets.say_where(|seat| self.echo || *seat != own, &item.frame()).await;
        Ok(())
    }

    /// A file that was uploaded here first, as the document demands.
    fn file(&self, base: &str, frame: &Value) -> Result<Content, &'static str> {
        let url = frame["file"].as_str().unwrap_or_default();
        if self.backstage.files.of_url(base, url).is_none() {
            return Err("Unknown file.");
        }
        let is_audio = frame["is_audio"].as_bool();
        if is_audio.is_none() {
            self.backstage.ledger.complain(format!("socket: is_audio is {}", frame["is_audio"]));
        }
        let given = frame["file_name"].as_str();
        let last = url.rsplit('/').next().unwrap_or_default();
        let name = given.map_or_else(|| super::super::server::decode(last), str::to_owned);
        Ok(Content::File { url: url.to_owned(), name, is_audio: is_audio.unwrap_or_default() })
    }
}
