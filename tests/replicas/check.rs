//! `dragoman check --connect`: what an operator is told of the Redis that a config names.

use std::process::{Command, Output};

use super::harness::Gateway;
use super::redis::RedisServer;

fn check(gateway: &Gateway) -> Output {
    let file = gateway.folder().join("routes.toml");
    let mut check = Command::new(env!("CARGO_BIN_EXE_dragoman"));
    check.args(["check", "--connect", "--config"]).arg(file).output().unwrap()
}

#[tokio::test]
async fn it_says_what_redis_promises() {
    let mut redis = RedisServer::start();
    let gateway = Gateway::start_replica(&redis.url(), "").await;
    let said = check(&gateway);
    let words = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(said.status.success() && words.contains("a confirmed message is on its disk"), "{words}");
    redis.command(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]);
    let said = check(&gateway);
    let words = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(said.status.success() && words.contains("maxmemory-policy is allkeys-lru"), "{words}");
    redis.kill();
    let said = check(&gateway);
    let words = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(said.status.code() == Some(1) && words.contains("Redis is away"), "{words}");
}
