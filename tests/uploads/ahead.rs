//! Bodies that are too large by their own head: refused before a byte of them was sent, on a connection that then ends. And
//! those whose head says nothing, cut off at the limit.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use super::documented::{content, rows};
use super::harness::http::{self, Answer, BOUNDARY};
use super::harness::{DIALECTS, Gateway, PATIENCE};
use super::scene::{CONVERSATIONS, Upload, files, is_refusal};

const MEBIBYTE: u64 = 1024 * 1024;
const HUGE: u64 = 2048 * MEBIBYTE;
/// What the answer may take when nothing has to be waited for; the rest of a body is waited for longer.
const AT_ONCE: Duration = Duration::from_millis(1500);

/// Every upload call of a dialect: its path, and the most bytes that a file may have there.
fn calls(upload: &Upload) -> Vec<(&'static str, u64)> {
    let mut calls: Vec<(&str, u64)> = Vec::new();
    let other = (upload.dialect == "licomed").then_some("/chat/chat-attachment/");
    for row in rows(upload.dialect) {
        for path in row.path.into_iter().chain([upload.path].into_iter().filter(|_| row.path.is_none())).chain(other) {
            if !calls.iter().any(|(known, _)| *known == path) {
                calls.push((path, row.most as u64));
            }
        }
    }
    calls
}

fn head(upload: &Upload, path: &str, content_type: &str, more: &str) -> String {
    let (name, value) = &upload.header;
    format!("POST {path} HTTP/1.1\r\nHost: a\r\n{name}: {value}\r\nContent-Type: {content_type}\r\n{more}\r\n\r\n")
}

fn form_type() -> String {
    format!("multipart/form-data; boundary={BOUNDARY}")
}

/// Says the head and nothing more: the answer, and how long it took. Fails if the connection is not ended after it.
async fn refused(gateway: &Gateway, what: &str, head: &str) -> (Answer, Duration) {
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    let began = Instant::now();
    stream.write_all(head.as_bytes()).await.unwrap();
    let (mut answer, mut length) = (vec![0; 16 * 1024], 0);
    let end = loop {
        let read = timeout(PATIENCE, stream.read(&mut answer[length..])).await;
        length += read.unwrap_or_else(|_| panic!("{what}: no answer")).unwrap();
        if let Some(whole) = whole(&answer[..length]) {
            break whole;
        }
    };
    let took = began.elapsed();
    let rest = timeout(PATIENCE, stream.read(&mut answer[length..])).await;
    assert!(matches!(rest, Ok(Ok(0) | Err(_))), "{what}: the connection is held open: {rest:?}");
    (http::parse(&answer[..end]), took)
}

/// Where an answer ends, once it is there.
fn whole(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let lines = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
    let length = lines.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
    Some(head + length.unwrap_or(0)).filter(|end| *end <= bytes.len())
}

/// The type of a body that is the file itself, where a dialect takes such bodies.
fn bare(path: &str) -> Option<&'static str> {
    match path {
        "/upload/image" => Some("image/png"),
        "/upload/file" => Some("application/pdf"),
        "/upload/voice" => Some("audio/mp4"),
        "/upload/video" => Some("video/mp4"),
        _ => None,
    }
}

#[tokio::test]
async fn a_head_that_says_too_much_is_refused_before_its_body() {
    let mut gateway = Gateway::start(CONVERSATIONS).await;
    for dialect in DIALECTS {
        let upload = Upload::of(&gateway, dialect).await;
        let mut cases = Vec::new();
        for (path, most) in calls(&upload) {
            // A form has up to 1 MiB around its file.
            cases.extend([most + MEBIBYTE + 1, HUGE].map(|length| (path, form_type(), length, true)));
            if let Some(mime) = bare(path) {
                cases.extend([most + 1, HUGE].map(|length| (path, mime.to_owned(), length, true)));
                // Whatever its bytes are, its type is refused.
                cases.push((path, "application/x-nonsense".to_owned(), most, false));
            }
        }
        let asked = cases.iter().flat_map(|case| ["", "Expect: 100-continue\r\n"].map(|expect| (case, expect)));
        let told = asked.map(|((path, content_type, length, is_too_large), expect)| {
            let what = format!("{dialect}: {path}: {content_type} of {length} bytes {expect:?}");
            let head = head(&upload, path, content_type, &format!("{expect}Content-Length: {length}"));
            let gateway = &gateway;
            async move {
                let (answer, took) = refused(gateway, &what, &head).await;
                let expected = if *is_too_large && dialect != "frontdesk" { 413 } else { 400 };
                assert_eq!(answer.status, expected, "{what}: {answer:?}");
                assert!(is_refusal(dialect, &answer.json()), "{what}: {answer:?}");
                assert!(took < AT_ONCE, "{what}: after {took:?}");
            }
        });
        join_all(told).await;
    }
    assert!(files(&gateway.uploads()).is_empty() && gateway.is_alive());
}

