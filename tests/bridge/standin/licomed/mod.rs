//! A backend that speaks licomed: users write to each other, files are uploaded first and announced by `chat_id`. In: the
//! secret of its tokens, two users. Out: what its document shows, and what the real code is known to do where it is silent.

mod calls;
mod frames;
mod rows;
pub mod written;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::{Value, json};

use super::server::{Backstage, Said, Server, Session};
use super::{Standin, Taken, credentials};
use frames::{Action, Wrong};
use rows::{Content, Message, Rows, User};

pub struct Licomed {
    server: Server,
    house: Arc<House>,
}

/// What the calls and the sockets share.
struct House {
    backstage: Arc<Backstage>,
    secret: String,
    rows: Mutex<Rows>,
    /// Whether an action that it cannot do is answered with an error frame; the document has none.
    is_aloud: AtomicBool,
    /// Whether it speaks as another server of the family.
    is_family: AtomicBool,
    us: String,
    them: String,
}

impl Licomed {
    /// `secret` signs the tokens (HS256, `sub` is the user's uuid); `us` is whom the gateway speaks for, `them` the other.
    pub async fn start(secret: &str, us: &str, them: &str) -> Self {
        let rows = Rows { users: vec![User::invented(us, 1), User::invented(them, 2)], ..Rows::default() };
        let house = Arc::new(House {
            backstage: Backstage::new(),
            secret: secret.to_owned(),
            rows: Mutex::new(rows),
            is_aloud: AtomicBool::new(false),
            is_family: AtomicBool::new(false),
            us: us.to_owned(),
            them: them.to_owned(),
        });
        let handler = house.clone();
        let server = Server::start(house.backstage.clone(), move |request| {
            let house = handler.clone();
            async move { house.answer(request).await }
        });
        Licomed { server: server.await, house }
    }

    /// As another server of the family: who sends is told the id of what was sent and nothing else, and whoever is written
    /// to reads it at once.
    pub async fn start_confirming(secret: &str, us: &str, them: &str) -> Self {
        let licomed = Self::start(secret, us, them).await;
        licomed.house.is_family.store(true, Ordering::SeqCst);
        licomed
    }

    /// A third user, and so on.
    pub fn know(&self, user: &str) {
        let mut rows = self.house.rows.lock().unwrap();
        let number = rows.users.len() + 1;
        rows.users.push(User::invented(user, number));
    }

    /// From now on, what it cannot do is answered with `{"action":"error","message":…}`.
    pub fn answer_errors(&self) {
        self.house.is_aloud.store(true, Ordering::SeqCst);
    }

    /// A token of a user, as its login would give.
    pub fn token(&self, user: &str) -> String {
        credentials::token(&self.house.secret, json!({ "sub": user, "token_type": "access" }))
    }

    async fn say_as_them(&self, content: impl FnOnce(&mut Rows) -> Content) {
        let house = &self.house;
        house.backstage.sockets.wait_for(|seat| seat.who == house.us).await;
        let message = {
            let mut rows = house.rows.lock().unwrap();
            let content = content(&mut rows);
            rows.keep(&house.them, &house.us, content)
        };
        house.deliver(&message).await;
        house.confirm(&message).await;
    }
}

#[async_trait]
impl Standin for Licomed {
    fn server(&self) -> &Server {
        &self.server
    }

    async fn say(&self, text: &str) {
        self.say_as_them(|_| Content::Text(text.to_owned())).await;
    }

    async fn say_file(&self, name: &str, mime: &str, bytes: &[u8], caption: &str) {
        self.say_as_them(|rows| Content::File {
            words: caption.to_owned(),
            file: rows.store(name, name, mime, Bytes::copy_from_slice(bytes)),
            announced: true,
        })
        .await;
    }

    /// Nothing in its document ends a thread.
    async fn end(&self) -> bool {
        false
    }
}

impl House {
    /// The user of a token.
    fn user(&self, token: &str) -> Option<String> {
        let claims = credentials::claims(&self.secret, token)?;
        self.known(claims["sub"].as_str()?)
    }

