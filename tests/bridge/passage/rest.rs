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
