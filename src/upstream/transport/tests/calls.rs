//! Which endpoint gets a call, what it looks like there, and what time it may take.

use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::{Method, StatusCode};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use tokio::time::Instant;

use super::origin::{Dead, Does, Origin, UNREAD};
use super::{LASTING, SHORT, TIMEOUT, fragile, get, healthy, request, settings, text, transport, until};
use crate::fault::{Fault, Reason};
use crate::tasks::Tasks;
use crate::upstream::transport::{Again, RequestBody, Transport, read_limited};

const WELL: Does = Does::Answer(200, "well");

/// A body that comes in pieces, with a pause before each. Nobody knows how long it is.
fn pieces(pieces: Vec<std::io::Result<&'static str>>, pause: Duration) -> RequestBody {
    let pieces = stream::unfold(pieces.into_iter(), move |mut pieces| async move {
        tokio::time::sleep(pause).await;
        let piece = pieces.next()?;
        Some((piece.map(|piece| Frame::data(Bytes::from_static(piece.as_bytes()))), pieces))
    });
    StreamBody::new(pieces).boxed_unsync()
}

#[tokio::test]
async fn an_endpoint_sees_its_own_host_and_the_path_below_its_prefix() {
    let origin = Origin::start(WELL).await;
    let transport = transport(&[&format!("{}/chat/", origin.http())]);
    let mut post = request(Method::POST, "/send?x=%20y", text("hello"));
    post.headers_mut().insert("host", "gateway.example".parse().unwrap());
    post.headers_mut().insert("x-user", "7".parse().unwrap());
    *post.version_mut() = http::Version::HTTP_2;
    let answer = transport.send(post, Again::Never).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(read_limited(answer, 4).await.unwrap(), "well");
    let asked = &origin.asked()[0];
    assert!(asked.head.starts_with("POST /chat/send?x=%20y HTTP/1.1\r\n"), "{}", asked.head);
    assert_eq!(asked.header("host"), Some(&*origin.authority));
    assert_eq!((asked.header("x-user"), asked.body.as_str()), (Some("7"), "hello"));
}

#[tokio::test]
async fn open_calls_spread_evenly() {
    let (one, other) = (Origin::start(WELL).await, Origin::start(WELL).await);
    let transport = transport(&[&one.http(), &other.http()]);
    let mut answers = Vec::new();
    for _ in 0..20 {
        // Not read, so the endpoint is busy.
        answers.push(get(&transport).await.unwrap());
    }
    let busy: Vec<usize> = transport.endpoints().iter().map(|endpoint| endpoint.in_flight).collect();
    assert_eq!(busy, [10, 10]);
    assert_eq!((one.asked().len(), other.asked().len()), (10, 10));
    drop(answers);
    assert!(transport.endpoints().iter().all(|endpoint| endpoint.in_flight == 0));
}

#[tokio::test]
async fn one_is_down_and_every_call_succeeds_at_the_other() {
    let (dead, origin) = (Dead::new(), Origin::start(WELL).await);
    let transport = fragile(settings(&[&dead.http(), &origin.http()], TIMEOUT), LASTING);
    for _ in 0..50 {
        // A body that cannot be had twice: it was not touched where nobody listens.
        let body = pieces(vec![Ok("he"), Ok("llo")], Duration::ZERO);
        let answer = transport.send(request(Method::POST, "/", body), Again::Never).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
    }
    assert_eq!(origin.asked().len(), 50);
    assert!(origin.asked().iter().all(|asked| asked.body == "hello"));
    assert_eq!(healthy(&transport), [false, true]);
}

#[tokio::test]
async fn nobody_is_there() {
    let dead = Dead::new();
    let fault = get(&transport(&[&dead.http()])).await.err().unwrap();
    assert_eq!(fault.reason, Reason::Upstream);
    assert!(fault.detail.as_ref().unwrap().contains("refused"), "{fault}");
}

#[tokio::test]
async fn a_silent_endpoint_costs_the_timeout_and_no_more() {
    let origin = Origin::start(Does::Stall("")).await;
    let transport = Transport::new(settings(&[&origin.http()], SHORT), &Tasks::new());
    let began = Instant::now();
    let fault = transport.send(request(Method::GET, "/", text("")), Again::WhenSafe).await.err().unwrap();
    assert_eq!(fault.reason, Reason::UpstreamTimeout);
    assert!((SHORT..SHORT * 10).contains(&began.elapsed()), "{:?}", began.elapsed());
    assert_eq!(origin.asked().len(), 1);
}

