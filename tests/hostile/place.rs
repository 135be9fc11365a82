//! How somebody speaks in each dialect, as literal JSON: where a message goes, what confirms it, what a refusal looks
//! like, and where the history is. In: a running gateway. Out: a [`Place`].

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::harness::http::{self, Answer};
use crate::harness::socket::{Heard, Socket};
use crate::harness::{ACCESS_TOKEN, API_KEY, DIALECTS, Gateway};

pub const ALICE: &str = "302e305b-6e73-4f9c-bac7-551a92b106b0";
pub const BOB: &str = "75140d72-8b20-4549-885c-20599badb486";

/// Conversations that must be there before anybody speaks.
pub const CONVERSATIONS: &str = r#"
[[conversations]]
name       = "room-101"
frontdesk  = 123
kind       = "service"
department = "reception"
guest      = { name = "Gil", room_number = "101" }

[[conversations]]
name       = "post-101"
divar      = "conversation-101"
kind       = "post"
"#;

/// Somebody who may speak in a conversation of a dialect.
pub struct Place {
    pub dialect: &'static str,
    pub token: String,
    /// Where the messages of the conversation are read.
    history: String,
    channel: Channel,
    /// The other side of a dialect that has no message without one; open, so that it is known.
    _peer: Option<Socket>,
}

#[allow(clippy::large_enum_variant, reason = "one at a time, in a test")]
enum Channel {
    Socket {
        path: String,
        protocol: Option<String>,
        socket: Socket,
    },
    /// Messages are calls.
    Call {
        path: &'static str,
    },
}

/// What was said to something offered.
#[derive(Debug)]
pub enum Reply {
    Frame(Value),
    Closed(u16),
    Answer(u16, Value),
}

impl Place {
    /// One for each dialect.
    pub async fn all(gateway: &Gateway) -> Vec<Place> {
        let mut places = Vec::new();
        for dialect in DIALECTS {
            places.push(Place::open(gateway, dialect).await);
        }
        places
    }

    pub async fn open(gateway: &Gateway, dialect: &'static str) -> Place {
        let address = gateway.address;
        let token = gateway.token(claims(dialect));
        let bearer = format!("Bearer {token}");
        let mut peer = None;
        let (path, protocol, history) = match dialect {
            "frontdesk" => (format!("/ws/chat/?token={token}"), None, "/api/chat/conversations/123".to_owned()),
            "andromedia" => {
                let headers = [("Authorization", bearer.as_str())];
                let opened =
                    http::post_json(address, "/chat/start-session/", &headers, br#"{"business":"hotel"}"#).await;
                let session = opened.json()["data"]["session_id"].as_str().expect("a session").to_owned();
                let path = format!("/ws/visitor-chat/?session_id={session}");
                (path, Some(format!("Bearer, {token}")), format!("/chat/history/{session}/"))
            }
            "licomed" => {
                let other = gateway.token(json!({ "sub": BOB, "role": "user", "name": "Bob" }));
                peer = Some(Socket::open(address, &format!("/ws/chat/room/?token={other}"), None).await.unwrap());
                (format!("/ws/chat/room/?token={token}"), None, format!("/chat/messages/{BOB}/"))
            }
            "divar" => {
                let path = "/v2/open-platform/conversations/conversation-101/messages";
                let history = "/v1/open-platform/chat/conversations/conversation-101".to_owned();
                return Place { dialect, token, history, channel: Channel::Call { path }, _peer: None };
            }
            "luxmart" => {
                let headers = [("Authorization", format!("Token {token}"))];
                let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
                let opened = http::get(address, "/v1/chat/store/session/", &headers).await;
                assert_eq!(opened.status, 200, "{opened:?}");
                (format!("/v1/chat/ws/store/?token={token}"), None, "/v1/chat/store/session/".to_owned())
            }
            other => unreachable!("no dialect {other}"),
        };
        let socket = Socket::open(address, &path, protocol.as_deref()).await.expect("a socket");
        let mut place =
            Place { dialect, token, history, channel: Channel::Socket { path, protocol, socket }, _peer: peer };
        place.greet().await;
        place
    }

    /// Takes the greeting of a dialect that greets.
    async fn greet(&mut self) {
        if let ("andromedia", Channel::Socket { socket, .. }) = (self.dialect, &mut self.channel) {
            assert_eq!(socket.frame().await["type"], "connection_established");
        }
    }

    /// The headers of a call in this dialect.
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        match self.dialect {
            "luxmart" => vec![("Authorization", format!("Token {}", self.token))],
            "divar" => vec![("X-API-Key", API_KEY.to_owned()), ("Authorization", format!("Bearer {ACCESS_TOKEN}"))],
            _ => vec![("Authorization", format!("Bearer {}", self.token))],
        }
    }

    /// A message of this text, as JSON of the dialect.
    pub fn message(&self, text: &str) -> String {
        self.message_of(&json!(text))
    }

    /// The same with any JSON where the text belongs.
    pub fn message_of(&self, body: &Value) -> String {
        let message = match self.dialect {
            "frontdesk" => json!({ "type": "text", "conversation_id": 123, "content": body }),
            "andromedia" => json!({ "type": "text", "content": body }),
            "licomed" => json!({ "action": "text_message", "message_body": body, "receiver_id": BOB }),
            "divar" => json!({ "message": body }),
            "luxmart" => json!({ "type": "message", "payload": { "content": body } }),
            other => unreachable!("no dialect {other}"),
        };
        message.to_string()
    }

