//! What is sent a second time, and what never is.

use bytes::Bytes;
use http::{Method, StatusCode};
use http_body_util::{BodyExt, Full};

use super::origin::{Does, Origin};
use super::{request, text, transport};
use crate::fault::Reason;
use crate::upstream::transport::{Again, RequestBody};

/// A connection that is reset after a request was read.
const RESET: Does = Does::Reset;

/// The same request to one origin that resets. How often did it arrive?
async fn arrivals(method: Method, body: RequestBody, again: Again) -> Vec<String> {
    let origin = Origin::start(RESET).await;
    let transport = transport(&[&origin.http()]);
    let fault = transport.send(request(method, "/", body), again).await.err().unwrap();
    assert_eq!(fault.reason, Reason::Upstream);
    origin.asked().into_iter().map(|asked| asked.body).collect()
}

#[tokio::test]
async fn what_may_have_arrived_is_sent_once() {
    assert_eq!(arrivals(Method::POST, text("1"), Again::Never).await, ["1"]);
    assert_eq!(arrivals(Method::POST, text(""), Again::Never).await, [""]);
    assert_eq!(arrivals(Method::GET, text(""), Again::Never).await, [""]);
}

#[tokio::test]
async fn what_is_safe_is_sent_once_more() {
    assert_eq!(arrivals(Method::GET, text(""), Again::WhenSafe).await, ["", ""]);
    assert_eq!(arrivals(Method::PUT, text("whole"), Again::WhenSafe).await, ["whole", "whole"]);
}

#[tokio::test]
async fn a_large_body_is_not_kept_for_a_second_time() {
    let large = Full::new(Bytes::from(vec![b'x'; 100_000])).map_err(|never| match never {}).boxed_unsync();
    assert_eq!(arrivals(Method::PUT, large, Again::WhenSafe).await.len(), 1);
}

#[tokio::test]
async fn a_second_time_is_at_another_endpoint_where_there_is_one() {
    let (resets, well) = (Origin::start(RESET).await, Origin::start(Does::Answer(200, "")).await);
    let transport = transport(&[&resets.http(), &well.http()]);
    for _ in 0..4 {
        let answer = transport.send(request(Method::GET, "/", text("")), Again::WhenSafe).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
    }
    assert_eq!(well.asked().len(), 4);
}

#[tokio::test]
async fn a_post_is_sent_once_though_another_endpoint_is_well() {
    let (resets, well) = (Origin::start(RESET).await, Origin::start(Does::Answer(200, "")).await);
    let transport = transport(&[&resets.http(), &well.http()]);
    let mut faults = 0;
    for _ in 0..20 {
        faults += usize::from(transport.send(request(Method::POST, "/", text("1")), Again::Never).await.is_err());
    }
    assert_eq!(resets.asked().len() + well.asked().len(), 20);
    assert_eq!(faults, resets.asked().len());
}

#[tokio::test]
async fn a_connection_that_died_while_it_was_kept_fails_no_call() {
    // Closes after each answer, without having said so.
    let origin = Origin::start(Does::Write("HTTP/1.1 200 X\r\ncontent-length: 0\r\n\r\n")).await;
    let transport = transport(&[&origin.http()]);
    for _ in 0..50 {
        let answer = transport.send(request(Method::GET, "/", text("")), Again::WhenSafe).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn an_endpoint_that_is_not_ready_is_passed_by_where_that_is_safe() {
    let (busy, well) = (Origin::start(Does::Answer(503, "")).await, Origin::start(Does::Answer(200, "")).await);
    let transport = transport(&[&busy.http(), &well.http()]);
    for _ in 0..10 {
        let answer = transport.send(request(Method::GET, "/", text("")), Again::WhenSafe).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
    }
    well.does(Does::Answer(502, "the last word"));
    let answer = transport.send(request(Method::GET, "/", text("")), Again::WhenSafe).await.unwrap();
    assert!(answer.status().is_server_error(), "an answer is an answer, if nobody has a better one");
}
