//! The log of a running gateway: each line an object, and what happened for one request can be found by its id.

use serde_json::{Value, json};

use crate::harness::socket::Socket;
use crate::harness::{Gateway, PATIENCE, http};
use crate::recorder::Recorder;

/// The lines so far that are objects; those of the console (where it listens) are for people.
fn lines(gateway: &Gateway) -> Vec<Value> {
    gateway.log().lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// The first line for which this holds, as soon as it is there.
async fn line(gateway: &Gateway, wanted: impl Fn(&Value) -> bool) -> Value {
    let found = async {
        loop {
            if let Some(line) = lines(gateway).into_iter().find(&wanted) {
                return line;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, found).await.unwrap_or_else(|_| panic!("no such line:\n{}", gateway.log()))
}

/// The line of the request with this id.
async fn access_of(gateway: &Gateway, id: &str) -> Value {
    line(gateway, |line| line["target"] == "dragoman::access" && line["request_id"] == id).await
}

fn is_access(line: &Value, path: &str) -> bool {
    line["target"] == "dragoman::access" && line["path"] == path
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_one_line_with_the_id_that_its_answer_names() {
    let log = |text: &str| format!("[log]\naccess = true\n{text}");
    let gateway = Gateway::start_changed(|text| log(&text)).await;
    let bearer =
        format!("Bearer {}", gateway.token(json!({ "sub": "staff-1", "role": "staff", "department": "reception" })));
    let ask = |id: Option<&'static str>| {
        let headers = [Some(("Authorization", bearer.as_str())), id.map(|id| ("X-Request-Id", id))];
        let headers: Vec<(&str, &str)> = headers.into_iter().flatten().collect();
        http::request("GET", "/api/chat/conversations/101?token=hidden", &headers, b"")
    };
    let answer = http::send(gateway.address, &ask(Some("order-7"))).await;
    assert_eq!(answer.header("x-request-id"), Some("order-7"));
    let said = line(&gateway, |line| is_access(line, "/api/chat/conversations/101")).await;
    assert_eq!(said["request_id"], "order-7");
    let expected = json!({ "level": "INFO", "message": "request", "client": "127.0.0.1", "method": "GET", "op": "history",
        "route": "frontdesk", "status": answer.status, "bytes": answer.body.len() });
    for (name, value) in expected.as_object().expect("an object") {
        assert_eq!(&said[name], value, "{name} of {said}");
    }
    assert!(said["seconds"].as_f64().is_some_and(|seconds| (0.0..30.0).contains(&seconds)), "{said}");
    assert!(!gateway.log().contains("hidden"), "a query is in the log");
    // One that is not plain is not taken, and two requests without one have two.
    let mut ids = Vec::new();
    for named in [Some("two words"), None, None] {
        let answer = http::send(gateway.address, &ask(named)).await;
        let id = answer.header("x-request-id").expect("an id").to_owned();
        assert!(id.len() == 32 && !ids.contains(&id), "{id} beside {ids:?}");
        access_of(&gateway, id.as_str()).await;
        ids.push(id);
    }
    // Of what is no request of a route, too.
    let lost = http::send(gateway.address, &http::request("GET", "/nowhere", &[("X-Request-Id", "lost-1")], b"")).await;
    assert_eq!((lost.status, lost.header("x-request-id")), (404, Some("lost-1")));
    assert_eq!(access_of(&gateway, "lost-1").await["status"], 404);
    // A file's key is all that it takes to read the file.
    http::send(gateway.address, &http::request("GET", "/media/secret-key.pdf", &[("X-Request-Id", "file-1")], b""))
        .await;
    let said = access_of(&gateway, "file-1").await;
    assert!(!said.to_string().contains("secret-key"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_is_one_line_at_its_end_and_its_messages_have_their_ids() {
    let gateway = Gateway::start_changed(|text| format!("[log]\naccess = true\n{text}")).await;
    let token = gateway.token(json!({ "sub": "staff-1", "role": "staff", "department": "reception" }));
    let path = format!("/ws/chat/?token={token}");
    let mut socket = Socket::open_with(gateway.address, &path, &[("x-request-id", "socket-1")]).await.expect("open");
    // The level of the harness is not that of this line; it must be there once something is refused.
    socket.say("{\"type\":").await;
    socket.hear_within(PATIENCE).await;
    assert!(lines(&gateway).iter().all(|line| !is_access(line, "/ws/chat/")), "{}", gateway.log());
    drop(socket);
    let said = line(&gateway, |line| is_access(line, "/ws/chat/")).await;
    for (name, value) in [
        ("request_id", json!("socket-1")),
        ("status", json!(101)),
        ("op", json!("socket")),
        ("route", json!("frontdesk")),
    ] {
        assert_eq!(said[name], value, "{name} of {said}");
    }
    assert!(said["end"].is_string(), "{said}");
    let refused = line(&gateway, |line| line["message"] == "frame refused").await;
    assert_eq!((&refused["request_id"], &refused["route"]), (&json!("socket-1"), &json!("frontdesk")), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_is_asked_with_the_same_id() {
    let backend = Recorder::polite().await;
    let upstream = format!(
        r#"
[upstreams.clinic]
dialect    = "licomed"
http       = "{}"
socket     = "{}"
credential = {{ kind = "forward" }}

[[routes]]
name    = "passed"
dialect = "licomed"
prefix  = "/passed"
to      = "clinic"
auth    = {{ kind = "upstream" }}
"#,
        backend.http(),
        backend.socket()
    );
    let gateway = Gateway::start_changed(|text| text + &upstream).await;
    for (id, mine) in [("call-1", true), ("not an id", false)] {
        let headers = [("Authorization", "Bearer whatever"), ("X-Request-Id", id)];
        let path = "/passed/chat/user/threads/";
        let answer = http::send(gateway.address, &http::request("GET", path, &headers, b"")).await;
        let named = answer.header("x-request-id").expect("an id").to_owned();
        assert_eq!((answer.status, named == id), (200, mine), "{named}");
        let asked = backend.asked().pop().expect("asked");
        assert_eq!(asked.header("x-request-id"), Some(named.as_str()));
    }
    let path = "/passed/ws/chat/room/?token=whatever";
    let socket = Socket::open_with(gateway.address, path, &[("x-request-id", "socket-1")]).await;
    assert!(socket.is_ok(), "{:?}", socket.err());
    let asked = backend.wait_for(|asked| asked.path.ends_with("/chat/room/")).await;
    assert_eq!(asked.header("x-request-id"), Some("socket-1"));
}
