//! Verdicts of real programs, and of a server written from RFC 3507 that answers what a test says.

use futures_util::{StreamExt, stream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

const SUBJECT: Subject<'static> = Subject { name: "view گ.png", mime: "image/png", size: 11 };

fn settings(asks: Asks) -> ScannerSettings {
    ScannerSettings {
        asks,
        timeout: Duration::from_secs(5),
        at_once: 2,
        on_failure: OnFailure::Refuse,
        quarantine: None,
    }
}

fn chunks(parts: &'static [&'static str]) -> Chunks {
    stream::iter(parts.iter().map(|part| Ok(Bytes::from_static(part.as_bytes())))).boxed()
}

async fn by_program(script: &str, parts: Chunks) -> Result<Verdict, NoVerdict> {
    let argv = ["sh", "-c", script].map(str::to_owned).to_vec();
    Scanner::new("test", settings(Asks::Command { argv })).judge(&SUBJECT, parts).await
}

#[tokio::test]
async fn a_program_says_it_by_its_exit_code() {
    let grep = "if grep -q evil; then echo 'Found: Evil.Test'; exit 1; fi";
    assert_eq!(by_program(grep, chunks(&["good ", "words"])).await, Ok(Verdict::Clean));
    let found = Verdict::Infected("Found: Evil.Test".to_owned());
    assert_eq!(by_program(grep, chunks(&["ev", "il"])).await, Ok(found));
    // It need not read all, and may say much.
    assert_eq!(by_program("exit 0", chunks(&["x"; 1000])).await, Ok(Verdict::Clean));
    assert_eq!(by_program("head -c 1000000 /dev/zero; cat > /dev/null", chunks(&["x"])).await, Ok(Verdict::Clean));
    for script in ["exit 2", "kill -9 $$", "exit 127"] {
        assert!(by_program(script, chunks(&["x"])).await.is_err(), "{script}");
    }
    let argv = vec!["/no/such/program".to_owned()];
    assert!(Scanner::new("test", settings(Asks::Command { argv })).judge(&SUBJECT, chunks(&[])).await.is_err());
    // A file that cannot be read to its end is not clean.
    let cut = stream::iter([Ok(Bytes::from_static(b"x")), Err(std::io::Error::other("cut"))]).boxed();
    assert!(by_program("cat > /dev/null", cut).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_verdict_has_its_time() {
    let argv = ["sleep", "3600"].map(str::to_owned).to_vec();
    let scanner = Scanner::new("test", settings(Asks::Command { argv }));
    let judged = scanner.judge(&SUBJECT, chunks(&["x"])).await;
    assert_eq!(judged, Err(NoVerdict("no verdict within 5 s".to_owned())));
    // Its place is free again.
    assert_eq!(scanner.places.available_permits(), 2);
}

/// Hears one request to the end of its body, and gives this answer.
async fn by_server(answer: &'static str) -> (Result<Verdict, NoVerdict>, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let authority = listener.local_addr().expect("bound").to_string();
    let serving = async {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut heard = Vec::new();
        while !heard.ends_with(b"\r\n0\r\n\r\n") {
            assert!(stream.read_buf(&mut heard).await.expect("readable") > 0, "cut");
        }
        stream.write_all(answer.as_bytes()).await.expect("written");
        String::from_utf8(heard).expect("UTF-8")
    };
    let scanner = Scanner::new("test", settings(Asks::Icap(IcapService { authority, path: "/avscan".to_owned() })));
    tokio::join!(scanner.judge(&SUBJECT, chunks(&["hello ", "", "world"])), serving)
}

#[tokio::test]
async fn a_server_is_asked_as_the_standard_says() {
    let (verdict, heard) = by_server("ICAP/1.0 204 No Content\r\nISTag: \"x\"\r\n\r\n").await;
    assert_eq!(verdict, Ok(Verdict::Clean));
    let (head, rest) = heard.split_once("\r\n\r\n").expect("a head");
    assert!(head.starts_with("RESPMOD icap://127.0.0.1:") && head.contains("/avscan ICAP/1.0\r\n"), "{head}");
    assert!(head.contains("\r\nAllow: 204\r\n") && head.contains("\r\nHost: 127.0.0.1:"), "{head}");
    // The offsets are those of the parts (RFC 3507 §4.4.1).
    let offset = |name: &str| -> usize {
        let text = head.split(&format!("{name}=")).nth(1).expect("an offset");
        text.split([',', '\r']).next().and_then(|text| text.trim().parse().ok()).expect("a number")
    };
    assert_eq!(offset("req-hdr"), 0);
    assert!(
        rest[offset("res-hdr")..].starts_with("HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 11\r\n")
    );
    assert_eq!(&rest[offset("res-body")..], "6\r\nhello \r\n5\r\nworld\r\n0\r\n\r\n");
    assert!(rest.starts_with("GET http://upload.invalid/view%20%DA%AF.png HTTP/1.1\r\n"), "{rest}");
}

#[tokio::test]
async fn a_server_says_it_in_several_ways() {
    let infected = |found: &str| Ok(Verdict::Infected(found.to_owned()));
    for (answer, expected) in [
        (
            "ICAP/1.0 200 OK\r\nX-Infection-Found: Type=0; Resolution=2; Threat=Eicar;\r\nEncapsulated: res-hdr=0, null-body=24\r\n\r\n",
            infected("Type=0; Resolution=2; Threat=Eicar;"),
        ),
        (
            "ICAP/1.0 200 OK\r\nEncapsulated: res-hdr=0, res-body=26\r\n\r\nHTTP/1.1 403 Forbidden\r\n\r\n5\r\nvirus\r\n0\r\n\r\n",
            infected("HTTP/1.1 403 Forbidden"),
        ),
    ] {
        assert_eq!(by_server(answer).await.0, expected, "{answer}");
    }
    for answer in [
        "ICAP/1.0 200 OK\r\nEncapsulated: res-hdr=0, res-body=19\r\n\r\nHTTP/1.1 200 OK\r\n\r\n0\r\n\r\n",
        "ICAP/1.0 500 Server Error\r\n\r\n",
        "ICAP/1.0 404 Service not found\r\n\r\n",
        "ICAP/1.0 20",
        "HTTP/1.1 204 No Content\r\n\r\n",
        "",
    ] {
        assert!(by_server(answer).await.0.is_err(), "{answer}");
    }
    let nobody = Asks::Icap(IcapService { authority: "127.0.0.1:1".to_owned(), path: "/".to_owned() });
    assert!(Scanner::new("test", settings(nobody)).judge(&SUBJECT, chunks(&["x"])).await.is_err());
}
