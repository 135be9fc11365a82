//! Killed while an upload goes to a bucket in parts: what was begun is no object, and the next start aborts it.

use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::harness::{Gateway, http};
use crate::s3::{Kind, S3Server};
use crate::scene::{CONVERSATIONS, PNG, Upload};
use crate::tool::uploads;

const SOON: Duration = Duration::from_secs(30);

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < SOON, "{what}: not within {SOON:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// By moto, as s3s-fs does not list what is unfinished; for moto all that is was begun in 2010, so it is old enough.
#[tokio::test]
async fn what_was_begun_is_no_object_and_is_aborted() {
    let server = S3Server::start(Kind::Moto, &["chat"]);
    let store = format!("[stores.bucket]\n{}", server.config("chat"));
    let change = |text: String| {
        let text = text.replace("uploads = \"local\"", "uploads = \"bucket\"\nlimits = { upload = \"32MiB\" }");
        text + &store + CONVERSATIONS
    };
    let mut gateway = Gateway::start_changed(change).await;
    for sent in [5 << 20, 8 << 20, 11 << 20] {
        let upload = Upload::of(&gateway, "frontdesk").await;
        let content = [PNG, &vec![7; 12 << 20]].concat();
        let body = http::form(&upload.parts("view.png", "image/png", &content));
        let kind = format!("multipart/form-data; boundary={}", http::BOUNDARY);
        let headers = [(upload.header.0, upload.header.1.as_str()), ("Content-Type", &kind)];
        let request = http::request("POST", upload.path, &headers, &body);
        let mut stream = TcpStream::connect(gateway.address).await.unwrap();
        stream.write_all(&request[..sent + (256 << 10)]).await.unwrap();
        until("it is begun", || server.unfinished("chat") == 1).await;
        gateway.kill().await;
        assert_eq!((server.objects("chat").len(), server.unfinished("chat")), (0, 1));
        gateway.restart().await;
        until("it is aborted", || server.unfinished("chat") == 0).await;
        assert_eq!(server.objects("chat").len(), 0);
        assert_eq!(uploads(&gateway, &["verify"]).await.code, 0);
    }
    assert!(gateway.log().contains("removed what unfinished uploads had left"));
}
