//! Uploads of every dialect that go to a bucket, on servers that are not ours: read back, and cut in every way: the
//! server dies, the client goes.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::harness::http;
use super::harness::{DIALECTS, Gateway};
use super::s3::{Given, Kind, S3Server};
use super::scene::{CONVERSATIONS, PNG, Upload, is_refusal};
use super::shelf::{ROWS, Stage, content};
use super::tool::uploads;

const SOON: Duration = Duration::from_secs(60);

/// A gateway whose five routes keep what is uploaded in the bucket `chat`, with `more` lines for that store.
async fn gateway(server: &S3Server, more: &str) -> Gateway {
    gateway_to(&server.config("chat"), more).await
}

async fn gateway_to(bucket: &str, more: &str) -> Gateway {
    let store = format!("[stores.bucket]\n{bucket}prefix = \"of/chat\"\nretries = 1\n{more}\n");
    let change = |text: String| {
        let text = text.replace("uploads = \"local\"", "uploads = \"bucket\"\nlimits = { upload = \"32MiB\" }");
        // Every route can have an upload of several parts.
        text + &store + CONVERSATIONS
    };
    Gateway::start_changed(change).await
}

/// What lies in the bucket, by key.
fn keys(server: &S3Server) -> Vec<String> {
    let names = server.objects("chat").into_iter();
    names.map(|name| name.strip_prefix("of/chat/").expect("below the prefix").to_owned()).collect()
}

/// A PNG to look at, and bytes that differ from place to place.
fn picture(length: usize) -> Vec<u8> {
    let rest = (PNG.len()..length).map(|at| u8::try_from((at / 253 + at) % 251).unwrap());
    PNG.iter().copied().chain(rest).collect()
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < SOON, "{what}: not within {SOON:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn every_dialects_uploads_are_in_the_bucket_and_read_back() {
    for kind in [Kind::S3sFs, Kind::Moto] {
        let server = S3Server::start(kind, &["chat"]);
        let gateway = gateway(&server, "").await;
        let picture = picture(6 << 20);
        for dialect in DIALECTS {
            let upload = Upload::of(&gateway, dialect).await;
            let mut paths = Vec::new();
            for content in [PNG, picture.as_slice()] {
                let path = upload.stored_among(&gateway, || keys(&server), "view.png", "image/png", content).await;
                let whole = http::get(gateway.address, &path, &[]).await;
                assert_eq!(whole.status, 200, "{dialect} over {kind:?}: {path}: {whole:?}");
                assert!(whole.body == content, "{dialect}: {path}");
                let part = http::get(gateway.address, &path, &[("Range", "bytes=5-9")]).await;
                assert_eq!((part.status, part.body.as_slice()), (206, &content[5..10]), "{dialect}");
                let tag = whole.header("etag").expect("a tag").to_owned();
                let again = http::get(gateway.address, &path, &[("If-None-Match", &tag)]).await;
                assert_eq!((again.status, again.body.len()), (304, 0), "{dialect}");
                paths.push(path);
            }
            assert_ne!(paths[0], paths[1]);
        }
        assert_eq!(keys(&server).len(), 2 * DIALECTS.len());
        assert_eq!(server.unfinished("chat"), 0);
        assert_eq!(
            super::scene::files(&gateway.uploads()),
            [""; 0].map(std::path::PathBuf::from),
            "none in the folder"
        );
    }
}

/// The same at a server that is not installed here, and removed again.
#[tokio::test]
#[ignore = "asks the S3 server that scripts/s3.py names"]
async fn every_dialects_uploads_are_in_a_given_bucket() {
    let given = Given::of_environment();
    let gateway = gateway_to(&given.config(), "").await;
    let picture = picture(6 << 20);
    for dialect in DIALECTS {
        let upload = Upload::of(&gateway, dialect).await;
        for content in [PNG, picture.as_slice()] {
            let answer = upload.send(&gateway, "view.png", "image/png", content).await;
            assert!((200..300).contains(&answer.status), "{dialect}: {answer:?}");
            let listed = uploads(&gateway, &["list", "--format", "json"]).await.records();
            let path = listed.last().expect("listed")["handle"].as_str().expect("a path").to_owned();
            let whole = http::get(gateway.address, &path, &[]).await;
            assert!(whole.status == 200 && whole.body == content, "{dialect}: {path}: {}", whole.status);
            let part = http::get(gateway.address, &path, &[("Range", "bytes=5-9")]).await;
            assert_eq!((part.status, part.body.as_slice()), (206, &content[5..10]), "{dialect}");
        }
    }
    let verified = uploads(&gateway, &["verify", "--content"]).await;
    assert_eq!(verified.code, 0, "{verified:?}");
    let removed = uploads(&gateway, &["gc", "--older-than", "0s", "--apply"]).await;
    assert_eq!((removed.code, removed.lines.len()), (0, 2 * DIALECTS.len()), "{removed:?}");
    let verified = uploads(&gateway, &["verify"]).await;
    assert_eq!((verified.code, verified.lines.len()), (0, 0), "{verified:?}");
    super::connect::is_fine(&given.config(), "objects can be listed, written, read and removed");
}

