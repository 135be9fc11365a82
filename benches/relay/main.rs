//! What a message costs on its way through two replicas and Redis: from a socket at one gateway to a socket at the other,
//! beside `redis-benchmark` PUBLISH on the same server, in turn within one run, so that a noisy machine slows both. Read
//! the ratios: PUBLISH keeps nothing, numbers nothing and speaks to nobody.
//!
//!   cargo bench --bench relay              needs `redis-server` on the PATH, and `redis-benchmark` for its columns
//!
//! Everything runs on this machine: clients, gateways, Redis and redis-benchmark share its processors.

mod clients;
mod gateway;
mod publish;
#[path = "../../tests/harness/redis.rs"]
mod redis;

use std::time::Duration;

use clients::{Pairs, flood, paced};
use gateway::Gateway;
use redis::RedisServer;

/// Of each workload.
const ROUNDS: usize = 5;

/// Letters of a message.
const BYTES: usize = 200;

/// What Redis does before it answers a write.
const SYNCS: [&str; 2] = ["always", "everysec"];

/// What one way of syncing came to, a number for each round.
#[derive(Default)]
struct Figures {
    rates: Vec<f64>,
    latencies: Vec<Duration>,
}

fn main() {
    // `cargo test --benches` and the like only want to know that it starts.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(run());
}

async fn run() {
    let redis = RedisServer::start();
    let folder = tempfile::tempdir().expect("a folder");
    let one = Gateway::start(folder.path(), "one", &redis.url()).await;
    let other = Gateway::start(folder.path(), "other", &redis.url()).await;
    let mut pairs = Pairs::connect(&one, &other).await;
    let mut published: [Vec<f64>; 2] = Default::default();
    let mut figures: [Figures; 2] = Default::default();
    let mut has_benchmark = true;
    // Conversations come into being, caches fill.
    flood(&mut pairs, BYTES, 20).await;
    for round in 1..=ROUNDS {
        for (rates, pipeline) in published.iter_mut().zip([1, 16]) {
            match publish::rate(redis.address(), clients::PAIRS, pipeline, BYTES) {
                Some(rate) => rates.push(rate),
                None => has_benchmark = false,
            }
        }
        for (figures, sync) in figures.iter_mut().zip(SYNCS) {
            assert_eq!(redis.command(&["CONFIG", "SET", "appendfsync", sync]), "+OK");
            figures.rates.push(flood(&mut pairs, BYTES, 250).await);
            figures.latencies.extend(paced(&mut pairs, BYTES).await);
        }
        println!("round {round} of {ROUNDS}");
    }
    if !has_benchmark {
        println!("no redis-benchmark here: its lines and the ratios are left out");
    }
    report(&mut published, &mut figures);
}

fn report(published: &mut [Vec<f64>; 2], figures: &mut [Figures; 2]) {
    let pairs = clients::PAIRS;
    println!(
        "\nmedian of {ROUNDS} rounds, messages of {BYTES} B, {pairs} conversations, senders at one replica, receivers at the other\n"
    );
    let published = published.each_mut().map(|rates| median(rates));
    for (rate, pipeline) in published.iter().zip([1, 16]) {
        if let Some(rate) = rate {
            println!("redis-benchmark PUBLISH, {pairs} clients, pipeline {pipeline:<2}  {rate:>9.0} a second");
        }
    }
    for (figures, sync) in figures.iter_mut().zip(SYNCS) {
        let rate = median(&mut figures.rates).unwrap_or_default();
        let beside: String =
            published.iter().flatten().map(|publish| format!("   1 of {:.0}", publish / rate)).collect();
        println!("two replicas, appendfsync {sync:<8}              {rate:>9.0} a second{beside}");
    }
    for (figures, sync) in figures.iter_mut().zip(SYNCS) {
        figures.latencies.sort();
        let at = |share: f64| {
            let place = (figures.latencies.len() as f64 * share) as usize;
            figures.latencies.get(place).map_or(0.0, |latency| latency.as_secs_f64() * 1_000.0)
        };
        println!(
            "send to receiver's frame, appendfsync {sync:<8}  p50 {:.2} ms   p99 {:.2} ms   at {} a second, {} messages",
            at(0.50),
            at(0.99),
            clients::PACED_RATE,
            figures.latencies.len()
        );
    }
}

fn median(rates: &mut [f64]) -> Option<f64> {
    rates.sort_by(f64::total_cmp);
    rates.get(rates.len() / 2).copied()
}
