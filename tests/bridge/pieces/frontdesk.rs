//! Hotel staff: both profiles, the order of the checks of an upload, the words of every error.

use serde_json::{Value, json};

use super::promises::{PNG, Pair, promises};
use super::{SECRET, address, call, connect, error, token, upload};
use crate::client::frontdesk::Frontdesk as Staff;
use crate::client::{Client, Heard};
use crate::harness::http::{field, file};
use crate::harness::socket::{Heard as Frame, Socket};
use crate::standin::Standin;
use crate::standin::frontdesk::{Frontdesk, Profile};

const UPLOAD: &str = "/api/chat/upload-media/";

fn ann() -> Value {
    json!({ "sub": "staff-1", "name": "Ann Staff", "role": "staff" })
}

fn pair(says_end: bool) -> Pair {
    Pair {
        ann: ann(),
        ben: json!({ "sub": "staff-2", "name": "Ben Staff", "user_type": "receptionist" }),
        conversation: "101",
        image: "image",
        has_captions: true,
        stranger: 403,
        end: None,
        says_end,
        history: &["The pool", "Tonight", "Thanks"],
    }
}

mod documented {
    use super::*;
    promises!(Staff, Frontdesk::start(SECRET, Profile::Documented), pair(false));
}

mod deployed {
    use super::*;
    promises!(Staff, Frontdesk::start(SECRET, Profile::Deployed), pair(true));
}

async fn says(socket: &mut Socket, frame: Value) -> Value {
    socket.say(&frame.to_string()).await;
    socket.frame().await
}

async fn socket(standin: &Frontdesk, claims: Value) -> Socket {
    Socket::open(address(standin), &format!("/ws/chat/?token={}", token(claims)), None).await.unwrap()
}

#[tokio::test]
async fn frames_are_as_documented() {
    let standin = Frontdesk::start(SECRET, Profile::Documented).await;
    let mut ann = socket(&standin, ann()).await;
    let media = json!({
        "type": "media", "conversation_id": 101, "file_url": "https://elsewhere.example/menu.pdf", "filename": "menu.pdf",
        "file_type": "document", "caption": "Menu",
    });
    let mut told = says(&mut ann, media).await;
    assert!(told["message"]["created_at"].take().as_str().is_some_and(|at| at.len() == 20 && at.ends_with('Z')));
    let message = json!({
        "id": 1, "conversation_id": 101, "sender_type": "staff", "sender_name": "Ann Staff", "message_type": "document",
        "content": "Menu", "media_url": "https://elsewhere.example/menu.pdf", "media_filename": "menu.pdf",
        "created_at": null, "guest_info": { "name": "Gil", "room_number": "101" },
    });
    assert_eq!(told, json!({ "type": "chat_message", "message": message }));
    assert_eq!(standin.taken().await.file, None);
}

#[tokio::test]
async fn frames_are_as_deployed() {
    let standin = Frontdesk::start(SECRET, Profile::Deployed).await;
    let mut ann = socket(&standin, ann()).await;
    let acknowledged = says(&mut ann, json!({ "conversation_id": 101, "content": " Hello " })).await;
    assert_eq!((&acknowledged["status"], &acknowledged["message_id"]), (&json!("received"), &json!(1)));
    let message = ann.frame().await;
    assert_eq!((&message["type"], &message["data"]["content"]), (&json!("message"), &json!("Hello")));
    assert_eq!(message["data"]["sender_id"], 1);
    let update = ann.frame().await;
    assert_eq!((&update["type"], &update["data"]["type"]), (&json!("conversation_update"), &json!("new_message")));
    for (kind, status) in [
        ("mark_read", "marked_read"),
        ("subscribe_conversation", "subscribed"),
        ("unsubscribe_conversation", "unsubscribed"),
        ("reopen-temporary", "reopen_button_sent"),
        ("close_conversation", "conversation_closed"),
    ] {
        let told = says(&mut ann, json!({ "type": kind, "conversation_id": 101 })).await;
        assert_eq!((&told["type"], &told["status"]), (&json!("acknowledgment"), &json!(status)));
    }
    let closed = ann.frame().await;
    assert_eq!(
        (&closed["data"]["type"], &closed["data"]["updated_by"]),
        (&json!("conversation_closed"), &json!("Ann Staff"))
    );
    assert_eq!(standin.complaints(), [""; 0]);
}

