//! Heads that hyper takes and a gateway must not (RFC 9112 §3.2 and §6), and paths that mean something else decoded.

use super::site::Server;

const LIST: &str = "/api/chat/conversations/";

#[tokio::test]
async fn doubtful_heads_are_refused_and_the_connection_ends() {
    let server = Server::start().await;
    for (name, head) in [
        ("no host", format!("GET {LIST} HTTP/1.1\r\n")),
        ("two hosts", format!("GET {LIST} HTTP/1.1\r\nHost: a\r\nHost: b\r\n")),
        ("an empty host", format!("GET {LIST} HTTP/1.1\r\nHost:\r\n")),
        ("a host with a path", format!("GET {LIST} HTTP/1.1\r\nHost: a/b\r\n")),
        ("a host with a word for a port", format!("GET {LIST} HTTP/1.1\r\nHost: a:http\r\n")),
        ("a target that names another host", format!("GET http://b{LIST} HTTP/1.1\r\nHost: a\r\n")),
        ("two codings", format!("POST {LIST} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n")),
        ("chunks in HTTP/1.0", format!("POST {LIST} HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n")),
    ] {
        // What would be a second request, if the first ended where its sender hopes.
        let bytes = format!("{head}\r\n0\r\n\r\nGET {LIST} HTTP/1.1\r\nHost: a\r\n\r\n");
        let answer = server.exchange(bytes.as_bytes()).await;
        assert_eq!(answer.status, 400, "{name}: {answer:?}");
        assert_eq!(String::from_utf8_lossy(&answer.body).matches("HTTP/1.").count(), 0, "{name}: {answer:?}");
    }
}

/// hyper hides the length from us, takes the chunks and closes, which is the other answer that RFC 9112 §6.1 allows: one
/// reading, and whatever the length would have made a request of is read by nobody.
#[tokio::test]
async fn a_body_with_two_lengths_is_the_last_thing_that_is_read() {
    let server = Server::start().await;
    for fields in
        ["Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n"]
    {
        let head = format!("POST /api/chat/conversations/close/ HTTP/1.1\r\nHost: a\r\n{fields}");
        let answer =
            server.exchange(format!("{head}\r\n0\r\n\r\nGET {LIST} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes()).await;
        assert_eq!((answer.status, answer.head.contains("connection: close")), (400, true), "{fields}{answer:?}");
        assert!(!String::from_utf8_lossy(&answer.body).contains("HTTP/1."), "{fields}{answer:?}");
    }
}

#[tokio::test]
async fn good_heads_are_answered() {
    let server = Server::start().await;
    for target in [LIST.to_owned(), LIST.trim_end_matches('/').to_owned(), format!("http://a{LIST}")] {
        let request = format!("GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        assert_eq!(server.exchange(request.as_bytes()).await.status, 200, "{target}");
    }
}

#[tokio::test]
async fn paths_that_change_when_decoded_are_refused() {
    let server = Server::start().await;
    for path in [
        "//api/chat/conversations/",
        "/api/../api/chat",
        "/media/%2e%2e/x",
        "/media/a%2Fb",
        "/media/a%5cb",
        "/%00",
        "/%zz",
        "/%ff",
    ] {
        assert_eq!(server.get(path, "").await.status, 400, "{path}");
    }
}

#[tokio::test]
async fn unknown_paths_and_methods_are_told_apart() {
    let server = Server::start().await;
    let unknown = server.get("/nowhere", "").await;
    assert_eq!((unknown.status, &unknown.json()["success"]), (404, &serde_json::json!(false)), "{unknown:?}");
    let request = format!("DELETE {LIST} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    let answer = server.exchange(request.as_bytes()).await;
    assert_eq!((answer.status, answer.head.contains("allow: get")), (405, true), "{answer:?}");
}

/// A body that nobody reads does not become the next request.
#[tokio::test]
async fn a_refused_body_is_not_read_as_a_request() {
    let server = Server::start().await;
    let inner = "GET /api/chat/conversations/ HTTP/1.1\r\nHost: a\r\n\r\n";
    let outer = format!("POST /nowhere HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{inner}", inner.len());
    let last = "GET /nowhere HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let answer = server.exchange(format!("{outer}{last}").as_bytes()).await;
    let all = answer.head + &String::from_utf8_lossy(&answer.body).to_lowercase();
    assert_eq!((all.matches("http/1.1 404").count(), all.matches("http/1.1 200").count()), (2, 0), "{all}");
}

/// Without a handshake there is no tunnel.
#[tokio::test]
async fn an_upgrade_that_is_none_opens_no_tunnel() {
    let server = Server::start().await;
    for (name, headers, status) in [
        ("no upgrade", "", 426),
        ("another protocol", "Upgrade: h2c\r\nConnection: Upgrade\r\n", 426),
        ("an old version", "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 8\r\n", 426),
        (
            "a short key",
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AA==\r\n",
            400,
        ),
        (
            "another page",
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: https://evil.example\r\n",
            403,
        ),
    ] {
        let request = format!("GET /ws/chat/ HTTP/1.1\r\nHost: a\r\n{headers}\r\n");
        let next = "GET /nowhere HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        let answer = server.exchange(format!("{request}{next}").as_bytes()).await;
        assert_eq!(answer.status, status, "{name}: {answer:?}");
        assert!(
            String::from_utf8_lossy(&answer.body).contains("404"),
            "{name}: the connection is HTTP still: {answer:?}"
        );
    }
}