/// Who does not wait is answered too, and what is sent all the same goes nowhere.
#[tokio::test]
async fn who_sends_two_gibibytes_all_the_same_is_cut_off() {
    let mut gateway = Gateway::start(CONVERSATIONS).await;
    for dialect in DIALECTS {
        let upload = Upload::of(&gateway, dialect).await;
        for (path, _) in calls(&upload) {
            let head = head(&upload, path, &form_type(), &format!("Content-Length: {HUGE}"));
            let first = [head.into_bytes(), beginning(&upload, "png")].concat();
            let body = std::iter::once(first).chain(std::iter::repeat_with(|| vec![7; MEBIBYTE as usize]).take(2048));
            is_cut_off(&gateway, dialect, path, body, 2 * MEBIBYTE).await;
        }
    }
    assert!(files(&gateway.uploads()).is_empty() && gateway.is_alive());
}

#[tokio::test]
async fn a_body_without_a_length_is_cut_off_at_the_limit() {
    let limit = 2 * MEBIBYTE;
    let mut gateway = Gateway::start_with(CONVERSATIONS, |_| "limits = { upload = \"2MiB\" }".to_owned()).await;
    for dialect in DIALECTS {
        let upload = Upload::of(&gateway, dialect).await;
        for (path, _) in calls(&upload) {
            let extension =
                rows(dialect).into_iter().find(|row| row.path.is_none_or(|own| own == path)).unwrap().taken[0];
            let head = head(&upload, path, &form_type(), "Transfer-Encoding: chunked");
            let first = [head.into_bytes(), chunk(&beginning(&upload, extension))].concat();
            let more = chunk(&[b'\n'; 64 * 1024]);
            let body = std::iter::once(first).chain(std::iter::repeat_n(more.clone(), (HUGE / 65_536) as usize));
            is_cut_off(&gateway, dialect, path, body, limit + 2 * MEBIBYTE).await;
            let Some(mime) = bare(path) else { continue };
            let head = self::head(&upload, path, mime, "Transfer-Encoding: chunked").into_bytes();
            let first = [head, chunk(&content(extension, 100))].concat();
            let body = std::iter::once(first).chain(std::iter::repeat_n(more.clone(), (HUGE / 65_536) as usize));
            is_cut_off(&gateway, dialect, path, body, limit + 2 * MEBIBYTE).await;
        }
    }
    assert!(gateway.is_alive());
}

/// The form of an upload up to the file's first bytes.
fn beginning(upload: &Upload, extension: &str) -> Vec<u8> {
    let file = content(extension, 100);
    let form = http::form(&upload.parts(&format!("a.{extension}"), "image/png", &file));
    form[..form.len() - "\r\n--".len() - BOUNDARY.len() - "--\r\n".len()].to_vec()
}

fn chunk(bytes: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

/// Sends what is there and hears the refusal long before the end. `taken`: what the gateway takes at most.
async fn is_cut_off(gateway: &Gateway, dialect: &str, path: &str, body: impl Iterator<Item = Vec<u8>>, taken: u64) {
    let (answer, sent) = http::send_chunks(gateway.address, body, PATIENCE * 4).await;
    // The system holds back a few MiB on both sides of a connection.
    let most = taken + 16 * MEBIBYTE;
    assert!((sent as u64) < most, "{dialect}: {path}: {sent} bytes were sent, {answer:?}");
    let expected = if dialect == "frontdesk" { 400 } else { 413 };
    assert_eq!(answer.status, expected, "{dialect}: {path}: {answer:?}");
    assert!(is_refusal(dialect, &answer.json()), "{dialect}: {path}: {answer:?}");
    let empty = async {
        while !files(&gateway.uploads()).is_empty() {
            tokio::task::yield_now().await;
        }
    };
    assert!(timeout(PATIENCE, empty).await.is_ok(), "{dialect}: {path}: {:?}", files(&gateway.uploads()));
}
