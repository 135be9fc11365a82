//! Calls that both sides know: bytes of bodies both ways, what becomes of headers, what no client hears.

use tokio::io::AsyncReadExt;

use super::*;
use crate::harness::PATIENCE;

/// JSON as nobody would write it again: blanks, spellings of numbers, keys twice and keys unknown, escapes.
const ODD: &str = "{ \"receiver\" : \"a\\u002fb\" ,\r\n\t\"n\":[1.50, -0.0e+0, 123456789012345678901234567890],\"n\":1,\"ключ\":null }\n";

#[tokio::test]
async fn bodies_pass_byte_for_byte_both_ways() {
    let pair = Setup::default().start().await;
    let headers = [("Content-Type", "application/x; a=\"b\""), ("Authorization", "bearer  of-theirs")];
    let request = http::request("POST", &path("/chat/attachment/?x=%41&&y=a+b"), &headers, ODD.as_bytes());
    let (seen, answered) = pair.exchange(&request, &json_answer(ODD.as_bytes())).await;
    assert_eq!(seen.lines[0], "POST /chat/attachment/?x=%41&&y=a+b HTTP/1.1");
    assert_eq!(seen.all("content-type"), ["application/x; a=\"b\""]);
    assert_eq!(seen.all("authorization"), ["bearer  of-theirs"]);
    assert_eq!(seen.all("content-length"), [ODD.len().to_string()]);
    assert_eq!(String::from_utf8(seen.body).unwrap(), ODD);
    assert_eq!(String::from_utf8(answered.body).unwrap(), ODD);
}

