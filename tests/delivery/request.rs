//! The documented form of the calls, and nothing else. In: a call as it came. Out: what was asked for, or why it is refused,
//! by the numbers of the documentation.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::harness::http::Answer;

/// The phone number id of the house, and its access token.
pub const SENDER: &str = "106540352242922";
pub const TOKEN: &str = "EAAJtokenOfTheStandIn0123456789";

const MEBIBYTE: usize = 1024 * 1024;

/// What media may be, by the kind of message, with the most bytes.
const MEDIA: &[(&str, usize, &[&str])] = &[
    ("image", 5 * MEBIBYTE, &["image/jpeg", "image/png"]),
    ("video", 16 * MEBIBYTE, &["video/mp4", "video/3gpp"]),
    ("audio", 16 * MEBIBYTE, &["audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg"]),
    (
        "document",
        100 * MEBIBYTE,
        &[
            "text/plain",
            "application/pdf",
            "application/msword",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            "application/vnd.ms-excel",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            "application/vnd.ms-powerpoint",
            "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        ],
    ),
];

/// A call as it came.
pub struct Call {
    pub method: String,
    /// With its query.
    pub target: String,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

/// What was uploaded.
#[derive(Debug, Clone, PartialEq)]
pub struct Media {
    pub mime: String,
    pub name: String,
    pub content: Vec<u8>,
}

/// What is asked for.
#[derive(Debug)]
pub enum Asked {
    Upload(Media),
    Message(Value),
}

/// Status, number and words.
pub type Refused = (u16, i64, String);

fn invalid(words: impl Into<String>) -> Refused {
    (400, 100, words.into())
}

/// Judges a call; `media` is what there is by its id.
pub fn judge(call: &Call, media: &BTreeMap<String, Media>) -> Result<Asked, Refused> {
    if call.method != "POST" {
        return Err((405, 100, format!("{} is no method here", call.method)));
    }
    if call.headers.get("authorization").map(String::as_str) != Some(&format!("Bearer {TOKEN}")) {
        return Err((401, 190, "Invalid OAuth access token".to_owned()));
    }
    let kind = call.headers.get("content-type").map(String::as_str).unwrap_or_default();
    if call.target == format!("/v22.0/{SENDER}/media") {
        upload(kind, &call.body).map(Asked::Upload)
    } else if call.target == format!("/v22.0/{SENDER}/messages") {
        if kind.split(';').next().unwrap_or_default().trim() != "application/json" {
            return Err(invalid(format!("messages are JSON, not {kind:?}")));
        }
        let message: Value = serde_json::from_slice(&call.body).map_err(|error| invalid(error.to_string()))?;
        self::message(&message, media)?;
        Ok(Asked::Message(message))
    } else {
        Err((404, 100, format!("there is no {}", call.target)))
    }
}

/// Exactly these members, of which those with `?` may be missing.
fn members<'a>(value: &'a Value, of: &str, known: &[&str]) -> Result<&'a Map<String, Value>, Refused> {
    let object = value.as_object().ok_or_else(|| invalid(format!("{of} is no object")))?;
    let is_known = |name: &str| known.iter().any(|known| known.trim_end_matches('?') == name);
    if let Some(name) = object.keys().find(|name| !is_known(name)) {
        return Err(invalid(format!("Unexpected key {name:?} on param {of:?}")));
    }
    match known.iter().find(|name| !name.ends_with('?') && !object.contains_key(**name)) {
        Some(name) => Err(invalid(format!("The parameter {of}.{name} is required"))),
        None => Ok(object),
    }
}

fn text<'a>(object: &'a Map<String, Value>, name: &str, longest: usize) -> Result<Option<&'a str>, Refused> {
    let Some(value) = object.get(name) else { return Ok(None) };
    let text = value.as_str().ok_or_else(|| invalid(format!("{name} must be a string")))?;
    if text.is_empty() || text.chars().count() > longest {
        return Err(invalid(format!("{name} must have 1 to {longest} characters")));
    }
    Ok(Some(text))
}

