//! Clients that take their time, and the end of the server. Bounds are short here, so that the tests are.

use std::time::Duration;

use dragoman::server::Bounds;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, interval, timeout};

use super::site::{Answer, PATIENCE, Server, UPLOAD};

fn impatient() -> Bounds {
    Bounds { head: Duration::from_millis(300), body_idle: Duration::from_millis(300), ..Bounds::default() }
}

/// Says nothing more and waits for the server to end it.
async fn is_ended(mut stream: TcpStream, said: &str) -> Answer {
    stream.write_all(said.as_bytes()).await.unwrap();
    Answer::read(&mut stream).await
}

#[tokio::test]
async fn a_head_that_does_not_come_ends_the_connection() {
    let server = Server::with(impatient()).await;
    for said in ["", "P", "PRI * HTTP/2.0\r\n", "GET / HT", "GET / HTTP/1.1\r\nHost: a\r\n"] {
        let answer = is_ended(server.connect().await, said).await;
        assert!(matches!(answer.status, 0 | 408), "{said:?}: {answer:?}");
    }
}

#[tokio::test]
async fn a_connection_that_is_kept_open_for_nothing_ends() {
    let server = Server::with(impatient()).await;
    let answer = is_ended(server.connect().await, "GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(answer.status, 404);
}

#[tokio::test]
async fn a_body_that_stops_is_refused() {
    let server = Server::with(impatient()).await;
    for (path, kind) in
        [("/api/chat/conversations/close/", "application/json"), (UPLOAD, "multipart/form-data; boundary=b")]
    {
        let head = format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: {kind}\r\nContent-Length: 100\r\n\r\n--b");
        assert_eq!(is_ended(server.connect().await, &head).await.status, 408, "{path}");
    }
    server.becomes_empty().await;
}

/// A byte now and then is never idle; it is too slow all the same.
#[tokio::test]
async fn a_body_that_drips_is_refused() {
    let server = Server::with(impatient()).await;
    let mut stream = server.connect().await;
    let head = "POST /api/chat/upload-media/ HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=b\r\n\
                Content-Length: 100000\r\n\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let (mut reads, mut writes) = stream.into_split();
    let mut drip = interval(Duration::from_millis(50));
    let dripping = async {
        loop {
            drip.tick().await;
            if writes.write_all(b"x").await.is_err() {
                return;
            }
        }
    };
    let began = Instant::now();
    let mut answer = [0; 64];
    let reading = tokio::io::AsyncReadExt::read(&mut reads, &mut answer);
    let length = tokio::select! {
        length = timeout(PATIENCE, reading) => length.expect("an answer in time").unwrap_or(0),
        () = dripping => 0,
    };
    let said = String::from_utf8_lossy(&answer[..length]).into_owned();
    assert!(said.starts_with("HTTP/1.1 408"), "after {:?}: {said:?}", began.elapsed());
    server.becomes_empty().await;
}

/// Connections above the bound wait, and are served when there is room.
#[tokio::test]
async fn connections_above_the_bound_wait_their_turn() {
    let server = Server::with(Bounds { connections: 1, ..Bounds::default() }).await;
    let mut first = server.connect().await;
    first.write_all(b"GET /nowhere HTTP/1.1\r\nHost: a\r\n").await.unwrap();
    let mut second = server.connect().await;
    second.write_all(b"GET /nowhere HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();
    assert!(
        timeout(Duration::from_millis(200), second.readable()).await.is_err(),
        "the second was served beside the first"
    );
    first.write_all(b"Connection: close\r\n\r\n").await.unwrap();
    assert_eq!(Answer::read(&mut first).await.status, 404);
    assert_eq!(Answer::read(&mut second).await.status, 404);
}

/// Stopping ends idle connections, lets a request in flight finish, and leaves no task.
#[tokio::test]
async fn a_request_in_flight_survives_the_stop() {
    let server = Server::start().await;
    let mut flying = server.connect().await;
    let body = r#"{"conversation_id": 123}"#;
    let head = format!(
        "POST /api/chat/messages/mark-read/ HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    flying.write_all(head.as_bytes()).await.unwrap();
    // The interim answer says that the request is being handled.
    timeout(PATIENCE, flying.readable()).await.unwrap().unwrap();
    server.tasks.stop();
    flying.write_all(body.as_bytes()).await.unwrap();
    let answer = Answer::read(&mut flying).await;
    let all = answer.head + &String::from_utf8_lossy(&answer.body).to_lowercase();
    assert!(all.contains("http/1.1 200") && all.contains("messages marked as read"), "{all}");
    assert_eq!(server.tasks.drain(PATIENCE).await, 0);
}
