//! Uploads over real connections: a form cut at every byte, parts in any order, names, clients that go away, many at
//! once.

use std::fmt::Write;

use tokio::io::AsyncWriteExt;

use super::site::{Answer, LIMIT, Server, UPLOAD};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0\x3a\x7e\x9b\x55";

fn field(name: &str, value: &str) -> Vec<u8> {
    format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").into_bytes()
}

fn file(filename: &str, content: &[u8]) -> Vec<u8> {
    let head =
        format!("--b\r\nContent-Disposition: form-data; name=\"file\"; {filename}\r\nContent-Type: image/png\r\n\r\n");
    [head.as_bytes(), content, b"\r\n"].concat()
}

fn form(parts: &[Vec<u8>]) -> Vec<u8> {
    [parts.concat().as_slice(), b"--b--\r\n"].concat()
}

fn head(length: usize) -> Vec<u8> {
    format!(
        "POST {UPLOAD} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: multipart/form-data; boundary=b\r\n\
         Content-Length: {length}\r\n\r\n"
    )
    .into_bytes()
}

async fn upload(server: &Server, parts: &[Vec<u8>]) -> Answer {
    let body = form(parts);
    server.exchange(&[head(body.len()), body].concat()).await
}

#[tokio::test]
async fn a_form_is_understood_wherever_it_is_split() {
    let server = Server::start().await;
    let body =
        form(&[field("conversation_id", "123"), file("filename=\"a.png\"", PNG), field("caption", "--b\n-- words")]);
    for at in 1..body.len() {
        let mut stream = server.connect().await;
        stream.set_nodelay(true).unwrap();
        // Two chunks of the chunked coding are two pieces, whatever the network does.
        let head = format!(
            "POST {UPLOAD} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: multipart/form-data; boundary=b\r\n\
             Transfer-Encoding: chunked\r\n\r\n{at:x}\r\n"
        );
        let bytes =
            [head.as_bytes(), &body[..at], format!("\r\n{:x}\r\n", body.len() - at).as_bytes(), &body[at..]].concat();
        stream.write_all(&bytes).await.unwrap();
        stream.write_all(b"\r\n0\r\n\r\n").await.unwrap();
        let answer = Answer::read(&mut stream).await;
        let json = answer.json();
        assert_eq!(
            (answer.status, &json["file_size"], &json["caption"]),
            (200, &PNG.len().into(), &"--b\n-- words".into()),
            "{at}"
        );
    }
    assert_eq!(server.stored().len(), body.len() - 1);
}

#[tokio::test]
async fn a_form_that_is_cut_anywhere_leaves_nothing() {
    let server = Server::start().await;
    let body = form(&[field("conversation_id", "123"), file("filename=\"a.png\"", PNG)]);
    for at in (0..body.len()).step_by(7) {
        let mut stream = server.connect().await;
        stream.write_all(&[&head(body.len()), &body[..at]].concat()).await.unwrap();
        stream.shutdown().await.unwrap();
        let status = Answer::read(&mut stream).await.status;
        assert!(status == 0 || (400..500).contains(&status), "cut at {at}: {status}");
    }
    server.becomes_empty().await;
}

/// The first fault in the dialect's order is named, in whatever order the parts come.
#[tokio::test]
async fn faults_are_named_in_the_dialects_order() {
    let server = Server::start().await;
    let large = vec![b'x'; usize::try_from(LIMIT).unwrap() + 1];
    for (name, parts, status, words) in [
        ("the file first", vec![file("filename=\"a.png\"", PNG), field("conversation_id", "123")], 200, ""),
        ("nothing", vec![], 400, "conversation_id is required"),
        ("only a bad file", vec![file("filename=\"a.exe\"", b"MZ")], 400, "conversation_id is required"),
        ("no file", vec![field("conversation_id", "123")], 400, "file is required"),
        (
            "a form without a choice",
            vec![field("conversation_id", "123"), file("filename=\"\"", b"")],
            400,
            "file is required",
        ),
        (
            "large and of no type",
            vec![file("filename=\"a.exe\"", &large), field("conversation_id", "123")],
            400,
            "File size exceeds 256KB limit",
        ),
        (
            "of no type and of no conversation",
            vec![file("filename=\"a.exe\"", b"MZ"), field("conversation_id", "9")],
            400,
            "File type is not supported",
        ),
        (
            "of no conversation",
            vec![file("filename=\"a.png\"", PNG), field("conversation_id", "9")],
            404,
            "Conversation not found",
        ),
    ] {
        let answer = upload(&server, &parts).await;
        assert_eq!(answer.status, status, "{name}: {answer:?}");
        assert!(String::from_utf8_lossy(&answer.body).contains(words), "{name}: {answer:?}");
    }
    assert_eq!(server.stored().len(), 1);
}

