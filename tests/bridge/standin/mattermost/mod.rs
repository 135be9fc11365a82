//! The backend of a team chat, as its API reference shows it. One channel, which everybody is in; the subject of a token
//! is the user's id.

mod calls;
mod shape;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::{Value, json};

use super::server::{Backstage, Request, Response, Said, Server, Session, json as answer};
use super::{Standin, Taken, credentials};

/// The one channel.
pub const CHANNEL: &str = "4xp9fdt77pncbef59f4k1qe83o";
/// Whoever speaks for the other side.
const OTHER: &str = "q3mzxua9zjfczqakxdkowc6u6y";

pub struct Mattermost {
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
    posts: Vec<Post>,
    files: Vec<FileInfo>,
    /// How many events each socket was sent.
    sent: HashMap<u64, u64>,
}

#[derive(Debug, Clone)]
struct Post {
    id: String,
    user: String,
    message: String,
    files: Vec<FileInfo>,
    at: i64,
}

#[derive(Debug, Clone)]
struct FileInfo {
    id: String,
    user: String,
    name: String,
    mime: String,
    size: usize,
    at: i64,
    used: bool,
}

/// An id in the form of this product: 26 letters and digits.
fn new_id(number: usize) -> String {
    format!("{:0>26}", format!("id{number}"))
}

fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

impl Mattermost {
    /// `secret` signs the tokens.
    pub async fn start(secret: &str) -> Self {
        let backstage = Backstage::new();
        let desk = Arc::new(Desk { backstage: backstage.clone(), secret: secret.to_owned(), state: Mutex::default() });
        let answers = desk.clone();
        let server = Server::start(backstage, move |request| {
            let desk = answers.clone();
            async move { desk.answer(request).await }
        });
        Mattermost { server: server.await, desk }
    }

    /// The other side posts several files at once.
    pub async fn say_files(&self, names: &[&str], message: &str) {
        let files = names.iter().map(|name| self.desk.keep_file(OTHER, name, "text/plain", Bytes::from_static(b"x")));
        let post = self.desk.keep(OTHER, message, files.collect());
        self.desk.backstage.sockets.wait_for(|_| true).await;
        self.desk.tell(&post).await;
    }

    /// The server itself says that somebody joined.
    pub async fn say_joined(&self) {
        let mut post = shape::post(&self.desk.keep(OTHER, "somebody joined the channel.", Vec::new()));
        post["type"] = json!("system_join_channel");
        self.desk.backstage.sockets.wait_for(|_| true).await;
        self.desk.event("posted", shape::posted(&post), CHANNEL, |_| true).await;
    }
}

#[async_trait]
impl Standin for Mattermost {
    fn server(&self) -> &Server {
        &self.server
    }

    async fn say(&self, text: &str) {
        self.desk.backstage.sockets.wait_for(|_| true).await;
        let post = self.desk.keep(OTHER, text, Vec::new());
        self.desk.tell(&post).await;
    }

    async fn say_file(&self, name: &str, mime: &str, bytes: &[u8], caption: &str) {
        self.desk.backstage.sockets.wait_for(|_| true).await;
        let file = self.desk.keep_file(OTHER, name, mime, Bytes::copy_from_slice(bytes));
        let post = self.desk.keep(OTHER, caption, vec![file]);
        self.desk.tell(&post).await;
    }

    async fn end(&self) -> bool {
        false
    }
}

impl Desk {
    async fn answer(self: &Arc<Self>, request: Request) -> Response {
        let Some(user) = request.credential("Bearer").and_then(|token| self.user(token)) else {
            return refuse(401, "Invalid or expired session, please login again.");
        };
        if request.path != "/api/v4/websocket" {
            return self.call(&request, &user).await;
        }
        let desk = self.clone();
        let who = user.clone();
        self.backstage.accept(request, &who, None, move |session| async move { desk.visit(session, &user).await })
    }

    fn user(&self, token: &str) -> Option<String> {
        credentials::claim(&credentials::claims(&self.secret, token)?, "sub")
    }

