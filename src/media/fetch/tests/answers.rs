//! Hosts that answer badly: too much, too little, too slowly, or something else than the file.

use std::io;
use std::time::Duration;

use futures_util::StreamExt;

use super::super::{Fetched, broken};
use super::stage::{Act, Stage, file, redirect, say};
use crate::fault::{Fault, Reason};

const SHORT: Duration = Duration::from_millis(150);
const PAUSE: Duration = Duration::from_millis(5);

/// Fetches what the host answers.
async fn fetch(acts: Vec<Act>, change: impl FnOnce(&mut Stage)) -> Result<Fetched, Fault> {
    let mut stage = Stage::new(move |_| acts.clone()).await.allowed("cdn.example");
    change(&mut stage);
    stage.fetcher().fetch("http://cdn.example/x?token=hidden", None).await
}

async fn refusal(acts: Vec<Act>, change: impl FnOnce(&mut Stage)) -> Fault {
    let begin = match acts.first() {
        Some(Act::Send(bytes)) => String::from_utf8_lossy(&bytes[..bytes.len().min(80)]).into_owned(),
        _ => String::new(),
    };
    fetch(acts, change).await.map(|_| ()).expect_err(&begin)
}

/// Reads to the end: the bytes, or how it failed. Nothing comes after a failure.
async fn read(fetched: Fetched) -> Result<usize, io::Error> {
    let mut chunks = fetched.chunks;
    let mut bytes = 0;
    while let Some(chunk) = chunks.next().await {
        assert!(bytes < 16 << 20, "a body has no end");
        match chunk {
            Ok(chunk) => bytes += chunk.len(),
            Err(error) => {
                assert!(chunks.next().await.is_none(), "a stream goes on after {error}");
                return Err(error);
            }
        }
    }
    Ok(bytes)
}

/// The head is fine; how the body fails, and the fault that is made of it.
async fn failure(acts: Vec<Act>, change: impl FnOnce(&mut Stage)) -> (io::ErrorKind, Reason) {
    let fetched = fetch(acts, change).await.expect("a good head");
    let error = read(fetched).await.expect_err("a bad body");
    (error.kind(), broken(&error).reason)
}

