//! A scanner that speaks ICAP (RFC 3507). In: its service, a file. Out: the verdict of a RESPMOD: the file goes there as the
//! answer to a made-up request, and 204 says that nothing has to be changed.

use std::fmt::Write;

use bytes::BytesMut;
use futures_util::TryStreamExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use super::{Chunks, IcapService, NoVerdict, Subject, Verdict, said};
use crate::percent;

/// Bytes of the head of an answer, and again of the head of what it encapsulates.
const HEAD: usize = 16 * 1024;

/// Headers by which servers say what they found (c-icap, Symantec, Trend Micro and others; no standard has them).
const FOUND: &[&str] = &["x-infection-found", "x-virus-id", "x-violations-found", "x-virus-name"];

pub(super) async fn judge(service: &IcapService, subject: &Subject<'_>, chunks: Chunks) -> Result<Verdict, NoVerdict> {
    let stream = TcpStream::connect(&service.authority).await;
    let stream = stream.map_err(|error| NoVerdict(format!("{}: {error}", service.authority)))?;
    let (reading, writing) = stream.into_split();
    let head = head(service, subject);
    let asking = ask(writing, head, chunks);
    let hearing = hear(reading);
    tokio::pin!(asking, hearing);
    tokio::select! {
        // It may know enough before all was sent.
        verdict = hearing.as_mut() => verdict,
        asked = asking.as_mut() => match asked {
            Ok(()) => hearing.await,
            Err(Unasked::File(error)) => Err(NoVerdict(format!("the file could not be read: {error}"))),
            // What it said before it closed may be its verdict.
            Err(Unasked::Server(error)) => {
                let heard = hearing.await;
                heard.map_err(|why| NoVerdict(format!("{}: {error}; {why}", service.authority)))
            }
        },
    }
}

enum Unasked {
    File(std::io::Error),
    Server(std::io::Error),
}

/// The head of the request, with the heads that it encapsulates (§4.4.1, §4.9).
fn head(service: &IcapService, subject: &Subject<'_>) -> String {
    let name = percent::encode(subject.name);
    let request = format!("GET http://upload.invalid/{name} HTTP/1.1\r\nHost: upload.invalid\r\n\r\n");
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n",
        subject.mime.replace(['\r', '\n'], ""),
        subject.size
    );
    let (answer_at, body_at) = (request.len(), request.len() + answer.len());
    let mut head = String::new();
    // Writing to a String cannot fail.
    let _ = write!(
        head,
        "RESPMOD icap://{authority}{path} ICAP/1.0\r\nHost: {authority}\r\nAllow: 204\r\nConnection: close\r\n\
         Encapsulated: req-hdr=0, res-hdr={answer_at}, res-body={body_at}\r\n\r\n{request}{answer}",
        authority = service.authority,
        path = service.path,
    );
    head
}

async fn ask(mut server: OwnedWriteHalf, head: String, mut chunks: Chunks) -> Result<(), Unasked> {
    server.write_all(head.as_bytes()).await.map_err(Unasked::Server)?;
    while let Some(chunk) = chunks.try_next().await.map_err(Unasked::File)? {
        // A chunk of no bytes would be the last.
        if chunk.is_empty() {
            continue;
        }
        server.write_all(format!("{:x}\r\n", chunk.len()).as_bytes()).await.map_err(Unasked::Server)?;
        server.write_all(&chunk).await.map_err(Unasked::Server)?;
        server.write_all(b"\r\n").await.map_err(Unasked::Server)?;
    }
    server.write_all(b"0\r\n\r\n").await.map_err(Unasked::Server)?;
    server.flush().await.map_err(Unasked::Server)
}

async fn hear(mut server: OwnedReadHalf) -> Result<Verdict, NoVerdict> {
    let mut bytes = BytesMut::new();
    let head = next_head(&mut server, &mut bytes).await?;
    let status = status(&head, "ICAP/1.").ok_or_else(|| NoVerdict("it does not speak ICAP".to_owned()))?;
    let found = header(&head, FOUND);
    match (status, found) {
        (204, _) => Ok(Verdict::Clean),
        (200 | 201, Some(found)) => Ok(Verdict::Infected(said(found))),
        (200 | 201, None) => {
            // In place of the file it gives a page that says why not.
            let given = next_head(&mut server, &mut bytes).await?;
            match self::status(&given, "HTTP/1.") {
                Some(400..=599) => Ok(Verdict::Infected(said(given.lines().next().unwrap_or_default()))),
                _ => Err(NoVerdict("it changed the file, and does not say that it is infected".to_owned())),
            }
        }
        (other, _) => Err(NoVerdict(format!("it answers {other}"))),
    }
}

/// The next head, without the empty line behind it.
async fn next_head(server: &mut OwnedReadHalf, bytes: &mut BytesMut) -> Result<String, NoVerdict> {
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = bytes.split_to(end + 4);
            return Ok(String::from_utf8_lossy(&head[..end]).into_owned());
        }
        if bytes.len() > HEAD {
            return Err(NoVerdict("its answer has a head without an end".to_owned()));
        }
        match server.read_buf(bytes).await {
            Ok(0) => return Err(NoVerdict("it closed without a verdict".to_owned())),
            Ok(_) => {}
            Err(error) => return Err(NoVerdict(error.to_string())),
        }
    }
}

/// The status of a first line of this protocol.
fn status(head: &str, protocol: &str) -> Option<u16> {
    let line = head.lines().next()?.strip_prefix(protocol)?;
    line.split(' ').nth(1)?.parse().ok()
}

/// The first of these headers.
fn header<'a>(head: &'a str, names: &[&str]) -> Option<&'a str> {
    let headers = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    headers
        .filter(|(name, _)| names.contains(&name.trim().to_ascii_lowercase().as_str()))
        .map(|(_, value)| value.trim())
        .next()
}
