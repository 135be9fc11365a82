//! How sessions and messages look: the calls and the socket name the same things differently, as the documents do.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Message, Role, SESSION, STORE, State};

const CREATED: &str = "2026-01-02T03:04:05Z";

fn seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A frame of the socket.
pub fn frame(kind: &str, payload: Value) -> Value {
    json!({ "type": kind, "payload": payload })
}

fn status(state: &State) -> &'static str {
    match (state.closed, state.admin) {
        (Some(_), _) => "closed",
        (None, Some(_)) => "claimed",
        (None, None) => "open",
    }
}

/// A session in an answer.
pub fn session(state: &State) -> Value {
    let last = state.messages.last().map(|message| seconds(message.at));
    let mut session = json!({
        "id": SESSION,
        "store_id": STORE,
        "admin_id": state.admin,
        "status": status(state),
        "last_message_at": last,
        "created": CREATED,
        "updated": last.as_deref().unwrap_or(CREATED),
    });
    if let Some(at) = state.closed {
        session["closed_at"] = json!(seconds(at));
    }
    session
}

/// A session as admins see it, with its store.
pub fn session_of_store(state: &State) -> Value {
    let mut session = session(state);
    session["store"] = json!({ "id": STORE, "name": "The Store", "logo_url": "", "email": "store@shop.example" });
    session
}

/// A message in an answer.
pub fn message(message: &Message) -> Value {
    json!({
        "id": message.id,
        "session_id": SESSION,
        "sender_type": message.sender.role.name(),
        "sender_id": message.sender.id,
        "content": message.content,
        "attachment_url": message.attachment_url,
        "attachment_type": message.attachment_type,
        "status": if message.is_read { "read" } else { "sent" },
        "created": seconds(message.at),
        "updated": seconds(message.at),
    })
}

/// At most the last 200, oldest first.
pub fn messages(state: &State) -> Vec<Value> {
    let skipped = state.messages.len().saturating_sub(200);
    state.messages.iter().skip(skipped).map(message).collect()
}

/// A message on the socket; of an attachment only where there is one.
pub fn told(message: &Message) -> Value {
    let mut told = json!({
        "id": message.id,
        "session_id": SESSION,
        "sender_type": message.sender.role.name(),
        "content": message.content,
        "is_read": message.is_read,
        "created_at": seconds(message.at),
    });
    if !message.attachment_url.is_empty() {
        told["attachment_url"] = json!(message.attachment_url);
        told["attachment_type"] = json!(message.attachment_type);
    }
    json!({ "message": told })
}

/// A session on the socket.
pub fn told_session(state: &State) -> Value {
    json!({ "session": { "id": SESSION, "store_id": STORE, "status": status(state), "created_at": CREATED } })
}

/// Somebody types; admins are told in which session.
pub fn typing(is_typing: &Value, typist: Role, reader: Role) -> Value {
    let mut payload = json!({ "is_typing": is_typing, "sender_type": typist.name() });
    if reader == Role::Admin {
        payload["session_id"] = json!(SESSION);
    }
    frame("typing", payload)
}