#[tokio::test]
async fn every_error_keeps_the_socket_open() {
    let standin = Frontdesk::start(SECRET, Profile::Documented).await;
    let mut ann = socket(&standin, ann()).await;
    let media =
        json!({ "type": "media", "conversation_id": 101, "file_url": "u", "filename": "n", "file_type": "image" });
    let without = |key: &str| {
        let mut media = media.clone();
        media.as_object_mut().unwrap().remove(key);
        media
    };
    let mut odd = media.clone();
    odd["file_type"] = json!("sticker");
    for (frame, words) in [
        (json!({ "type": "text", "conversation_id": 101, "content": "  " }), "Message content cannot be empty"),
        (json!({ "type": "text", "content": "a" }), "Conversation ID is required"),
        (json!({ "type": "text", "conversation_id": 9, "content": "a" }), "Conversation not found"),
        (without("conversation_id"), "Conversation ID is required for media messages"),
        (without("file_url"), "File URL is required for media messages"),
        (without("filename"), "Filename is required for media messages"),
        (without("file_type"), "File type is required for media messages"),
        (odd, "Invalid file type. Must be one of: ['image', 'document', 'video', 'audio']"),
    ] {
        assert_eq!(says(&mut ann, frame).await, json!({ "type": "error", "message": words }));
    }
    assert_eq!(standin.complaints(), [""; 0]);
    // What no client sends is refused too, and remembered.
    assert_eq!(says(&mut ann, json!({ "type": "dance" })).await["message"], "Invalid message type");
    assert_eq!(says(&mut ann, json!("text")).await["message"], "Invalid JSON format");
    let frame = json!({ "type": "text", "conversation_id": "101", "content": "a", "mood": "good" });
    assert_eq!(says(&mut ann, frame).await["type"], "chat_message");
    let complaints = standin.complaints();
    assert_eq!(complaints.len(), 4, "{complaints:?}");
    assert!(complaints.iter().any(|complaint| complaint == "socket: unknown key \"mood\""), "{complaints:?}");

    let mut other = socket(&standin, json!({ "sub": "staff-3", "role": "staff", "department": "housekeeping" })).await;
    let frame = json!({ "type": "text", "conversation_id": 101, "content": "a" });
    assert_eq!(says(&mut other, frame).await["message"], "Access denied to this conversation");
    ann.send(tokio_tungstenite::tungstenite::Message::binary(vec![0])).await;
    // What the others were told meanwhile comes first.
    assert_eq!(ann.hear().await, Frame::Closed(1011));
}

#[tokio::test]
async fn who_is_no_staff_is_kept_out() {
    let standin = Frontdesk::start(SECRET, Profile::Deployed).await;
    for claims in
        [json!({ "sub": "1" }), json!({ "sub": "1", "role": "guest" }), json!({ "sub": "1", "role": "other_staff" })]
    {
        let path = format!("/ws/chat/?token={}", token(claims));
        assert_eq!(Socket::open(address(&standin), &path, None).await.err(), Some(403));
    }
    assert_eq!(Socket::open(address(&standin), "/ws/chat/", None).await.err(), Some(403));
    let path = "/api/chat/conversations/101/";
    let missing = json!({ "success": false, "message": "Authentication credentials were not provided." });
    assert_eq!(call(&standin, "GET", path, "", None).await, (401, missing));
    let invalid = json!({ "success": false, "message": "Invalid authentication credentials." });
    assert_eq!(call(&standin, "GET", path, "Bearer nonsense", None).await, (401, invalid));
}

#[tokio::test]
async fn uploads_are_checked_in_order() {
    for profile in [Profile::Documented, Profile::Deployed] {
        let standin = Frontdesk::start(SECRET, profile).await;
        let staff = format!("Bearer {}", token(ann()));
        let guest = format!("Bearer {}", token(json!({ "sub": "1", "role": "guest" })));
        let other = format!("Bearer {}", token(json!({ "sub": "2", "role": "staff", "department": "spa" })));
        let role = match profile {
            Profile::Documented => "Only department staff can upload files",
            Profile::Deployed => "Access denied. Only hotel staff can upload media.",
        };
        let id = || field("conversation_id", "101");
        let ten = vec![0; 10 * 1024 * 1024];
        let more = vec![0; 10 * 1024 * 1024 + 1];
        let zip = || file("file", "a.zip", "application/zip", b"PK");
        let png = || file("file", "a.png", "image/png", PNG);
        for (credential, parts, status, words) in [
            (&guest, vec![file("file", "a.zip", "application/zip", &more)], 400, "conversation_id is required"),
            (&guest, vec![field("conversation_id", "9")], 400, "file is required"),
            (&guest, vec![id(), file("file", "a.zip", "application/zip", &more)], 400, "File size exceeds 10MB limit"),
            (&guest, vec![field("conversation_id", "9"), zip()], 400, "File type application/zip is not supported"),
            (&guest, vec![field("conversation_id", "9"), png()], 403, role),
            (&other, vec![field("conversation_id", "9"), png()], 404, "Conversation not found"),
            (&other, vec![id(), png()], 403, "Access denied to this conversation"),
        ] {
            let answer = upload(&standin, UPLOAD, credential, &parts).await;
            assert_eq!((answer.status, answer.json()), (status, error(words)));
        }
        assert_eq!(standin.counts(), (0, 0));
        let parts = [id(), field("caption", "c"), file("file", "a.png", "image/png", &ten)];
        let answer = upload(&standin, UPLOAD, &staff, &parts).await;
        let body = answer.json();
        match profile {
            Profile::Documented => {
                assert_eq!(answer.status, 200);
                let url = body["file_url"].as_str().unwrap();
                assert!(
                    url.starts_with(&format!("{}/media/chat/", standin.http())) && url.ends_with("/a.png"),
                    "{url}"
                );
                assert_eq!(body["file_size"], ten.len());
                assert_eq!((&body["conversation_id"], &body["caption"]), (&json!(101), &json!("c")));
            }
            Profile::Deployed => {
                assert_eq!(answer.status, 201);
                assert!(body["file_url"].as_str().unwrap().starts_with("/media/chat/hotel_"));
                assert_eq!(body["conversation_id"], "101");
                let info = json!({ "original_name": "a.png", "size": ten.len(), "content_type": "image/png" });
                assert_eq!(body["file_info"], info);
            }
        }
        assert_eq!(standin.complaints(), [""; 0]);
    }
}

