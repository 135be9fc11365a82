//! Store support: both roles, types by extension, a session that is claimed and closed.

use serde_json::{Value, json};

use super::promises::{PNG, Pair, promises};
use super::{SECRET, address, call, connect, error, token, upload};
use crate::client::luxmart::Luxmart as Person;
use crate::client::{Client, Heard};
use crate::harness::http::{field, file};
use crate::harness::socket::Socket;
use crate::standin::Standin;
use crate::standin::luxmart::Luxmart;

const UPLOAD: &str = "/v1/chat/upload/";

fn ann() -> Value {
    json!({ "sub": "2", "role": "admin", "name": "Ann" })
}

fn ben() -> Value {
    json!({ "sub": "3", "role": "2" })
}

fn store() -> Value {
    json!({ "sub": "10", "role": "store" })
}

fn pair(ann: Value, ben: Value) -> Pair {
    Pair {
        ann,
        ben,
        conversation: "7",
        image: "image",
        has_captions: true,
        stranger: 401,
        end: None,
        says_end: true,
        history: &["The pool", "Tonight", "Thanks"],
    }
}

mod admins {
    use super::*;
    promises!(Person, Luxmart::start(SECRET), pair(ann(), ben()));
}

mod stores {
    use super::*;
    promises!(Person, Luxmart::start(SECRET), pair(store(), store()));
}

fn credential(claims: Value) -> String {
    format!("Token {}", token(claims))
}

#[tokio::test]
async fn both_sides_talk() {
    let standin = Luxmart::start(SECRET).await;
    let mut admin: Person = connect(&standin, ann()).await;
    let mut seller: Person = connect(&standin, store()).await;
    admin.say("May I help?").await;
    assert_eq!(seller.hears().await, Heard::Text("May I help?".to_owned()));
    seller.say_file("list.xlsx", "application/octet-stream", b"cells", "").await.unwrap();
    let Heard::File { name, url, caption } = admin.hears().await else { panic!("no file") };
    assert_eq!((name.as_str(), caption.as_str()), ("list.xlsx", ""));
    assert_eq!(url, format!("{}/chat/session-7/list.xlsx", standin.http()));
    assert_eq!(admin.fetch(&url).await, (200, b"cells".to_vec()));
    standin.taken().await;
    let taken = standin.taken().await;
    assert_eq!((taken.kind.as_str(), taken.name.as_deref()), ("document", Some("list.xlsx")));
    // With an admin listening, the stand-in speaks as the store.
    standin.say("Thanks").await;
    assert_eq!(admin.hears().await, Heard::Text("Thanks".to_owned()));
    assert_eq!(
        admin.history().await,
        Some(vec!["May I help?".to_owned(), "list.xlsx".to_owned(), "Thanks".to_owned()])
    );
    assert_eq!(standin.complaints(), [""; 0]);
}

