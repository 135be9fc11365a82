//! A master, its replicas and three sentinels that watch them. In: how many, and options of the servers. Out: their URL; and
//! what goes wrong: another one is made master, the master is killed, the replicas fall behind.

use std::net::SocketAddr;
use std::process::{Child, Command};

use super::{RedisServer, TRIES, command, free_address, launched, wait_for};

/// What the sentinels call the master.
pub const WATCHED: &str = "chat";

pub struct SentinelGroup {
    /// The first was master at the start.
    pub nodes: Vec<RedisServer>,
    sentinels: Vec<(SocketAddr, Child, tempfile::TempDir)>,
}

impl SentinelGroup {
    /// A master and a replica.
    pub fn start() -> Self {
        Self::start_with(1, &[])
    }

    /// A master and so many replicas, all with these options.
    pub fn start_with(replicas: usize, options: &[&str]) -> Self {
        let options: Vec<&str> = ["--repl-diskless-sync-delay", "0"].iter().chain(options).copied().collect();
        let master = RedisServer::start_with(&options);
        let address = master.address();
        let mut nodes = vec![master];
        for _ in 0..replicas {
            let replica = RedisServer::start_with(&options);
            follow(&replica, address);
            nodes.push(replica);
        }
        wait_for("the replicas follow", || nodes[1..].iter().all(follows));
        let sentinels: Vec<_> = (0..3).map(|_| sentinel(address)).collect();
        let knows = |(address, ..): &(SocketAddr, Child, tempfile::TempDir)| {
            let others = command(*address, &["SENTINEL", "CKQUORUM", WATCHED]);
            let slaves = command(*address, &["INFO", "sentinel"]);
            others.starts_with("+OK 3") && slaves.contains(&format!("slaves={replicas}"))
        };
        wait_for("the sentinels know each other", || sentinels.iter().all(knows));
        SentinelGroup { nodes, sentinels }
    }

    pub fn url(&self) -> String {
        let addresses: Vec<String> = self.sentinels.iter().map(|(address, ..)| address.to_string()).collect();
        format!("redis+sentinel://{}/{WATCHED}", addresses.join(","))
    }

    /// The one that leads; the only one, once no change is under way.
    pub fn master(&self) -> &RedisServer {
        &self.nodes[self.master_at()]
    }

    fn master_at(&self) -> usize {
        let mut found = None;
        wait_for("one leads", || {
            found = self.nodes.iter().position(leads);
            found.is_some()
        });
        found.expect("just found")
    }

    /// A replica is made master without loss: the master takes no writes from then on. What waits is answered by the next.
    pub fn fail_over(&self) {
        self.wait_until_whole();
        assert_eq!(self.master().command(&["CLIENT", "PAUSE", "10000", "WRITE"]), "+OK");
        self.fail_over_at_once();
    }

    /// The same by the sentinels' own way: until they have told everybody the old master takes writes, which are then lost.
    pub fn fail_over_at_once(&self) {
        self.wait_until_whole();
        let before = self.master_at();
        wait_for("another one leads", || {
            // Refused while one goes on; one that fails, as on a busy machine, is asked for again.
            command(self.sentinels[0].0, &["SENTINEL", "FAILOVER", WATCHED]);
            self.leads_another(before)
        });
    }

    /// The master dies; once another one leads, it comes back and follows.
    pub fn kill_master(&mut self) {
        self.wait_until_whole();
        let before = self.master_at();
        self.kill(before);
    }

    /// The same for one whose replicas were cut off, and have nothing of what it took since.
    pub fn kill_master_ahead(&mut self) {
        self.kill(self.master_at());
    }

    fn kill(&mut self, before: usize) {
        self.nodes[before].kill();
        self.wait_for_another(before);
        let leader = self.master().address();
        self.nodes[before].restart();
        // The sentinels would say so too, after some ten seconds.
        follow(&self.nodes[before], leader);
    }

    /// From now on the replicas hear nothing of their master. The sentinels mend that after some eight seconds.
    pub fn cut_replication(&self) {
        self.wait_until_whole();
        for node in self.nodes.iter().filter(|node| !leads(node)) {
            // Nothing listens at this port, and nothing may: it is the discard service's.
            assert_eq!(node.command(&["REPLICAOF", "127.0.0.1", "9"]), "+OK");
        }
    }

    fn wait_for_another(&self, before: usize) {
        wait_for("another one leads", || self.leads_another(before));
    }

    fn leads_another(&self, before: usize) -> bool {
        self.nodes.iter().enumerate().any(|(at, node)| at != before && leads(node))
    }

    /// Until one leads alone, and all others follow.
    fn wait_until_whole(&self) {
        wait_for("one leads, and the others follow", || {
            let leading = self.nodes.iter().filter(|node| leads(node)).count();
            leading == 1 && self.nodes.iter().all(|node| leads(node) || follows(node))
        });
    }
}

impl Drop for SentinelGroup {
    fn drop(&mut self) {
        for (_, child, _) in &mut self.sentinels {
            // One that has ended by itself is gone already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn leads(node: &RedisServer) -> bool {
    node.is_running() && node.command(&["INFO", "replication"]).contains("role:master")
}

fn follows(node: &RedisServer) -> bool {
    node.command(&["INFO", "replication"]).contains("master_link_status:up")
}

fn follow(node: &RedisServer, master: SocketAddr) {
    assert_eq!(node.command(&["REPLICAOF", "127.0.0.1", &master.port().to_string()]), "+OK");
}

fn sentinel(master: SocketAddr) -> (SocketAddr, Child, tempfile::TempDir) {
    for _ in 0..TRIES {
        let (address, folder) = (free_address(), tempfile::tempdir().expect("a folder"));
        let file = folder.path().join("sentinel.conf");
        let text = format!(
            "bind 127.0.0.1\nport {}\ndir {}\nsentinel monitor {WATCHED} 127.0.0.1 {} 2\n\
             sentinel down-after-milliseconds {WATCHED} 1000\nsentinel failover-timeout {WATCHED} 3000\n",
            address.port(),
            folder.path().display(),
            master.port()
        );
        std::fs::write(&file, text).expect("written");
        let mut sentinel = Command::new("redis-sentinel");
        sentinel.arg(&file);
        if let Some(child) = launched(sentinel, "+monitor master") {
            return (address, child, folder);
        }
    }
    panic!("no free port found for redis-sentinel in {TRIES} tries");
}