fn message(message: &Value, media: &BTreeMap<String, Media>) -> Result<(), Refused> {
    let kind = message["type"].as_str().ok_or_else(|| invalid("type must be a string"))?;
    let known = ["messaging_product", "recipient_type?", "to", "type", kind];
    let object = members(message, "message", &known)?;
    if object["messaging_product"] != "whatsapp"
        || object.get("recipient_type").is_some_and(|kind| kind != "individual")
    {
        return Err(invalid("messaging_product and recipient_type are constants"));
    }
    let to = text(object, "to", 16)?.unwrap_or_default();
    let digits = to.strip_prefix('+').unwrap_or(to);
    if !(7..=15).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err((400, 131009, "to is no phone number".to_owned()));
    }
    if kind == "text" {
        let body = members(&object["text"], "text", &["body", "preview_url?"])?;
        text(body, "body", 4096)?;
        return match body.get("preview_url") {
            Some(preview) if !preview.is_boolean() => Err(invalid("preview_url must be true or false")),
            _ => Ok(()),
        };
    }
    let (_, _, types) =
        MEDIA.iter().find(|(known, ..)| *known == kind).ok_or((400, 131051, "Unsupported message type".to_owned()))?;
    let known: &[&str] = match kind {
        "audio" => &["id?", "link?"],
        "document" => &["id?", "link?", "caption?", "filename?"],
        _ => &["id?", "link?", "caption?"],
    };
    let file = members(&object[kind], kind, known)?;
    text(file, "caption", 1024)?;
    text(file, "filename", 240)?;
    match (text(file, "id", 100)?, text(file, "link", 2000)?) {
        (Some(id), None) => match media.get(id) {
            Some(media) if types.contains(&media.mime.as_str()) => Ok(()),
            Some(media) => Err((400, 131053, format!("{} is no {kind}", media.mime))),
            None => Err((400, 100, format!("{kind}.id is not a valid media id"))),
        },
        (None, Some(link)) if link.starts_with("https://") => Ok(()),
        (None, Some(_)) => Err(invalid("link must be https here")),
        _ => Err(invalid("one of id and link")),
    }
}

fn upload(kind: &str, body: &[u8]) -> Result<Media, Refused> {
    let boundary = kind.strip_prefix("multipart/form-data; boundary=").ok_or_else(|| invalid("media is a form"))?;
    let (mut fields, mut found) = (BTreeMap::new(), None);
    for part in parts(body, boundary)? {
        let (head, content) = part;
        let name = parameter(&head, "name").ok_or_else(|| invalid("a part without a name"))?;
        match parameter(&head, "filename") {
            Some(file_name) if name == "file" => {
                let mime = head.lines().find_map(|line| line.strip_prefix("Content-Type: "));
                let mime = mime.ok_or_else(|| invalid("a file without a type"))?.to_owned();
                found = Some(Media { mime, name: file_name, content });
            }
            _ => {
                fields.insert(name, String::from_utf8(content).map_err(|_| invalid("a field is not UTF-8"))?);
            }
        }
    }
    let media = found.ok_or_else(|| invalid("there is no file"))?;
    let expected = json!({ "messaging_product": "whatsapp", "type": media.mime });
    if json!(fields) != expected {
        return Err(invalid(format!("the fields are {fields:?}, wanted {expected}")));
    }
    let (_, most, _) = MEDIA
        .iter()
        .find(|(_, _, types)| types.contains(&media.mime.as_str()))
        .ok_or_else(|| (400, 131053, format!("{} is not supported", media.mime)))?;
    if media.content.is_empty() || media.content.len() > *most || media.name.is_empty() {
        return Err((400, 131053, format!("{} bytes", media.content.len())));
    }
    Ok(media)
}