#[tokio::test]
async fn types_are_told_by_extension_or_as_declared() {
    for (profile, name, mime, kind) in [
        (Profile::Documented, "a.MOV", "video/quicktime", Some("video")),
        (Profile::Deployed, "a.mov", "video/quicktime", None),
        (Profile::Deployed, "a.mov", "video/mov", Some("video")),
        (Profile::Documented, "a.mp3", "application/octet-stream", Some("audio")),
        (Profile::Deployed, "a.mp3", "application/octet-stream", None),
        (Profile::Documented, "a.ogg", "audio/ogg", None),
        (Profile::Deployed, "a.ogg", "audio/ogg", Some("audio")),
        (Profile::Documented, "a.docx", "text/plain", Some("document")),
        (Profile::Documented, "noextension", "image/png", None),
    ] {
        let standin = Frontdesk::start(SECRET, profile).await;
        let staff: Staff = connect(&standin, ann()).await;
        let found = staff.upload(name, mime, b"bytes", "").await;
        match kind {
            Some(kind) => assert_eq!(found.unwrap()["file_type"], kind, "{name} {mime}"),
            None => assert_eq!(found, Err((400, format!("File type {mime} is not supported")))),
        }
    }
}

#[tokio::test]
async fn the_dashboard_lists_reads_and_closes() {
    let standin = Frontdesk::start(SECRET, Profile::Deployed).await;
    let credential = format!("Bearer {}", token(ann()));
    let mut staff: Staff = connect(&standin, ann()).await;
    standin.say("one").await;
    standin.say_file("key card.png", "image/png", PNG, "").await;
    assert_eq!(staff.hears().await, Heard::Text("one".to_owned()));
    let Heard::File { name, caption, .. } = staff.hears().await else { panic!("no file") };
    assert_eq!(name, caption);
    let (_, list) = call(&standin, "GET", "/api/chat/conversations/", &credential, None).await;
    assert_eq!(
        (&list["count"], &list["results"][0]["id"], &list["results"][0]["unread_count"]),
        (&json!(1), &json!(101), &json!(2))
    );
    let body = json!({ "conversation_id": 101 });
    let (status, read) = call(&standin, "POST", "/api/chat/messages/mark-read/", &credential, Some(body.clone())).await;
    assert_eq!((status, &read["message_ids"]), (200, &json!([1, 2])));
    assert_eq!(call(&standin, "GET", "/api/chat/conversations/101", &credential, None).await.0, 301);
    let (status, closed) = call(&standin, "POST", "/api/chat/conversations/close/", &credential, Some(body)).await;
    assert_eq!((status, &closed["status"]), (200, &json!("closed")));
    assert!(staff.ended().await);
    let (_, list) = call(&standin, "GET", "/api/chat/conversations/", &credential, None).await;
    assert_eq!(list["count"], 0);
    for (id, refusal) in [("9", (404, error("Conversation not found"))), ("101", (200, Value::Null))] {
        let (status, body) = call(&standin, "GET", &format!("/api/chat/conversations/{id}/"), &credential, None).await;
        assert_eq!(status, refusal.0);
        assert!(refusal.1.is_null() || body == refusal.1);
    }
    assert_eq!(standin.complaints(), [""; 0]);
}
