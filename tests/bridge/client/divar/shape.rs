//! What a message of divar looks like. In: a message of an answer or an event. Out: what is not as its document shows it.

use serde_json::Value;

/// A message of get-conversation is as its document shows it.
pub fn expect_message(message: &Value) {
    let wrong = wrong_in(message, false);
    assert!(wrong.is_empty(), "{wrong:?} in {message}");
}

/// What is wrong with a message: of a webhook, where time and sizes are numbers, or of an answer, where time is text.
pub fn wrong_in(message: &Value, is_event: bool) -> Vec<String> {
    const KEYS: [&str; 12] = [
        "id",
        "conversation",
        "sender",
        "type",
        "sent_at",
        "text",
        "image_data",
        "file_data",
        "voice_data",
        "video_data",
        "location_data",
        "contact_data",
    ];
    let mut wrong = Vec::new();
    let mut expect = |holds: bool, what: &str| {
        if !holds {
            wrong.push(what.to_owned());
        }
    };
    let keys = || message.as_object().into_iter().flat_map(|message| message.keys());
    expect(keys().all(|key| KEYS.contains(&key.as_str())), "a key that no document has");
    expect(message["id"].is_string(), "an id that is no text");
    expect(message["conversation"]["id"].is_string(), "a conversation without an id");
    let one_of = |value: &Value, known: &[&str]| value.as_str().is_some_and(|value| known.contains(&value));
    expect(one_of(&message["conversation"]["type"], &["POST", "BOT"]), "a conversation of no known type");
    expect(one_of(&message["sender"]["type"], &["HUMAN", "BOT"]), "a sender of no known type");
    let side = &message["sender"]["side"];
    expect(side.is_null() || one_of(side, &["BUYER", "SELLER"]), "a sender of no known side");
    let (sent_at, kind) = (&message["sent_at"], message["type"].as_str().unwrap_or_default());
    let is_time = if is_event { sent_at.is_u64() } else { sent_at.as_str().is_some_and(|at| at.contains('T')) };
    expect(is_time, "a time of the wrong form");
    let (key, is_file) = match kind {
        "TEXT" => ("text", false),
        "IMAGE" => ("image_data", true),
        "FILE" => ("file_data", true),
        "VOICE" => ("voice_data", true),
        "VIDEO" => ("video_data", true),
        "LOCATION" => ("location_data", false),
        "CONTACT" => ("contact_data", false),
        _ => ("", false),
    };
    expect(message.get(key).is_some(), "no data of its type");
    if is_file {
        let data = &message[key];
        expect(data["link"].as_str().is_some_and(|link| link.starts_with("http")), "a file without a link");
        let size = &data["size_bytes"];
        expect(!is_event || size.is_null() || size.is_u64(), "a size that is no number");
        expect(kind != "FILE" || data["name"].is_string(), "a file without a name");
    }
    wrong
}
