//! `redis-benchmark` beside it. In: a server, how many clients publish. Out: how often a second.

use std::net::SocketAddr;
use std::process::Command;

/// Publications of one run.
const REQUESTS: usize = 50_000;

/// The rate that it prints; nothing where it is not installed.
pub fn rate(server: SocketAddr, clients: usize, pipeline: usize, bytes: usize) -> Option<f64> {
    let ran = Command::new("redis-benchmark")
        .args(["-h", "127.0.0.1", "-p", &server.port().to_string(), "--csv"])
        .args(["-c", &clients.to_string(), "-P", &pipeline.to_string(), "-n", &REQUESTS.to_string()])
        .args(["PUBLISH", "relay-bench", &"x".repeat(bytes)])
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&ran.stdout).into_owned();
    // The last line: the command in quotes, then the rate in quotes, then latencies.
    let line = text.lines().last().unwrap_or_default();
    let rate = line.split("\",\"").nth(1).and_then(|rate| rate.trim_matches('"').parse().ok());
    assert!(ran.status.success() && rate.is_some(), "redis-benchmark says {text}");
    rate
}