/// Head and content of each part.
fn parts(body: &[u8], boundary: &str) -> Result<Vec<(String, Vec<u8>)>, Refused> {
    let (mut parts, mut rest) = (Vec::new(), body);
    let opening = format!("--{boundary}\r\n");
    let closing = format!("--{boundary}--\r\n");
    while let Some(after) = rest.strip_prefix(opening.as_bytes()) {
        let head = find(after, b"\r\n\r\n").ok_or_else(|| invalid("a part without a head"))?;
        let content = &after[head + 4..];
        let end =
            find(content, format!("\r\n--{boundary}").as_bytes()).ok_or_else(|| invalid("a part without an end"))?;
        parts.push((String::from_utf8_lossy(&after[..head]).into_owned(), content[..end].to_vec()));
        rest = &content[end + 2..];
    }
    if rest == closing.as_bytes() { Ok(parts) } else { Err(invalid("the form is cut off")) }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

fn parameter(head: &str, name: &str) -> Option<String> {
    let line = head.lines().find(|line| line.starts_with("Content-Disposition: form-data"))?;
    let (_, rest) = line.split_once(&format!("; {name}=\""))?;
    rest.split_once('"').map(|(value, _)| value.to_owned())
}

/// A refusal as the Graph API says it.
pub fn refusal((status, code, words): &Refused) -> (u16, Value) {
    let error = json!({
        "message": format!("(#{code}) {words}"), "type": "OAuthException", "code": code,
        "error_data": { "messaging_product": "whatsapp", "details": words }, "fbtrace_id": "AbCdEfGhIjK",
    });
    (*status, json!({ "error": error }))
}

/// What the stand-in says to calls that are not as documented: were it to take them, the tests here would show nothing.
#[tokio::test]
async fn the_stand_in_refuses_what_is_not_documented() {
    use super::harness::http::{self, field, file, post_form};
    let api = super::api::Api::start().await;
    let bearer = format!("Bearer {TOKEN}");
    let path = format!("/v22.0/{SENDER}/messages");
    let good =
        json!({ "messaging_product": "whatsapp", "to": "+15550001111", "type": "text", "text": { "body": "x" } });
    let say = async |path: &str, headers: &[(&str, &str)], body: &Value| -> Answer {
        http::post_json(api.address(), path, headers, body.to_string().as_bytes()).await
    };
    let authorized = [("Authorization", bearer.as_str())];
    assert_eq!(say(&path, &authorized, &good).await.status, 200, "the one that is good");
    assert_eq!(say(&path, &[], &good).await.status, 401);
    assert_eq!(say(&path, &[("Authorization", "Bearer other")], &good).await.status, 401);
    assert_eq!(say(&path.replace("v22", "v21"), &authorized, &good).await.status, 404);
    assert_eq!(say("/v22.0/1/messages", &authorized, &good).await.status, 404);
    assert_eq!(say(&format!("{path}?x=1"), &authorized, &good).await.status, 404);
    assert_eq!(http::get(api.address(), &path, &authorized).await.status, 405);
    let plain = [("Authorization", bearer.as_str()), ("Content-Type", "text/plain")];
    let request = http::request("POST", &path, &plain, good.to_string().as_bytes());
    assert_eq!(http::send(api.address(), &request).await.status, 400);

    let form =
        [field("messaging_product", "whatsapp"), field("type", "image/png"), file("file", "a.png", "image/png", b"x")];
    let media = format!("/v22.0/{SENDER}/media");
    let uploaded = post_form(api.address(), &media, &authorized, &form).await;
    let id = uploaded.json()["id"].as_str().expect("an id").to_owned();
    let of = |kind: &str, inner: Value| json!({ "messaging_product": "whatsapp", "to": "+15550001111", "type": kind, kind: inner });
    assert_eq!(say(&path, &authorized, &of("image", json!({ "id": id, "caption": "x" }))).await.status, 200);
    for (why, bad) in [
        ("an unknown member", of("text", json!({ "body": "x", "size": 1 }))),
        ("a wrong type", of("text", json!({ "body": 7 }))),
        ("no text", of("text", json!({ "body": "" }))),
        ("too long a text", of("text", json!({ "body": "x".repeat(4097) }))),
        ("a caption of audio", of("audio", json!({ "link": "https://x.example/a.mp3", "caption": "x" }))),
        ("too long a caption", of("image", json!({ "id": id, "caption": "x".repeat(1025) }))),
        ("a file name of an image", of("image", json!({ "id": id, "filename": "a.png" }))),
        ("a link without TLS", of("image", json!({ "link": "http://x.example/a.png" }))),
        ("an unknown id", of("image", json!({ "id": "7" }))),
        ("media of another kind", of("audio", json!({ "id": id }))),
        ("id and link", of("image", json!({ "id": id, "link": "https://x.example/a.png" }))),
        ("an unknown kind", of("sound", json!({ "id": id }))),
        (
            "another product",
            json!({ "messaging_product": "x", "to": "15550001111", "type": "text", "text": { "body": "x" } }),
        ),
        (
            "no number",
            json!({ "messaging_product": "whatsapp", "to": "room 101", "type": "text", "text": { "body": "x" } }),
        ),
    ] {
        assert_eq!(say(&path, &authorized, &bad).await.status, 400, "{why}");
    }
    let lacking = [field("type", "image/png"), file("file", "a.png", "image/png", b"x")];
    let other =
        [field("messaging_product", "whatsapp"), field("type", "image/gif"), file("file", "a.gif", "image/gif", b"x")];
    for form in [&lacking[..], &other[..]] {
        assert_eq!(post_form(api.address(), &media, &authorized, form).await.status, 400);
    }
    assert_eq!(api.messages().len(), 2);
}
