//! The chaos test at length: `scripts/soak.sh`, or `cargo bench --bench soak -- --messages 20000`. Out: the counts; it fails
//! when something was lost, told twice or out of order.

mod app;
mod faults;
#[path = "../harness/mod.rs"]
mod harness;
mod party;
mod record;
#[path = "../harness/redis.rs"]
mod redis;
mod run;
mod talk;

use std::time::Duration;

use faults::Fault;
use run::{Plan, run};

const MESSAGES: usize = 20_000;

/// Between a client's messages. A webhook is called for one event after the other: said as fast as it goes, the app would be
/// behind by more than the 4,096 events that are kept, which is told in the log as lost, and is.
const PAUSE: Duration = Duration::from_millis(400);

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--messages").skip(1);
    let messages = arguments.next().map_or(MESSAGES, |count| count.parse().expect("--messages has a number"));
    let outcome = run(Plan { messages, pause: PAUSE, faults: faults() }).await;
    outcome.print();
    outcome.expect_good();
}

/// Subscriptions are cut every fortieth part; between, each other fault several times, at each replica.
fn faults() -> Vec<(usize, Fault)> {
    let others = [
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
    ];
    let cuts = (1..38).map(|at| (at * 25, Fault::CutSubscriptions));
    let others = others.into_iter().enumerate().map(|(at, fault)| (60 + at * 75, fault));
    let mut all: Vec<_> = cuts.chain(others).collect();
    all.sort_by_key(|(share, _)| *share);
    all
}
