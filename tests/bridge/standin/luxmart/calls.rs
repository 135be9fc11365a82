//! The calls of a store and of an admin beside uploads.

use serde_json::{Value, json};

use super::super::server::{Request, Response, json as answer, unknown};
use super::{Desk, Role, SESSION, User, refuse, shape};

const MESSAGE: [&str; 3] = ["content", "attachment_url", "attachment_type"];

impl Desk {
    pub(super) async fn call(&self, request: &Request) -> Response {
        let Some(user) = request.credential("Token").and_then(|token| self.user(token)) else {
            return refuse((401, "Unauthorized"));
        };
        let done = match (request.method.as_str(), request.path.as_str(), user.role) {
            ("POST", "/v1/chat/upload/", _) => return self.upload(request, user).await,
            ("POST", "/v1/chat/message/read/", _) => self.read(request, user).await,
            ("GET", "/v1/chat/store/session/", Role::Store) => Ok(self.session_of_store()),
            ("POST", "/v1/chat/store/message/", Role::Store) => self.message(request, user, &MESSAGE).await,
            ("POST", "/v1/chat/admin/message/", Role::Admin) => {
                let keys = [&MESSAGE[..], &["session_id"]].concat();
                self.message(request, user, &keys).await
            }
            ("GET", "/v1/chat/admin/sessions/open/", Role::Admin) => Ok(self.sessions(|admin| admin.is_none())),
            ("GET", "/v1/chat/admin/sessions/my/", Role::Admin) => Ok(self.sessions(|admin| admin == Some(user.id))),
            ("GET", "/v1/chat/admin/session/", Role::Admin) => self.session(request),
            ("POST", "/v1/chat/admin/session/claim/", Role::Admin) => self.claim(request, user).await,
            ("POST", "/v1/chat/admin/close/", Role::Admin) => self.close_call(request, user).await,
            ("GET", "/v1/chat/admin/notifications/", Role::Admin) => {
                Ok(json!({ "success": true, "message": "Notifications fetched", "data": [] }))
            }
            (_, path, _) if path.starts_with("/v1/chat/store/") || path.starts_with("/v1/chat/admin/") => {
                self.backstage.ledger.complain(format!("{} {path} as {}", request.method, user.role.name()));
                Err((403, "Forbidden"))
            }
            _ => return unknown(&self.backstage, request),
        };
        match done {
            Ok(body) => answer(200, &body),
            Err(refusal) => refuse(refusal),
        }
    }

    fn session_of_store(&self) -> Value {
        let mut state = self.state.lock().unwrap();
        // There is always one: a store without an open session gets one, here the same again.
        if state.closed.take().is_some() {
            state.admin = None;
        }
        let mut session = shape::session(&state);
        session["messages"] = json!(shape::messages(&state));
        session
    }

    fn session(&self, request: &Request) -> Result<Value, (u16, &'static str)> {
        let id = request.query.get("session_id").ok_or((400, "session_id is required"))?;
        let id: u64 = id.parse().map_err(|_| (400, "session_id must be integer"))?;
        if id != SESSION {
            return Err((404, "Session not found"));
        }
        let state = self.state.lock().unwrap();
        let mut session = shape::session_of_store(&state);
        session["messages"] = json!(shape::messages(&state));
        Ok(session)
    }

    fn sessions(&self, which: impl Fn(Option<u64>) -> bool) -> Value {
        let state = self.state.lock().unwrap();
        let mut sessions = Vec::new();
        if state.closed.is_none() && which(state.admin) {
            let mut session = shape::session_of_store(&state);
            session["last_message"] = state.messages.last().map_or(Value::Null, shape::message);
            sessions.push(session);
        }
        json!({ "count": sessions.len(), "data": sessions })
    }

    async fn message(&self, request: &Request, user: User, keys: &[&str]) -> Result<Value, (u16, &'static str)> {
        let body = self.body(request, keys);
        if user.role == Role::Admin {
            self.named(&body)?;
        }
        let message = self.accept_message(user, &body, &format!("http://{}", request.address))?;
        self.backstage.keeps_call().await;
        let message = self.keep(user, &message.0, &message.1, &message.2);
        self.take(&format!("http://{}", request.address), &message);
        let session = shape::session(&self.state.lock().unwrap());
        self.tell(&message).await;
        Ok(json!({ "session": session, "message": shape::message(&message) }))
    }

    /// What a message of either way says: content, attachment's URL and type.
    pub(super) fn accept_message(
        &self,
        user: User,
        body: &Value,
        base: &str,
    ) -> Result<(String, String, String), (u16, &'static str)> {
        let text = |key: &str| {
            if !body[key].is_null() && !body[key].is_string() {
                self.backstage.ledger.complain(format!("message: {key} is no text: {}", body[key]));
            }
            body[key].as_str().unwrap_or_default().to_owned()
        };
        let (content, url, mut mime) = (text("content"), text("attachment_url"), text("attachment_type"));
        if content.trim().is_empty() && url.is_empty() {
            return Err((400, "Message content or attachment is required"));
        }
        self.may_speak(user)?;
        if mime.is_empty() {
            mime = self.backstage.files.of_url(base, &url).map(|file| file.mime).unwrap_or_default();
        }
        Ok((content, url, mime))
    }

    async fn claim(&self, request: &Request, user: User) -> Result<Value, (u16, &'static str)> {
        let body = self.body(request, &["session_id"]);
        self.named(&body)?;
        let session = {
            let mut state = self.state.lock().unwrap();
            if state.closed.is_some() || state.admin.is_some() {
                return Err((400, "Session already claimed or not found"));
            }
            state.admin = Some(user.id);
            shape::session(&state)
        };
        let payload = json!({ "admin_id": user.id, "message": "An admin has joined the chat" });
        let frame = shape::frame("admin_connected", payload);
        self.backstage.sockets.say_where(|seat| seat.who == Role::Store.name(), &frame).await;
        self.tell_session().await;
        Ok(session)
    }

    async fn close_call(&self, request: &Request, user: User) -> Result<Value, (u16, &'static str)> {
        let body = self.body(request, &["session_id"]);
        self.named(&body)?;
        {
            let state = self.state.lock().unwrap();
            if state.closed.is_some() {
                return Err((400, "Session already closed"));
            }
            if state.admin.is_some_and(|admin| admin != user.id) {
                return Err((403, "Session belongs to another admin"));
            }
        }
        Ok(self.close().await)
    }

    async fn read(&self, request: &Request, user: User) -> Result<Value, (u16, &'static str)> {
        let body = self.body(request, &["session_id"]);
        self.named(&body)?;
        for message in &mut self.state.lock().unwrap().messages {
            message.is_read |= message.sender.role != user.role;
        }
        let payload = json!({ "session_id": SESSION, "reader": user.role.name() });
        self.backstage.sockets.say_all(&shape::frame("messages_read", payload)).await;
        Ok(json!({ "status": "ok" }))
    }

    fn body(&self, request: &Request, keys: &[&str]) -> Value {
        let body = request.json().unwrap_or_default();
        self.backstage.ledger.expect_keys(&request.path, &body, keys);
        body
    }

    /// Whether the body names the one session.
    fn named(&self, body: &Value) -> Result<(), (u16, &'static str)> {
        match &body["session_id"] {
            Value::Null => Err((400, "session_id is required")),
            id if id.as_u64() == Some(SESSION) => Ok(()),
            id if id.is_u64() => Err((404, "Session not found")),
            _ => Err((400, "session_id must be integer")),
        }
    }
}
