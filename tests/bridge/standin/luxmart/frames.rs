//! The sockets of the store and of the admins: frames are a type and a payload.

use std::sync::Arc;

use serde_json::{Value, json};

use super::super::server::{Request, Response, Said, Session};
use super::{Desk, Role, SESSION, User, refuse, shape};

impl Desk {
    pub(super) fn handshake(self: &Arc<Self>, request: Request, role: Role) -> Response {
        let user = request.query.get("token").and_then(|token| self.user(token)).filter(|user| user.role == role);
        let Some(user) = user else {
            return refuse((401, "Unauthorized"));
        };
        let (desk, base) = (self.clone(), format!("http://{}", request.address));
        self.backstage.accept(request, role.name(), None, move |session| async move {
            desk.visit(session, user, &base).await;
        })
    }

    async fn visit(&self, mut session: Session, user: User, base: &str) {
        if user.role == Role::Admin {
            session.say(&shape::frame("new_notification", json!({ "count": 0 }))).await;
        }
        while let Some(said) = session.hear().await {
            let done = match said {
                Said::Text(text) => self.frame(user, base, &text).await,
                Said::Binary => {
                    self.backstage.ledger.complain("socket: a binary frame".to_owned());
                    Err("Invalid message")
                }
            };
            if let Err(words) = done {
                session.say(&shape::frame("error", json!({ "message": words }))).await;
            }
        }
    }

    async fn frame(&self, user: User, base: &str, text: &str) -> Result<(), &'static str> {
        let ledger = &self.backstage.ledger;
        let Ok(frame) = serde_json::from_str::<Value>(text) else {
            ledger.complain(format!("socket: no JSON: {text}"));
            return Err("Invalid message");
        };
        ledger.expect_keys("socket", &frame, &["type", "payload"]);
        let payload = &frame["payload"];
        match frame["type"].as_str() {
            Some("message") => {
                let keys: &[&str] = match user.role {
                    Role::Store => &["content", "attachment_url", "attachment_type"],
                    Role::Admin => &["content", "attachment_url", "attachment_type", "session_id"],
                };
                ledger.expect_keys("socket message", payload, keys);
                self.session_of(payload)?;
                let (content, url, mime) = self.accept_message(user, payload, base).map_err(|(_, words)| words)?;
                if self.backstage.keeps().await {
                    let message = self.keep(user, &content, &url, &mime);
                    self.take(base, &message);
                    self.tell(&message).await;
                }
                Ok(())
            }
            Some("typing") => {
                ledger.expect_keys("socket typing", payload, &["is_typing", "session_id"]);
                self.session_of(payload)?;
                for reader in [Role::Store, Role::Admin] {
                    let told = shape::typing(&payload["is_typing"], user.role, reader);
                    self.backstage.sockets.say_where(|seat| seat.who == reader.name(), &told).await;
                }
                Ok(())
            }
            other => {
                ledger.complain(format!("socket: unknown type {other:?}"));
                Err("Unknown message type")
            }
        }
    }

    /// The session is implied, as there is one; if it is named it must be that.
    fn session_of(&self, payload: &Value) -> Result<(), &'static str> {
        match &payload["session_id"] {
            Value::Null => Ok(()),
            id if id.as_u64() == Some(SESSION) => Ok(()),
            _ => Err("Session not found or not assigned"),
        }
    }
}
