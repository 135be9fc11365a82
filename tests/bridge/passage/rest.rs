//! Paths that the dialect does not know: the gateway's 404, or passed on where the route says so.

use futures_util::{SinkExt, StreamExt};
use tokio_tungstenite::tungstenite::Message;

use super::*;
use crate::harness::socket::Socket;

#[tokio::test]
async fn an_unknown_path_is_not_found_unless_the_route_passes_it_on() {
    let closed = Setup::default().start().await;
    let answer = closed.refused(&get("/admin/?x=1", &[])).await;
    assert_eq!((answer.status, &answer.json()["success"]), (404, &json!(false)));
    let open = Setup::forwarding().start().await;
    let body = vec![7; 100_000];
    for method in ["GET", "PUT", "DELETE", "PATCH", "PROPFIND", "OPTIONS"] {
        let content: &[u8] = if method == "PUT" { &body } else { b"" };
        let request = http::request(method, &path("/admin/a%20b?x=%zz"), &[], content);
        let (seen, answered) = open.exchange(&request, b"HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n").await;
        assert_eq!(seen.lines[0], format!("{method} /admin/a%20b?x=%zz HTTP/1.1"));
        assert!(seen.body == content, "{method}");
        assert_eq!((answered.status, answered.header("x-a")), (204, Some("1")));
    }
    for method in ["TRACE", "CONNECT"] {
        let answer = open.refused(&http::request(method, &path("/admin/"), &[], b"")).await;
        assert!(matches!(answer.status, 400..=405), "{method}: {answer:?}");
    }
    // A path that the dialect knows has the methods that it has.
    let answer = open.refused(&http::request("DELETE", &path(THREADS), &[], b"")).await;
    assert_eq!(answer.status, 405);
}

#[tokio::test]
async fn an_answer_to_head_says_how_long_the_file_is() {
    let open = Setup::forwarding().start().await;
    let answer = "HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 12345\r\n\r\n";
    let (_, answered) = open.exchange(&http::request("HEAD", &path("/x"), &[], b""), answer.as_bytes()).await;
    assert_eq!((answered.status, answered.header("content-length"), answered.body.len()), (200, Some("12345"), 0));
}

#[tokio::test]
async fn sockets_of_unknown_paths_pass_texts_and_bytes() {
    let closed = Setup::default().start().await;
    let refused = closed.upstream.is_left_alone(Socket::open(closed.address(), &path("/live/"), None)).await;
    assert_eq!(refused.err(), Some(404));
    let pair = Setup::forwarding().start().await;
    let backend = async { pair.upstream.connection().await.socket("Sec-WebSocket-Protocol: v2\r\n").await };
    let target = path("/live/?a=1");
    let (connection, opened) = tokio::join!(backend, Socket::open(pair.address(), &target, Some("v1, v2")));
    let (request, mut backend) = connection;
    let mut client = opened.expect("a socket");
    assert_eq!(request.lines[0], "GET /live/?a=1 HTTP/1.1");
    assert_eq!(request.all("sec-websocket-protocol"), ["v1, v2"]);
    assert!(!request.has("sec-websocket-extensions"));
    assert_eq!(client.protocol.as_deref(), Some("v2"));
    let bytes = Message::binary(vec![0, 159, 146, 150]);
    client.send(bytes.clone()).await;
    assert_eq!(backend.next().await.unwrap().unwrap(), bytes);
    client.say("not json {").await;
    assert_eq!(backend.next().await.unwrap().unwrap(), Message::text("not json {"));
    backend.send(bytes.clone()).await.unwrap();
    assert_eq!(client.next().await, Some(bytes));
}

/// Of two dialects, only what the clients' does not know goes through, and what the backend's clients may not hear does not.
#[tokio::test]
async fn between_dialects_only_unknown_paths_pass() {
    let setup = Setup {
        clients: Some("frontdesk"),
        credential: r#"{ kind = "fixed", value = "token-of-the-gateway-5e884898da280471" }"#,
        route: "forward_rest = true",
        ..Setup::known()
    };
    let pair = setup.start().await;
    let token = pair.gateway.token(json!({ "sub": "staff-1", "role": "staff" }));
    let bearer = format!("Bearer {token}");
    let row = br#"{"a" : [ {"password":"x"} ]}"#;
    // A call of the backend's dialect is none of the clients'.
    for rest in ["/admin/", THREADS] {
        let request = get(rest, &[("Authorization", &bearer)]);
        let (seen, answered) = pair.exchange(&request, &json_answer(row)).await;
        assert_eq!(seen.lines[0], format!("GET {rest} HTTP/1.1"));
        assert_eq!(seen.all("authorization"), ["Bearer token-of-the-gateway-5e884898da280471"]);
        assert_eq!(String::from_utf8_lossy(&answered.body), r#"{"a" : [ {} ]}"#);
    }
    // A file and a call of the clients' own dialect are the gateway's to answer.
    let answer = pair.refused(&get("/media/nothing/here.png", &[("Authorization", &bearer)])).await;
    assert_eq!(answer.status, 404);
    let answer = pair.refused(&http::request("PUT", &path("/api/chat/upload-media/"), &[], b"")).await;
    assert_eq!(answer.status, 405);
}

/// Which pages may read is said by the route, not by what is behind it.
#[tokio::test]
async fn pages_are_permitted_by_the_route() {
    let pair =
        Setup { route: "forward_rest = true\norigins = [\"https://chat.example\"]", ..Setup::default() }.start().await;
    let answer = "HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\nAccess-Control-Allow-Credentials: true\r\n\
                  Content-Length: 0\r\nConnection: close\r\n\r\n";
    for (origin, allowed) in [("https://chat.example", Some("https://chat.example")), ("https://evil.example", None)] {
        for rest in ["/admin/", THREADS] {
            let (_, answered) = pair.exchange(&get(rest, &[("Origin", origin)]), answer.as_bytes()).await;
            assert_eq!(answered.header("access-control-allow-origin"), allowed, "{origin} {rest}");
            assert_eq!(answered.header("access-control-allow-credentials"), None, "{origin} {rest}");
        }
    }
    let asked = [("Origin", "https://chat.example"), ("Access-Control-Request-Method", "DELETE")];
    let answer = pair.refused(&http::request("OPTIONS", &path("/admin/"), &asked, b"")).await;
    assert_eq!(answer.status, 204);
    assert!(answer.header("access-control-allow-methods").is_some_and(|methods| methods.contains("DELETE")));
}

/// Strangers count by their address, those who are known by who they are.
#[tokio::test]
async fn what_is_passed_on_counts_in_the_rate() {
    let pair = Setup { route: "forward_rest = true\nlimits = { rate = \"2/m\" }", ..Setup::default() }.start().await;
    let ok = json_answer(b"{}");
    for headers in [&[][..], &[("Authorization", "Bearer one")], &[("Authorization", "Bearer other")]] {
        for _ in 0..2 {
            assert_eq!(pair.exchange(&get("/x", headers), &ok).await.1.status, 200);
        }
        let answer = pair.refused(&get("/x", headers)).await;
        assert_eq!((answer.status, &answer.json()["success"]), (429, &json!(false)));
        assert!(answer.header("retry-after").is_some());
    }
}
