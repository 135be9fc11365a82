//! What a licomed client makes of a frame. In: frames. Out: confirmations, errors, and what the other one says; a frame that
//! lacks a key of the document fails the test.

use serde_json::{Value, json};

use super::super::line::{Read, Reader};
use super::super::{Heard, Outcome};

/// The keys of every frame, and of each kind.
const FRAME: [&str; 6] = ["sender_id", "receiver_id", "timestamp", "created_msg_id", "message_type", "action"];
const TEXT_FRAME: [&str; 1] = ["message"];
const FILE_FRAME: [&str; 3] = ["message_body", "attached_file_name", "attached_file_size"];
const PROFILE_FRAME: [&str; 2] = ["message", "attached_profile"];

/// Reads the frames of one user.
pub struct Frames {
    pub us: String,
}

impl Reader for Frames {
    fn read(&mut self, frame: &Value) -> Read {
        let words = |key: &str| frame[key].as_str().unwrap_or_default().to_owned();
        if frame["action"] == "error" {
            assert_eq!(*frame, json!({ "action": "error", "message": words("message") }));
            return Read::Outcome(Outcome::Error { text: words("message") });
        }
        expect(frame, &FRAME);
        assert!(frame["created_msg_id"].is_u64(), "an id that is no number: {frame}");
        let (body, heard) = match frame["message_type"].as_str() {
            Some("text") => {
                expect(frame, &TEXT_FRAME);
                (words("message"), Heard::Text(words("message")))
            }
            Some("file") => {
                expect(frame, &FILE_FRAME);
                let id = frame["created_msg_id"].to_string();
                let heard = Heard::File { name: words("attached_file_name"), url: id, caption: words("message_body") };
                (words("message_body"), heard)
            }
            Some("user_profile") => {
                expect(frame, &PROFILE_FRAME);
                (String::new(), Heard::Text(frame["attached_profile"].to_string()))
            }
            _ => panic!("a frame of no known type: {frame}"),
        };
        match frame["action"].as_str() {
            Some("conf_message") => {
                assert_eq!(frame["sender_id"], self.us.as_str(), "the confirmation of somebody else's message");
                Read::Outcome(Outcome::Confirmed { body })
            }
            Some("re_message") => {
                assert_eq!(frame["receiver_id"], self.us.as_str(), "a message to somebody else");
                Read::Heard(heard)
            }
            _ => panic!("a frame of no known action: {frame}"),
        }
    }
}

/// Every key of the document is there; others may be.
pub fn expect(object: &Value, keys: &[&str]) {
    for key in keys {
        assert!(object.get(key).is_some(), "no `{key}` in {object}");
    }
}
