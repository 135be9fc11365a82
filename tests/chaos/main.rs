//! Sixty clients of five dialects talk over three replicas and a Redis while all of these break: what was confirmed is heard
//! by everybody, once and in order. The checker is shown to fail on records that were tampered with.

mod app;
mod faults;
#[path = "../harness/mod.rs"]
mod harness;
mod party;
mod record;
#[path = "../harness/redis.rs"]
mod redis;
mod run;
mod slow;
mod talk;
mod tampered;

use std::time::Duration;

use faults::Fault;
use run::{Plan, run};

/// Every fault once, subscriptions cut between them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_confirmed_is_lost() {
    let outcome = run(Plan {
        messages: 1_800,
        pause: Duration::from_millis(50),
        faults: vec![
            (50, Fault::CutSubscriptions),
            (150, Fault::RestartRedis),
            (300, Fault::CutSubscriptions),
            (350, Fault::Kill(1)),
            (500, Fault::CutSubscriptions),
            (550, Fault::Reload(0)),
            (650, Fault::CutSubscriptions),
            (700, Fault::Roll(2)),
            (850, Fault::CutSubscriptions),
        ],
    })
    .await;
    outcome.print();
    outcome.expect_good();
    let done = &outcome.done;
    assert!(done.cut >= 5 && done.restarts == 1 && done.kills == 1 && done.reloads == 1 && done.rolls.len() == 1);
}

/// Every replica is replaced, one after the other, while all talk: sockets leave one by one, and nothing is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_are_replaced_under_load() {
    let faults = vec![(200, Fault::Roll(0)), (450, Fault::Roll(1)), (700, Fault::Roll(2))];
    let outcome = run(Plan { messages: 1_800, pause: Duration::from_millis(50), faults }).await;
    outcome.print();
    outcome.expect_good();
    for roll in &outcome.done.rolls {
        let (first, last) = (roll.first().expect("sockets"), roll.last().expect("sockets"));
        assert!(roll.len() >= 8 && *last - *first > Duration::from_millis(100), "not all at once: {roll:?}");
    }
}
