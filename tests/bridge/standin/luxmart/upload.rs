//! Uploads: typed by their extension, filed below their session or their sender.

use serde_json::json;

use super::super::server::{Request, Response, json as answer};
use super::{Desk, Role, User, refuse};

/// "Server configuration"; bytes that are still allowed.
const LARGEST: usize = 10 * 1024 * 1024;

const TYPES: [(&str, &str); 11] = [
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("png", "image/png"),
    ("gif", "image/gif"),
    ("heic", "image/heic"),
    ("heif", "image/heif"),
    ("pdf", "application/pdf"),
    ("doc", "application/msword"),
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("xls", "application/vnd.ms-excel"),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
];

impl Desk {
    pub(super) async fn upload(&self, request: &Request, user: User) -> Response {
        let form = match request.form().await {
            Ok(form) => form,
            Err(problem) => {
                self.backstage.ledger.complain(format!("upload: {problem}"));
                return refuse((400, "file is required"));
            }
        };
        for name in form.names().filter(|name| !["file", "session_id"].contains(name)) {
            self.backstage.ledger.complain(format!("upload: unknown part {name:?}"));
        }
        let Some(file) = form.file("file") else {
            return refuse((400, "file is required"));
        };
        let extension = file.name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
        let known = TYPES.iter().find(|(known, _)| extension.as_deref() == Some(*known));
        let Some((_, mime)) = known else {
            return refuse((400, "Unsupported file type"));
        };
        if file.bytes.len() > LARGEST {
            return refuse((413, "File too large"));
        }
        let folder = match (form.field("session_id").filter(|id| !id.is_empty()), user.role) {
            (Some(session), _) => format!("/chat/session-{session}"),
            (None, Role::Store) => format!("/chat/store-{}", user.id),
            (None, Role::Admin) => format!("/chat/admin-{}", user.id),
        };
        let path = self.backstage.files.keep(&folder, &file.name, mime, file.bytes.clone());
        self.backstage.ledger.uploaded();
        answer(200, &json!({ "url": format!("http://{}{path}", request.address), "type": mime }))
    }
}