#[tokio::test]
async fn names_come_back_as_they_were_given() {
    let server = Server::start().await;
    for (declared, shown) in [
        ("filename=\"گزارش «نهایی».png\"", "گزارش «نهایی».png"),
        ("filename=\"it's a b.png\"", "it's a b.png"),
        ("filename=\"a \\\"b\\\".png\"", "a \"b\".png"),
        ("filename=\"x.png\"; filename*=UTF-8''%D9%86%20%D9%85.png", "ن م.png"),
        ("filename=\"../../x.png\"", "x.png"),
        ("filename=\"..%2f..%2fx.png\"", "x.png"),
        ("filename=\"C:\\temp\\x.png\"", "x.png"),
    ] {
        let answer = upload(&server, &[field("conversation_id", "123"), file(declared, PNG)]).await;
        let json = answer.json();
        assert_eq!(json["filename"], shown, "{declared}: {answer:?}");
        let path = json["file_url"].as_str().unwrap().strip_prefix("http://files.example").unwrap().to_owned();
        assert_eq!(server.get(&path, "").await.body, PNG, "{declared}: {path}");
    }
}

/// Forms made to cost more than they are worth.
#[tokio::test]
async fn bombs_are_refused() {
    let server = Server::start().await;
    let many: Vec<Vec<u8>> = (0..200).map(|number| field(&format!("f{number}"), "x")).collect();
    let mut headers = String::new();
    for number in 0..500 {
        write!(headers, "X-{number}: y\r\n").unwrap();
    }
    let bomb = format!("--b\r\n{headers}Content-Disposition: form-data; name=\"caption\"\r\n\r\nx\r\n").into_bytes();
    let text = "t".repeat(100 * 1024);
    for (name, parts) in
        [("many parts", many), ("many headers", vec![bomb]), ("a long text", vec![field("caption", &text)])]
    {
        let answer = upload(&server, &parts).await;
        assert!((400..500).contains(&answer.status), "{name}: {answer:?}");
    }
    for kind in ["multipart/form-data; boundary=b; boundary=c", "multipart/form-data", "multipart/form-data; boundary="]
    {
        let body = form(&[field("conversation_id", "123"), file("filename=\"a.png\"", PNG)]);
        let head = format!(
            "POST {UPLOAD} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let answer = server.exchange(&[head.as_bytes(), &body].concat()).await;
        assert_eq!(answer.status, 400, "{kind}: {answer:?}");
    }
    server.becomes_empty().await;
}

#[tokio::test]
async fn sixteen_at_once_are_all_kept_whole() {
    let server = Server::start().await;
    let content: Vec<Vec<u8>> =
        (0..16_u8).map(|number| [PNG, &vec![number; usize::try_from(LIMIT).unwrap() - PNG.len()]].concat()).collect();
    let forms: Vec<[Vec<u8>; 2]> =
        content.iter().map(|bytes| [field("conversation_id", "123"), file("filename=\"a.png\"", bytes)]).collect();
    let answers = futures_util::future::join_all(forms.iter().map(|parts| upload(&server, parts))).await;
    for (answer, bytes) in answers.iter().zip(&content) {
        let url = answer.json()["file_url"].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned();
        let path = url.strip_prefix("http://files.example").unwrap();
        assert!(server.get(path, "").await.body == *bytes, "{path} is not what was sent");
    }
}

/// A client that asks before it sends a body is told what becomes of it, and not to send it.
#[tokio::test]
async fn who_asks_first_is_not_told_to_send() {
    let server = Server::start().await;
    for (path, length, status) in [
        (UPLOAD, LIMIT + 100 * 1024 * 1024, 400),
        ("/no/such/path", 1000, 404),
        ("/api/chat/conversations/", 1000, 405),
    ] {
        let mut stream = server.connect().await;
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Type: multipart/form-data; boundary=b\r\n\
             Content-Length: {length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let answer = Answer::read(&mut stream).await;
        assert_eq!(answer.status, status, "{path}: {answer:?}");
    }
    // And whoever is welcome is.
    let body = form(&[field("conversation_id", "123"), file("filename=\"a.png\"", PNG)]);
    let mut stream = server.connect().await;
    let head = String::from_utf8(head(body.len())).unwrap().replace("Host: a", "Host: a\r\nExpect: 100-continue");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut sign = [0; 25];
    tokio::io::AsyncReadExt::read_exact(&mut stream, &mut sign).await.unwrap();
    assert_eq!(&sign, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(&body).await.unwrap();
    assert_eq!(Answer::read(&mut stream).await.status, 200);
}
