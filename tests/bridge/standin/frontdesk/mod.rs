//! The backend of a hotel's department staff, as its document shows it or as it is deployed. One conversation, 101, of the
//! department Reception with the guest Gil in room 101; who connects is staff of that department.

mod calls;
mod frames;
mod shape;
mod upload;

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::server::{Backstage, Request, Response, Server};
use super::{Standin, Taken, credentials};
#[allow(unused_imports, reason = "not every suite logs in")]
pub use calls::{PASSWORD, USERNAME};

/// The one conversation.
pub const CONVERSATION: u64 = 101;
const DEPARTMENT: &str = "Reception";
const GUEST: &str = "Gil";
const ROOM: &str = "101";
/// Who may connect and upload. `staff` stands for whichever of the others a test does not name.
const STAFF: [&str; 5] = ["department_staff", "receptionist", "manager", "hotel_admin", "staff"];
/// Who may upload and not connect.
const OTHER_STAFF: &str = "other_staff";

/// What the real software does otherwise than its document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// `chat_message` to all, the sender included; uploads are answered 200 and judged by their extension.
    Documented,
    /// Acknowledgment, message, conversation_update; uploads are answered 201 and judged by their declared type.
    Deployed,
}

pub struct Frontdesk {
    server: Server,
    desk: Arc<Desk>,
}

struct Desk {
    backstage: Arc<Backstage>,
    secret: String,
    profile: Profile,
    /// Whether what the staff say is kept and acknowledged, and heard by nobody: a channel layer that is full drops it.
    drops: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    messages: Vec<Message>,
    /// The subjects of tokens; a user's id is the place here, from 1.
    users: Vec<String>,
    is_closed: bool,
}

/// Who a token is of.
#[derive(Debug, Clone)]
struct User {
    id: usize,
    name: String,
    role: String,
    is_of_department: bool,
}

#[derive(Debug, Clone)]
struct Message {
    id: usize,
    /// None for the guest.
    staff: Option<User>,
    kind: String,
    content: String,
    /// URL and name.
    media: Option<(String, String)>,
    at: Timestamp,
    is_read: bool,
}

impl Frontdesk {
    /// `secret` signs the tokens of the staff: claims `sub`, `name`, `role` or `user_type`, perhaps `department`.
    pub async fn start(secret: &str, profile: Profile) -> Self {
        Self::start_as(secret, profile, false).await
    }

    /// As deployed, with a channel layer that is full.
    pub async fn start_dropping(secret: &str) -> Self {
        Self::start_as(secret, Profile::Deployed, true).await
    }

    async fn start_as(secret: &str, profile: Profile, drops: bool) -> Self {
        let backstage = Backstage::new();
        let desk = Arc::new(Desk {
            backstage: backstage.clone(),
            secret: secret.to_owned(),
            profile,
            drops,
            state: Mutex::default(),
        });
        let answers = desk.clone();
        let server = Server::start(backstage, move |request| {
            let desk = answers.clone();
            async move { desk.answer(request).await }
        });
        Frontdesk { server: server.await, desk }
    }

    async fn guest_says(&self, kind: &str, content: &str, media: Option<(String, String)>) {
        self.desk.backstage.sockets.wait_for(|_| true).await;
        let message = self.desk.keep(None, kind, content, media);
        self.desk.tell(&message).await;
    }
}

#[async_trait]
impl Standin for Frontdesk {
    fn server(&self) -> &Server {
        &self.server
    }

    async fn say(&self, text: &str) {
        self.guest_says("text", text, None).await;
    }

    async fn say_file(&self, name: &str, mime: &str, bytes: &[u8], caption: &str) {
        let kind = shape::kind_of(mime);
        let base = self.http();
        let (url, stored) = self.desk.store(&base, name, mime, Bytes::copy_from_slice(bytes));
        // What the deployed software does with a message of a file that has no words.
        let content = if caption.is_empty() && self.desk.profile == Profile::Deployed { &stored } else { caption };
        self.guest_says(kind, content, Some((url, stored.clone()))).await;
    }

