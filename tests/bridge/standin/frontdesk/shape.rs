//! How messages and conversations look on this backend's wire.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{CONVERSATION, DEPARTMENT, GUEST, Message, ROOM, State};

const WHATSAPP: &str = "15550001111";

pub fn seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

pub fn microseconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string()
}

/// The kind of a declared type.
pub fn kind_of(mime: &str) -> &'static str {
    match mime.split('/').next() {
        Some("image") => "image",
        Some("video") => "video",
        Some("audio") => "audio",
        _ => "document",
    }
}

impl Message {
    fn sender_type(&self) -> &'static str {
        if self.staff.is_some() { "staff" } else { "guest" }
    }

    fn sender_name(&self) -> &str {
        self.staff.as_ref().map_or(GUEST, |user| &user.name)
    }

    fn media_url(&self) -> Option<&str> {
        self.media.as_ref().map(|(url, _)| url.as_str())
    }

    fn media_filename(&self) -> Option<&str> {
        self.media.as_ref().map(|(_, name)| name.as_str())
    }

    fn preview(&self) -> String {
        match self.media_filename() {
            Some(name) => format!("[{}] {}", self.kind.to_uppercase(), name.chars().take(30).collect::<String>()),
            None => self.content.chars().take(50).collect(),
        }
    }
}

pub fn documented(message: &Message) -> Value {
    json!({
        "type": "chat_message",
        "message": {
            "id": message.id,
            "conversation_id": CONVERSATION,
            "sender_type": message.sender_type(),
            "sender_name": message.sender_name(),
            "message_type": message.kind,
            "content": message.content,
            "media_url": message.media_url(),
            "media_filename": message.media_filename(),
            "created_at": seconds(message.at),
            "guest_info": { "name": GUEST, "room_number": ROOM },
        },
    })
}

pub fn deployed(message: &Message) -> Value {
    json!({
        "type": "message",
        "data": {
            "id": message.id,
            "conversation_id": CONVERSATION,
            "sender_type": message.sender_type(),
            "sender_name": message.sender_name(),
            "sender_id": message.staff.as_ref().map(|user| user.id),
            "message_type": message.kind,
            "content": message.content,
            "media_url": message.media_url(),
            "media_filename": message.media_filename(),
            "is_read": message.is_read,
            "created_at": microseconds(message.at),
            "updated_at": microseconds(message.at),
            "guest_info": { "id": 1, "name": GUEST, "whatsapp_number": WHATSAPP, "room_number": ROOM },
            "department_name": DEPARTMENT.to_lowercase(),
        },
    })
}

/// What follows a deployed message.
pub fn update(message: &Message) -> Value {
    json!({
        "type": "conversation_update",
        "data": {
            "type": "new_message",
            "data": {
                "conversation_id": CONVERSATION,
                "guest_name": GUEST,
                "department": DEPARTMENT.to_lowercase(),
                "last_message_preview": message.preview(),
                "last_message_at": microseconds(message.at),
                "message_from": message.sender_name(),
            },
        },
    })
}

pub fn closed(by: &str) -> Value {
    json!({
        "type": "conversation_update",
        "data": {
            "type": "conversation_closed",
            "conversation_id": CONVERSATION,
            "department": DEPARTMENT.to_lowercase(),
            "updated_by": by,
            "timestamp": microseconds(Timestamp::now()),
        },
    })
}

/// A message as the history shows it.
pub fn stored(message: &Message) -> Value {
    json!({
        "id": message.id,
        "conversation": CONVERSATION,
        "sender_type": message.sender_type(),
        "sender": message.staff.as_ref().map(|user| user.id),
        "sender_name": message.sender_name(),
        "message_type": message.kind,
        "content": message.content,
        "media_file": Value::Null,
        "media_url": message.media_url(),
        "media_filename": message.media_filename(),
        "is_read": message.is_read,
        "read_at": Value::Null,
        "guest_info": { "id": 1, "name": GUEST, "whatsapp_number": WHATSAPP, "room_number": ROOM, "floor": 1 },
        "time_ago": "just now",
        "is_flow": false,
        "flow_id": Value::Null,
        "flow_step": Value::Null,
        "is_flow_step_success": Value::Null,
        "created_at": microseconds(message.at),
        "updated_at": microseconds(message.at),
    })
}

pub fn conversation(state: &State) -> Value {
    let last = state.messages.last();
    let unread = state.messages.iter().filter(|message| message.staff.is_none() && !message.is_read).count();
    json!({
        "id": CONVERSATION,
        "guest": 1,
        "hotel": "1c0ffee0-0000-4000-8000-000000000001",
        "department": DEPARTMENT.to_lowercase(),
        "status": if state.is_closed { "closed" } else { "active" },
        "guest_info": {
            "id": 1, "full_name": "Gil Guest", "email": "gil@guest.example", "whatsapp_number": WHATSAPP,
            "date_of_birth": null, "nationality": null, "status": "checked_in", "room_number": ROOM, "floor": 1,
        },
        "hotel_name": "The Hotel",
        "last_message_at": last.map(|message| microseconds(message.at)),
        "last_message_preview": last.map(Message::preview),
        "unread_count": unread,
        "last_message": last.map(stored),
        "created_at": "2026-01-02T03:04:05.000006+00:00",
        "updated_at": "2026-01-02T03:04:05.000006+00:00",
        "is_request_fulfilled": false,
        "fulfilled_at": null,
        "fulfillment_notes": null,
    })
}
