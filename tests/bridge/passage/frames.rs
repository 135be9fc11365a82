//! Sockets of one dialect on both sides: texts, refusals and ends.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use super::*;
use crate::harness::PATIENCE;
use crate::harness::socket::{Heard, Socket};

async fn joined(pair: &Pair) -> (Socket, WebSocketStream<TcpStream>) {
    let open = format!("{PREFIX}{SOCKET}?token=of-theirs");
    let backend = async { pair.upstream.connection().await.socket("").await };
    let (connection, opened) = tokio::join!(backend, Socket::open(pair.address(), &open, None));
    (opened.expect("a socket"), connection.1)
}

async fn heard(backend: &mut WebSocketStream<TcpStream>) -> Message {
    loop {
        match timeout(PATIENCE, backend.next()).await.expect("a message in time") {
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            Some(Ok(message)) => return message,
            other => panic!("no message: {other:?}"),
        }
    }
}

const TEXTS: [&str; 6] = [
    r#"{"action":"text_message","message_body":"hi","receiver_id":"75140d72-8b20-4549-885c-20599badb486"}"#,
    "{ \"action\" : \"nobody knows this\",\t\"n\": 1.50, \"n\":-0.0e+0 ,\"x\":123456789012345678901234567890 }\r\n",
    "not json {",
    "",
    r#"["\u0000","\ud800",1e400]"#,
    "سلام 👋",
];

#[tokio::test]
async fn texts_pass_byte_for_byte_both_ways() {
    let pair = Setup::default().start().await;
    let (mut client, mut backend) = joined(&pair).await;
    let long = "x".repeat(60_000);
    for text in TEXTS.into_iter().chain([long.as_str()]) {
        client.say(text).await;
        assert_eq!(heard(&mut backend).await, Message::text(text));
        backend.send(Message::text(text)).await.unwrap();
        assert_eq!(client.next().await, Some(Message::text(text)));
    }
    // Many at once, in order.
    for number in 0..500 {
        client.say(&format!("{number}")).await;
        backend.feed(Message::text(format!("{number}"))).await.unwrap();
    }
    backend.flush().await.unwrap();
    for number in 0..500 {
        assert_eq!(heard(&mut backend).await, Message::text(format!("{number}")));
        assert_eq!(client.next().await, Some(Message::text(format!("{number}"))));
    }
}