/// An upload on a connection of its own, as far as it has been sent.
async fn begin(gateway: &Gateway, upload: &Upload, body: &[u8], sent: usize) -> TcpStream {
    let content_type = format!("multipart/form-data; boundary={}", http::BOUNDARY);
    let headers = [(upload.header.0, upload.header.1.as_str()), ("Content-Type", &content_type)];
    let request = http::request("POST", upload.path, &headers, body);
    let head = request.len() - body.len();
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    stream.write_all(&request[..head + sent]).await.unwrap();
    stream
}

#[tokio::test]
async fn a_server_that_dies_mid_upload_is_told_in_the_dialects_words() {
    let mut server = S3Server::start(Kind::S3sFs, &["chat"]);
    let mut gateway = gateway(&server, "").await;
    for (at, dialect) in DIALECTS.into_iter().enumerate() {
        let upload = Upload::of(&gateway, dialect).await;
        let body = http::form(&upload.parts("view.png", "image/png", &picture(12 << 20)));
        let sent = 7 << 20;
        let mut stream = begin(&gateway, &upload, &body, sent).await;
        // One that dies before it has told the upload's id leaves an upload that only a sweep finds.
        until("the first part has arrived", || server.parts() > 0).await;
        server.kill();
        // It may have answered before it heard all, and then takes no more.
        let _ = stream.write_all(&body[sent..]).await;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, json) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{dialect}: no answer"));
        let status: u16 = head.split(' ').nth(1).unwrap().parse().unwrap();
        assert!((500..600).contains(&status), "{dialect}: {answer}");
        let json = serde_json::from_str(json).unwrap_or_default();
        assert!(is_refusal(dialect, &json), "{dialect}: {answer}");
        assert!(!answer.contains("127.0.0.1") && !answer.contains("AKID"), "clients hear no details: {answer}");
        server.restart();
        upload.stored_among(&gateway, || keys(&server), "next.png", "image/png", PNG).await;
        assert_eq!(keys(&server).len(), at + 1, "no half object: {:?}", keys(&server));
        until("the unfinished upload is aborted once it is back", || server.unfinished("chat") == 0).await;
    }
    assert!(gateway.is_alive());
    assert!(!gateway.log().contains(super::s3::SECRET_KEY));
}

#[tokio::test]
async fn a_client_that_goes_at_any_point_leaves_nothing() {
    let server = S3Server::start(Kind::Moto, &["chat"]);
    let mut gateway = gateway(&server, "").await;
    let upload = Upload::of(&gateway, "frontdesk").await;
    let body = http::form(&upload.parts("view.png", "image/png", &picture(11 << 20)));
    let mut begun = 0;
    for cut in 0..20 {
        let sent = body.len() * cut / 20;
        let stream = begin(&gateway, &upload, &body, sent).await;
        // Once more than a part came, an upload is begun: only then is there something to leave.
        if sent > (5 << 20) + (64 << 10) {
            until("the upload is begun", || server.unfinished("chat") > 0).await;
            begun += 1;
        }
        drop(stream);
        until("it is aborted", || server.unfinished("chat") == 0).await;
    }
    assert!(begun >= 10, "only {begun} were begun");
    assert_eq!(server.objects("chat"), [""; 0]);
    upload.stored_among(&gateway, || keys(&server), "next.png", "image/png", &picture(11 << 20)).await;
    assert_eq!((keys(&server).len(), server.unfinished("chat")), (1, 0));
    assert!(gateway.is_alive());
}

#[tokio::test]
async fn a_presigned_store_is_read_past_the_gateway() {
    for row in ROWS.into_iter().filter(|row| row.bucket.is_some()) {
        let stage = Stage::start_with(row, "urls = \"presigned\"\npresigned_for = \"30s\"\n", "", "").await;
        let gateway = &stage.gateway;
        for (at, path) in stage.filled().await.into_iter().enumerate() {
            let answer = http::get(gateway.address, &path, &[]).await;
            assert_eq!(answer.status, 307, "{row:?}: {path}: {answer:?}");
            assert_eq!(answer.header("cache-control"), Some("private, no-store"));
            let location = answer.header("location").expect("where it is");
            assert!(location.contains("X-Amz-Expires=30") && location.contains("response-content-type=image%2Fpng"));
            let target = location.strip_prefix(&stage.server().url()).expect("at the bucket's server");
            let (status, body) = stage.server().ask("GET", target);
            assert!(status == 200 && body.ends_with(&format!("{at:08}")), "{row:?}: {status} {body}");
            // One of the servers looks at signatures: each is good for one object.
            if row.bucket == Some(Kind::S3sFs) {
                let (object, query) = target.split_once('?').unwrap();
                let (status, _) = stage.server().ask("GET", &format!("{object}x?{query}"));
                assert_eq!(status, 403, "{row:?}: another object");
            }
            let head = http::send(gateway.address, &http::request("HEAD", &path, &[], b"")).await;
            assert_eq!(
                (head.status, head.header("content-length")),
                (200, Some(content(at).len().to_string().as_str()))
            );
            let tag = head.header("etag").expect("a tag").to_owned();
            let again = http::get(gateway.address, &path, &[("If-None-Match", &tag)]).await;
            assert_eq!(again.status, 304, "{row:?}");
        }
    }
}

