//! How licomed's document writes each row as JSON. In: rows. Out: the raw User (password hash and all), the messages of the
//! history, of the upload's answer, and of the frames; threads.

use serde_json::{Value, json};

use super::rows::{Content, File, Message, Rows, User};

/// Stands in every User object, as the document shows one; nobody but the backend may ever see it.
pub const PASSWORD_HASH: &str = "pbkdf2_sha256$600000$bWFkZS11cA$bm90LWEtcmVhbC1oYXNoLWF0LWFsbA";

/// How the document writes the size of what has no file.
const NO_FILE: &str = "0kb";

impl User {
    fn row(&self) -> Value {
        json!({
            "id": self.id,
            "password": PASSWORD_HASH,
            "last_login": null,
            "gender": "female",
            "email": self.email,
            "fullname": self.fullname,
            "country_code": "+999",
            "phone_number": self.phone_number,
            "is_email_verified": true,
            "is_phone_verified": true,
            "is_active": true,
            "is_staff": false,
            "is_admin": false,
            "is_superuser": false,
            "created_at": "2025-03-06T12:10:08.694946Z",
            "updated_at": "2025-03-14T09:31:21.194855Z",
            "account_type": "user",
            "date_of_birth": "1990-01-02",
            "profile_photo": null,
            "is_profile_complete": true,
            "groups": [],
            "user_permissions": [],
        })
    }

    fn short(&self) -> Value {
        json!({ "id": self.id, "email": self.email, "profile": null })
    }
}

impl File {
    /// Below the host, as the JSON has it.
    fn path(&self) -> String {
        let mut path = "/media/chat-files/".to_owned();
        for byte in self.stored.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' => path.push(byte.into()),
                _ => path += &format!("%{byte:02X}"),
            }
        }
        path
    }
}

impl Rows {
    /// The pair's messages, newest first.
    pub fn between(&self, one: &str, other: &str) -> Vec<Value> {
        let of_the_pair = |message: &&Message| {
            (message.sender == one && message.receiver == other) || (message.sender == other && message.receiver == one)
        };
        self.messages.iter().rev().filter(of_the_pair).map(|message| self.as_history(message)).collect()
    }

    /// The threads of a user: the other user and the last message.
    pub fn threads_of(&self, user: &str) -> Vec<Value> {
        let mine = self.threads.iter().enumerate().filter(|(_, pair)| pair.iter().any(|party| party == user));
        mine.map(|(place, pair)| {
            let id = place as u64 + 1;
            let other = if pair[0] == user { &pair[1] } else { &pair[0] };
            let last = self.messages.iter().rev().find(|message| message.thread == id);
            json!({
                "id": id,
                "other_user": self.user(other).map(User::row),
                "last_message": last.map(|message| self.as_history(message)),
            })
        })
        .collect()
    }

    /// The file messages of a thread, newest first; none where the user has no part in it.
    pub fn files_of(&self, thread: u64, user: &str) -> Option<Vec<Value>> {
        let pair = self.threads.get(usize::try_from(thread).ok()?.checked_sub(1)?)?;
        pair.iter().any(|party| party == user).then(|| {
            let files = self
                .messages
                .iter()
                .rev()
                .filter(|message| message.thread == thread && matches!(message.content, Content::File { .. }));
            files.map(|message| self.as_history(message)).collect()
        })
    }

    fn as_history(&self, message: &Message) -> Value {
        let (file, words, profile, kind) = match &message.content {
            Content::Text(words) => (None, Some(words), None, "text"),
            Content::File { words, file, .. } => (Some(file), Some(words), None, "file"),
            Content::Profile(profile) => (None, None, Some(profile), "user_profile"),
        };
        let at = zulu(message.microseconds);
        json!({
            "id": message.id,
            "sender": self.user(&message.sender).map(User::row),
            "receiver": self.user(&message.receiver).map(User::row),
            "attached_file_size": file.map_or_else(|| NO_FILE.to_owned(), |file| size(file.bytes.len())),
            "message": words,
            "updated_at": at,
            "created_at": at,
            "attached_file": file.map(File::path),
            "message_type": kind,
            "attached_file_name": file.map(|file| &file.name),
            "thread": message.thread,
            "attached_profile": profile,
        })
    }

    /// The message in the answer to an upload, which has keys of its own.
    pub fn as_uploaded(&self, message: &Message) -> Value {
        let Content::File { words, file, .. } = &message.content else { panic!("no file in {message:?}") };
        let at = zulu(message.microseconds);
        json!({
            "id": message.id,
            "sender": self.user(&message.sender).map(User::short),
            "receiver": self.user(&message.receiver).map(User::short),
            "attached_file_size": size(file.bytes.len()),
            "message": words,
            "updated": at,
            "created": at,
            "seen": false,
            "deleted": false,
            "attached_file": file.path(),
            "attached_file_name": file.name,
            "thread": message.thread,
        })
    }

    /// The frame; `action` is `re_message` or `conf_message`. A file's has no URL.
    pub fn as_frame(&self, message: &Message, action: &str) -> Value {
        let timestamp = with_offset(message.microseconds);
        match &message.content {
            Content::Text(words) => json!({
                "sender_id": message.sender,
                "receiver_id": message.receiver,
                "message": words,
                "timestamp": timestamp,
                "created_msg_id": message.id,
                "message_type": "text",
                "action": action,
            }),
            Content::File { words, file, .. } => json!({
                "message_body": words,
                "attached_file_name": file.name,
                "attached_file_size": size(file.bytes.len()),
                "sender_id": message.sender,
                "receiver_id": message.receiver,
                "timestamp": timestamp,
                "created_msg_id": message.id,
                "action": action,
                "message_type": "file",
            }),
            Content::Profile(profile) => json!({
                "sender_id": message.sender,
                "receiver_id": message.receiver,
                "message": null,
                "timestamp": timestamp,
                "created_msg_id": message.id,
                "attached_profile": self.user(profile).map(|user| json!({
                    "id": user.id, "fullname": user.fullname, "phone_number": user.phone_number,
                })),
                "message_type": "user_profile",
                "action": action,
            }),
        }
    }
}

/// `194.75KB`, or `1.50MB` from more than one of them on.
fn size(bytes: usize) -> String {
    let megabytes = bytes as f64 / 1_048_576.0;
    if megabytes > 1.0 { format!("{megabytes:.2}MB") } else { format!("{:.2}KB", bytes as f64 / 1024.0) }
}

/// As the calls write time.
fn zulu(microseconds: i64) -> String {
    format!("{}Z", without_zone(microseconds))
}

/// As the frames write time.
fn with_offset(microseconds: i64) -> String {
    format!("{}+00:00", without_zone(microseconds))
}

fn without_zone(microseconds: i64) -> String {
    let at = jiff::Timestamp::from_microsecond(microseconds).unwrap();
    at.strftime("%Y-%m-%dT%H:%M:%S%.6f").to_string()
}
