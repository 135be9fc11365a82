//! What a client may say on licomed's socket. In: a text frame. Out: the action, or what is wrong with it.

use serde_json::{Map, Value};

#[derive(Debug, PartialEq, Eq)]
pub enum Action {
    Text { words: String, receiver: String },
    File { chat: u64 },
    Profile { profile: String, receiver: String },
}

/// Why a frame is no action.
#[derive(Debug, PartialEq, Eq)]
pub enum Wrong {
    /// The real code dies of it: close 1011.
    NoJson,
    /// An action that it passes over in silence, or one without what it needs.
    Unknown(String),
}

/// Reads a frame; keys that no document has are complained about and passed over.
pub fn read(frame: &str, complain: &mut dyn FnMut(String)) -> Result<Action, Wrong> {
    let Ok(Value::Object(frame)) = serde_json::from_str(frame) else { return Err(Wrong::NoJson) };
    let (action, keys): (Action, &[&str]) = match frame.get("action").and_then(Value::as_str) {
        Some("text_message") => (
            Action::Text { words: text(&frame, "message_body")?, receiver: text(&frame, "receiver_id")? },
            &["message_body", "receiver_id"],
        ),
        Some("file_message") => {
            let chat = frame.get("chat_id").and_then(Value::as_u64);
            let chat = chat.ok_or_else(|| Wrong::Unknown("a `file_message` without a number `chat_id`".to_owned()))?;
            (Action::File { chat }, &["chat_id"])
        }
        Some("user_profile_message") => (
            Action::Profile { profile: text(&frame, "attached_profile_id")?, receiver: text(&frame, "receiver_id")? },
            &["attached_profile_id", "receiver_id"],
        ),
        _ => return Err(Wrong::Unknown(format!("a frame of no known action: {}", Value::Object(frame)))),
    };
    for key in frame.keys().filter(|key| *key != "action" && !keys.contains(&key.as_str())) {
        complain(format!("a `{}` with the unknown key `{key}`", frame["action"].as_str().unwrap_or_default()));
    }
    Ok(action)
}

fn text(frame: &Map<String, Value>, key: &str) -> Result<String, Wrong> {
    let found = frame.get(key).and_then(Value::as_str).map(str::to_owned);
    found.ok_or_else(|| Wrong::Unknown(format!("{} without a text `{key}`", frame["action"])))
}