#[tokio::test]
async fn an_upload_may_take_longer_than_the_timeout_while_it_goes_on() {
    let origin = Origin::start(WELL).await;
    let transport = Transport::new(settings(&[&origin.http()], SHORT), &Tasks::new());
    // Whether each piece comes in time, or the client is so slow that none does.
    for pause in [SHORT / 2, SHORT * 3 / 2] {
        let body = pieces(vec![Ok("1"), Ok("2"), Ok("3")], pause);
        let answer = transport.send(request(Method::POST, "/", body), Again::Never).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
    }
    assert!(origin.asked().iter().all(|asked| asked.body == "123"));
}

#[tokio::test]
async fn an_upload_that_the_endpoint_does_not_take_is_late() {
    // It reads nothing of the body; far more is sent than a connection holds.
    let origin = Origin::start(Does::Stall("")).await;
    let transport = Transport::new(settings(&[&origin.http()], SHORT), &Tasks::new());
    let megabyte: &'static str = "x".repeat(1 << 20).leak();
    let body = pieces((0..64).map(|_| Ok(megabyte)).collect(), Duration::ZERO);
    let mut post = request(Method::POST, "/", body);
    post.headers_mut().insert(UNREAD, "yes".parse().unwrap());
    let fault = transport.send(post, Again::Never).await.err().unwrap();
    assert_eq!(fault.reason, Reason::UpstreamTimeout);
}

#[tokio::test]
async fn a_protocol_that_nobody_asked_for_is_no_answer() {
    let origin = Origin::start(Does::Switch { accept: None, headers: "" }).await;
    let fault = get(&transport(&[&origin.http()])).await.err().unwrap();
    assert_eq!(fault.reason, Reason::Upstream);
}

#[tokio::test]
async fn a_body_that_fails_is_not_the_endpoints_fault() {
    let origin = Origin::start(WELL).await;
    let transport = fragile(settings(&[&origin.http()], TIMEOUT), LASTING);
    let too_large = || std::io::Error::other(Fault::new(Reason::TooLarge));
    for (error, reason) in [
        (too_large(), Reason::TooLarge),
        (too_large(), Reason::TooLarge),
        (std::io::ErrorKind::TimedOut.into(), Reason::TimedOut),
        (std::io::ErrorKind::ConnectionReset.into(), Reason::Malformed),
    ] {
        let body = pieces(vec![Ok("1"), Err(error)], Duration::ZERO);
        let fault = transport.send(request(Method::POST, "/", body), Again::Never).await.err().unwrap();
        assert_eq!(fault.reason, reason);
    }
    assert_eq!(healthy(&transport), [true]);
    assert!(origin.asked().is_empty());
}

#[tokio::test]
async fn a_call_that_nobody_waits_for_leaves_nothing_behind() {
    let origin = Origin::start(Does::Stall("")).await;
    let transport = transport(&[&origin.http()]);
    let waited = tokio::time::timeout(SHORT, get(&transport)).await;
    assert!(waited.is_err());
    assert_eq!(transport.endpoints()[0].in_flight, 0);
    until("the origin's connection is closed", || origin.hung_up() == 1).await;
    origin.does(WELL);
    assert_eq!(get(&transport).await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn no_credential_is_told() {
    let origin = Origin::start(Does::Reset).await;
    let dead = Dead::new();
    let at = |authority: &str| format!("http://user:s3cret@{authority}");
    let mut told = String::new();
    for endpoint in [at(&origin.authority), at(&dead.authority()), at("[::1]:1"), "http://s3cret.invalid@".to_owned()] {
        let Ok(endpoint) = endpoint.parse::<http::Uri>() else { continue };
        let transport = transport(&[&endpoint.to_string()]);
        let mut get = request(Method::GET, "/?token=s3cret", text("s3cret"));
        get.headers_mut().insert("authorization", "Bearer s3cret".parse().unwrap());
        let fault = transport.send(get, Again::Never).await.err().unwrap();
        told.push_str(&format!("{fault} {fault:?} {:?}\n", transport.endpoints()));
    }
    assert!(!told.contains("s3cret") && !told.contains("user"), "{told}");
    assert_eq!(origin.asked()[0].header("host"), Some(&*origin.authority));
    assert!(!crate::metrics::render().contains("s3cret"));
}
