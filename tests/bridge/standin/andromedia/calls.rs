//! The calls of a visitor and of an agent: start a session, upload, history, end.

use serde_json::{Value, json};
use uuid::Uuid;

use super::super::server::{Request, Response, json as answer, unknown};
use super::{BUSINESS, Content, Desk, FOLDER, User, milliseconds};

const HISTORY: &str = "/chat/history/";

fn says(status: u16, message: &str) -> Response {
    answer(status, &json!({ "message": message }))
}

impl Desk {
    pub(super) async fn call(&self, request: &Request) -> Response {
        let (method, path) = (request.method.as_str(), request.path.as_str());
        if method == "GET" && path.starts_with("/media/") {
            return self.backstage.files.serve(path);
        }
        // Visitors need no token; whoever shows one must show a good one.
        let user = match request.header("authorization") {
            None => None,
            Some(_) => match request.credential("Bearer").and_then(|token| self.user(token)) {
                Some(user) => Some(user),
                None => return says(401, "Invalid authentication credentials."),
            },
        };
        match (method, path) {
            ("POST", "/chat/start-session/") => self.start_session(request),
            ("POST", "/chat/upload-file/") => self.upload(request).await,
            ("POST", "/chats/end-session/" | "/chat/end-session/") => self.end_session(request, user).await,
            ("GET", _) if path.starts_with(HISTORY) => self.history(path),
            _ => unknown(&self.backstage, request),
        }
    }

    /// Starts the one session, again if it has ended.
    fn start_session(&self, request: &Request) -> Response {
        let body = request.json().unwrap_or_default();
        self.backstage.ledger.expect_keys("start-session", &body, &["business", "department", "external_customer_id"]);
        for key in ["business", "department", "external_customer_id"] {
            if !body[key].is_null() && !body[key].is_string() {
                self.backstage.ledger.complain(format!("start-session: {key} is no text: {}", body[key]));
            }
        }
        if body["business"].is_null() {
            return says(400, "business is required");
        }
        if body["business"] != BUSINESS {
            return says(400, "Unknown business");
        }
        self.state.lock().unwrap().has_ended = false;
        let data = json!({ "session_id": self.session, "active": true });
        answer(200, &json!({ "message": "Chat session started successfully", "data": data }))
    }

    async fn upload(&self, request: &Request) -> Response {
        let form = match request.form().await {
            Ok(form) => form,
            Err(problem) => {
                self.backstage.ledger.complain(format!("upload: {problem}"));
                return says(400, &problem);
            }
        };
        let known = ["file", "message", "uploaded_by_end_user", "uploaded_by_agent"];
        for name in form.names().filter(|name| !known.contains(name)) {
            self.backstage.ledger.complain(format!("upload: unknown part {name:?}"));
        }
        let Some(file) = form.file("file") else {
            return says(400, "file is required");
        };
        let uploaders: Vec<&str> = ["uploaded_by_end_user", "uploaded_by_agent"]
            .into_iter()
            .filter_map(|name| form.field(name))
            .filter(|id| !id.is_empty() && *id != "null")
            .collect();
        if uploaders.is_empty() {
            return says(400, "uploaded_by_end_user is required");
        }
        if uploaders.iter().any(|id| Uuid::parse_str(id).is_err()) {
            return says(400, "uploaded_by_end_user must be a UUID");
        }
        let path = self.backstage.files.keep(FOLDER, &file.name, &file.mime, file.bytes.clone());
        self.backstage.ledger.uploaded();
        let data = json!({ "file": format!("http://{}{path}", request.address), "file_name": file.name });
        answer(200, &json!({ "message": "File uploaded successfully", "data": data }))
    }

    fn history(&self, path: &str) -> Response {
        if path.trim_start_matches(HISTORY).trim_end_matches('/') != self.session {
            return says(404, "Chat session not found");
        }
        let state = self.state.lock().unwrap();
        let items = state.timeline.iter().enumerate().map(|(place, item)| {
            let (id, at) = (place + 1, milliseconds(item.at));
            let by =
                |is_agent: bool| if item.sender.is_agent == is_agent { json!(item.sender.id) } else { Value::Null };
            match &item.content {
                Content::Text(text) => {
                    let sender_type = if item.sender.is_agent { "agent" } else { "end_user" };
                    json!({ "type": "message", "data": {
                        "id": id, "session": self.session, "content": text, "sender_id": item.sender.id,
                        "sender_type": sender_type, "timestamp": at,
                    }})
                }
                Content::File { url, name, is_audio } => json!({ "type": "attachment", "data": {
                    "id": id, "session": self.session, "message": null, "file": url, "file_name": name,
                    "is_audio": is_audio, "uploaded_by_end_user": by(false), "uploaded_by_agent": by(true),
                    "timestamp": at,
                }}),
            }
        });
        let items: Vec<Value> = items.collect();
        answer(200, &json!({ "message": "Chat timeline fetched successfully", "data": items }))
    }

    async fn end_session(&self, request: &Request, user: Option<User>) -> Response {
        let body = request.json().unwrap_or_default();
        self.backstage.ledger.expect_keys("end-session", &body, &["session_id"]);
        match user {
            None => return says(401, "Authentication credentials were not provided."),
            Some(user) if !user.is_agent => return says(403, "Only the agent can end this session"),
            Some(_) => {}
        }
        if body["session_id"] != json!(self.session) {
            return says(404, "Chat session not found");
        }
        if self.has_ended() {
            return says(400, "This session has already ended");
        }
        self.end().await;
        let data = json!({ "session_id": self.session });
        answer(200, &json!({ "message": "Session ended successfully", "data": data }))
    }
}
