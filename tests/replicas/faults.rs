//! One conversation over two replicas while things break: nothing that was confirmed is lost, told twice or out of order.

use super::harness::http;
use super::stage::{ALICE, BOB, Stage, connect, hear, hear_all, say};

/// Subscriptions are cut again and again while messages are on their way.
#[tokio::test]
async fn cut_subscriptions_lose_nothing() {
    let stage = Stage::set().await;
    let mut bob = connect(&stage.other, BOB).await;
    let mut alice = connect(&stage.one, ALICE).await;
    let expected: Vec<String> = (0..400).map(|at| format!("message {at}")).collect();
    let mut cut = 0;
    for (at, text) in expected.iter().enumerate() {
        say(&mut alice, BOB, text).await;
        if at % 40 == 20 {
            let answer = stage.redis.command(&["CLIENT", "KILL", "TYPE", "pubsub"]);
            cut += answer.strip_prefix(':').and_then(|count| count.parse().ok()).unwrap_or(0);
        }
    }
    assert!(cut >= 5, "only {cut} subscriptions were cut");
    assert_eq!(hear_all(&mut bob, "re_message", 400).await, expected, "{cut} subscriptions were cut");
    assert_eq!(hear_all(&mut alice, "conf_message", 400).await, expected, "{cut} subscriptions were cut");
}

/// Redis restarts with its append-only file: nothing is confirmed meanwhile, everything afterwards, sockets stay.
#[tokio::test]
async fn a_restart_of_redis_loses_nothing() {
    let mut stage = Stage::set().await;
    let mut bob = connect(&stage.other, BOB).await;
    let mut alice = connect(&stage.one, ALICE).await;
    for round in 0..3 {
        let expected: Vec<String> = (0..60).map(|at| format!("{round}/{at}")).collect();
        for text in &expected[..30] {
            say(&mut alice, BOB, text).await;
        }
        stage.redis.kill();
        for text in &expected[30..] {
            say(&mut alice, BOB, text).await;
        }
        stage.redis.restart();
        assert_eq!(hear_all(&mut alice, "conf_message", 60).await, expected);
        assert_eq!(hear_all(&mut bob, "re_message", 60).await, expected);
    }
}

/// A replica is killed; what it confirmed is there, and what others say goes on.
#[tokio::test]
async fn a_killed_replica_takes_nothing_with_it() {
    let mut stage = Stage::set().await;
    let mut bob = connect(&stage.other, BOB).await;
    let mut confirmed = Vec::new();
    for round in 0..3 {
        let mut alice = connect(&stage.one, ALICE).await;
        for at in 0..30 {
            say(&mut alice, BOB, &format!("{round}/{at}")).await;
        }
        // Some are confirmed, the others on their way when it dies.
        confirmed.extend(hear_all(&mut alice, "conf_message", 10).await);
        stage.one.kill_and_restart().await;
    }
    let mut alice = connect(&stage.one, ALICE).await;
    say(&mut alice, BOB, "last").await;
    hear(&mut alice, "conf_message").await;
    let mut heard = Vec::new();
    while heard.last().is_none_or(|text| text != "last") {
        heard.push(hear(&mut bob, "re_message").await.0);
    }
    let places: Vec<_> = confirmed.iter().map(|text| heard.iter().position(|other| other == text)).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "confirmed {confirmed:?}, heard {heard:?}");
    let mut once = heard.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), heard.len(), "told twice: {heard:?}");
}

/// Without Redis a replica is not ready, sends are refused in time, and it comes back by itself.
#[tokio::test]
async fn without_redis_it_is_not_ready() {
    let mut stage = Stage::set().await;
    let ready = async |stage: &Stage| http::get(stage.one.admin, "/readyz", &[]).await.status;
    assert_eq!(ready(&stage).await, 200);
    stage.redis.kill();
    let away = async { while ready(&stage).await != 503 {} };
    tokio::time::timeout(super::harness::PATIENCE, away).await.expect("it says that it is not ready");
    stage.redis.restart();
    let back = async { while ready(&stage).await != 200 {} };
    tokio::time::timeout(super::harness::PATIENCE, back).await.expect("it is ready again");
}
