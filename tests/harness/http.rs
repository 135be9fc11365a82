//! HTTP/1.1 as bytes on a connection of its own. In: a request as written. Out: status, headers, body.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::PATIENCE;

pub const BOUNDARY: &str = "boundary-of-the-harness";

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as JSON; null when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// A request with its length, whatever the body is.
pub fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n");
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    if !body.is_empty() || method == "POST" {
        head += &format!("Content-Length: {}\r\n", body.len());
    }
    head += "\r\n";
    [head.as_bytes(), body].concat()
}

pub async fn get(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Answer {
    send(address, &request("GET", path, headers, b"")).await
}

pub async fn post_json(address: SocketAddr, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let headers = [headers, &[("Content-Type", "application/json")]].concat();
    send(address, &request("POST", path, &headers, body)).await
}

/// A part of a form: head lines and content.
pub struct Part {
    head: String,
    content: Vec<u8>,
}

/// A field.
pub fn field(name: &str, value: &str) -> Part {
    Part { head: format!("Content-Disposition: form-data; name=\"{name}\""), content: value.as_bytes().to_vec() }
}

/// A file with its declared type.
pub fn file(field: &str, name: &str, mime: &str, content: &[u8]) -> Part {
    let head = format!("Content-Disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\nContent-Type: {mime}");
    Part { head, content: content.to_vec() }
}

pub async fn post_form(address: SocketAddr, path: &str, headers: &[(&str, &str)], parts: &[Part]) -> Answer {
    let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
    let headers = [headers, &[("Content-Type", content_type.as_str())]].concat();
    send(address, &request("POST", path, &headers, &form(parts))).await
}

pub fn form(parts: &[Part]) -> Vec<u8> {
    let mut body = Vec::new();
    for part in parts {
        body.extend_from_slice(format!("--{BOUNDARY}\r\n{}\r\n\r\n", part.head).as_bytes());
        body.extend_from_slice(&part.content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    body
}

/// Writes the bytes and reads until the other side closes. It may answer and close before all was written.
pub async fn send(address: SocketAddr, bytes: &[u8]) -> Answer {
    exchange(address, [bytes], false, PATIENCE).await.0
}

/// The same, for an answer that may take as long as this.
pub async fn send_within(address: SocketAddr, bytes: &[u8], patience: Duration) -> Answer {
    exchange(address, [bytes], false, patience).await.0
}

/// The same for a body that is made while it is sent; also how many bytes went out before the connection ended. What the
/// system holds back between both ends counts as sent.
pub async fn send_chunks(
    address: SocketAddr,
    chunks: impl IntoIterator<Item = impl AsRef<[u8]>>,
    patience: Duration,
) -> (Answer, usize) {
    exchange(address, chunks, false, patience).await
}

/// The same, but says after the bytes that no more will come.
pub async fn send_and_hang_up(address: SocketAddr, bytes: &[u8]) -> Answer {
    exchange(address, [bytes], true, PATIENCE).await.0
}

async fn exchange(
    address: SocketAddr,
    chunks: impl IntoIterator<Item = impl AsRef<[u8]>>,
    hang_up: bool,
    patience: Duration,
) -> (Answer, usize) {
    // A gateway that is not there answers nothing.
    let Ok(stream) = TcpStream::connect(address).await else { return (parse(b""), 0) };
    let (mut reads, mut writes) = stream.into_split();
    let write = async move {
        let mut written = 0;
        for chunk in chunks {
            let mut rest = chunk.as_ref();
            while !rest.is_empty() {
                // A refusal may close the connection before the body is through.
                let Ok(length) = writes.write(rest).await else { return (writes, written) };
                written += length;
                rest = &rest[length..];
            }
        }
        if hang_up {
            let _ = writes.shutdown().await;
        }
        (writes, written)
    };
    let read = async move {
        let mut answer = Vec::new();
        let mut chunk = [0; 16 * 1024];
        // A reset after the answer is no missing answer.
        while let Ok(length) = reads.read(&mut chunk).await
            && length > 0
        {
            answer.extend_from_slice(&chunk[..length]);
        }
        answer
    };
    let both = async { tokio::join!(write, read) };
    let ((_, written), answer) = tokio::time::timeout(patience, both).await.expect("an answer in time");
    (parse(&answer), written)
}

/// Status 0 stands for a connection that closed without an answer.
pub fn parse(bytes: &[u8]) -> Answer {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Answer { status: 0, headers: Vec::new(), body: Vec::new() };
    };
    let head = String::from_utf8_lossy(&bytes[..end]);
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok()).unwrap_or(0);
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect();
    let rest = &bytes[end + 4..];
    if status == 100 {
        return parse(rest);
    }
    let chunked =
        headers.iter().any(|(name, value)| name.eq_ignore_ascii_case("transfer-encoding") && value == "chunked");
    Answer { status, headers, body: if chunked { unchunk(rest) } else { rest.to_vec() } }
}

fn unchunk(mut bytes: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = bytes.windows(2).position(|window| window == b"\r\n") {
        let size = usize::from_str_radix(&String::from_utf8_lossy(&bytes[..end]), 16).unwrap_or(0);
        let Some(chunk) = bytes.get(end + 2..end + 2 + size).filter(|_| size > 0) else { break };
        body.extend_from_slice(chunk);
        bytes = &bytes[(end + 4 + size).min(bytes.len())..];
    }
    body
}
