//! What divar keeps of conversations, and how its documents write a message: in the answer of get-conversation, and in a
//! webhook. In: messages of both sides. Out: JSON.

use serde_json::{Map, Value, json};

use super::uploads::Kind;

/// The one conversation that is there from the beginning; the app is the seller in it.
pub const CONVERSATION: &str = "conversation-101";

/// Of the post that the conversation is about.
pub const POST_TOKEN: &str = "gXYZ";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sender {
    /// The person on the platform.
    Human,
    /// The app.
    Bot,
}

#[derive(Debug, Clone)]
pub enum Content {
    Text(String),
    File { kind: Kind, link: String, name: String, size: usize },
}

#[derive(Debug, Clone)]
pub struct Message {
    pub id: String,
    pub conversation: String,
    pub sender: Sender,
    /// Since 1970.
    pub microseconds: i64,
    pub content: Content,
}

impl Message {
    pub fn new(conversation: &str, sender: Sender, content: Content) -> Self {
        Message {
            id: uuid::Uuid::new_v4().to_string(),
            conversation: conversation.to_owned(),
            sender,
            microseconds: jiff::Timestamp::now().as_microsecond(),
            content,
        }
    }

    /// As get-conversation writes it: time as text.
    pub fn as_answer(&self, is_bots: bool) -> Value {
        let at = jiff::Timestamp::from_microsecond(self.microseconds).unwrap();
        self.write(is_bots, json!(at.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()))
    }

    /// As a webhook writes it: time and sizes as numbers.
    pub fn as_event(&self, is_bots: bool) -> Value {
        let message = self.write(is_bots, json!(self.microseconds));
        if is_bots {
            json!({ "type": "NEW_CHATBOT_MESSAGE", "new_chatbot_message": message })
        } else {
            json!({ "type": "NEW_MESSAGE", "metadata": {}, "new_message": message })
        }
    }

    fn write(&self, is_bots: bool, sent_at: Value) -> Value {
        let mut written = Map::new();
        written.insert("id".into(), json!(self.id));
        written.insert("conversation".into(), conversation(&self.conversation, is_bots));
        written.insert("sender".into(), self.sender(is_bots));
        let (kind, key, value) = match &self.content {
            Content::Text(words) => ("TEXT", "text", json!(words)),
            Content::File { kind, link, name, size } => {
                let (key, value) = file(*kind, link, name, *size);
                (kind.message_type(), key, value)
            }
        };
        written.insert("type".into(), json!(kind));
        written.insert("sent_at".into(), sent_at);
        written.insert(key.into(), value);
        Value::Object(written)
    }

    fn sender(&self, is_bots: bool) -> Value {
        let (side, kind) = match self.sender {
            Sender::Human => ("BUYER", "HUMAN"),
            Sender::Bot => ("SELLER", "BOT"),
        };
        if is_bots { json!({ "type": kind }) } else { json!({ "side": side, "type": kind }) }
    }
}

/// A conversation; the one of a post names it.
pub fn conversation(id: &str, is_bots: bool) -> Value {
    if is_bots {
        json!({ "id": id, "type": "BOT" })
    } else {
        json!({ "id": id, "type": "POST", "post_token": POST_TOKEN })
    }
}

fn file(kind: Kind, link: &str, name: &str, size: usize) -> (&'static str, Value) {
    match kind {
        Kind::Image => ("image_data", json!({ "link": link, "size_bytes": size, "height_px": 1, "width_px": 1 })),
        Kind::File => ("file_data", json!({ "link": link, "name": name, "size_bytes": size })),
        Kind::Voice => ("voice_data", json!({ "link": link, "size_bytes": size })),
        Kind::Video => {
            ("video_data", json!({ "link": link, "thumbnail_link": format!("{link}.jpg"), "size_bytes": size }))
        }
    }
}
