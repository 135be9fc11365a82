//! Somebody who reads one byte a second: what the process holds for them is bounded, and nobody else waits for them.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, sleep};

use super::harness::socket::Socket;
use super::harness::{Gateway, http};
use super::party::{them, us};
use super::redis::RedisServer;

/// Sockets that read slowly, and the long messages that each is sent.
const SLOW: usize = 10;
const LONG: usize = 1_500;
const LENGTH: usize = 16_000;

/// What the process may grow by: of each slow socket the mailbox (4 MiB) and what is being written, and as much again for
/// what is on its way.
const ALLOWED: u64 = (SLOW as u64 * 5 + 32) << 20;

/// Opens a socket on a connection with little room.
async fn slow_reader(gateway: SocketAddr, token: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4_096).expect("set");
    let mut stream = socket.connect(gateway).await.expect("connects");
    let request = format!(
        "GET /ws/chat/room/?token={token} HTTP/1.1\r\nHost: {gateway}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("an answer"));
    }
    assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
    stream
}

/// Bytes of memory that a process has and had at most.
fn memory(gateway: &Gateway) -> (u64, u64) {
    let status = std::fs::read_to_string(format!("/proc/{}/status", gateway.process_id())).expect("it runs");
    let of = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("a line");
        line.split_whitespace().next().and_then(|count| count.parse::<u64>().ok()).expect("a number") * 1_024
    };
    (of("VmRSS:"), of("VmHWM:"))
}

/// Two who talk: how long each confirmation took, in microseconds, in order.
async fn talk(socket: &mut Socket, count: usize) -> Vec<u128> {
    let mut took = Vec::with_capacity(count);
    for at in 0..count {
        let began = Instant::now();
        say(socket, &them(1), &at.to_string()).await;
        socket.frame().await;
        took.push(began.elapsed().as_micros());
    }
    took.sort_unstable();
    took
}

async fn say(socket: &mut Socket, to: &str, text: &str) {
    let frame = json!({ "action": "text_message", "message_body": text, "receiver_id": to });
    socket.say(&frame.to_string()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_reads_a_byte_a_second_harms_nobody() {
    let redis = RedisServer::start();
    let gateway = Gateway::start_quiet_replica(&redis.url(), "", |_| String::new()).await;
    let token = |user: &str| gateway.token(json!({ "sub": user, "role": "user", "name": "Somebody" }));
    let open = async |user: &str| {
        Socket::open(gateway.address, &format!("/ws/chat/room/?token={}", token(user)), None).await.expect("opens")
    };
    let (mut quick, mut writer) = (open(&us(1)).await, open(&us(2)).await);
    talk(&mut quick, 50).await;
    let before = talk(&mut quick, 300).await;
    let mut slow = Vec::new();
    for _ in 0..SLOW {
        slow.push(slow_reader(gateway.address, &token(&them(2))).await);
    }
    let (at_first, _) = memory(&gateway);
    let text = "x".repeat(LENGTH);
    let writing = async {
        for _ in 0..LONG {
            say(&mut writer, &them(2), &text).await;
            writer.frame().await;
        }
    };
    let mut reading = slow.into_iter();
    let (mut first, mut rest) = (reading.next().expect("one"), reading.collect::<Vec<_>>());
    let dribbling = async {
        loop {
            sleep(Duration::from_secs(1)).await;
            // One that was closed is read to its end like the others.
            let _ = first.read_u8().await;
            for stream in &mut rest {
                let _ = stream.read_u8().await;
            }
        }
    };
    let began = Instant::now();
    let measured = async { tokio::join!(writing, talk(&mut quick, 300)).1 };
    let beside = tokio::select! {
        beside = measured => beside,
        () = dribbling => unreachable!("it does not end"),
    };
    let (_, most) = memory(&gateway);
    let at = |took: &[u128], share: usize| took[(took.len() - 1) * share / 100] / 1_000;
    let grown = most.saturating_sub(at_first);
    let page = http::get(gateway.admin, "/metrics", &[]).await.body;
    let page = String::from_utf8_lossy(&page).into_owned();
    let ended = page.lines().filter(|line| line.starts_with("dragoman_sessions_ended_total{"));
    println!(
        "{SLOW} sockets that read a byte a second, {} MiB sent to each in {:.1} s: the process grew by {:.1} MiB at most (from {:.1})",
        (LONG * LENGTH) >> 20,
        began.elapsed().as_secs_f64(),
        grown as f64 / f64::from(1 << 20),
        at_first as f64 / f64::from(1 << 20)
    );
    println!(
        "confirmations of others: half within {} ms, 99 of 100 within {} ms; before {} and {} ms",
        at(&beside, 50),
        at(&beside, 99),
        at(&before, 50),
        at(&before, 99)
    );
    println!("{}", ended.collect::<Vec<_>>().join("\n"));
    assert!(grown < ALLOWED, "{grown} bytes");
    assert!(at(&beside, 99) < at(&before, 99) * 10 + 200, "others wait");
}
