//! The clients' five dialects, written from their documents. In: who somebody is and where they talk. Out: how they connect,
//! the frame of a text, and what a frame says.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::harness::http;
use super::harness::socket::Socket;
use super::harness::{ACCESS_TOKEN, API_KEY};

/// What a client speaks, and with it what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speech {
    /// A member of the staff of the room's department.
    Frontdesk,
    /// The visitor of the room's session.
    Andromedia,
    /// The user on the room's one side.
    Licomed,
    /// The app, in the room's conversation.
    Divar,
    /// An admin, who hears every room.
    Luxmart,
}

/// A client, once it knows who it is.
#[derive(Debug, Clone)]
pub struct Party {
    pub number: u16,
    pub room: u16,
    pub speech: Speech,
    pub token: String,
    /// What its room is called: a visitor's is told when the session starts.
    pub conversation: String,
}

/// What a frame said.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame {
    Text(String),
    Refused(String),
    Nothing,
}

/// The user on the other side of a room of two.
pub fn them(room: u16) -> String {
    format!("6d1f0a52-93c7-4b0e-8a64-{room:012}")
}

/// The user on this side.
pub fn us(room: u16) -> String {
    format!("0e9d4c1b-7a25-4f83-b6c0-{room:012}")
}

/// The rooms as the config names them.
pub fn rooms(count: u16) -> String {
    let room = |room: u16| {
        format!(
            r#"
[[conversations]]
name       = "room-{room}"
kind       = "service"
department = "desk-{room}"
frontdesk  = {}
andromedia = {{ business = "hotel", external_customer_id = "room-{room}" }}
licomed    = ["{}", "{}"]
divar      = "conversation-{room}"
luxmart    = {}
guest      = {{ name = "Guest {room}", room_number = "{room}" }}
"#,
            100 + room,
            us(room),
            them(room),
            1 + room
        )
    };
    (0..count).map(room).collect()
}

impl Party {
    /// Who somebody in a room is; `sign` makes a token of claims.
    pub fn new(number: u16, room: u16, speech: Speech, sign: impl Fn(Value) -> String) -> Self {
        let token = match speech {
            Speech::Frontdesk => sign(json!({
                "sub": format!("staff-{number}"), "role": "staff", "name": format!("Staff {number}"),
                "department": format!("desk-{room}"),
            })),
            Speech::Andromedia => {
                let subject = format!("11111111-2222-4333-8444-{number:012}");
                sign(json!({ "sub": subject, "role": "visitor", "business": "hotel" }))
            }
            Speech::Licomed => sign(json!({ "sub": us(room), "role": "user", "name": format!("User {number}") })),
            Speech::Luxmart => {
                sign(json!({ "sub": format!("{number}"), "role": "admin", "name": format!("Admin {number}") }))
            }
            Speech::Divar => String::new(),
        };
        let conversation = match speech {
            Speech::Frontdesk => (100 + room).to_string(),
            Speech::Andromedia => String::new(),
            Speech::Licomed => them(room),
            Speech::Luxmart => (1 + room).to_string(),
            Speech::Divar => format!("conversation-{room}"),
        };
        Party { number, room, speech, token, conversation }
    }

    /// A socket at this replica, if it takes one.
    pub async fn connect(&mut self, gateway: SocketAddr) -> Option<Socket> {
        let token = &self.token;
        match self.speech {
            Speech::Frontdesk => Socket::reach(gateway, &format!("/ws/chat/?token={token}"), None).await,
            Speech::Licomed => Socket::reach(gateway, &format!("/ws/chat/room/?token={token}"), None).await,
            Speech::Luxmart => Socket::reach(gateway, &format!("/v1/chat/ws/admin/?token={token}"), None).await,
            Speech::Divar => None,
            Speech::Andromedia => {
                if self.conversation.is_empty() {
                    self.conversation = self.start_session(gateway).await?;
                }
                let path = format!("/ws/visitor-chat/?session_id={}", self.conversation);
                Socket::reach(gateway, &path, Some(&format!("Bearer, {token}"))).await
            }
        }
    }

    async fn start_session(&self, gateway: SocketAddr) -> Option<String> {
        let authorization = format!("Bearer {}", self.token);
        let body = json!({ "business": "hotel", "external_customer_id": format!("room-{}", self.room) }).to_string();
        let headers = [("Authorization", authorization.as_str())];
        let answer = http::post_json(gateway, "/chat/start-session/", &headers, body.as_bytes()).await;
        answer.json()["data"]["session_id"].as_str().map(str::to_owned)
    }

    /// The frame of a text.
    pub fn frame(&self, text: &str) -> String {
        let number = || self.conversation.parse::<u64>().expect("a number");
        let frame = match self.speech {
            Speech::Frontdesk => json!({ "type": "text", "conversation_id": number(), "content": text }),
            Speech::Andromedia => json!({ "type": "text", "content": text }),
            Speech::Licomed => {
                json!({ "action": "text_message", "message_body": text, "receiver_id": self.conversation })
            }
            Speech::Luxmart => json!({ "type": "message", "payload": { "content": text, "session_id": number() } }),
            Speech::Divar => json!({ "message": text }),
        };
        frame.to_string()
    }

    /// What a frame says.
    pub fn read(&self, frame: &Value) -> Frame {
        let text = |value: &Value| Frame::Text(value.as_str().unwrap_or_default().to_owned());
        let (kind, action) = (frame["type"].as_str().unwrap_or_default(), frame["action"].as_str().unwrap_or_default());
        match (self.speech, kind, action) {
            (Speech::Frontdesk, "chat_message", _) => text(&frame["message"]["content"]),
            (Speech::Andromedia, "text", _) => text(&frame["content"]),
            (Speech::Licomed, _, "conf_message" | "re_message") => text(&frame["message"]),
            (Speech::Luxmart, "message", _) => text(&frame["payload"]["message"]["content"]),
            (_, "error", _) | (_, _, "error") => Frame::Refused(frame.to_string()),
            _ => Frame::Nothing,
        }
    }

    /// Sends a text by a call, as an app does; says whether it was confirmed.
    pub async fn call(&self, gateway: SocketAddr, text: &str) -> bool {
        let path = format!("/v2/open-platform/conversations/{}/messages", self.conversation);
        let bearer = format!("Bearer {ACCESS_TOKEN}");
        let headers =
            [("X-API-Key", API_KEY), ("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
        let request = http::request("POST", &path, &headers, self.frame(text).as_bytes());
        let answer = http::send_within(gateway, &request, super::talk::CONFIRMED_WITHIN * 2).await;
        answer.status == 200
    }
}