    /// Serves one socket until it is closed.
    async fn visit(&self, mut session: Session, who: String) {
        while let Some(said) = session.hear().await {
            let Said::Text(frame) = said else {
                self.complain("a binary frame".to_owned());
                continue;
            };
            match frames::read(&frame, &mut |what| self.complain(what)) {
                Ok(action) => self.act(&session, &who, action).await,
                Err(Wrong::NoJson) => {
                    self.complain(format!("a frame that is no JSON object: {frame}"));
                    return session.close(1011).await;
                }
                Err(Wrong::Unknown(what)) => {
                    self.complain(what);
                    self.grumble(&session, "Unknown action").await;
                }
            }
        }
    }

    async fn act(&self, session: &Session, who: &str, action: Action) {
        let (receiver, content) = match action {
            Action::File { chat } => return self.announce(session, who, chat).await,
            Action::Text { words, receiver } => (receiver, Content::Text(words)),
            Action::Profile { profile, receiver } => {
                let Some(profile) = self.known(&profile) else {
                    return self.grumble(session, "Unknown profile").await;
                };
                (receiver, Content::Profile(profile))
            }
        };
        // The real code passes over both in silence.
        let Some(receiver) = self.known(&receiver).filter(|receiver| receiver != who) else {
            return self.grumble(session, "Invalid receipient").await;
        };
        if !self.backstage.keeps().await {
            return;
        }
        let message = self.rows.lock().unwrap().keep(who, &receiver, content);
        self.take(&message);
        self.deliver(&message).await;
        self.confirm(&message).await;
    }

    /// A file that was uploaded goes out; the second time only the sender hears of it.
    async fn announce(&self, session: &Session, who: &str, chat: u64) {
        let found = {
            let mut rows = self.rows.lock().unwrap();
            rows.message(chat).filter(|message| message.sender == who).map(|message| message.clone())
        };
        let Some(Message { content: Content::File { announced, .. }, .. }) = &found else {
            self.complain(format!("`file_message` of {chat}, which is no upload of this user"));
            return self.grumble(session, "Unknown chat").await;
        };
        let Some(message) = &found else { return };
        if !announced {
            if !self.backstage.keeps().await {
                return;
            }
            self.rows.lock().unwrap().announce(chat);
            self.take(message);
            self.deliver(message).await;
        }
        self.confirm(message).await;
    }

    /// A user's id as it is kept.
    fn known(&self, user: &str) -> Option<String> {
        self.rows.lock().unwrap().user(user).map(|user| user.id.clone())
    }

    fn take(&self, message: &Message) {
        let conversation = format!("{}/{}", message.sender, message.receiver);
        let taken = match &message.content {
            Content::Text(words) => Taken { kind: "text".into(), body: words.clone(), ..Taken::default() },
            Content::Profile(profile) => Taken { kind: "profile".into(), body: profile.clone(), ..Taken::default() },
            Content::File { words, file, .. } => Taken {
                kind: "file".into(),
                body: words.clone(),
                name: Some(file.name.clone()),
                file: Some(file.bytes.to_vec()),
                ..Taken::default()
            },
        };
        self.backstage.ledger.take(Taken { conversation, ..taken });
    }

    /// To all sockets of the receiver.
    async fn deliver(&self, message: &Message) {
        self.say_to(&message.receiver, message, "re_message").await;
    }

    /// To all sockets of the sender.
    async fn confirm(&self, message: &Message) {
        if !self.is_family.load(Ordering::SeqCst) {
            return self.say_to(&message.sender, message, "conf_message").await;
        }
        let sockets = &self.backstage.sockets;
        let confirmed = json!({ "action": "msg_confirmation", "statusid": message.id + 7, "id": message.id });
        sockets.say_where(|seat| seat.who == message.sender, &confirmed).await;
        let seen = json!({ "action": "msg_seen", "msg_id": message.id });
        sockets.say_where(|seat| seat.who == message.sender, &seen).await;
    }

    async fn say_to(&self, user: &str, message: &Message, action: &str) {
        let frame: Value = self.rows.lock().unwrap().as_frame(message, action);
        self.backstage.sockets.say_where(|seat| seat.who == user, &frame).await;
    }

    async fn grumble(&self, session: &Session, words: &str) {
        if self.is_aloud.load(Ordering::SeqCst) {
            session.say(&json!({ "action": "error", "message": words })).await;
        }
    }

    fn complain(&self, what: String) {
        self.backstage.ledger.complain(what);
    }
}