/// A server between the gateway and the bucket that passes bytes on and counts the requests for objects, by method.
#[allow(clippy::disallowed_methods, reason = "a server of the test is no task of the gateway")]
async fn counting(server: std::net::SocketAddr) -> (std::net::SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let told = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let told = Arc::clone(&told);
            tokio::spawn(async move {
                let (mut asks, mut hears) = client.into_split();
                let (mut answers, mut takes) = TcpStream::connect(server).await.unwrap().into_split();
                let up = async move {
                    let mut piece = vec![0; 64 * 1024];
                    while let Ok(length) = asks.read(&mut piece).await
                        && length > 0
                        && takes.write_all(&piece[..length]).await.is_ok()
                    {
                        // A request of a client that waits for its answer begins a piece.
                        let begins = String::from_utf8_lossy(&piece[..length.min(200)]).into_owned();
                        let mut words = begins.split(' ');
                        if let (Some(method), Some(target)) = (words.next(), words.next())
                            && target.contains("/of/chat/")
                        {
                            told.lock().unwrap().push(method.to_owned());
                        }
                    }
                };
                let down = async move {
                    let _ = tokio::io::copy(&mut answers, &mut hears).await;
                };
                tokio::join!(up, down);
            });
        }
    });
    (address, seen)
}

/// The journal knows size and tag of a file, so its bytes are asked for at once.
#[tokio::test]
async fn a_file_is_asked_for_once() {
    let server = S3Server::start(Kind::S3sFs, &["chat"]);
    let (between, seen) = counting(server.address()).await;
    let config = server.config("chat").replace(&server.url(), &format!("http://{between}"));
    let change = |text: String| {
        let text = text.replace("uploads = \"local\"", "uploads = \"bucket\"");
        text + &format!("[stores.bucket]\n{config}prefix = \"of/chat\"\n") + CONVERSATIONS
    };
    let gateway = Gateway::start_changed(change).await;
    let upload = Upload::of(&gateway, "frontdesk").await;
    let path = upload.stored_among(&gateway, || keys(&server), "view.png", "image/png", PNG).await;
    let tag = http::get(gateway.address, &path, &[]).await.header("etag").unwrap().to_owned();
    let date = "Sun, 06 Nov 1994 08:49:37 GMT";
    for (headers, status, expected) in [
        (vec![], 200, vec!["GET"]),
        (vec![("Range", "bytes=5-9")], 206, vec!["GET"]),
        (vec![("Range", "bytes=-4")], 206, vec!["GET"]),
        (vec![("Range", "bytes=5-9"), ("If-Range", tag.as_str())], 206, vec!["GET"]),
        (vec![("If-None-Match", "\"other\"")], 200, vec!["GET"]),
        (vec![("If-None-Match", tag.as_str())], 304, vec!["HEAD"]),
        (vec![("Range", "bytes=500-")], 416, vec!["HEAD"]),
        // When it was changed only the bucket knows.
        (vec![("If-Modified-Since", date)], 200, vec!["HEAD", "GET"]),
    ] {
        seen.lock().unwrap().clear();
        let answer = http::get(gateway.address, &path, &headers).await;
        assert_eq!(answer.status, status, "{headers:?}: {answer:?}");
        if status < 300 {
            assert_eq!(answer.header("etag"), Some(tag.as_str()));
            assert!(answer.header("last-modified").is_some(), "{headers:?}: {answer:?}");
        }
        assert_eq!(*seen.lock().unwrap(), expected, "{headers:?}");
    }
    // Whatever lies there now: it is told as it is, not as it was.
    let key = keys(&server).pop().unwrap();
    server.write("chat", &format!("of/chat/{key}"), b"something else");
    let answer = http::get(gateway.address, &path, &[]).await;
    assert_eq!((answer.status, answer.body.as_slice()), (200, b"something else".as_slice()));
    assert_ne!(answer.header("etag"), Some(tag.as_str()));
}
