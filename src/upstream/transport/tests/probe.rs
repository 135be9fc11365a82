//! What is found where an endpoint should be, before anything runs.

use http::{StatusCode, Uri};

use super::origin::{Dead, Does, Origin};
use super::{SHORT, TIMEOUT};
use crate::upstream::transport::{Found, probe};

fn at(address: &str) -> Uri {
    address.parse().unwrap()
}

#[tokio::test]
async fn a_health_check_is_asked_below_the_endpoint_s_own_path() {
    let origin = Origin::start(Does::Answer(404, "no such page")).await;
    let endpoint = at(&format!("{}/chat", origin.http()));
    assert_eq!(probe(&endpoint, Some("/healthz"), TIMEOUT).await, Ok(Found::Well(StatusCode::NOT_FOUND)));
    assert!(origin.asked()[0].head.starts_with("GET /chat/healthz HTTP/1.1"), "{:?}", origin.asked());
    origin.does(Does::Answer(503, "not now"));
    let why = probe(&endpoint, Some("/healthz"), TIMEOUT).await.unwrap_err();
    assert!(why.contains("503") && why.contains(&origin.http()), "{why}");
}

#[tokio::test]
async fn without_one_nothing_is_said() {
    let origin = Origin::start(Does::Answer(200, "")).await;
    for address in [origin.http(), origin.ws()] {
        assert_eq!(probe(&at(&address), None, TIMEOUT).await, Ok(Found::Connects));
    }
    assert_eq!(origin.asked(), []);
}

#[tokio::test]
async fn nobody_there_and_nobody_who_answers() {
    let dead = Dead::new();
    for health in [None, Some("/healthz")] {
        let why = probe(&at(&dead.http()), health, TIMEOUT).await.unwrap_err();
        assert!(why.starts_with(&format!("cannot connect to {}: ", dead.http())), "{why}");
    }
    let silent = Origin::start(Does::Stall("")).await;
    let why = probe(&at(&silent.http()), Some("/healthz"), SHORT).await.unwrap_err();
    assert!(why.contains("no answer") && why.contains("300 ms"), "{why}");
}
