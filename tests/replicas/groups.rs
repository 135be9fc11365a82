//! One conversation over two replicas on Redis servers that stand together: a cluster, a master that sentinels name. Its
//! lead changes while messages are on their way.

use super::harness::Gateway;
use super::redis::{RedisCluster, RedisServer, SentinelGroup, wait_for};
use super::stage::{ALICE, BOB, connect, hear_all, say};

/// The master of every shard is replaced by its replica, without loss of its own: nothing is lost, told twice or moved.
#[tokio::test]
async fn a_cluster_changes_its_masters() {
    let cluster = RedisCluster::start();
    let (one, other) =
        (Gateway::start_replica(&cluster.url(), "").await, Gateway::start_replica(&cluster.url(), "").await);
    let (mut alice, mut bob) = (connect(&one, ALICE).await, connect(&other, BOB).await);
    let expected: Vec<String> = (0..300).map(|at| format!("message {at}")).collect();
    for (at, text) in expected.iter().enumerate() {
        say(&mut alice, BOB, text).await;
        if at % 100 == 50 {
            cluster.fail_over(at / 100);
        }
    }
    assert_eq!(hear_all(&mut alice, "conf_message", 300).await, expected);
    assert_eq!(hear_all(&mut bob, "re_message", 300).await, expected);
}

/// Channels are of the shard that tells them: other nodes of the cluster carry nothing.
#[tokio::test]
async fn a_clusters_channels_are_sharded() {
    let cluster = RedisCluster::start();
    let one = Gateway::start_replica(&cluster.url(), "").await;
    let (mut alice, _bob) = (connect(&one, ALICE).await, connect(&one, BOB).await);
    say(&mut alice, BOB, "hello").await;
    assert_eq!(hear_all(&mut alice, "conf_message", 1).await, ["hello"]);
    let count = |command: &str| {
        let channels = cluster.masters.iter().map(|node| node.command(&["PUBSUB", command]));
        let number = |answer: String| answer.strip_prefix('*').and_then(|count| count.parse::<usize>().ok());
        channels.map(|answer| number(answer).expect("a list")).filter(|count| *count > 0).collect::<Vec<_>>()
    };
    assert_eq!(count("SHARDCHANNELS"), [2], "one for each party, all at one node");
    assert_eq!(count("CHANNELS"), [0; 0]);
}

/// How often a client of this server loaded a script.
fn scripts_loaded(server: &RedisServer) -> u64 {
    let said = server.command(&["INFO", "commandstats"]);
    let calls = said.split_once("cmdstat_script|load:calls=").and_then(|(_, rest)| rest.split(',').next());
    calls.and_then(|calls| calls.parse().ok()).unwrap_or(0)
}

/// The sentinels name another master: it is followed at once, by both replicas and all their sockets.
#[tokio::test]
async fn another_master_is_followed() {
    let group = SentinelGroup::start();
    let (one, other) = (Gateway::start_replica(&group.url(), "").await, Gateway::start_replica(&group.url(), "").await);
    let (mut alice, mut bob) = (connect(&one, ALICE).await, connect(&other, BOB).await);
    let talk = async |alice: &mut _, bob: &mut _, about: &str| {
        let expected: Vec<String> = (0..20).map(|at| format!("{about} {at}")).collect();
        for text in &expected {
            say(alice, BOB, text).await;
        }
        assert_eq!(hear_all(alice, "conf_message", 20).await, expected);
        assert_eq!(hear_all(bob, "re_message", 20).await, expected);
    };
    talk(&mut alice, &mut bob, "before").await;
    group.fail_over();
    // Each of the two has loaded the scripts of its journal and of its relay there, once both its connections moved.
    wait_for("both follow", || scripts_loaded(&group.nodes[1]) >= 2 * 9);
    talk(&mut alice, &mut bob, "after").await;
    let recorded = group.nodes[1].command(&["HGET", "dragoman:told", &format!("party:{BOB}")]);
    assert_eq!(recorded, "40", "what came before the change and after it");
}
