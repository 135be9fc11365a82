//! The life of one support session of a shop on the hub, as luxmart's pages tell it: begun, notified, typed in, claimed,
//! read, closed; each side hears what is for it.

use serde_json::{Value, json};

use crate::harness::socket::Socket;
use crate::harness::{Gateway, http};

/// A caller of one role.
struct Caller<'a> {
    gateway: &'a Gateway,
    authorization: String,
}

impl Caller<'_> {
    async fn get(&self, path: &str) -> (u16, Value) {
        let headers = [("Authorization", self.authorization.as_str())];
        let answer = http::get(self.gateway.address, &format!("/v1/chat/{path}"), &headers).await;
        (answer.status, answer.json())
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        let headers = [("Authorization", self.authorization.as_str())];
        let path = format!("/v1/chat/{path}");
        let answer = http::post_json(self.gateway.address, &path, &headers, body.to_string().as_bytes()).await;
        (answer.status, answer.json())
    }
}

fn caller<'a>(gateway: &'a Gateway, token: &str) -> Caller<'a> {
    Caller { gateway, authorization: format!("Token {token}") }
}

fn update(session: &Value, status: &str) -> Value {
    json!([session, status])
}

/// What a `session_update` says, in short.
async fn updated(socket: &mut Socket) -> Value {
    let frame = socket.frame().await;
    assert_eq!(frame["type"], "session_update", "{frame}");
    let session = &frame["payload"]["session"];
    json!([session["id"], session["status"]])
}

#[tokio::test]
async fn a_session_is_begun_claimed_read_and_closed() {
    let gateway = Gateway::start("").await;
    let store = gateway.token(json!({ "sub": "10", "role": "store", "name": "Lamp Shop" }));
    let admin = gateway.token(json!({ "sub": "2", "role": "admin", "name": "Eve" }));
    let mut support = Socket::open(gateway.address, &format!("/v1/chat/ws/admin/?token={admin}"), None).await.unwrap();
    let (shop_calls, admin_calls) = (caller(&gateway, &store), caller(&gateway, &admin));

    // It begins with the shop's first look, and the administrators are told and notified.
    let (status, opened) = shop_calls.get("store/session/").await;
    assert_eq!((status, &opened["status"], &opened["store_id"]), (200, &json!("open"), &json!(10)));
    let session = opened["id"].clone();
    assert_eq!(updated(&mut support).await, update(&session, "open"));
    assert_eq!(support.frame().await, json!({ "type": "new_notification", "payload": { "count": 1 } }));
    let (status, notified) = admin_calls.get("admin/notifications/").await;
    assert_eq!((status, &notified["success"]), (200, &json!(true)));
    assert_eq!((&notified["data"][0]["session_id"], &notified["data"][1]), (&session, &Value::Null));
    assert_eq!(shop_calls.get("admin/notifications/").await.0, 403);

    // Typing: the shop is not told of a session, as it has one.
    let mut shop = Socket::open(gateway.address, &format!("/v1/chat/ws/store/?token={store}"), None).await.unwrap();
    shop.say(&json!({ "type": "typing", "payload": { "is_typing": true } }).to_string()).await;
    let typing = json!({ "is_typing": true, "sender_type": "store", "session_id": session });
    assert_eq!(support.frame().await, json!({ "type": "typing", "payload": typing }));
    let payload = json!({ "session_id": session, "is_typing": false });
    support.say(&json!({ "type": "typing", "payload": payload }).to_string()).await;
    let typing = json!({ "is_typing": false, "sender_type": "admin" });
    assert_eq!(shop.frame().await, json!({ "type": "typing", "payload": typing }));

    let listed =
        |list: &Value| list["data"].as_array().unwrap().iter().map(|one| one["id"].clone()).collect::<Vec<_>>();
    assert_eq!(listed(&admin_calls.get("admin/sessions/open/").await.1), std::slice::from_ref(&session));
    assert_eq!(listed(&admin_calls.get("admin/sessions/my/").await.1), Vec::<Value>::new());

    // Claimed, it is somebody's, and nobody is notified of it any more.
    let (status, claimed) = admin_calls.post("admin/session/claim/", json!({ "session_id": session })).await;
    assert_eq!((status, &claimed["status"], &claimed["admin_id"]), (200, &json!("claimed"), &json!(2)));
    let joined = json!({ "admin_id": 2, "message": "An admin has joined the chat" });
    assert_eq!(shop.frame().await, json!({ "type": "admin_connected", "payload": joined }));
    assert_eq!(updated(&mut support).await, update(&session, "claimed"));
    assert_eq!(listed(&admin_calls.get("admin/sessions/open/").await.1), Vec::<Value>::new());
    assert_eq!(listed(&admin_calls.get("admin/sessions/my/").await.1), std::slice::from_ref(&session));
    assert_eq!(admin_calls.get("admin/notifications/").await.1["data"], json!([]));

    // Read: the other side is told who read.
    shop.say(&json!({ "type": "message", "payload": { "content": "Hello" } }).to_string()).await;
    assert_eq!(support.frame().await["payload"]["message"]["content"], "Hello");
    assert_eq!(shop.frame().await["payload"]["message"]["content"], "Hello");
    let read = admin_calls.post("message/read/", json!({ "session_id": session })).await;
    assert_eq!(read, (200, json!({ "status": "ok" })));
    let told = json!({ "session_id": session, "reader": "admin" });
    assert_eq!(shop.frame().await, json!({ "type": "messages_read", "payload": told }));

    // Closed, nothing more is said in it, and the shop's next session is another.
    let (status, closed) = admin_calls.post("admin/close/", json!({ "session_id": session })).await;
    assert_eq!((status, &closed["status"]), (200, &json!("closed")));
    assert_eq!(updated(&mut shop).await, update(&session, "closed"));
    let late = admin_calls.post("admin/message/", json!({ "session_id": session, "content": "late" })).await;
    assert_eq!(late, (400, json!({ "error": "Session is closed" })));
    assert_ne!(shop_calls.get("store/session/").await.1["id"], session);
}