#[tokio::test]
async fn chunked_bodies_pass_with_a_framing_of_their_own() {
    let pair = Setup::default().start().await;
    let (first, second) = ODD.split_at(7);
    let head = format!(
        "POST {PREFIX}{ATTACHMENT} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    let request =
        format!("{head}{:x}\r\n{first}\r\n{:X};ext=\"1\"\r\n{second}\r\n0\r\n\r\n", first.len(), second.len());
    let head = "HTTP/1.1 201 Made\r\nTransfer-Encoding: chunked\r\nContent-Type: text/plain\r\n\r\n";
    let answer = format!("{head}{:x}\r\n{ODD}\r\n0\r\n\r\n", ODD.len());
    let (seen, answered) = pair.exchange(request.as_bytes(), answer.as_bytes()).await;
    assert_eq!(String::from_utf8(seen.body).unwrap(), ODD);
    assert_eq!((answered.status, String::from_utf8(answered.body).unwrap()), (201, ODD.to_owned()));
}

/// The unit tests have the whole table; this is that the table is used.
#[tokio::test]
async fn headers_go_from_end_to_end_and_no_further() {
    let pair = Setup::default().start().await;
    let headers = [
        ("Connection", "X-Hop, Authorization, Host"),
        ("X-Hop", "1"),
        ("Authorization", "Bearer t"),
        ("Keep-Alive", "timeout=5"),
        ("TE", "trailers, gzip"),
        ("Upgrade", "h2c"),
        ("HTTP2-Settings", "AAMAAABkAARAAAAAAAIAAAAA"),
        ("X-Forwarded-For", "10.9.8.7"),
        ("X_Forwarded_For", "10.9.8.7"),
        ("X-Other", "kept"),
    ];
    let answer = "HTTP/1.1 200 OK\r\nConnection: X-Hop, close\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nX-Other: kept\r\n\
                  Content-Type: text/plain\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nAlt-Svc: h3=\":1\"\r\nContent-Length: 2\r\n\r\nok";
    let (seen, answered) = pair.exchange(&get(THREADS, &headers), answer.as_bytes()).await;
    for gone in ["x-hop", "keep-alive", "upgrade", "http2-settings", "x_forwarded_for"] {
        assert!(!seen.has(gone), "{gone}: {seen:?}");
    }
    assert_eq!(seen.all("host"), [pair.upstream.address.to_string()]);
    assert_eq!(seen.all("authorization"), ["Bearer t"]);
    assert_eq!((seen.all("te"), seen.all("x-other")), (vec!["trailers"], vec!["kept"]));
    assert_eq!(seen.all("x-forwarded-for"), ["127.0.0.1"]);
    assert_eq!(seen.all("x-forwarded-host"), ["127.0.0.1"]);
    assert_eq!(seen.all("forwarded"), ["for=127.0.0.1;host=\"127.0.0.1\";proto=http"]);
    assert_eq!((seen.all("via"), seen.all("traceparent")[0].len()), (vec!["1.1 dragoman"], 55));
    assert_eq!((answered.header("x-hop"), answered.header("keep-alive")), (None, None));
    assert_eq!((answered.header("alt-svc"), answered.header("via")), (None, Some("1.1 dragoman")));
    assert_eq!((answered.header("x-other"), answered.header("content-length")), (Some("kept"), Some("2")));
    let cookies = answered.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie")).count();
    assert_eq!((cookies, answered.body.as_slice()), (2, &b"ok"[..]));
}

#[tokio::test]
async fn what_no_client_hears_is_taken_out_and_nothing_else() {
    let pair = Setup::default().start().await;
    let row = r#"{ "entity" : [ {"id":1.0, "password" : "pbkdf2$x" , "pass\u0077ord":2, "b":"\"password\":1"} ] }"#;
    let left = r#"{ "entity" : [ {"id":1.0 , "b":"\"password\":1"} ] }"#;
    let asked = [("Range", "bytes=0-4"), ("Accept-Encoding", "gzip")];
    let (seen, answered) = pair.exchange(&get(THREADS, &asked), &json_answer(row.as_bytes())).await;
    assert!(!seen.has("range") && !seen.has("accept-encoding"), "{seen:?}");
    assert_eq!(std::str::from_utf8(&answered.body).unwrap(), left);
    assert_eq!(answered.header("content-length"), Some(left.len().to_string().as_str()));
    for (head, body) in [
        ("200 OK\r\nContent-Encoding: gzip", "\u{1f}"),
        ("206 Partial Content", "word\":\"x\"}"),
        ("200 OK", "{\"password\":\"x\""),
    ] {
        let answer = format!(
            "HTTP/1.1 {head}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        let (_, answered) = pair.exchange(&get(THREADS, &[]), answer.as_bytes()).await;
        assert_eq!(answered.status, 502, "{head}: {answered:?}");
        assert_eq!(answered.json()["success"], false, "in the words of the dialect");
    }
}

/// Stored files are content: whole, in parts, and never looked into.
#[tokio::test]
async fn files_pass_as_they_are() {
    let pair = Setup::default().start().await;
    let body = br#"{"password":"in a file of somebody's own"}"#;
    let head = format!(
        "HTTP/1.1 206 Partial Content\r\nContent-Type: application/json\r\nContent-Range: bytes 0-{}/99\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len() - 1,
        body.len()
    );
    let request = get("/media/chat-files/x/a%20b.json", &[("Range", "bytes=0-41")]);
    let (seen, answered) = pair.exchange(&request, &[head.as_bytes(), body].concat()).await;
    assert_eq!(seen.lines[0], "GET /media/chat-files/x/a%20b.json HTTP/1.1");
    assert_eq!(seen.all("range"), ["bytes=0-41"]);
    assert_eq!((answered.status, answered.body.as_slice()), (206, &body[..]));
}

/// What the backend says of a request is passed on, whatever it is; what only the gateway can say is in the dialect.
#[tokio::test]
async fn answers_of_the_backend_are_not_translated() {
    let pair = Setup::default().start().await;
    for status in ["401 No", "403 Never", "404 Where", "409 Odd", "429 Slow", "500 Oops", "302 There"] {
        let answer =
            format!("HTTP/1.1 {status}\r\nContent-Type: text/x\r\nLocation: /a\r\nContent-Length: 3\r\n\r\n< >");
        let (_, answered) = pair.exchange(&get(THREADS, &[]), answer.as_bytes()).await;
        assert_eq!((answered.status.to_string().as_str(), answered.body.as_slice()), (&status[..3], &b"< >"[..]));
    }
    let unexpected = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n";
    let (_, answered) = pair.exchange(&get(THREADS, &[]), unexpected.as_bytes()).await;
    assert_eq!((answered.status, &answered.json()["success"]), (502, &serde_json::json!(false)));
}

#[tokio::test]
async fn a_backend_that_is_away_or_late_is_told_in_the_dialect() {
    let pair = Setup::default().start().await;
    let silent = async {
        let mut connection = pair.upstream.connection().await;
        connection.head().await;
        // Kept open, silent, until the gateway gives up.
        assert!(!connection.read().await);
    };
    let request = get(THREADS, &[]);
    let ((), answered) = tokio::join!(silent, http::send(pair.address(), &request));
    assert_eq!((answered.status, &answered.json()["success"]), (504, &serde_json::json!(false)));
    let Pair { gateway, upstream } = pair;
    drop(upstream);
    let answered = http::send(gateway.address, &get(THREADS, &[])).await;
    assert_eq!((answered.status, &answered.json()["success"]), (502, &serde_json::json!(false)));
    assert!(answered.header("retry-after").is_some(), "{answered:?}");
}

/// A body is not asked for before it is known that it is wanted.
#[tokio::test]
async fn a_client_that_waits_for_leave_gets_it_only_where_its_body_is_wanted() {
    let pair = Setup::known().start().await;
    let request = |token: &str, length: u64| {
        format!(
            "POST {PREFIX}{ATTACHMENT} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nExpect: 100-continue\r\n\
             Content-Length: {length}\r\nConnection: close\r\n\r\n"
        )
    };
    for (token, length, status) in [("none at all", 5, 401), (pair.token().as_str(), 2 << 30, 413)] {
        let mut stream = tokio::net::TcpStream::connect(pair.address()).await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stream, request(token, length).as_bytes()).await.unwrap();
        let mut answer = String::new();
        tokio::time::timeout(PATIENCE, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
    }
    let mut stream = tokio::net::TcpStream::connect(pair.address()).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut stream, request(&pair.token(), 5).as_bytes()).await.unwrap();
    let backend = async {
        let mut connection = pair.upstream.connection().await;
        let request = connection.request().await;
        connection.say(json_answer(b"{}")).await;
        request
    };
    let client = async {
        let mut interim = [0; 25];
        tokio::time::timeout(PATIENCE, stream.read_exact(&mut interim)).await.unwrap().unwrap();
        assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
        tokio::io::AsyncWriteExt::write_all(&mut stream, b"12345").await.unwrap();
        let mut answer = String::new();
        tokio::time::timeout(PATIENCE, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
        answer
    };
    let (seen, answer) = tokio::join!(backend, client);
    assert!(seen.body == b"12345" && !seen.has("expect"), "{seen:?}");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

/// HTTP/2 inwards is HTTP/1.1 towards this backend: one host, one cookie.
#[tokio::test]
async fn clients_of_http_2_are_passed_on_too() {
    use hyper_util::rt::{TokioExecutor, TokioIo};

    let pair = Setup::default().start().await;
    let stream = tokio::net::TcpStream::connect(pair.address()).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    let request = ::http::Request::get(format!("http://chat.example{PREFIX}{THREADS}?a=1"))
        .header("cookie", "a=1")
        .header("cookie", "b=2")
        .body(String::new())
        .unwrap();
    let answer = json_answer(b"{\"a\" : 1}");
    let exchange = async { tokio::join!(pair.upstream.serve(&answer), sender.send_request(request)) };
    let (seen, answered) = tokio::select! {
        both = exchange => both,
        ended = connection => panic!("the connection ended: {ended:?}"),
    };
    assert_eq!(seen.lines[0], format!("GET {THREADS}?a=1 HTTP/1.1"));
    assert_eq!((seen.all("cookie"), seen.all("via")), (vec!["a=1; b=2"], vec!["2.0 dragoman"]));
    assert_eq!(seen.all("x-forwarded-host"), ["chat.example"]);
    let answered = answered.unwrap();
    assert_eq!((answered.status().as_u16(), answered.headers().get("connection")), (200, None));
}
