//! Endpoints that fail, are passed by, and come back.

use std::time::Duration;

use http::StatusCode;
use tokio::time::Instant;

use super::origin::{Dead, Does, Origin};
use super::{LASTING, PATIENCE, SHORT, TIMEOUT, TOUCHY, fragile, get, healthy, settings, until};
use crate::fault::Reason;
use crate::tasks::Tasks;
use crate::upstream::settings::HealthCheck;
use crate::upstream::transport::{Transport, TransportSettings};

fn checked(endpoints: &[&str]) -> TransportSettings {
    let health = HealthCheck { path: "/healthz".into(), every: Duration::from_millis(20) };
    TransportSettings { health: Some(health), ..settings(endpoints, TIMEOUT) }
}

#[tokio::test]
async fn failing_answers_open_the_breaker_and_it_fails_at_once() {
    let origin = Origin::start(Does::Answer(503, "not now")).await;
    let transport = fragile(settings(&[&origin.http()], TIMEOUT), LASTING);
    for _ in 0..LASTING.failures {
        assert_eq!(get(&transport).await.unwrap().status(), StatusCode::SERVICE_UNAVAILABLE);
    }
    for _ in 0..10 {
        let fault = get(&transport).await.err().unwrap();
        assert_eq!(fault.reason, Reason::Upstream);
        assert!(fault.retry_after.is_some_and(|after| after >= LASTING.pause / 4));
    }
    assert_eq!(origin.asked().len(), LASTING.failures as usize, "nobody is asked");
    let page = crate::metrics::render();
    let line = "dragoman_upstream_requests_total{outcome=\"unavailable\",upstream=\"origin\"} 10\n";
    assert!(page.contains(line), "{line} is not in {page}");
}

#[tokio::test]
async fn a_good_answer_closes_the_breaker() {
    let origin = Origin::start(Does::Answer(504, "not now")).await;
    let transport = fragile(settings(&[&origin.http()], TIMEOUT), TOUCHY);
    assert_eq!(get(&transport).await.unwrap().status(), StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(healthy(&transport), [false]);
    origin.does(Does::Answer(200, ""));
    let back = async {
        while get(&transport).await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, back).await.unwrap();
    assert_eq!(healthy(&transport), [true]);
    assert_eq!(origin.asked().len(), 2, "the first that passed was answered");
}

#[tokio::test]
async fn an_error_of_one_call_is_not_the_endpoints() {
    let origin = Origin::start(Does::Answer(500, "")).await;
    let transport = fragile(settings(&[&origin.http()], TIMEOUT), LASTING);
    for _ in 0..10 {
        assert_eq!(get(&transport).await.unwrap().status(), StatusCode::INTERNAL_SERVER_ERROR);
    }
    assert_eq!(healthy(&transport), [true]);
}

#[tokio::test]
async fn silence_opens_the_breaker() {
    let origin = Origin::start(Does::Stall("")).await;
    let transport = fragile(settings(&[&origin.http()], SHORT), LASTING);
    for _ in 0..LASTING.failures {
        assert_eq!(get(&transport).await.err().unwrap().reason, Reason::UpstreamTimeout);
    }
    let began = Instant::now();
    assert_eq!(get(&transport).await.err().unwrap().reason, Reason::Upstream);
    assert!(began.elapsed() < SHORT);
}

#[tokio::test]
async fn a_check_brings_an_endpoint_back() {
    let dead = Dead::new();
    let transport = fragile(checked(&[&dead.http()]), LASTING);
    until("the checks fail", || healthy(&transport) == [false]).await;
    assert_eq!(get(&transport).await.err().unwrap().reason, Reason::Upstream);
    // The breaker alone would stay open for minutes.
    let origin = dead.start(Does::Answer(404, ""));
    until("a check is answered", || healthy(&transport) == [true]).await;
    assert_eq!(get(&transport).await.unwrap().status(), StatusCode::NOT_FOUND);
    assert!(origin.asked()[0].head.starts_with("GET /healthz HTTP/1.1\r\n"), "{}", origin.asked()[0].head);
}

#[tokio::test]
async fn checks_find_out_before_any_call_does() {
    let (ill, well) = (Origin::start(Does::Answer(500, "")).await, Origin::start(Does::Answer(200, "")).await);
    let transport = fragile(checked(&[&ill.http(), &well.http()]), LASTING);
    until("a check fails twice", || healthy(&transport) == [false, true]).await;
    for _ in 0..20 {
        assert_eq!(get(&transport).await.unwrap().status(), StatusCode::OK);
    }
    assert!(ill.asked().iter().all(|asked| asked.head.starts_with("GET /healthz ")));
    let page = crate::metrics::render();
    for (endpoint, healthy) in [(&ill, 0), (&well, 1)] {
        let address = endpoint.http();
        let line =
            format!("dragoman_upstream_endpoint_healthy{{endpoint=\"{address}\",upstream=\"origin\"}} {healthy}\n");
        assert!(page.contains(&line), "{line} is not in {page}");
    }
    for line in
        ["dragoman_upstream_requests_total{outcome=\"2xx\",", "dragoman_upstream_request_duration_seconds_count{"]
    {
        assert!(page.contains(line), "{line} is not in {page}");
    }
}

#[tokio::test]
async fn checks_end_with_the_last_clone() {
    let origin = Origin::start(Does::Answer(200, "")).await;
    let tasks = Tasks::new();
    let transport = Transport::new(checked(&[&origin.http()]), &tasks);
    let clone = transport.clone();
    drop(transport);
    let checks = origin.asked().len();
    until("checks go on for the clone", || origin.asked().len() > checks + 2).await;
    drop(clone);
    assert_eq!(tasks.drain(PATIENCE).await, 0);
}
