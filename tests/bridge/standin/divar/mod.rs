//! A backend that speaks divar: an app sends by calls, uploads in three steps, and hears by webhooks. In: the app's key, where
//! its events go and with which key. Out: what the documents show, and their refusals.

mod bodies;
mod calls;
mod messages;
mod uploads;
mod webhooks;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use bytes::Bytes;

use super::Standin;
use super::server::{Backstage, Server};
pub use messages::CONVERSATION;
use messages::{Content, Message, Sender};
use uploads::{Kind, Uploads};

pub struct Divar {
    server: Server,
    house: Arc<House>,
}

/// What the calls and the webhooks share.
struct House {
    backstage: Arc<Backstage>,
    kept: Mutex<Kept>,
    rules: Mutex<Rules>,
}

#[derive(Default)]
struct Kept {
    uploads: Uploads,
    /// In the order sent.
    messages: Vec<Message>,
    /// The conversations that the bot has; every other one is about a post.
    bots: HashSet<String>,
    /// What people sent: type and bytes, by path.
    media: HashMap<String, (String, Bytes)>,
    /// The `event_type` of each subscription.
    subscriptions: Vec<String>,
}

/// What a test may change while it runs.
#[derive(Clone)]
struct Rules {
    keys: Vec<String>,
    /// The token of the user whom the app acts for, where one is wanted.
    access_token: Option<String>,
    events_url: String,
    events_key: String,
    echoes: bool,
    words_beside_media: bool,
    is_restricted: bool,
    is_forbidden: bool,
}

impl Divar {
    /// `events_url` may be empty until [`events_at`](Self::events_at) names it; `events_key` is sent with every event.
    pub async fn start(api_key: &str, events_url: String, events_key: &str) -> Self {
        let rules = Rules {
            keys: vec![api_key.to_owned()],
            access_token: None,
            events_url,
            events_key: events_key.to_owned(),
            echoes: false,
            words_beside_media: false,
            is_restricted: false,
            is_forbidden: false,
        };
        let house = Arc::new(House { backstage: Backstage::new(), kept: Mutex::default(), rules: Mutex::new(rules) });
        let handler = house.clone();
        let server = Server::start(house.backstage.clone(), move |request| {
            let house = handler.clone();
            async move { house.answer(request).await }
        });
        Divar { server: server.await, house }
    }

    /// Where events go from now on: `http://127.0.0.1:…/…`.
    pub fn events_at(&self, url: &str) {
        self.rules().events_url = url.to_owned();
    }

    /// The key that comes with events from now on.
    pub fn events_key(&self, key: &str) {
        self.rules().events_key = key.to_owned();
    }

    /// A second app, and so on.
    pub fn know(&self, api_key: &str) {
        self.rules().keys.push(api_key.to_owned());
    }

    /// From now on, calls in a user's name need this token too: `Authorization: Bearer …`.
    pub fn require_access(&self, token: &str) {
        self.rules().access_token = Some(token.to_owned());
    }

    /// Whether what the app sends comes back to it as an event, its sender a BOT.
    pub fn echo(&self, yes: bool) {
        self.rules().echoes = yes;
    }

    /// Whether words may stand beside a media token. The schema forbids it, so it is refused unless this is set.
    pub fn allow_words_beside_media(&self, yes: bool) {
        self.rules().words_beside_media = yes;
    }

    /// Whether the recipient may not be written to: 412 with code 9.
    pub fn restrict(&self, yes: bool) {
        self.rules().is_restricted = yes;
    }

    /// Whether the key lacks every permission: 403 with code 7.
    pub fn forbid(&self, yes: bool) {
        self.rules().is_forbidden = yes;
    }

    /// As if the upload tokens of now had run out.
    pub fn expire_grants(&self) {
        self.kept().uploads.expire_grants();
    }

    /// As if the media tokens of now had run out.
    pub fn forget_media(&self) {
        self.kept().uploads.forget_media();
    }

    /// The `event_type`s that were subscribed to.
    pub fn subscriptions(&self) -> Vec<String> {
        self.kept().subscriptions.clone()
    }

    /// The person says something to the bot, in a conversation of theirs.
    pub async fn say_to_bot(&self, conversation: &str, text: &str) {
        self.kept().bots.insert(conversation.to_owned());
        self.say_in(conversation, Content::Text(text.to_owned())).await;
    }

    async fn say_in(&self, conversation: &str, content: Content) {
        let message = Message::new(conversation, Sender::Human, content);
        let event = {
            let mut kept = self.kept();
            kept.messages.push(message.clone());
            message.as_event(kept.bots.contains(conversation))
        };
        let Rules { events_url, events_key, .. } = self.rules().clone();
        webhooks::deliver(&events_url, &events_key, &event).await;
    }

    fn rules(&self) -> MutexGuard<'_, Rules> {
        self.house.rules.lock().unwrap()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.house.kept.lock().unwrap()
    }
}

#[async_trait]
impl Standin for Divar {
    fn server(&self) -> &Server {
        &self.server
    }

    /// Waits until the event was answered; a refusal of it fails the test.
    async fn say(&self, text: &str) {
        self.say_in(CONVERSATION, Content::Text(text.to_owned())).await;
    }

    /// A message has words or a file, so the caption is a message of its own, after the file.
    async fn say_file(&self, name: &str, mime: &str, bytes: &[u8], caption: &str) {
        let kind = match mime.split('/').next() {
            Some("image") => Kind::Image,
            Some("video") => Kind::Video,
            Some("audio") => Kind::Voice,
            _ => Kind::File,
        };
        let path = format!("/media/{}/{}", uuid::Uuid::new_v4().simple(), encode(name));
        self.kept().media.insert(path.clone(), (mime.to_owned(), Bytes::copy_from_slice(bytes)));
        let link = format!("{}{path}", self.http());
        self.say_in(CONVERSATION, Content::File { kind, link, name: name.to_owned(), size: bytes.len() }).await;
        if !caption.is_empty() {
            self.say(caption).await;
        }
    }

    /// Nothing in its documents ends a conversation.
    async fn end(&self) -> bool {
        false
    }
}

/// A name as the last segment of a link.
fn encode(name: &str) -> String {
    let mut encoded = String::new();
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' => encoded.push(byte.into()),
            _ => encoded += &format!("%{byte:02X}"),
        }
    }
    encoded
}