    async fn end(&self) -> bool {
        self.desk.close("system").await;
        self.desk.profile == Profile::Deployed
    }
}

impl Desk {
    async fn answer(self: &Arc<Self>, request: Request) -> Response {
        if request.path == "/ws/chat/" {
            return self.handshake(request);
        }
        self.call(&request).await
    }

    /// Who the token is of; none when it is not good.
    fn user(&self, token: &str) -> Option<User> {
        let claims = credentials::claims(&self.secret, token)?;
        let subject = credentials::claim(&claims, "sub")?;
        let role = credentials::claim(&claims, "user_type").or_else(|| credentials::claim(&claims, "role"));
        let name = credentials::claim(&claims, "name").unwrap_or_else(|| subject.clone());
        let users = &mut self.state.lock().unwrap().users;
        let place = users.iter().position(|user| *user == subject).unwrap_or_else(|| {
            users.push(subject);
            users.len() - 1
        });
        let is_of_department = credentials::claim(&claims, "department")
            .is_none_or(|department| department.eq_ignore_ascii_case(DEPARTMENT));
        Some(User { id: place + 1, name, role: role.unwrap_or_default(), is_of_department })
    }

    /// Keeps a file where this profile does: its URL, absolute or not as the profile says, and its name there.
    fn store(&self, base: &str, name: &str, mime: &str, bytes: Bytes) -> (String, String) {
        let files = &self.backstage.files;
        match self.profile {
            Profile::Documented => {
                let day = Timestamp::now().strftime("%Y/%m/%d").to_string();
                let path = files.keep(&format!("/media/chat/{day}"), name, mime, bytes);
                (format!("{base}{path}"), name.to_owned())
            }
            Profile::Deployed => {
                let extension = name.rsplit_once('.').map(|(_, extension)| format!(".{extension}")).unwrap_or_default();
                let stored = format!("{}{extension}", uuid::Uuid::new_v4().simple());
                let folder =
                    format!("/media/chat/hotel_1c0ffee0-0000-4000-8000-000000000001/conversation_{CONVERSATION}");
                (files.keep(&folder, &stored, mime, bytes), stored)
            }
        }
    }

    fn keep(&self, staff: Option<&User>, kind: &str, content: &str, media: Option<(String, String)>) -> Message {
        let messages = &mut self.state.lock().unwrap().messages;
        let message = Message {
            id: messages.len() + 1,
            staff: staff.cloned(),
            kind: kind.to_owned(),
            content: content.to_owned(),
            media,
            at: Timestamp::now(),
            is_read: false,
        };
        messages.push(message.clone());
        message
    }

    /// Writes down what staff sent.
    fn take(&self, base: &str, message: &Message) {
        let file = message.media.as_ref().and_then(|(url, _)| self.backstage.files.of_url(base, url));
        self.backstage.ledger.take(Taken {
            kind: message.kind.clone(),
            body: message.content.clone(),
            conversation: CONVERSATION.to_string(),
            name: message.media.as_ref().map(|(_, name)| name.clone()),
            file: file.map(|file| file.bytes.to_vec()),
        });
    }

    /// Tells every member of the department, the sender included, of a message.
    async fn tell(&self, message: &Message) {
        let sockets = &self.backstage.sockets;
        if self.drops && message.staff.is_some() {
            return;
        }
        match self.profile {
            Profile::Documented => {
                sockets.say_all(&shape::documented(message)).await;
            }
            Profile::Deployed => {
                sockets.say_all(&shape::deployed(message)).await;
                sockets.say_all(&shape::update(message)).await;
            }
        }
    }

    async fn close(&self, by: &str) {
        self.state.lock().unwrap().is_closed = true;
        if self.profile == Profile::Deployed {
            self.backstage.sockets.say_all(&shape::closed(by)).await;
        }
    }

    /// An answer to a call about the one conversation.
    fn error(&self, words: &str) -> Value {
        json!({ "error": words })
    }
}