#[tokio::test]
async fn what_no_client_hears_is_in_no_frame() {
    let pair = Setup::default().start().await;
    let (mut client, mut backend) = joined(&pair).await;
    let row = r#"{"sender":{"id":"1", "password" :"pbkdf2"}, "message":"my password"}"#;
    for text in [row, r#"{"password":"cut"#, "{\"a\":1}"] {
        backend.send(Message::text(text)).await.unwrap();
    }
    assert_eq!(client.next().await, Some(Message::text(r#"{"sender":{"id":"1"}, "message":"my password"}"#)));
    assert_eq!(client.next().await, Some(Message::text("{\"a\":1}")), "what cannot be read is not passed on");
    client.say(r#"{"password":"their own"}"#).await;
    assert_eq!(heard(&mut backend).await, Message::text(r#"{"password":"their own"}"#));
}

#[tokio::test]
async fn binary_messages_are_refused_and_the_socket_stays() {
    let pair = Setup::default().start().await;
    let (mut client, mut backend) = joined(&pair).await;
    client.send(Message::binary(vec![1, 2, 3])).await;
    assert_eq!(client.frame().await["action"], "error");
    client.say("after").await;
    assert_eq!(heard(&mut backend).await, Message::text("after"));
}

#[tokio::test]
async fn closes_pass_across() {
    let pair = Setup::default().start().await;
    for code in [1000, 1001, 1008, 1011, 1012, 1013, 3000, 4003, 4999] {
        let frame = CloseFrame { code: code.into(), reason: "why".into() };
        let (mut client, mut backend) = joined(&pair).await;
        backend.send(Message::Close(Some(frame.clone()))).await.unwrap();
        assert_eq!(client.hear().await, Heard::Closed(code));
        // The other side's close is answered, not cut off.
        assert!(matches!(timeout(PATIENCE, backend.next()).await.unwrap(), Some(Ok(Message::Close(_)))), "{code}");

        let (mut client, mut backend) = joined(&pair).await;
        client.send(Message::Close(Some(frame))).await;
        match heard(&mut backend).await {
            Message::Close(Some(frame)) => assert_eq!((u16::from(frame.code), frame.reason.as_str()), (code, "why")),
            other => panic!("{code}: {other:?}"),
        }
        assert_eq!(client.hear().await, Heard::Closed(code), "answered with its own");
    }
    let (mut client, mut backend) = joined(&pair).await;
    backend.send(Message::Close(None)).await.unwrap();
    assert_eq!(client.hear().await, Heard::Closed(1005), "no code stays no code");
}

#[tokio::test]
async fn a_lost_side_is_told_to_the_other_with_a_code_of_its_own() {
    let pair = Setup::default().start().await;
    let (mut client, backend) = joined(&pair).await;
    backend.get_ref().set_zero_linger().unwrap();
    drop(backend);
    assert_eq!(client.hear().await, Heard::Closed(1013), "try again");
    let (client, mut backend) = joined(&pair).await;
    drop(client);
    match heard(&mut backend).await {
        Message::Close(Some(frame)) => assert_eq!(u16::from(frame.code), 1001),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn messages_above_the_limit_end_their_side() {
    let pair = Setup { route: "limits = { frame = \"4KiB\" }", ..Setup::default() }.start().await;
    let (mut client, mut backend) = joined(&pair).await;
    client.say(&"x".repeat(5_000)).await;
    assert_eq!(client.hear().await, Heard::Closed(1009));
    assert!(matches!(heard(&mut backend).await, Message::Close(Some(frame)) if u16::from(frame.code) == 1001));
    let (mut client, mut backend) = joined(&pair).await;
    // The gateway may close before all is written.
    let _ = backend.send(Message::text("x".repeat(20_000_000))).await;
    assert_eq!(client.hear().await, Heard::Closed(1013), "not the client's fault");
}

#[tokio::test]
async fn a_refused_handshake_is_refused_with_the_same_status() {
    let pair = Setup::default().start().await;
    let open = format!("{PREFIX}{SOCKET}?token=x");
    for (said, heard) in [("401 No", 401), ("403 Never", 403), ("404 Where", 404), ("503 Later", 503), ("200 OK", 502)]
    {
        let answer = format!("HTTP/1.1 {said}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        let backend = async {
            loop {
                // A handshake that failed for the backend's own reasons may be tried again.
                pair.upstream.serve(&answer).await;
            }
        };
        let status = tokio::select! {
            () = backend => unreachable!(),
            opened = Socket::open(pair.address(), &open, None) => opened.err(),
        };
        assert_eq!(status, Some(heard), "{said}");
    }
}

/// A page of another origin opens no socket with what a browser adds by itself.
#[tokio::test]
async fn foreign_pages_reach_no_backend() {
    let pair = Setup::forwarding().start().await;
    for rest in [SOCKET, "/live/"] {
        let headers = [
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("Origin", "https://evil.example"),
        ];
        let answer = pair.refused(&get(rest, &headers)).await;
        assert_eq!(answer.status, 403, "{rest}");
    }
}

#[tokio::test]
async fn a_stop_is_told_to_both_and_waits_for_neither() {
    let mut pair = Setup::default().start().await;
    let (mut client, mut backend) = joined(&pair).await;
    pair.gateway.terminate();
    assert_eq!(client.hear().await, Heard::Closed(1012));
    match heard(&mut backend).await {
        Message::Close(Some(frame)) => assert_eq!(u16::from(frame.code), 1001),
        other => panic!("{other:?}"),
    }
    assert!(pair.gateway.ended().await.success());
}

/// A client that stops reading holds up nobody but itself, and not for ever.
#[tokio::test]
async fn a_client_that_does_not_read_is_closed() {
    let pair = Setup::default().start().await;
    let (client, mut backend) = joined(&pair).await;
    let (mut other, mut others) = joined(&pair).await;
    let text = "x".repeat(60_000);
    let flood = async {
        // Until the gateway takes no more and closes.
        while backend.send(Message::text(text.clone())).await.is_ok() {}
    };
    let others_talk = async {
        for number in 0..100 {
            others.send(Message::text(number.to_string())).await.unwrap();
            assert_eq!(other.next().await, Some(Message::text(number.to_string())));
        }
    };
    let flooded = timeout(Duration::from_secs(30), flood);
    let (flooded, ()) = tokio::join!(flooded, others_talk);
    assert!(flooded.is_ok(), "the backend is written to without end");
    drop(client);
}
