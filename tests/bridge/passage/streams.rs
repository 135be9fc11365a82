//! Large bodies: passed on as they come, in little memory, within the limits of the route.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;
use crate::harness::PATIENCE;

const SIZE: usize = 50 * 1024 * 1024;
/// What the process may grow by, in KiB.
const GROWTH: u64 = 32 * 1024;

/// The most memory that the process ever had, in KiB.
fn peak(gateway: &Gateway) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", gateway.process_id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[tokio::test]
async fn large_bodies_stream_both_ways_in_little_memory() {
    let pair =
        Setup { route: "forward_rest = true\nlimits = { upload = \"60MiB\" }", ..Setup::default() }.start().await;
    // Once small, so that what is made at first use is there.
    pair.exchange(&get("/warm", &[]), &json_answer(b"{}")).await;
    for target in [ATTACHMENT, "/unknown/upload"] {
        let before = peak(&pair.gateway);
        let mut client = TcpStream::connect(pair.address()).await.unwrap();
        let head = format!("POST {PREFIX}{target} HTTP/1.1\r\nHost: a\r\nContent-Length: {SIZE}\r\n\r\n");
        let upload = async {
            client.write_all(head.as_bytes()).await.unwrap();
            let chunk = vec![b'x'; 64 * 1024];
            for _ in 0..SIZE / chunk.len() {
                client.write_all(&chunk).await.unwrap();
            }
        };
        let backend = async {
            let mut connection = pair.upstream.connection().await;
            let head = connection.head().await;
            assert_eq!(head.all("content-length"), [SIZE.to_string()]);
            connection.swallow(SIZE).await;
            connection.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok").await;
        };
        tokio::join!(upload, backend);
        let mut answer = [0; 12];
        tokio::time::timeout(PATIENCE, client.read_exact(&mut answer)).await.unwrap().unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200");
        let grown = peak(&pair.gateway).saturating_sub(before);
        assert!(grown < GROWTH, "{target}: grown by {grown} KiB");
    }
    for target in ["/media/chat-files/a/film.mp4", "/unknown/film"] {
        let before = peak(&pair.gateway);
        let mut client = TcpStream::connect(pair.address()).await.unwrap();
        client.write_all(&get(target, &[])).await.unwrap();
        let backend = async {
            let mut connection = pair.upstream.connection().await;
            connection.head().await;
            connection
                .say(format!("HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: {SIZE}\r\n\r\n"))
                .await;
            let chunk = vec![b'y'; 64 * 1024];
            for _ in 0..SIZE / chunk.len() {
                connection.say(&chunk).await;
            }
        };
        let download = async {
            let (mut length, mut chunk) = (0, vec![0; 64 * 1024]);
            loop {
                match tokio::time::timeout(PATIENCE, client.read(&mut chunk)).await.expect("bytes in time").unwrap() {
                    0 => return length,
                    read => length += read,
                }
            }
        };
        let ((), length) = tokio::join!(backend, download);
        assert!((SIZE..SIZE + 1024).contains(&length), "{target}: {length}");
        let grown = peak(&pair.gateway).saturating_sub(before);
        assert!(grown < GROWTH, "{target}: grown by {grown} KiB");
    }
}

/// A reader that does not read holds up the backend, and fills no memory.
#[tokio::test]
async fn a_slow_reader_fills_no_memory() {
    let pair = Setup::forwarding().start().await;
    pair.exchange(&get("/warm", &[]), &json_answer(b"{}")).await;
    let before = peak(&pair.gateway);
    let mut client = TcpStream::connect(pair.address()).await.unwrap();
    client.write_all(&get("/film", &[])).await.unwrap();
    let mut connection = pair.upstream.connection().await;
    connection.head().await;
    connection.say(format!("HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: {SIZE}\r\n\r\n")).await;
    let chunk = vec![b'y'; 64 * 1024];
    let mut written = 0;
    // What the kernels on the way take, and the gateway's buffers; then writing stops.
    while written < SIZE && connection.has_room(&chunk).await {
        written += chunk.len();
    }
    assert!(written < SIZE, "all was taken though nobody reads");
    let grown = peak(&pair.gateway).saturating_sub(before);
    assert!(grown < GROWTH, "grown by {grown} KiB");
}

#[tokio::test]
async fn what_is_too_large_is_refused_before_or_while_it_comes() {
    let pair = Setup { route: "forward_rest = true\nlimits = { upload = \"1KiB\" }", ..Setup::default() }.start().await;
    let limit = 1024 + 1024 * 1024;
    for target in [ATTACHMENT, "/unknown"] {
        let head = format!("POST {PREFIX}{target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n");
        let declared = format!("{head}Content-Length: {}\r\n\r\n", limit + 1);
        let answer = pair.refused(declared.as_bytes()).await;
        assert_eq!((answer.status, &answer.json()["success"]), (413, &json!(false)), "{target}");
        let chunk = format!("{:x}\r\n{}\r\n", limit / 2, "x".repeat(limit / 2));
        let chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n{chunk}{chunk}{chunk}0\r\n\r\n");
        let backend = async {
            let mut connection = pair.upstream.connection().await;
            connection.head().await;
            // A body without its end: the backend must not take it for a whole one.
            while connection.read().await {}
            assert!(!connection.rest().ends_with(b"0\r\n\r\n"), "{target}");
        };
        let ((), answer) = tokio::join!(backend, http::send(pair.address(), chunked.as_bytes()));
        assert_eq!(answer.status, 413, "{target}: {answer:?}");
    }
}

/// A client that goes away in the middle leaves no whole request behind it.
#[tokio::test]
async fn a_cut_upload_is_cut_for_the_backend_too() {
    let pair = Setup::default().start().await;
    for framing in ["Content-Length: 100", "Transfer-Encoding: chunked"] {
        let mut client = TcpStream::connect(pair.address()).await.unwrap();
        let piece = if framing.starts_with('T') { "5\r\nabcde\r\n" } else { "abcde" };
        let request = format!("POST {PREFIX}{ATTACHMENT} HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n{piece}");
        client.write_all(request.as_bytes()).await.unwrap();
        let mut connection = pair.upstream.connection().await;
        connection.head().await;
        drop(client);
        while connection.read().await {}
        let rest = String::from_utf8_lossy(connection.rest()).into_owned();
        assert!(!rest.ends_with("0\r\n\r\n") && rest.len() < 100, "{framing}: {rest:?}");
    }
}