    /// Sends it, and waits for the answer, or the next frame about it.
    pub async fn offer(&mut self, gateway: &Gateway, message: Message) -> Reply {
        let headers = self.headers();
        match &mut self.channel {
            Channel::Socket { socket, .. } => {
                socket.send(message).await;
                loop {
                    match socket.hear().await {
                        Heard::Closed(code) => return Reply::Closed(code),
                        // What luxmart tells about the session itself is no answer.
                        Heard::Frame(frame)
                            if frame["type"] == "session_update" || frame["type"] == "admin_connected" => {}
                        Heard::Frame(frame) => return Reply::Frame(frame),
                    }
                }
            }
            Channel::Call { path } => {
                let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
                let answer = http::post_json(gateway.address, path, &headers, &message.into_data()).await;
                Reply::Answer(answer.status, answer.json())
            }
        }
    }

    /// Sends a good message, which must be confirmed.
    pub async fn confirmed(&mut self, gateway: &Gateway, text: &str) {
        let reply = self.offer(gateway, Message::text(self.message(text))).await;
        assert!(self.confirms(&reply, text), "{}: {text:?} was answered {reply:?}", self.dialect);
    }

    fn confirms(&self, reply: &Reply, text: &str) -> bool {
        match (self.dialect, reply) {
            ("frontdesk", Reply::Frame(frame)) => {
                frame["type"] == "chat_message" && frame["message"]["content"] == text
            }
            ("andromedia", Reply::Frame(frame)) => frame["type"] == "text" && frame["content"] == text,
            ("licomed", Reply::Frame(frame)) => frame["action"] == "conf_message" && frame["message"] == text,
            ("divar", Reply::Answer(status, body)) => *status == 200 && body["status"] == 200,
            ("luxmart", Reply::Frame(frame)) => {
                frame["type"] == "message" && frame["payload"]["message"]["content"] == text
            }
            _ => false,
        }
    }

    /// Whether this is how the dialect refuses a message.
    pub fn refuses(&self, reply: &Reply) -> bool {
        match (self.dialect, reply) {
            ("frontdesk" | "andromedia", Reply::Frame(frame)) => {
                frame["type"] == "error" && frame["message"].is_string() && members(frame) == 2
            }
            ("licomed", Reply::Frame(frame)) => {
                frame["action"] == "error" && frame["message"].is_string() && members(frame) == 2
            }
            ("divar", Reply::Answer(status, body)) => (400..500).contains(status) && is_refusal(self.dialect, body),
            ("luxmart", Reply::Frame(frame)) => frame["type"] == "error" && frame["payload"]["message"].is_string(),
            _ => false,
        }
    }

    /// Opens the socket again, after the other side closed it.
    pub async fn reopen(&mut self, gateway: &Gateway) {
        if let Channel::Socket { path, protocol, socket } = &mut self.channel {
            *socket = Socket::open(gateway.address, path, protocol.as_deref()).await.expect("a socket again");
        }
        self.greet().await;
    }

    pub fn has_socket(&self) -> bool {
        matches!(self.channel, Channel::Socket { .. })
    }

    pub async fn get(&self, gateway: &Gateway, path: &str) -> Answer {
        let headers = self.headers();
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        http::get(gateway.address, path, &headers).await
    }

    /// The texts of the conversation, oldest first.
    pub async fn history(&self, gateway: &Gateway) -> Vec<String> {
        let answer = self.get(gateway, &self.history).await;
        assert_eq!(answer.status, 200, "{}: {answer:?}", self.dialect);
        let json = answer.json();
        let (list, place) = match self.dialect {
            "frontdesk" => (&json["messages"], "/content"),
            "andromedia" => (&json["data"], "/data/content"),
            "licomed" => (&json["data"]["messages"], "/message"),
            "divar" => (&json["messages"], "/text"),
            "luxmart" => (&json["messages"], "/content"),
            other => unreachable!("no dialect {other}"),
        };
        let list = list.as_array().unwrap_or_else(|| panic!("{}: no messages in {json}", self.dialect));
        let texts = list.iter().map(|message| message.pointer(place).and_then(Value::as_str).unwrap_or("").to_owned());
        // The document of licomed shows the newest first.
        if self.dialect == "licomed" { texts.rev().collect() } else { texts.collect() }
    }
}

/// Who speaks; the role is the dialect's own kind of client.
pub fn claims(dialect: &str) -> Value {
    match dialect {
        "frontdesk" => json!({ "sub": "staff-1", "role": "staff", "name": "Ann", "department": "reception" }),
        "andromedia" => {
            json!({ "sub": "11111111-2222-4333-8444-555555555555", "role": "visitor", "business": "hotel" })
        }
        "licomed" => json!({ "sub": ALICE, "role": "user", "name": "Alice" }),
        "divar" => json!({ "sub": "app-1", "role": "bot", "name": "App" }),
        "luxmart" => json!({ "sub": "10", "role": "store", "name": "Store" }),
        other => unreachable!("no dialect {other}"),
    }
}

/// Whether a body of HTTP is the dialect's own way to say no.
pub fn is_refusal(dialect: &str, body: &Value) -> bool {
    match dialect {
        "frontdesk" => body["error"].is_string() || (body["success"] == false && body["message"].is_string()),
        "andromedia" => body["message"].is_string() && members(body) == 1,
        "licomed" => {
            body["status"] == "failure"
                && body["entity"].is_null()
                && body["message"].is_string()
                && body["success"] == false
        }
        "divar" => body["code"].is_u64() && body["message"].is_string() && body["details"].is_array(),
        "luxmart" => body["error"].is_string() && members(body) == 1,
        other => unreachable!("no dialect {other}"),
    }
}

fn members(value: &Value) -> usize {
    value.as_object().map_or(0, serde_json::Map::len)
}
