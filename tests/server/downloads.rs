//! Files served: in parts, only when changed, and such that a browser runs nothing of them.

use super::site::{Answer, Server, UPLOAD, signer};

async fn stored(server: &Server, name: &str, content: &str) -> String {
    let body = format!(
        "--b\r\nContent-Disposition: form-data; name=\"conversation_id\"\r\n\r\n123\r\n\
         --b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n{content}\r\n--b--\r\n"
    );
    let head = format!(
        "POST {UPLOAD} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: multipart/form-data; boundary=b\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    let answer = server.exchange(format!("{head}{body}").as_bytes()).await;
    let url = answer.json()["file_url"].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned();
    url.strip_prefix("http://files.example").unwrap().to_owned()
}

#[tokio::test]
async fn parts_are_served_on_request() {
    let server = Server::start().await;
    let path = stored(&server, "ten.txt", "0123456789").await;
    for (range, status, body, says) in [
        ("", 200, "0123456789", "content-length: 10"),
        ("Range: bytes=2-4\r\n", 206, "234", "content-range: bytes 2-4/10"),
        ("Range: bytes=7-\r\n", 206, "789", "content-range: bytes 7-9/10"),
        ("Range: bytes=-3\r\n", 206, "789", "content-range: bytes 7-9/10"),
        ("Range: bytes=-99\r\n", 206, "0123456789", "content-range: bytes 0-9/10"),
        ("Range: bytes=5-99\r\n", 206, "56789", "content-range: bytes 5-9/10"),
        ("Range: bytes=0-1,4-5\r\n", 200, "0123456789", "content-length: 10"),
        ("Range: lines=1-2\r\n", 200, "0123456789", "content-length: 10"),
        ("Range: bytes=4-2\r\n", 200, "0123456789", "content-length: 10"),
    ] {
        let answer = server.get(&path, range).await;
        assert_eq!(
            (answer.status, String::from_utf8_lossy(&answer.body).as_ref()),
            (status, body),
            "{range}{answer:?}"
        );
        assert!(answer.head.contains(says), "{range}{answer:?}");
    }
    for range in ["Range: bytes=10-\r\n", "Range: bytes=-0\r\n"] {
        let answer = server.get(&path, range).await;
        assert_eq!(
            (answer.status, answer.head.contains("content-range: bytes */10")),
            (416, true),
            "{range}{answer:?}"
        );
    }
}

fn header(answer: &Answer, name: &str) -> String {
    let line = answer.head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")).map(str::to_owned));
    line.unwrap_or_else(|| panic!("no {name}: {answer:?}"))
}

#[tokio::test]
async fn what_a_client_has_already_is_not_sent_again() {
    let server = Server::start().await;
    let path = stored(&server, "ten.txt", "0123456789").await;
    let first = server.get(&path, "").await;
    let (tag, modified) = (header(&first, "etag"), header(&first, "last-modified"));
    for condition in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
        let answer = server.get(&path, &format!("If-None-Match: {condition}\r\n")).await;
        assert_eq!((answer.status, answer.body.len()), (304, 0), "{condition}");
    }
    assert_eq!(server.get(&path, "If-None-Match: \"other\"\r\n").await.status, 200);
    for (condition, status) in [(tag.as_str(), 206), (modified.as_str(), 200), ("\"other\"", 200)] {
        let answer = server.get(&path, &format!("Range: bytes=0-1\r\nIf-Range: {condition}\r\n")).await;
        assert_eq!(answer.status, status, "{condition}");
    }
    for (condition, status) in [
        (format!("If-Modified-Since: {}", modified.to_uppercase()), 304),
        ("If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT".to_owned(), 200),
        (format!("If-Match: {tag}"), 200),
        ("If-Match: \"other\"".to_owned(), 412),
        ("If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT".to_owned(), 412),
    ] {
        assert_eq!(server.get(&path, &format!("{condition}\r\n")).await.status, status, "{condition}");
    }
    let request = format!("HEAD {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nRange: bytes=0-1\r\n\r\n");
    let answer = server.exchange(request.as_bytes()).await;
    assert_eq!((answer.status, header(&answer, "content-length").as_str()), (200, "10"), "only GET has ranges");
    let request = format!("HEAD {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    let answer = server.exchange(request.as_bytes()).await;
    assert_eq!((answer.status, answer.body.len(), header(&answer, "content-length").as_str()), (200, 0, "10"));
}

#[tokio::test]
async fn nothing_that_is_served_can_run() {
    let server = Server::start().await;
    let page = server.get(&stored(&server, "page.txt", "words, then <script>alert(1)</script>").await, "").await;
    assert!(header(&page, "content-disposition").starts_with("attachment; filename*=utf-8''page.txt"), "{page:?}");
    assert_eq!(header(&page, "x-content-type-options"), "nosniff");
    assert!(header(&page, "content-security-policy").contains("sandbox"));
    let shown = server.get(&stored(&server, "a.pdf", "%PDF-1.4\n").await, "").await;
    assert!(header(&shown, "content-disposition").starts_with("inline"), "{shown:?}");
    assert_eq!(server.get("/media/chat/2026/01/01/00000000000000000000000000000000/a.pdf", "").await.status, 404);
}

/// What lies in the store and was never uploaded, or has a key that somebody could guess, needs our signature.
#[tokio::test]
async fn a_guessed_key_is_no_file() {
    let server = Server::start().await;
    server.put("chat/session-7/view.txt", b"words");
    assert_eq!(server.get("/media/chat/session-7/view.txt", "").await.status, 404);
    let signed = signer().sign("staff", "chat/session-7/view.txt");
    let answer = server.get(&format!("/media/{signed}"), "").await;
    assert_eq!((answer.status, answer.body.as_slice()), (200, b"words".as_slice()), "{answer:?}");
    assert!(header(&answer, "content-disposition").ends_with("''view.txt"), "{answer:?}");
    let of_another = signer().sign("staff", "chat/session-8/view.txt").replace("session-8", "session-7");
    for text in [of_another, signer().sign("shops", "chat/session-7/view.txt"), signed.replace('~', "~~")] {
        assert_eq!(server.get(&format!("/media/{text}"), "").await.status, 404, "{text}");
    }
    // Signed and not there, or a way out.
    for key in ["chat/session-9/view.txt", "../journal", "chat/../../journal", ""] {
        let answer = server.get(&format!("/media/{}", signer().sign("staff", key)), "").await;
        assert!(matches!(answer.status, 400 | 404), "{key}: {answer:?}");
    }
}
