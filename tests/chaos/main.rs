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
mod servers;
mod slow;
mod talk;
mod tampered;

use std::time::Duration;

use faults::Fault;
use run::{Plan, run};
use servers::Kind;

/// Every fault once, subscriptions cut between them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_confirmed_is_lost() {
    let outcome = run(Plan {
        kind: Kind::Single,
        fill_gaps: true,
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
    let pause = Duration::from_millis(50);
    let outcome = run(Plan { kind: Kind::Single, fill_gaps: true, messages: 1_800, pause, faults }).await;
    outcome.print();
    outcome.expect_good();
    for roll in &outcome.done.rolls {
        let (first, last) = (roll.first().expect("sockets"), roll.last().expect("sockets"));
        assert!(roll.len() >= 8 && *last - *first > Duration::from_millis(100), "not all at once: {roll:?}");
    }
}

/// The same cuts with holes that stay: what the gateways count as left out is what the clients did not hear, and the checker
/// finds it. So it would find what the others lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_filled_is_lost_and_counted() {
    let faults = (1..10).map(|at| (at * 50, Fault::CutSubscriptions)).collect();
    let pause = Duration::from_millis(50);
    let outcome = run(Plan { kind: Kind::Single, fill_gaps: false, messages: 900, pause, faults }).await;
    outcome.print();
    outcome.expect_counted_loss();
}

/// A master and two replicas under three sentinels: another is made master, and the master is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sentinels_change_the_master_under_traffic() {
    let faults = vec![
        (100, Fault::CutSubscriptions),
        (250, Fault::FailOver),
        (500, Fault::CutSubscriptions),
        (550, Fault::KillLeader),
        (850, Fault::CutSubscriptions),
    ];
    let pause = Duration::from_millis(300);
    let outcome = run(Plan { kind: Kind::Sentinel, fill_gaps: true, messages: 900, pause, faults }).await;
    outcome.print();
    outcome.expect_good();
    assert_eq!((outcome.done.failovers.len(), outcome.verdict.gaps), (2, 0), "nobody had to be told of anything");
}

/// A cluster: the master that has what is ours is replaced, killed, and gives its slot to another one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_changes_under_traffic() {
    let faults = vec![
        (100, Fault::CutSubscriptions),
        (200, Fault::FailOver),
        (400, Fault::KillLeader),
        (600, Fault::CutSubscriptions),
        (650, Fault::MoveSlot),
        (850, Fault::CutSubscriptions),
    ];
    let pause = Duration::from_millis(300);
    let outcome = run(Plan { kind: Kind::Cluster, fill_gaps: true, messages: 900, pause, faults }).await;
    outcome.print();
    outcome.expect_good();
    assert_eq!((outcome.done.failovers.len(), outcome.done.moves, outcome.verdict.gaps), (2, 1, 0));
}

/// The master dies with messages that its replica never had: Redis has lost them, and whoever did not hear one was told so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_dies_with_the_master_is_told() {
    let faults = vec![(200, Fault::KillLeaderAhead(100)), (600, Fault::FailOverAtOnce)];
    let pause = Duration::from_millis(300);
    let outcome = run(Plan { kind: Kind::LooseSentinel, fill_gaps: true, messages: 900, pause, faults }).await;
    outcome.print();
    outcome.expect_good();
    assert!(outcome.recorded < outcome.verdict.confirmed, "Redis lost nothing: {}", outcome.verdict);
    assert!(outcome.verdict.gaps > 0 && outcome.relayed.get("lost").is_some_and(|lost| *lost > 0), "nobody was told");
}