    async fn visit(&self, mut session: Session, user: &str) {
        let data = json!({ "server_version": "10.5.0.10500.1a2b3c.true", "connection_id": "7ewr" });
        self.event_to(session.seat().id, "hello", data, ("user_id", user)).await;
        let mut last = 0;
        while let Some(said) = session.hear().await {
            let Said::Text(text) = said else {
                self.backstage.ledger.complain("socket: a binary frame".to_owned());
                continue;
            };
            let frame: Value = serde_json::from_str(&text).unwrap_or_default();
            let ledger = &self.backstage.ledger;
            ledger.expect_keys("socket", &frame, &["action", "seq", "data"]);
            let seq = frame["seq"].as_i64().unwrap_or_default();
            if seq <= last {
                ledger.complain(format!("socket: seq {seq} after {last}"));
            }
            last = seq;
            if frame["action"] != "user_typing" || frame["data"]["channel_id"] != CHANNEL {
                let error = json!({ "id": "api.web_socket_router.bad_action.app_error", "message": "Bad action." });
                session.say(&json!({ "status": "FAIL", "seq_reply": seq, "error": error })).await;
                ledger.complain(format!("socket: unknown action in {text}"));
                continue;
            }
            session.say(&json!({ "status": "OK", "seq_reply": seq })).await;
            let data = json!({ "parent_id": "", "user_id": user });
            self.event("typing", data, CHANNEL, |who| who != user).await;
        }
    }

    fn keep(&self, user: &str, message: &str, files: Vec<FileInfo>) -> Post {
        let mut state = self.state.lock().unwrap();
        let id = new_id(1000 + state.posts.len());
        let post = Post { id, user: user.to_owned(), message: message.to_owned(), files, at: now() };
        state.posts.push(post.clone());
        post
    }

    fn keep_file(&self, user: &str, name: &str, mime: &str, bytes: Bytes) -> FileInfo {
        let size = bytes.len();
        let mut state = self.state.lock().unwrap();
        let id = new_id(5000 + state.files.len());
        self.backstage.files.keep("/api/v4/files", &id, mime, bytes);
        let (user, name, mime) = (user.to_owned(), name.to_owned(), mime.to_owned());
        let info = FileInfo { id, user, name, mime, size, at: now(), used: false };
        state.files.push(info.clone());
        info
    }

    fn take(&self, post: &Post) {
        let file = post.files.first();
        let kind = match file.map(|file| file.mime.split('/').next().unwrap_or_default()) {
            None => "text",
            Some(kind @ ("image" | "video" | "audio")) => kind,
            Some(_) => "document",
        };
        let bytes = file.and_then(|file| self.backstage.files.of_url("", &format!("/api/v4/files/{}", file.id)));
        self.backstage.ledger.take(Taken {
            kind: kind.to_owned(),
            body: post.message.clone(),
            conversation: CHANNEL.to_owned(),
            name: file.map(|file| file.name.clone()),
            file: bytes.map(|file| file.bytes.to_vec()),
        });
    }

    /// Tells everybody, the one who posted included.
    async fn tell(&self, post: &Post) {
        self.event("posted", shape::posted(&shape::post(post)), CHANNEL, |_| true).await;
    }

    /// Says an event on each socket of such users, with the number that it has there.
    async fn event(&self, event: &str, data: Value, channel: &str, whose: impl Fn(&str) -> bool) {
        for seat in self.backstage.sockets.seats().into_iter().filter(|seat| whose(&seat.who)) {
            self.event_to(seat.id, event, data.clone(), ("channel_id", channel)).await;
        }
    }

    async fn event_to(&self, seat: u64, event: &str, data: Value, (key, value): (&str, &str)) {
        let number = {
            let mut state = self.state.lock().unwrap();
            let sent = state.sent.entry(seat).or_default();
            *sent += 1;
            *sent - 1
        };
        let mut broadcast = json!({ "omit_users": null, "user_id": "", "channel_id": "", "team_id": "" });
        broadcast[key] = json!(value);
        let frame = json!({ "event": event, "data": data, "broadcast": broadcast, "seq": number });
        self.backstage.sockets.say_where(|other| other.id == seat, &frame).await;
    }
}

/// A refusal of a call.
fn refuse(status: u16, words: &str) -> Response {
    let id = "api.context.refused.app_error";
    answer(status, &json!({ "id": id, "message": words, "request_id": "r1", "status_code": status, "is_oauth": false }))
}
