//! Where one request ends and the next begins: the gateway and the backend must agree, whatever a client writes.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::*;
use crate::harness::PATIENCE;

/// What a smuggled request would look like to the backend.
const HIDDEN: &str = "GET /clinic/hidden HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

/// Writes all, reads what comes until the other side ends the connection.
async fn said(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let read = timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    assert!(read.is_ok(), "the connection stays open after {answer:?} to {:?}", String::from_utf8_lossy(bytes));
    answer
}

#[tokio::test]
async fn what_two_readers_could_frame_differently_reaches_no_backend() {
    let pair = Setup::forwarding().start().await;
    let target = path(ATTACHMENT);
    for framing in [
        "Content-Length: 4\r\nContent-Length: 50",
        "Content-Length: 4, 50",
        "Content-Length: +4",
        "Content-Length: 0x4",
        "Content-Length: -1",
        "Content-Length: ",
        "Content-Length : 4",
        "Content-Length: 4\r\n 0",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: identity, chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding : chunked",
        "Transfer-Encoding:\u{b}chunked",
        "X: y\rTransfer-Encoding: chunked",
        "Host: b\r\nContent-Length: 4",
    ] {
        let request = format!("POST {target} HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n0\r\n\r\n{HIDDEN}");
        let answer = pair.upstream.is_left_alone(said(pair.address(), request.as_bytes())).await;
        let answers = answer.matches("HTTP/1.1 ").count();
        assert!(answers <= 1 && !answer.starts_with("HTTP/1.1 2"), "{framing:?}: {answer:?}");
    }
}

/// What came before the mistake may be under way already; the backend never sees an end, nor another request.
#[tokio::test]
async fn a_body_of_broken_chunks_never_ends() {
    let pair = Setup::forwarding().start().await;
    for chunk in ["5", "+5", "0x5", "ffffffffffffffff0", "-1", "5 5", "g"] {
        let head = format!("POST {} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", path(ATTACHMENT));
        let request = format!("{head}{chunk}\r\nabc\r\n0\r\n\r\n{HIDDEN}");
        let seen = std::cell::RefCell::new(String::new());
        let backend = async {
            loop {
                let mut connection = pair.upstream.connection().await;
                while connection.read().await {}
                *seen.borrow_mut() += &String::from_utf8_lossy(connection.rest());
            }
        };
        let answer = tokio::select! {
            () = backend => unreachable!(),
            answer = said(pair.address(), request.as_bytes()) => answer,
        };
        assert!(!answer.starts_with("HTTP/1.1 2") && answer.matches("HTTP/1.1 ").count() <= 1, "{chunk:?}: {answer:?}");
        let seen = seen.into_inner();
        assert!(!seen.contains("hidden") && !seen.ends_with("0\r\n\r\n"), "{chunk:?}: {seen:?}");
    }
}

/// hyper reads such a request by its chunks, as RFC 9112 §6.3 has it, takes the length away and ends the connection after
/// it: the backend sees one framing and one request, and what follows is read by nobody.
#[tokio::test]
async fn of_two_lengths_one_is_passed_on_and_nothing_follows() {
    let pair = Setup::default().start().await;
    for framing in [
        "Content-Length: 4\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 4",
        "Content-Length: 400\r\nTransfer-Encoding: chunked",
        // A line that ends without a carriage return is a line (RFC 9112 §2.2); it is written anew with one.
        "X: y\nTransfer-Encoding: chunked\nContent-Length: 4",
    ] {
        let target = path(ATTACHMENT);
        let request = format!("POST {target} HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n3\r\nabc\r\n0\r\n\r\n{HIDDEN}");
        let answer = json_answer(b"{}");
        let (seen, answered) =
            tokio::join!(pair.upstream.serve(&answer), async { said(pair.address(), request.as_bytes()).await });
        assert_eq!((seen.body.as_slice(), seen.all("content-length").len()), (&b"abc"[..], 0), "{framing:?}");
        assert_eq!(answered.matches("HTTP/1.1 ").count(), 1, "{framing:?}: {answered:?}");
    }
}

/// A body that looks like a request stays a body.
#[tokio::test]
async fn a_request_in_a_body_is_a_body() {
    let pair = Setup::default().start().await;
    let request = http::request("POST", &path(ATTACHMENT), &[], HIDDEN.as_bytes());
    let (seen, answered) = pair.exchange(&request, &json_answer(b"{}")).await;
    assert_eq!((seen.body.as_slice(), answered.status), (HIDDEN.as_bytes(), 200));
}

#[tokio::test]
async fn paths_that_could_lead_elsewhere_reach_no_backend() {
    let pair = Setup::forwarding().start().await;
    for rest in
        ["/../admin", "/a/../../admin", "/a/%2e%2e/admin", "//admin", "/a%2fb", "/a%5cb", "/a%00", "/%zz", "/a\\b"]
    {
        let answer = pair.refused(&http::request("GET", &path(rest), &[], b"")).await;
        assert!((400..500).contains(&answer.status), "{rest}: {answer:?}");
    }
}

/// An answer that ends too early must look like that, not like a shorter one.
#[tokio::test]
async fn a_cut_answer_is_seen_as_cut() {
    let pair = Setup::default().start().await;
    let known = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\nonly this";
    let chunked = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nonly this\r\n";
    for (answer, reset) in [(known, false), (known, true), (chunked, false), (chunked, true)] {
        let backend = async {
            let mut connection = pair.upstream.connection().await;
            connection.request().await;
            connection.say(answer).await;
            if reset {
                connection.reset();
            }
        };
        // The end may overtake the head; then there is no answer to be mistaken for a whole one.
        let request = get(THREADS, &[]);
        let ((), answer) = tokio::join!(backend, said(pair.address(), &request));
        let head = answer.to_ascii_lowercase();
        let is_whole = (head.contains("transfer-encoding: chunked") && head.ends_with("0\r\n\r\n"))
            || (head.contains("content-length: 9\r\n"));
        assert!(!is_whole, "{answer:?}");
        let begins = ["http/1.1 200", "http/1.1 502"];
        assert!(head.is_empty() || begins.iter().any(|begin| head.starts_with(begin)), "{answer:?}");
    }
}

/// What came of an answer that has to be read whole is not passed on at all.
#[tokio::test]
async fn a_cut_answer_that_is_looked_into_is_refused() {
    let pair = Setup::default().start().await;
    let answer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"a\":1}";
    let (_, answered) = pair.exchange(&get(THREADS, &[]), answer.as_bytes()).await;
    assert_eq!(answered.status, 502);
}
