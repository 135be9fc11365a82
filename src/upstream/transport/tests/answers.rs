//! Answers that do not come to their end, and those that are too long.

use http::StatusCode;
use http_body_util::BodyExt;

use super::origin::{Does, Origin};
use super::{SHORT, TIMEOUT, get, settings};
use crate::fault::{Fault, Reason};
use crate::tasks::Tasks;
use crate::upstream::transport::{Transport, read_limited};

/// Reads what an origin answers with; at most ten bytes of it.
async fn read(does: Does) -> Result<bytes::Bytes, Fault> {
    let origin = Origin::start(does).await;
    let transport = Transport::new(settings(&[&origin.http()], SHORT), &Tasks::new());
    let answer = get(&transport).await?;
    assert_eq!(answer.status(), StatusCode::OK);
    read_limited(answer, 10).await
}

#[tokio::test]
async fn whole_within_the_limit() {
    assert_eq!(read(Does::Answer(200, "0123456789")).await.unwrap(), "0123456789");
    assert_eq!(read(Does::Answer(200, "")).await.unwrap(), "");
    assert_eq!(read(Does::Write("HTTP/1.0 200 X\r\n\r\nuntil the")).await.unwrap(), "until the");
}

#[tokio::test]
async fn truncation_is_seen_as_truncation() {
    for cut in [
        "HTTP/1.1 200 X\r\ncontent-length: 10\r\n\r\n01234",
        "HTTP/1.1 200 X\r\ncontent-length: 10\r\n\r\n",
        "HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n5\r\n01234\r\n",
        "HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n5\r\n012",
        "HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n5\r\n01234\r\n0\r\n",
    ] {
        let fault = read(Does::Write(cut)).await.unwrap_err();
        assert_eq!(fault.reason, Reason::Upstream, "{cut}");
        assert_eq!(fault.detail.as_deref(), Some("the answer was cut off"), "{cut}");
    }
}

#[tokio::test]
async fn too_large_is_said_so_whether_or_not_the_length_was_announced() {
    for large in [
        "HTTP/1.1 200 X\r\ncontent-length: 11\r\n\r\n01234567890",
        "HTTP/1.1 200 X\r\ncontent-length: 99999999999\r\n\r\n",
        "HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\nb\r\n01234567890\r\n0\r\n\r\n",
    ] {
        let fault = read(Does::Stall(large)).await.unwrap_err();
        assert_eq!(fault.reason, Reason::Upstream, "{large}");
        assert_eq!(fault.detail.as_deref(), Some("the answer is larger than 10 bytes"), "{large}");
    }
}

#[tokio::test]
async fn a_body_that_does_not_go_on_is_too_slow() {
    for stalled in [
        "HTTP/1.1 200 X\r\ncontent-length: 10\r\n\r\n",
        "HTTP/1.1 200 X\r\ncontent-length: 10\r\n\r\n01234",
        "HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n5\r\n01234\r\n",
    ] {
        assert_eq!(read(Does::Stall(stalled)).await.unwrap_err().reason, Reason::UpstreamTimeout, "{stalled}");
    }
}

#[tokio::test]
async fn what_is_no_answer() {
    for garbage in
        ["HTTP/1.1 200 X\r\ncontent-length: ten\r\n\r\n", "220 mail.example ESMTP\r\n", "\0\0\0\0\r\n\r\n", ""]
    {
        let fault = read(Does::Write(garbage)).await.unwrap_err();
        assert_eq!(fault.reason, Reason::Upstream, "{garbage}");
    }
    let head = "HTTP/1.1 200 X\r\n".to_owned() + &"x-large: 0123456789012345678901234567890123456789\r\n".repeat(5000);
    let fault = read(Does::Stall(head.leak())).await.unwrap_err();
    assert_eq!(fault.reason, Reason::Upstream);
}

#[tokio::test]
async fn a_reader_that_takes_its_time_is_not_the_upstreams_fault() {
    let origin = Origin::start(Does::Answer(200, "0123456789")).await;
    let transport = Transport::new(settings(&[&origin.http()], SHORT), &Tasks::new());
    let answer = get(&transport).await.unwrap();
    tokio::time::sleep(SHORT * 2).await;
    let body = tokio::time::timeout(TIMEOUT, answer.into_body().collect()).await.unwrap().unwrap();
    assert_eq!(body.to_bytes(), "0123456789");
}
