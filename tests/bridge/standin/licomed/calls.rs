//! The calls of licomed and its handshake. In: a request. Out: the envelope of its document, a file, or a socket.

use std::sync::Arc;

use serde_json::{Value, json};

use super::House;
use super::rows::Content;
use crate::standin::server::json as answer_json;
use crate::standin::server::{Part, Request, Response, decode, text, unknown, with_type};

const ROOM: &str = "/ws/chat/room/";

impl House {
    pub(super) async fn answer(self: Arc<Self>, request: Request) -> Response {
        let is_room = request.path == ROOM;
        for key in request.query.keys().filter(|key| !is_room || *key != "token") {
            self.complain(format!("the unknown key `{key}` in the query of {}", request.path));
        }
        if is_room && request.method == "GET" {
            return self.open(request);
        }
        let Some(who) = request.credential("Bearer").and_then(|token| self.user(token)) else {
            return failure(401, "Authentication credentials were not provided.");
        };
        let path = request.path.clone();
        let segments: Vec<&str> = path.split('/').collect();
        match (request.method.as_str(), segments.as_slice()) {
            ("GET", ["", "chat", "messages", other, ""]) => self.messages(&who, other),
            ("GET", ["", "chat", "user", "threads", ""]) => self.threads(&who),
            ("GET", ["", "chat", "thread", "files", thread, ""]) => self.files(&who, thread),
            ("POST", ["", "chat", "attachment", ""]) => self.attach(&who, &request).await,
            ("GET", ["", "media", "chat-files", name]) => self.file(name),
            _ => unknown(&self.backstage, &request),
        }
    }

    /// Without a good token the handshake is refused; a close code never shows.
    fn open(self: Arc<Self>, request: Request) -> Response {
        let Some(who) = request.query.get("token").and_then(|token| self.user(token)) else {
            return text(403, "");
        };
        let (backstage, name) = (self.backstage.clone(), who.clone());
        backstage.accept(request, &name, None, move |session| async move { self.visit(session, who).await })
    }

    fn messages(&self, who: &str, other: &str) -> Response {
        let rows = self.rows.lock().unwrap();
        match rows.user(other).filter(|other| other.id != who) {
            Some(other) => {
                let messages = rows.between(who, &other.id);
                success(json!({ "messages": messages }), json!("Messages retrieved successfully"))
            }
            None => failure(404, "Invalid receipient"),
        }
    }

    fn threads(&self, who: &str) -> Response {
        success(json!(self.rows.lock().unwrap().threads_of(who)), Value::Null)
    }

    fn files(&self, who: &str, thread: &str) -> Response {
        let files = thread.parse().ok().and_then(|thread| self.rows.lock().unwrap().files_of(thread, who));
        match files {
            Some(files) => success(json!({ "files": files }), json!("Files retrieved successfully")),
            None => failure(404, "Invalid thread"),
        }
    }

    /// Keeps the message with its file at once; whoever looks at the history sees it, the socket is silent about it.
    async fn attach(&self, who: &str, request: &Request) -> Response {
        const KEYS: [&str; 4] = ["receiver", "message", "attached_file", "attached_file_name"];
        let form = match request.form().await {
            Ok(form) => form,
            Err(why) => {
                self.complain(format!("an attachment without a form: {why}"));
                return failure(400, &why);
            }
        };
        for name in form.names().filter(|name| !KEYS.contains(name)) {
            self.complain(format!("an attachment with the unknown field `{name}`"));
        }
        let Some(receiver) = form.field("receiver") else {
            return failure(400, "receiver is required");
        };
        let Some(part) = form.file("attached_file") else {
            return failure(400, "attached_file is required");
        };
        let Some(receiver) = self.known(receiver).filter(|receiver| receiver != who) else {
            return failure(404, "Invalid receipient");
        };
        let display = form.field("attached_file_name").filter(|name| !name.is_empty());
        let words = form.field("message").unwrap_or_default();
        answer_json(201, &self.store(who, &receiver, display, words, part))
    }

    fn store(&self, who: &str, receiver: &str, display: Option<&str>, words: &str, part: &Part) -> Value {
        let mut rows = self.rows.lock().unwrap();
        let file = rows.store(&part.name, display.unwrap_or(&part.name), &part.mime, part.bytes.clone());
        let content = Content::File { words: words.to_owned(), file, announced: false };
        let message = rows.keep(who, receiver, content);
        self.backstage.ledger.uploaded();
        json!({
            "status": "success",
            "entity": { "message": rows.as_uploaded(&message) },
            "message": "File uploaded and chat created successfully",
            "success": true,
        })
    }

    fn file(&self, name: &str) -> Response {
        let rows = self.rows.lock().unwrap();
        match rows.file_at(&decode(name)) {
            Some(file) => with_type(200, &file.mime, file.bytes.clone()),
            None => text(404, "Not Found"),
        }
    }
}

fn success(data: Value, message: Value) -> Response {
    answer_json(200, &json!({ "status": "success", "data": data, "message": message, "success": true }))
}

fn failure(status: u16, message: &str) -> Response {
    let body = json!({ "status": "failure", "entity": null, "message": message, "success": false });
    answer_json(status, &body)
}
