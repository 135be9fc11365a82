//! Uploads: the checks in the order of the real server, and the answer of either profile.

use serde_json::json;

use super::super::server::{Part, Request, Response, json as answer};
use super::{CONVERSATION, Desk, OTHER_STAFF, Profile, STAFF, User, shape};

/// Bytes that are still allowed.
const LARGEST: usize = 10 * 1024 * 1024;

/// The declared types that the real server takes.
const DECLARED: [&str; 15] = [
    "image/jpeg",
    "image/png",
    "image/gif",
    "application/pdf",
    "text/plain",
    "application/msword",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "video/mp4",
    "video/avi",
    "video/mov",
    "audio/mpeg",
    "audio/wav",
    "audio/mp3",
    "audio/webm",
    "audio/ogg",
];

/// The types of the document, by extension.
const EXTENSIONS: [(&str, &[&str]); 4] = [
    ("image", &["jpeg", "jpg", "png", "gif"]),
    ("document", &["pdf", "txt", "doc", "docx"]),
    ("video", &["mp4", "avi", "mov"]),
    ("audio", &["mp3", "wav", "mpeg"]),
];

impl Desk {
    pub(super) async fn upload(&self, request: &Request, user: &User) -> Response {
        let form = match request.form().await {
            Ok(form) => form,
            Err(problem) => {
                self.backstage.ledger.complain(format!("upload: {problem}"));
                return answer(400, &self.error(&problem));
            }
        };
        for name in form.names().filter(|name| !["conversation_id", "file", "caption"].contains(name)) {
            self.backstage.ledger.complain(format!("upload: unknown part {name:?}"));
        }
        let Some(conversation) = form.field("conversation_id").filter(|id| !id.is_empty()) else {
            return answer(400, &self.error("conversation_id is required"));
        };
        let Some(file) = form.file("file") else {
            return answer(400, &self.error("file is required"));
        };
        if file.bytes.len() > LARGEST {
            return answer(400, &self.error("File size exceeds 10MB limit"));
        }
        let declared = file.mime.split(';').next().unwrap_or_default().trim();
        let Some(kind) = self.kind(file, declared) else {
            return answer(400, &self.error(&format!("File type {declared} is not supported")));
        };
        if !STAFF.contains(&user.role.as_str()) && user.role != OTHER_STAFF {
            let words = match self.profile {
                Profile::Documented => "Only department staff can upload files",
                Profile::Deployed => "Access denied. Only hotel staff can upload media.",
            };
            return answer(403, &self.error(words));
        }
        if conversation != CONVERSATION.to_string() {
            return answer(404, &self.error("Conversation not found"));
        }
        if !user.is_of_department {
            return answer(403, &self.error("Access denied to this conversation"));
        }
        let base = format!("http://{}", request.address);
        let (url, stored) = self.store(&base, &file.name, declared, file.bytes.clone());
        self.backstage.ledger.uploaded();
        match self.profile {
            Profile::Documented => answer(
                200,
                &json!({
                    "success": true,
                    "file_url": url,
                    "filename": stored,
                    "file_type": kind,
                    "file_size": file.bytes.len(),
                    "caption": form.field("caption").unwrap_or_default(),
                    "conversation_id": CONVERSATION,
                }),
            ),
            Profile::Deployed => answer(
                201,
                &json!({
                    "message": "File uploaded successfully",
                    "file_url": url,
                    "filename": stored,
                    "file_type": kind,
                    "conversation_id": conversation,
                    "file_info": { "original_name": file.name, "size": file.bytes.len(), "content_type": declared },
                }),
            ),
        }
    }

    /// The kind of an upload; none when its type is not taken.
    fn kind(&self, file: &Part, declared: &str) -> Option<&'static str> {
        match self.profile {
            Profile::Documented => {
                let extension = file.name.rsplit_once('.')?.1.to_ascii_lowercase();
                let known = EXTENSIONS.iter().find(|(_, known)| known.contains(&extension.as_str()))?;
                Some(known.0)
            }
            Profile::Deployed => DECLARED.contains(&declared).then(|| shape::kind_of(declared)),
        }
    }
}