fn with(head: &str, body: Act) -> Vec<Act> {
    [say(format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n")), vec![body]].concat()
}

#[tokio::test]
async fn what_is_no_file_is_refused() {
    let long_head = format!("HTTP/1.1 200 OK\r\nX: {}\r\nContent-Length: 1\r\n\r\nx", "x".repeat(300_000));
    let many_headers = format!("HTTP/1.1 200 OK\r\n{}Content-Length: 1\r\n\r\nx", "X: y\r\n".repeat(1000));
    for (answer, reason) in [
        ("HTTP/1.1 404 Not Found\r\nContent-Length: 1\r\n\r\nx", Reason::FileNotFound),
        ("HTTP/1.1 410 Gone\r\nContent-Length: 1\r\n\r\nx", Reason::FileNotFound),
        ("HTTP/1.1 201 Created\r\nContent-Length: 1\r\n\r\nx", Reason::Upstream),
        ("HTTP/1.1 204 No Content\r\n\r\n", Reason::Upstream),
        ("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-0/9\r\nContent-Length: 1\r\n\r\nx", Reason::Upstream),
        ("HTTP/1.1 401 Unauthorized\r\nContent-Length: 1\r\n\r\nx", Reason::Upstream),
        ("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 1\r\n\r\nx", Reason::Upstream),
        ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", Reason::Upstream),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Reason::Upstream),
        ("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nxyz", Reason::Upstream),
        ("HTTP/1.1 200 OK\r\nContent-Encoding: identity, br\r\nContent-Length: 3\r\n\r\nxyz", Reason::Upstream),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", Reason::Upstream),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxy", Reason::Upstream),
        ("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nx", Reason::Upstream),
        ("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nx", Reason::Upstream),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1048577\r\n\r\nx", Reason::TooLarge),
        ("SSH-2.0-OpenSSH_9.6\r\n", Reason::Upstream),
        ("", Reason::Upstream),
        ("HTTP/1.1 200 OK\r\nContent-Le", Reason::Upstream),
        (&long_head, Reason::Upstream),
        (&many_headers, Reason::Upstream),
    ] {
        let fault = refusal(say(answer), |_| {}).await;
        let begin = &answer[..answer.len().min(80)];
        assert_eq!(fault.reason, reason, "{begin:?}: {fault}");
        assert!(!fault.to_string().contains("hidden"), "{begin:?}: {fault}");
    }
}

/// A gzip bomb is not unpacked, with or without a word about it: without, it is a file of as many bytes as came.
#[tokio::test]
async fn nothing_is_unpacked() {
    let bomb = Act::Send([&[0x1f, 0x8b, 8, 0][..], &[0; 996]].concat());
    let fault = refusal(with("Content-Encoding: gzip\r\nContent-Length: 1000", bomb.clone()), |_| {}).await;
    assert_eq!(fault.reason, Reason::Upstream);
    let fetched = fetch(with("Content-Type: application/gzip\r\nContent-Length: 1000", bomb), |_| {}).await.unwrap();
    assert_eq!(read(fetched).await.unwrap(), 1000);
}

#[tokio::test]
async fn who_says_nothing_is_given_up() {
    let slow: [Vec<Act>; 4] = [
        vec![Act::Wait],
        [say("HTTP/1.1 200 OK\r\nContent-"), vec![Act::Wait]].concat(),
        [say("HTTP/1.1 200 OK\r\n"), vec![Act::Repeat(b"X".to_vec(), PAUSE)]].concat(),
        vec![Act::Repeat(b"HTTP/1.1 103 Early Hints\r\n\r\n".to_vec(), PAUSE)],
    ];
    for acts in slow {
        let fault = refusal(acts, |stage| stage.settings.timeout = SHORT).await;
        assert_eq!(fault.reason, Reason::UpstreamTimeout, "{fault}");
    }
}

/// Each is quick, and there is always one more: they share the time.
#[tokio::test]
async fn endless_redirects_are_given_up() {
    let endless = |stage: &mut Stage| {
        stage.settings.redirects = usize::MAX;
        stage.settings.timeout = SHORT;
    };
    let fault = refusal(redirect("/again"), endless).await;
    assert_eq!(fault.reason, Reason::UpstreamTimeout, "{fault}");
}

#[tokio::test]
async fn a_slow_body_is_given_up() {
    let stalls = [say("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome"), vec![Act::Wait]].concat();
    let drips = with("Content-Length: 1000", Act::Repeat(b"x".to_vec(), PAUSE));
    let empty_trickle = with("Transfer-Encoding: chunked", Act::Repeat(b"1;x\r\ny\r\n".to_vec(), PAUSE));
    for acts in [stalls, drips, empty_trickle] {
        let failed = failure(acts, |stage| stage.settings.idle = SHORT).await;
        assert_eq!(failed, (io::ErrorKind::TimedOut, Reason::UpstreamTimeout));
    }
}

#[tokio::test]
async fn a_body_without_end_is_cut() {
    let piece = vec![b'x'; 64 * 1024];
    let chunk = [b"10000\r\n".to_vec(), piece.clone(), b"\r\n".to_vec()].concat();
    for acts in [
        with("Transfer-Encoding: chunked", Act::Repeat(chunk, Duration::ZERO)),
        with("Connection: close", Act::Repeat(piece, Duration::ZERO)),
    ] {
        let failed = failure(acts, |_| {}).await;
        assert_eq!(failed, (io::ErrorKind::FileTooLarge, Reason::TooLarge));
    }
}

#[tokio::test]
async fn a_body_that_was_cut_is_no_file() {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome",
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nso",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nsome\r\n0\r\n\r\n",
    ] {
        let failed = failure(say(answer), |_| {}).await;
        assert_eq!(failed, (io::ErrorKind::UnexpectedEof, Reason::Upstream), "{answer:?}");
    }
}

/// What comes after the file is not of it.
#[tokio::test]
async fn a_body_ends_where_its_head_said() {
    let fetched = fetch(say("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nsomething"), |_| {}).await.unwrap();
    assert_eq!(read(fetched).await.unwrap(), 4);
}

#[tokio::test]
async fn exactly_the_largest_is_fine() {
    let largest = |stage: &mut Stage| stage.settings.largest = 5;
    assert_eq!(read(fetch(file("12345"), largest).await.unwrap()).await.unwrap(), 5);
    assert_eq!(refusal(file("123456"), largest).await.reason, Reason::TooLarge);
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n0\r\n\r\n";
    assert_eq!(read(fetch(say(chunked), largest).await.unwrap()).await.unwrap(), 5);
}
