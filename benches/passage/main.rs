//! What it costs to stand between: one client and one backend of the same dialect, directly, through nginx, and through
//! the gateway, without and with traces, in turn within one run, so that a noisy machine slows all alike. Read the ratios.
//!
//!   cargo bench --bench passage            needs `nginx` on the PATH for its column
//!
//! The gateway checks sizes, rates and what clients may not hear, which nginx does not; both copy every byte once in and
//! once out.

mod backend;
mod clients;
mod proxies;

use std::net::SocketAddr;

use clients::{calls, flood, round_trips};
use proxies::{Gateway, Nginx};

/// Of each workload, on each way.
const ROUNDS: usize = 7;

/// Where clients connect, in order of the columns.
struct Way {
    name: &'static str,
    address: SocketAddr,
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
    let folder = tempfile::tempdir().expect("a folder");
    let backend = backend::start().await;
    let gateway = Gateway::start(folder.path(), backend, false).await;
    let traced = Gateway::start(folder.path(), backend, true).await;
    let nginx = Nginx::start(folder.path(), backend).await;
    let mut ways = vec![
        Way { name: "direct", address: backend },
        Way { name: "gateway", address: gateway.address },
        Way { name: "traced", address: traced.address },
    ];
    match &nginx {
        Some(nginx) => ways.insert(1, Way { name: "nginx", address: nginx.address }),
        None => println!("no nginx here: its column is left out"),
    }
    println!(
        "{:<34} {}",
        "per second, median of 7",
        ways.iter().map(|way| format!("{:>10}", way.name)).collect::<String>()
    );
    measure("round trips, 32 sockets, 200 B", &ways, round_trips).await;
    measure("messages, 8 sockets, 200 B, piped", &ways, |address| flood(address, 200, 20_000)).await;
    measure("messages, 8 sockets, 16 KiB, piped", &ways, |address| flood(address, 16 * 1024, 1_500)).await;
    measure("calls, 16 connections, 300 B", &ways, calls).await;
}

/// Every way in turn, several times; the medians, and what they come to beside the first and beside nginx.
async fn measure<F: Future<Output = f64>>(name: &str, ways: &[Way], work: impl Fn(SocketAddr) -> F) {
    let mut rates = vec![Vec::new(); ways.len()];
    for _ in 0..ROUNDS {
        for (way, rates) in ways.iter().zip(&mut rates) {
            rates.push(work(way.address).await);
        }
    }
    let medians: Vec<f64> = rates.iter_mut().map(|rates| median(rates)).collect();
    let columns: String = medians.iter().map(|rate| format!("{rate:>10.0}")).collect();
    let last = medians[medians.len() - 1];
    let beside: Vec<String> = ways
        .iter()
        .zip(&medians)
        .take(ways.len() - 1)
        .map(|(way, rate)| format!("{:.2} of {}", last / rate, way.name))
        .collect();
    println!("{name:<34} {columns}   traced: {}", beside.join(", "));
}

fn median(rates: &mut [f64]) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}
