//! What clients do. In: where they connect. Out: how much of it a second.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

/// The dialect's socket and one of its calls, below the prefix that all ways share.
const SOCKET: &str = "/ws/chat/room/?token=of-theirs";
const CALL: &str = "/chat/user/threads/";

const ROUND_TRIP_SOCKETS: usize = 32;
const ROUND_TRIPS: usize = 400;
const FLOODED_SOCKETS: usize = 8;
const CALLERS: usize = 16;
const CALLS: usize = 500;

async fn connect(address: SocketAddr) -> WebSocketStream<TcpStream> {
    let stream = TcpStream::connect(address).await.expect("a connection");
    stream.set_nodelay(true).expect("an option");
    client_async(format!("ws://{address}{SOCKET}"), stream).await.expect("a handshake").0
}

async fn sockets(address: SocketAddr, count: usize) -> Vec<WebSocketStream<TcpStream>> {
    let mut sockets = Vec::new();
    for _ in 0..count {
        sockets.push(connect(address).await);
    }
    sockets
}

fn text(bytes: usize) -> Message {
    let frame = r#"{"action":"text_message","receiver_id":"75140d72-8b20-4549-885c-20599badb486","message_body":""#;
    Message::text(format!("{frame}{}\"}}", "x".repeat(bytes - frame.len() - 2)))
}

fn per_second(count: usize, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64()
}

/// Each socket says something and waits for it, again and again.
pub async fn round_trips(address: SocketAddr) -> f64 {
    let mut sockets = sockets(address, ROUND_TRIP_SOCKETS).await;
    let began = Instant::now();
    join_all(sockets.iter_mut().map(async |socket| {
        for _ in 0..ROUND_TRIPS {
            socket.send(text(200)).await.expect("sent");
            hear(socket).await;
        }
    }))
    .await;
    per_second(ROUND_TRIP_SOCKETS * ROUND_TRIPS, began.elapsed())
}

/// Each socket says all it has and hears it meanwhile.
pub async fn flood(address: SocketAddr, bytes: usize, each: usize) -> f64 {
    let sockets = sockets(address, FLOODED_SOCKETS).await;
    let began = Instant::now();
    join_all(sockets.into_iter().map(async |socket| {
        let (mut sink, mut stream) = socket.split();
        let say = async {
            for _ in 0..each {
                sink.feed(text(bytes)).await.expect("sent");
            }
            sink.flush().await.expect("sent");
        };
        let hear = async {
            for _ in 0..each {
                assert!(stream.next().await.expect("an answer").expect("an answer").is_text());
            }
        };
        tokio::join!(say, hear);
    }))
    .await;
    per_second(FLOODED_SOCKETS * each, began.elapsed())
}

async fn hear(socket: &mut WebSocketStream<TcpStream>) {
    assert!(socket.next().await.expect("an answer").expect("an answer").is_text());
}

/// Each connection asks and waits for the answer, again and again.
pub async fn calls(address: SocketAddr) -> f64 {
    let mut connections = Vec::new();
    for _ in 0..CALLERS {
        let stream = TcpStream::connect(address).await.expect("a connection");
        stream.set_nodelay(true).expect("an option");
        connections.push(stream);
    }
    let request = format!("GET {CALL} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer of-theirs\r\n\r\n");
    let began = Instant::now();
    join_all(connections.iter_mut().map(async |stream| {
        for _ in 0..CALLS {
            stream.write_all(request.as_bytes()).await.expect("asked");
            answer(stream).await;
        }
    }))
    .await;
    per_second(CALLERS * CALLS, began.elapsed())
}

/// Reads one answer: a head that says 200, and a body of 300 bytes.
async fn answer(stream: &mut TcpStream) {
    let mut bytes = Vec::with_capacity(1024);
    loop {
        let read = stream.read_buf(&mut bytes).await.expect("an answer");
        assert!(read > 0, "the connection ended");
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            assert!(bytes.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&bytes));
            if bytes.len() >= end + 4 + 300 {
                return;
            }
        }
    }
}
