//! The calls of the staff's dashboard beside uploads: conversations, closing, reading.

use serde_json::{Value, json};

use super::super::credentials;
use super::super::server::{Request, Response, json as answer, text, unknown};
use super::{CONVERSATION, DEPARTMENT, Desk, Profile, User, shape};

pub const USERNAME: &str = "ann.staff";
pub const PASSWORD: &str = "an invented password, 7e1c";
const CONVERSATIONS: &str = "/api/chat/conversations/";

impl Desk {
    pub(super) async fn call(&self, request: &Request) -> Response {
        let (method, path) = (request.method.as_str(), request.path.as_str());
        if method == "GET" && path.starts_with("/media/") {
            return self.backstage.files.serve(path);
        }
        if (method, path) == ("POST", "/api/login/") {
            return self.login(request);
        }
        let refused = |words: &str| answer(401, &json!({ "success": false, "message": words }));
        let Some(token) = request.credential("Bearer") else {
            return refused("Authentication credentials were not provided.");
        };
        let Some(user) = self.user(token) else {
            return refused("Invalid authentication credentials.");
        };
        match (method, path) {
            ("POST", "/api/chat/upload-media/") => self.upload(request, &user).await,
            ("POST", "/api/chat/conversations/close/") => self.close_call(request, &user).await,
            ("POST", "/api/chat/messages/mark-read/") => self.mark_read(request, &user),
            ("GET", CONVERSATIONS) => self.list(&user),
            ("GET", _) if path.starts_with(CONVERSATIONS) => self.history(request, &user),
            _ => unknown(&self.backstage, request),
        }
    }

    /// The one account that logs in here, by a password.
    fn login(&self, request: &Request) -> Response {
        let body = self.body(request, &["username", "password"]);
        if body["username"] != USERNAME || body["password"] != PASSWORD {
            return answer(401, &json!({ "success": false, "message": "Authentication failed", "errors": {} }));
        }
        let claims = json!({ "sub": "1", "name": "Ann Staff", "role": "staff", "department": DEPARTMENT });
        let access = credentials::token(&self.secret, claims);
        let user =
            json!({ "id": 1, "username": USERNAME, "user_type": "department_staff", "department": [DEPARTMENT] });
        answer(200, &json!({ "refresh": "a-token-to-renew-it", "access": access, "user": user }))
    }

    fn list(&self, user: &User) -> Response {
        let state = self.state.lock().unwrap();
        let results: Vec<Value> =
            if user.is_of_department && !state.is_closed { vec![shape::conversation(&state)] } else { Vec::new() };
        answer(200, &json!({ "count": results.len(), "next": null, "previous": null, "results": results }))
    }

    /// One conversation with its messages, oldest first.
    fn history(&self, request: &Request, user: &User) -> Response {
        let id = request.path.trim_start_matches(CONVERSATIONS);
        if !id.ends_with('/') && self.profile == Profile::Deployed {
            let mut moved = text(301, "");
            moved.headers_mut().insert("location", format!("{}/", request.path).parse().unwrap());
            return moved;
        }
        if let Some(refusal) = self.refuse(&json!(id.trim_end_matches('/')), user) {
            return refusal;
        }
        let state = self.state.lock().unwrap();
        let messages: Vec<Value> = state.messages.iter().map(shape::stored).collect();
        answer(200, &json!({ "conversation": shape::conversation(&state), "messages": messages }))
    }

    async fn close_call(&self, request: &Request, user: &User) -> Response {
        let body = self.body(request, &["conversation_id"]);
        if let Some(refusal) = self.refuse(&body["conversation_id"], user) {
            return refusal;
        }
        self.close(&user.name).await;
        let message = "Conversation closed successfully";
        answer(200, &json!({ "message": message, "conversation_id": CONVERSATION, "status": "closed" }))
    }

    fn mark_read(&self, request: &Request, user: &User) -> Response {
        let body = self.body(request, &["conversation_id", "message_ids"]);
        if let Some(refusal) = self.refuse(&body["conversation_id"], user) {
            return refusal;
        }
        let read = self.read(body["message_ids"].as_array());
        answer(
            200,
            &json!({
                "message": "Messages marked as read",
                "conversation_id": CONVERSATION,
                "messages_marked_read": read.len(),
                "message_ids": read,
            }),
        )
    }

    /// Marks the guest's messages as read, all or these; which were not before.
    pub(super) fn read(&self, which: Option<&Vec<Value>>) -> Vec<usize> {
        let mut state = self.state.lock().unwrap();
        let unread = state.messages.iter_mut().filter(|message| message.staff.is_none() && !message.is_read);
        let chosen = unread.filter(|message| which.is_none_or(|ids| ids.contains(&json!(message.id))));
        chosen
            .map(|message| {
                message.is_read = true;
                message.id
            })
            .collect()
    }

    fn body(&self, request: &Request, keys: &[&str]) -> Value {
        let body = request.json().unwrap_or_default();
        self.backstage.ledger.expect_keys(&request.path, &body, keys);
        body
    }

    /// Whether a call about this conversation is refused.
    fn refuse(&self, id: &Value, user: &User) -> Option<Response> {
        if id.is_null() {
            return Some(answer(400, &self.error("conversation_id is required")));
        }
        if *id != json!(CONVERSATION) && *id != json!(CONVERSATION.to_string()) {
            return Some(answer(404, &self.error("Conversation not found")));
        }
        (!user.is_of_department).then(|| answer(403, &self.error("Access denied to this conversation")))
    }
}