#[tokio::test]
async fn frames_are_as_documented() {
    let standin = Luxmart::start(SECRET).await;
    let path = format!("/v1/chat/ws/store/?token={}", token(store()));
    let mut seller = Socket::open(address(&standin), &path, None).await.unwrap();
    seller.say(r#"{"type":"message","payload":{"content":"Hi"}}"#).await;
    let mut told = seller.frame().await;
    assert!(told["payload"]["message"]["created_at"].take().as_str().is_some_and(|at| at.len() == 20));
    let message = json!({
        "id": 1, "session_id": 7, "sender_type": "store", "content": "Hi", "is_read": false, "created_at": null,
    });
    assert_eq!(told, json!({ "type": "message", "payload": { "message": message } }));
    seller.say(r#"{"type":"typing","payload":{"is_typing":true}}"#).await;
    let typing = json!({ "type": "typing", "payload": { "is_typing": true, "sender_type": "store" } });
    assert_eq!(seller.frame().await, typing);
    seller.say(r#"{"type":"message","payload":{"content":" "}}"#).await;
    let refused = json!({ "type": "error", "payload": { "message": "Message content or attachment is required" } });
    assert_eq!(seller.frame().await, refused);
    assert_eq!(standin.complaints(), [""; 0]);
    for frame in [
        r#"{"type":"dance","payload":{}}"#,
        "[",
        r#"{"type":"message","payload":{"content":"a","session_id":7}}"#,
        r#"{"type":"message","content":"a"}"#,
    ] {
        seller.say(frame).await;
        seller.frame().await;
    }
    // The last one has an unknown key and a payload that is none.
    assert_eq!(standin.complaints().len(), 5, "{:?}", standin.complaints());
}

#[tokio::test]
async fn a_session_is_claimed_and_closed() {
    let standin = Luxmart::start(SECRET).await;
    let (ann, ben, store) = (credential(ann()), credential(ben()), credential(store()));
    let seven = || Some(json!({ "session_id": 7 }));
    let claim = "/v1/chat/admin/session/claim/";
    let (_, open) = call(&standin, "GET", "/v1/chat/admin/sessions/open/", &ann, None).await;
    assert_eq!((&open["count"], &open["data"][0]["store"]["id"]), (&json!(1), &json!(10)));
    let (status, claimed) = call(&standin, "POST", claim, &ann, seven()).await;
    assert_eq!((status, &claimed["status"], &claimed["admin_id"]), (200, &json!("claimed"), &json!(2)));
    let (_, my) = call(&standin, "GET", "/v1/chat/admin/sessions/my/", &ann, None).await;
    assert_eq!(my["count"], 1);
    let message = "/v1/chat/admin/message/";
    let hello = |id: Value| Some(json!({ "session_id": id, "content": "Hello" }));
    let close = "/v1/chat/admin/close/";
    for (path, credential, body, status, words) in [
        (claim, &ben, seven(), 400, "Session already claimed or not found"),
        (message, &ben, hello(json!(7)), 403, "Session not found or not assigned"),
        (message, &ann, hello(json!("7")), 400, "session_id must be integer"),
        (message, &ann, hello(json!(8)), 404, "Session not found"),
        (message, &ann, Some(json!({ "content": "Hello" })), 400, "session_id is required"),
        (message, &ann, seven(), 400, "Message content or attachment is required"),
        (close, &ben, seven(), 403, "Session belongs to another admin"),
    ] {
        assert_eq!(call(&standin, "POST", path, credential, body).await, (status, error(words)), "{path}");
    }
    let (_, said) = call(&standin, "POST", message, &ann, hello(json!(7))).await;
    assert_eq!((&said["message"]["content"], &said["message"]["attachment_url"]), (&json!("Hello"), &json!("")));
    assert_eq!(said["session"]["status"], "claimed");
    let read = call(&standin, "POST", "/v1/chat/message/read/", &store, seven()).await;
    assert_eq!(read, (200, json!({ "status": "ok" })));
    let (_, session) = call(&standin, "GET", "/v1/chat/store/session/", &store, None).await;
    assert_eq!((&session["messages"][0]["status"], &session["store"]), (&json!("read"), &Value::Null));
    let (status, closed) = call(&standin, "POST", close, &ann, seven()).await;
    assert_eq!((status, &closed["status"]), (200, &json!("closed")));
    assert!(closed["closed_at"].is_string());
    assert_eq!(call(&standin, "POST", close, &ann, seven()).await, (400, error("Session already closed")));
    assert_eq!(call(&standin, "POST", message, &ann, hello(json!(7))).await, (400, error("Session is closed")));
    assert_eq!(standin.complaints(), [""; 0]);
}

#[tokio::test]
async fn uploads_are_typed_by_their_extension() {
    let standin = Luxmart::start(SECRET).await;
    let (admin, store) = (credential(ann()), credential(store()));
    for (credential, parts, status, body) in [
        ("Token bad", vec![file("file", "a.png", "image/png", PNG)], 401, error("Unauthorized")),
        (
            &format!("Bearer {}", token(ann())),
            vec![file("file", "a.png", "image/png", PNG)],
            401,
            error("Unauthorized"),
        ),
        (&admin, vec![field("file", "no file")], 400, error("file is required")),
        (&admin, vec![file("file", "a.txt", "image/png", PNG)], 400, error("Unsupported file type")),
        (&admin, vec![file("file", "a.mp4", "video/mp4", PNG)], 400, error("Unsupported file type")),
        (
            &admin,
            vec![file("file", "a.png", "image/png", &vec![0; 10 * 1024 * 1024 + 1])],
            413,
            error("File too large"),
        ),
    ] {
        let answer = upload(&standin, UPLOAD, credential, &parts).await;
        assert_eq!((answer.status, answer.json()), (status, body));
    }
    for (credential, session, name, folder, mime) in [
        (&admin, Some("7"), "a.HEIC", "session-7", "image/heic"),
        (&admin, None, "a.pdf", "admin-2", "application/pdf"),
        (&store, None, "a.jpg", "store-10", "image/jpeg"),
    ] {
        let session = session.map(|session| field("session_id", session));
        let parts: Vec<_> = session.into_iter().chain([file("file", name, "text/plain", b"x")]).collect();
        let answer = upload(&standin, UPLOAD, credential, &parts).await;
        let body = json!({ "url": format!("{}/chat/{folder}/{name}", standin.http()), "type": mime });
        assert_eq!((answer.status, answer.json()), (200, body));
    }
    assert_eq!((standin.counts(), standin.complaints().len()), ((0, 3), 0));
}

#[tokio::test]
async fn a_role_keeps_to_its_own_calls() {
    let standin = Luxmart::start(SECRET).await;
    for (claims, path) in [
        (ann(), "/v1/chat/ws/store/"),
        (store(), "/v1/chat/ws/admin/"),
        (json!({ "sub": "1", "role": "user" }), "/v1/chat/ws/store/"),
    ] {
        let path = format!("{path}?token={}", token(claims));
        assert_eq!(Socket::open(address(&standin), &path, None).await.err(), Some(401));
    }
    let path = "/v1/chat/admin/sessions/open/";
    assert_eq!(call(&standin, "GET", path, &credential(store()), None).await, (403, error("Forbidden")));
    assert_eq!(standin.complaints().len(), 1);
}
