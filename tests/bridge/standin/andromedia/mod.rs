//! The backend of a visitor chat, as its document shows it. One business, `hotel`, with one session; a token of the role
//! `agent` is an agent, any other a visitor.

mod calls;
mod frames;

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::server::{Backstage, Request, Response, Server};
use super::{Standin, Taken, credentials};

/// The one business.
pub const BUSINESS: &str = "hotel";
/// The agent who speaks for the stand-in.
const AGENT: &str = "a9e00000-0000-4000-8000-000000000001";
const FOLDER: &str = "/media/chat_attachments";

pub struct Andromedia {
    server: Server,
    desk: Arc<Desk>,
}

struct Desk {
    backstage: Arc<Backstage>,
    secret: String,
    session: String,
    /// Whether who sends a message gets it back.
    echo: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    timeline: Vec<Item>,
    has_ended: bool,
}

/// Who a token is of.
#[derive(Debug, Clone)]
struct User {
    /// A uuid: the subject, or made of it.
    id: String,
    is_agent: bool,
}

/// What was said, by whom and when.
#[derive(Debug, Clone)]
struct Item {
    sender: User,
    at: Timestamp,
    content: Content,
}

#[derive(Debug, Clone)]
enum Content {
    Text(String),
    File { url: String, name: String, is_audio: bool },
}

impl Andromedia {
    /// `secret` signs the tokens; `session` is the uuid of the one session; `echo` says whether "to group" means the sender
    /// too, as the document has it, or only the others, as its siblings do.
    pub async fn start(secret: &str, session: &str, echo: bool) -> Self {
        let backstage = Backstage::new();
        let desk = Arc::new(Desk {
            backstage: backstage.clone(),
            secret: secret.to_owned(),
            session: session.to_owned(),
            echo,
            state: Mutex::default(),
        });
        let answers = desk.clone();
        let server = Server::start(backstage, move |request| {
            let desk = answers.clone();
            async move { desk.answer(request).await }
        });
        Andromedia { server: server.await, desk }
    }

    async fn agent_says(&self, content: Content) {
        self.desk.backstage.sockets.wait_for(|_| true).await;
        let agent = User { id: AGENT.to_owned(), is_agent: true };
        let item = self.desk.keep(&agent, content);
        self.desk.backstage.sockets.say_all(&item.frame()).await;
    }
}

#[async_trait]
impl Standin for Andromedia {
    fn server(&self) -> &Server {
        &self.server
    }

    async fn say(&self, text: &str) {
        self.agent_says(Content::Text(text.to_owned())).await;
    }

    /// The dialect has no captions: the words follow as a text.
    async fn say_file(&self, name: &str, mime: &str, bytes: &[u8], caption: &str) {
        let path = self.desk.backstage.files.keep(FOLDER, name, mime, Bytes::copy_from_slice(bytes));
        let url = format!("{}{path}", self.http());
        let is_audio = mime.starts_with("audio/");
        self.agent_says(Content::File { url, name: name.to_owned(), is_audio }).await;
        if !caption.is_empty() {
            self.say(caption).await;
        }
    }

    async fn end(&self) -> bool {
        self.desk.end().await;
        true
    }
}

impl Desk {
    async fn answer(self: &Arc<Self>, request: Request) -> Response {
        if request.path == "/ws/visitor-chat/" {
            return self.handshake(request);
        }
        self.call(&request).await
    }

    /// Who the token is of; none when it is not good.
    fn user(&self, token: &str) -> Option<User> {
        let claims = credentials::claims(&self.secret, token)?;
        let subject = credentials::claim(&claims, "sub")?;
        let id = match Uuid::parse_str(&subject) {
            Ok(id) => id.to_string(),
            Err(_) => Uuid::new_v5(&Uuid::NAMESPACE_OID, subject.as_bytes()).to_string(),
        };
        let is_agent = credentials::claim(&claims, "role").is_some_and(|role| role == "agent");
        Some(User { id, is_agent })
    }

    fn keep(&self, sender: &User, content: Content) -> Item {
        let item = Item { sender: sender.clone(), at: Timestamp::now(), content };
        self.state.lock().unwrap().timeline.push(item.clone());
        item
    }

    fn has_ended(&self) -> bool {
        self.state.lock().unwrap().has_ended
    }

    /// Tells everybody that the session is over and closes their sockets.
    async fn end(&self) {
        self.state.lock().unwrap().has_ended = true;
        let message = "The session has ended.";
        let frame = json!({ "type": "session_ended", "message": message, "timestamp": milliseconds(Timestamp::now()) });
        self.backstage.sockets.say_all(&frame).await;
        self.backstage.sockets.close_at_once(4006);
    }

    fn take(&self, base: &str, item: &Item) {
        let taken = match &item.content {
            Content::Text(text) => Taken { kind: "text".to_owned(), body: text.clone(), ..Taken::default() },
            Content::File { url, name, is_audio } => Taken {
                kind: if *is_audio { "audio" } else { "file" }.to_owned(),
                name: Some(name.clone()),
                file: self.backstage.files.of_url(base, url).map(|file| file.bytes.to_vec()),
                ..Taken::default()
            },
        };
        self.backstage.ledger.take(Taken { conversation: self.session.clone(), ..taken });
    }
}

impl Item {
    /// What the group is told.
    fn frame(&self) -> Value {
        let (sender, at) = (&self.sender.id, milliseconds(self.at));
        match &self.content {
            Content::Text(text) => json!({ "type": "text", "content": text, "sender_id": sender, "timestamp": at }),
            Content::File { url, name, is_audio } => json!({
                "type": "file", "file": url, "file_name": name, "is_audio": is_audio, "sender_id": sender, "timestamp": at,
            }),
        }
    }
}

fn milliseconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}
