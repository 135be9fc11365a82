//! A cluster of real servers: three masters that share the slots, and a replica of each. In: nothing. Out: its URL; and what
//! goes wrong with whoever has a key: its replica takes its place, it is killed, its slot goes to another master.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use super::{RedisServer, TRIES, free_address, launch, list, wait_for};

/// Keys that move at once.
const TOGETHER: &str = "200";

/// The servers, as they stood together at the start.
pub struct RedisCluster {
    pub masters: Vec<RedisServer>,
    pub replicas: Vec<RedisServer>,
}

impl RedisCluster {
    /// Starts one and waits until every node says that it is whole.
    pub fn start() -> Self {
        let masters: Vec<RedisServer> = (0..3).map(|_| node()).collect();
        let replicas: Vec<RedisServer> = (0..3).map(|_| node()).collect();
        for (master, (first, last)) in masters.iter().zip([(0, 5_460), (5_461, 10_922), (10_923, 16_383)]) {
            let answer = master.command(&["CLUSTER", "ADDSLOTSRANGE", &first.to_string(), &last.to_string()]);
            assert_eq!(answer, "+OK");
        }
        for other in masters[1..].iter().chain(&replicas) {
            let port = other.address().port().to_string();
            assert_eq!(masters[0].command(&["CLUSTER", "MEET", "127.0.0.1", &port]), "+OK");
        }
        let everybody = || masters.iter().chain(&replicas);
        let knows_all = |node: &RedisServer| {
            let info = node.command(&["CLUSTER", "INFO"]);
            info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:6")
        };
        wait_for("the cluster is whole", || everybody().all(knows_all));
        for (replica, master) in replicas.iter().zip(&masters) {
            let id = master.command(&["CLUSTER", "MYID"]);
            assert_eq!(replica.command(&["CLUSTER", "REPLICATE", &id]), "+OK");
        }
        let cluster = RedisCluster { masters, replicas };
        wait_for("the replicas follow", || cluster.replicas.iter().all(follows));
        cluster
    }

    pub fn url(&self) -> String {
        let nodes: Vec<String> = self.nodes().map(|node| node.address().to_string()).collect();
        format!("redis-cluster://{}", nodes.join(","))
    }

    fn nodes(&self) -> impl Iterator<Item = &RedisServer> {
        self.masters.iter().chain(&self.replicas)
    }

    /// The replica of a shard takes the place of its master, without loss.
    pub fn fail_over(&self, shard: usize) {
        lead(&self.replicas[shard]);
    }

    /// The master that has this key; one of those that say so, while that changes.
    pub fn owner(&self, key: &str) -> &RedisServer {
        let at = self.owner_at(key);
        self.nodes().nth(at).expect("it was there just now")
    }

    fn owner_at(&self, key: &str) -> usize {
        let slot = self.slot(key);
        let mut found = None;
        wait_for("somebody has the slot", || {
            found = self.nodes().position(|node| node.is_running() && has(node, slot));
            found.is_some()
        });
        found.expect("just found")
    }

    fn slot(&self, key: &str) -> u16 {
        let node = self.nodes().find(|node| node.is_running()).expect("one runs");
        let answer = node.command(&["CLUSTER", "KEYSLOT", key]);
        answer.strip_prefix(':').and_then(|slot| slot.parse().ok()).expect("a slot")
    }

    /// A replica of whoever has this key takes its place, without loss.
    pub fn fail_over_owner(&self, key: &str) {
        self.wait_until_whole(key);
        let id = self.owner(key).command(&["CLUSTER", "MYID"]);
        let is_its = |node: &&RedisServer| myself(node).get(3).is_some_and(|master| *master == id);
        lead(self.nodes().find(is_its).expect("it has a replica"));
    }

    /// Whoever has this key dies; once another one has it, it comes back.
    pub fn kill_owner(&mut self, key: &str) {
        self.wait_until_whole(key);
        let (at, slot) = (self.owner_at(key), self.slot(key));
        self.node_mut(at).kill();
        wait_for("another one has the slot", || self.nodes().any(|node| node.is_running() && has(node, slot)));
        self.node_mut(at).restart();
    }

    fn node_mut(&mut self, at: usize) -> &mut RedisServer {
        self.masters.iter_mut().chain(&mut self.replicas).nth(at).expect("one of the six")
    }

