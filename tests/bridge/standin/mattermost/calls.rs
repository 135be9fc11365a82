//! The calls: posts, files, the posts of a channel, what was viewed.

use serde_json::{Value, json};

use super::super::server::{Request, Response, json as answer, unknown};
use super::{CHANNEL, Desk, FileInfo, refuse, shape};

/// As servers permit as they come.
const LARGEST: usize = 100 * 1024 * 1024;

impl Desk {
    pub(super) async fn call(&self, request: &Request, user: &str) -> Response {
        let posts = format!("/api/v4/channels/{CHANNEL}/posts");
        match (request.method.as_str(), request.path.as_str()) {
            ("POST", "/api/v4/posts") => self.create_post(request, user).await,
            ("POST", "/api/v4/files") => self.upload(request, user).await,
            ("GET", path) if path.starts_with("/api/v4/files/") => self.backstage.files.serve(path),
            ("GET", path) if path == posts => {
                let number = |name: &str, otherwise| {
                    request.query.get(name).and_then(|text| text.parse().ok()).unwrap_or(otherwise)
                };
                let posts = &self.state.lock().unwrap().posts;
                answer(200, &shape::list(posts, number("page", 0), number("per_page", 60).min(200)))
            }
            ("POST", "/api/v4/channels/members/me/view") => {
                self.body(request, &["channel_id", "prev_channel_id"]);
                answer(200, &json!({ "status": "OK", "last_viewed_at_times": {} }))
            }
            ("GET", path) if path.starts_with("/api/v4/channels/") => {
                refuse(404, "Unable to find the existing channel.")
            }
            _ => unknown(&self.backstage, request),
        }
    }

    fn body(&self, request: &Request, keys: &[&str]) -> Value {
        let body = request.json().unwrap_or_default();
        self.backstage.ledger.expect_keys(&request.path, &body, keys);
        body
    }

    async fn create_post(&self, request: &Request, user: &str) -> Response {
        let body = self.body(request, &["channel_id", "message", "root_id", "file_ids", "props"]);
        if body["channel_id"] != CHANNEL {
            return refuse(403, "You do not have the appropriate permissions.");
        }
        let Some(message) = body["message"].as_str() else {
            return refuse(400, "Invalid or missing message in request body.");
        };
        let wanted: Vec<&str> = body["file_ids"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let found: Option<Vec<FileInfo>> = wanted.iter().map(|id| self.use_file(id, user)).collect();
        let Some(files) = found else { return refuse(400, "Unable to find the file.") };
        if message.is_empty() && files.is_empty() {
            return refuse(400, "Invalid or missing message in request body.");
        }
        self.backstage.keeps_call().await;
        let post = self.keep(user, message, files);
        self.take(&post);
        self.tell(&post).await;
        answer(201, &shape::post(&post))
    }

    /// A file that this user uploaded; in a post it is used up.
    fn use_file(&self, id: &str, user: &str) -> Option<FileInfo> {
        let files = &mut self.state.lock().unwrap().files;
        let file = files.iter_mut().find(|file| file.id == id && file.user == user && !file.used)?;
        file.used = true;
        Some(file.clone())
    }

    async fn upload(&self, request: &Request, user: &str) -> Response {
        let form = match request.form().await {
            Ok(form) => form,
            Err(problem) => {
                self.backstage.ledger.complain(format!("upload: {problem}"));
                return refuse(400, "No files were attached.");
            }
        };
        for name in form.names().filter(|name| !["files", "channel_id", "client_ids"].contains(name)) {
            self.backstage.ledger.complain(format!("upload: unknown part {name:?}"));
        }
        if form.field("channel_id") != Some(CHANNEL) {
            return refuse(403, "You do not have the appropriate permissions.");
        }
        let Some(file) = form.file("files") else { return refuse(400, "No files were attached.") };
        if file.bytes.len() > LARGEST {
            return refuse(413, "The file is too large.");
        }
        let info = self.keep_file(user, &file.name, &file.mime, file.bytes.clone());
        self.backstage.ledger.uploaded();
        answer(201, &json!({ "file_infos": [shape::file_info(&info)], "client_ids": [] }))
    }
}
