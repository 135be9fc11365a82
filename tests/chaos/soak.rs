//! The chaos test at length: `scripts/soak.sh`, or `cargo bench --bench soak -- --redis sentinel --messages 5000`. Out: the
//! counts; it fails when something was lost, told twice or out of order.

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
mod talk;

use std::time::Duration;

use faults::Fault;
use run::{Plan, run};
use servers::Kind;

/// Between a client's messages: the figures in docs/replicas.md are with it.
const PAUSE: Duration = Duration::from_millis(400);

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let (kind, messages, faults) = match argument("--redis").as_deref() {
        None | Some("single") => (Kind::Single, 20_000, single()),
        Some("sentinel") => (Kind::Sentinel, 5_000, sentinel()),
        Some("cluster") => (Kind::Cluster, 5_000, cluster()),
        Some("lagging") => (Kind::LooseSentinel, 5_000, lagging()),
        Some("unfilled") => (Kind::Single, 5_000, cuts()),
        Some(other) => panic!("--redis {other}: wanted single, sentinel, cluster, lagging or unfilled"),
    };
    let messages = argument("--messages").map_or(messages, |count| count.parse().expect("--messages has a number"));
    let fill_gaps = argument("--redis").as_deref() != Some("unfilled");
    let outcome = run(Plan { kind, fill_gaps, messages, pause: PAUSE, faults }).await;
    outcome.print();
    match fill_gaps {
        true => outcome.expect_good(),
        false => outcome.expect_counted_loss(),
    }
}

fn argument(name: &str) -> Option<String> {
    std::env::args().skip_while(|argument| argument != name).nth(1)
}

/// Subscriptions are cut every fortieth part.
fn cuts() -> Vec<(usize, Fault)> {
    (1..38).map(|at| (at * 25, Fault::CutSubscriptions)).collect()
}

/// Between the cuts these, one after the other.
fn with_cuts(others: &[Fault]) -> Vec<(usize, Fault)> {
    let others = others.iter().enumerate().map(|(at, fault)| (60 + at * 900 / others.len(), *fault));
    let mut all: Vec<_> = cuts().into_iter().chain(others).collect();
    all.sort_by_key(|(share, _)| *share);
    all
}

/// Each other fault several times, at each replica.
fn single() -> Vec<(usize, Fault)> {
    with_cuts(&[
        Fault::RestartRedis,
        Fault::Kill(1),
        Fault::Reload(0),
        Fault::Roll(2),
        Fault::RestartRedis,
        Fault::Kill(0),
        Fault::Reload(1),
        Fault::Roll(1),
        Fault::RestartRedis,
        Fault::Kill(2),
        Fault::Reload(2),
        Fault::Roll(0),
    ])
}

fn sentinel() -> Vec<(usize, Fault)> {
    with_cuts(&[
        Fault::FailOver,
        Fault::KillLeader,
        Fault::Kill(1),
        Fault::FailOver,
        Fault::KillLeader,
        Fault::Roll(2),
        Fault::KillLeader,
    ])
}

fn cluster() -> Vec<(usize, Fault)> {
    with_cuts(&[
        Fault::FailOver,
        Fault::KillLeader,
        Fault::MoveSlot,
        Fault::Kill(1),
        Fault::FailOver,
        Fault::KillLeader,
        Fault::Roll(2),
        Fault::MoveSlot,
    ])
}

/// Redis loses what it had confirmed.
fn lagging() -> Vec<(usize, Fault)> {
    with_cuts(&[
        Fault::KillLeaderAhead(100),
        Fault::FailOverAtOnce,
        Fault::Kill(1),
        Fault::KillLeaderAhead(100),
        Fault::FailOverAtOnce,
        Fault::KillLeaderAhead(100),
    ])
}
