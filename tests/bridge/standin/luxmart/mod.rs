//! The backend of a store's support chat, as its documents show it. One session, 7, of the store 10. A token of the role
//! `admin` (or "2") is an admin, of `store` (or "3") the store.

mod calls;
mod frames;
mod shape;
mod upload;

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::Value;

use super::server::{Backstage, Request, Response, Server, json as answer};
use super::{Standin, Taken, credentials};

/// The one session, and whose it is.
pub const SESSION: u64 = 7;
const STORE: u64 = 10;

pub struct Luxmart {
    server: Server,
    desk: Arc<Desk>,
}

struct Desk {
    backstage: Arc<Backstage>,
    secret: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    messages: Vec<Message>,
    /// The subjects of admins; an admin's id is the place here, from 2.
    admins: Vec<String>,
    /// Who claimed the session.
    admin: Option<u64>,
    closed: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Store,
    Admin,
}

impl Role {
    fn name(self) -> &'static str {
        match self {
            Role::Store => "store",
            Role::Admin => "admin",
        }
    }
}

/// Who a token is of.
#[derive(Debug, Clone, Copy)]
struct User {
    role: Role,
    id: u64,
}

#[derive(Debug, Clone)]
struct Message {
    id: usize,
    sender: User,
    content: String,
    /// Empty where there is none.
    attachment_url: String,
    attachment_type: String,
    is_read: bool,
    at: Timestamp,
}

impl Luxmart {
    /// `secret` signs the tokens. The session is open; as long as no admin claims it, any admin may speak in it.
    pub async fn start(secret: &str) -> Self {
        let backstage = Backstage::new();
        let desk = Arc::new(Desk { backstage: backstage.clone(), secret: secret.to_owned(), state: Mutex::default() });
        let answers = desk.clone();
        let server = Server::start(backstage, move |request| {
            let desk = answers.clone();
            async move { desk.answer(request).await }
        });
        Luxmart { server: server.await, desk }
    }

    /// The store speaks where an admin listens, else an admin.
    async fn other_side(&self) -> User {
        let sockets = &self.desk.backstage.sockets;
        sockets.wait_for(|_| true).await;
        let is_admin_here = sockets.seats().iter().any(|seat| seat.who == Role::Admin.name());
        if is_admin_here { User { role: Role::Store, id: STORE } } else { User { role: Role::Admin, id: 2 } }
    }
}

#[async_trait]
impl Standin for Luxmart {
    fn server(&self) -> &Server {
        &self.server
    }

    async fn say(&self, text: &str) {
        let sender = self.other_side().await;
        let message = self.desk.keep(sender, text, "", "");
        self.desk.tell(&message).await;
    }

    async fn say_file(&self, name: &str, mime: &str, bytes: &[u8], caption: &str) {
        let sender = self.other_side().await;
        let folder = format!("/chat/session-{SESSION}");
        let path = self.desk.backstage.files.keep(&folder, name, mime, Bytes::copy_from_slice(bytes));
        let message = self.desk.keep(sender, caption, &format!("{}{path}", self.http()), mime);
        self.desk.tell(&message).await;
    }

    async fn end(&self) -> bool {
        self.desk.close().await;
        true
    }
}

impl Desk {
    async fn answer(self: &Arc<Self>, request: Request) -> Response {
        match request.path.as_str() {
            "/v1/chat/ws/store/" => self.handshake(request, Role::Store),
            "/v1/chat/ws/admin/" => self.handshake(request, Role::Admin),
            path if request.method == "GET" && path.starts_with("/chat/") => self.backstage.files.serve(path),
            _ => self.call(&request).await,
        }
    }

    /// Who the token is of; none when it is not good or of neither role.
    fn user(&self, token: &str) -> Option<User> {
        let claims = credentials::claims(&self.secret, token)?;
        let subject = credentials::claim(&claims, "sub")?;
        match credentials::claim(&claims, "role")?.as_str() {
            "store" | "3" => Some(User { role: Role::Store, id: STORE }),
            "admin" | "2" => {
                let admins = &mut self.state.lock().unwrap().admins;
                let place = admins.iter().position(|admin| *admin == subject).unwrap_or_else(|| {
                    admins.push(subject);
                    admins.len() - 1
                });
                Some(User { role: Role::Admin, id: place as u64 + 2 })
            }
            _ => None,
        }
    }

    /// Why this user may not speak in the session, if so; status and words.
    fn may_speak(&self, user: User) -> Result<(), (u16, &'static str)> {
        let state = self.state.lock().unwrap();
        if state.closed.is_some() {
            return Err((400, "Session is closed"));
        }
        match (user.role, state.admin) {
            (Role::Admin, Some(admin)) if admin != user.id => Err((403, "Session not found or not assigned")),
            _ => Ok(()),
        }
    }

    fn keep(&self, sender: User, content: &str, attachment_url: &str, attachment_type: &str) -> Message {
        let messages = &mut self.state.lock().unwrap().messages;
        let message = Message {
            id: messages.len() + 1,
            sender,
            content: content.to_owned(),
            attachment_url: attachment_url.to_owned(),
            attachment_type: attachment_type.to_owned(),
            is_read: false,
            at: Timestamp::now(),
        };
        messages.push(message.clone());
        message
    }

    fn take(&self, base: &str, message: &Message) {
        let url = &message.attachment_url;
        let kind = match message.attachment_type.as_str() {
            _ if url.is_empty() => "text",
            mime if mime.starts_with("image/") => "image",
            _ => "document",
        };
        let tail = url.rsplit('/').next().filter(|tail| !tail.is_empty()).map(super::server::decode);
        self.backstage.ledger.take(Taken {
            kind: kind.to_owned(),
            body: message.content.clone(),
            conversation: SESSION.to_string(),
            name: tail,
            file: self.backstage.files.of_url(base, url).map(|file| file.bytes.to_vec()),
        });
    }

    /// Tells both sides, the sender included, of a message.
    async fn tell(&self, message: &Message) {
        self.backstage.sockets.say_all(&shape::frame("message", shape::told(message))).await;
    }

    async fn close(&self) -> Value {
        let session = {
            let mut state = self.state.lock().unwrap();
            state.closed = Some(Timestamp::now());
            shape::session(&state)
        };
        self.tell_session().await;
        session
    }

    /// Tells of the state of the session.
    async fn tell_session(&self) {
        let payload = shape::told_session(&self.state.lock().unwrap());
        self.backstage.sockets.say_all(&shape::frame("session_update", payload)).await;
    }
}

/// A refusal of a call.
fn refuse((status, words): (u16, &str)) -> Response {
    answer(status, &serde_json::json!({ "error": words }))
}