    /// The slot of this key goes to another master, key by key (redis.io, `CLUSTER SETSLOT`).
    pub fn move_slot(&self, key: &str) {
        self.wait_until_whole(key);
        let (slot, from) = (self.slot(key).to_string(), self.owner(key));
        let is_master = |node: &RedisServer| myself(node)[2].contains("master");
        let to = self.nodes().find(|node| node.address() != from.address() && is_master(node));
        let to = to.expect("another master");
        let (from_id, to_id) = (from.command(&["CLUSTER", "MYID"]), to.command(&["CLUSTER", "MYID"]));
        assert_eq!(to.command(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &from_id]), "+OK");
        assert_eq!(from.command(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &to_id]), "+OK");
        let port = to.address().port().to_string();
        loop {
            let keys = list(from.address(), &["CLUSTER", "GETKEYSINSLOT", &slot, TOGETHER]);
            if keys.is_empty() {
                break;
            }
            let mut words = vec!["MIGRATE", "127.0.0.1", &port, "", "0", "5000", "KEYS"];
            words.extend(keys.iter().map(String::as_str));
            let answer = from.command(&words);
            assert!(matches!(answer.as_str(), "+OK" | "+NOKEY"), "{answer}");
        }
        // The new one first: otherwise nobody has it for a moment.
        let masters = self.nodes().filter(|node| is_master(node) && node.address() != to.address());
        for node in std::iter::once(to).chain(masters) {
            assert_eq!(node.command(&["CLUSTER", "SETSLOT", &slot, "NODE", &to_id]), "+OK");
        }
    }

    /// Until all run, all replicas follow, and one has the key.
    fn wait_until_whole(&self, key: &str) {
        let slot = self.slot(key);
        wait_for("the cluster is whole again", || {
            self.nodes().filter(|node| has(node, slot)).count() == 1
                && self.nodes().filter(|node| myself(node)[2].contains("master")).count() == 3
                && self.nodes().all(|node| node.command(&["CLUSTER", "INFO"]).contains("cluster_state:ok"))
                && self.nodes().filter(|node| !myself(node)[2].contains("master")).all(follows)
        });
    }
}

fn node() -> RedisServer {
    for _ in 0..TRIES {
        let address = free_address();
        // The nodes talk to each other 10,000 ports higher.
        let Some(bus) = address.port().checked_add(10_000) else { continue };
        if TcpListener::bind(("127.0.0.1", bus)).is_err() {
            continue;
        }
        let options = ["--cluster-enabled", "yes", "--cluster-node-timeout", "1000", "--repl-diskless-sync-delay", "0"];
        let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
        let folder = tempfile::tempdir().expect("a folder");
        if let Some(child) = launch(address, folder.path(), &options) {
            return RedisServer { address, folder, options, child: Some(child) };
        }
    }
    panic!("no two free ports found in {TRIES} tries");
}

fn follows(replica: &RedisServer) -> bool {
    replica.command(&["INFO", "replication"]).contains("master_link_status:up")
}

/// What a node says of itself: id, address, flags, its master, …, slots (redis.io, `CLUSTER NODES`).
fn myself(node: &RedisServer) -> Vec<String> {
    let nodes = node.command(&["CLUSTER", "NODES"]);
    let line = nodes.lines().find(|line| line.contains("myself")).expect("it knows itself");
    line.split(' ').map(str::to_owned).collect()
}

/// Whether a node is the master that has a slot, by its own word.
fn has(node: &RedisServer, slot: u16) -> bool {
    let words = myself(node);
    let covers = |range: &String| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        matches!((first.parse::<u16>(), last.parse::<u16>()), (Ok(first), Ok(last)) if (first..=last).contains(&slot))
    };
    words[2].contains("master") && words[8..].iter().any(covers)
}

/// Makes a replica master. One try that is not through in five seconds is given up by the server.
fn lead(replica: &RedisServer) {
    let mut asked = None::<Instant>;
    wait_for("the replica leads", || {
        if asked.is_none_or(|asked| asked.elapsed() > Duration::from_secs(6)) {
            replica.command(&["CLUSTER", "FAILOVER"]);
            asked = Some(Instant::now());
        }
        replica.command(&["INFO", "replication"]).contains("role:master")
    });
}
