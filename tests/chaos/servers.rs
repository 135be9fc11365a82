//! The Redis below a run: one server, a master with replicas that sentinels watch, or a cluster. In: which. Out: its URL, and
//! the faults that such a one has.

use super::redis::{RedisCluster, RedisServer, SentinelGroup, command};

/// A key of ours in a cluster: all of them are in its slot.
const KEY: &str = "{dragoman}";

/// How the servers stand together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Single,
    /// A master and two replicas; it takes writes only while it has one.
    Sentinel,
    /// The same without that bound: what it takes may be lost with it.
    LooseSentinel,
    /// Three masters, each with a replica.
    Cluster,
}

pub enum Servers {
    Single(RedisServer),
    Sentinel(SentinelGroup),
    Cluster(RedisCluster),
}

impl Servers {
    pub fn start(kind: Kind) -> Self {
        match kind {
            Kind::Single => Servers::Single(RedisServer::start()),
            Kind::Sentinel => Servers::Sentinel(SentinelGroup::start_with(2, &["--min-replicas-to-write", "1"])),
            Kind::LooseSentinel => Servers::Sentinel(SentinelGroup::start()),
            Kind::Cluster => Servers::Cluster(RedisCluster::start()),
        }
    }

    pub fn url(&self) -> String {
        match self {
            Servers::Single(server) => server.url(),
            Servers::Sentinel(group) => group.url(),
            Servers::Cluster(cluster) => cluster.url(),
        }
    }

    /// The server that has what is ours.
    fn leader(&self) -> &RedisServer {
        match self {
            Servers::Single(server) => server,
            Servers::Sentinel(group) => group.master(),
            Servers::Cluster(cluster) => cluster.owner(KEY),
        }
    }

    /// Ends all subscriptions; says how many there were.
    pub fn cut_subscriptions(&self) -> usize {
        number(&self.leader().command(&["CLIENT", "KILL", "TYPE", "pubsub"]))
    }

    /// The one server is killed, and started again on its append-only file.
    pub fn restart(&mut self) {
        match self {
            Servers::Single(server) => server.restart(),
            Servers::Sentinel(_) | Servers::Cluster(_) => panic!("another one takes its place: that is KillLeader"),
        }
    }

    /// Another server takes the leader's place, as an operator asks for it.
    pub fn fail_over(&self) {
        match self {
            Servers::Single(_) => panic!("there is no other server"),
            Servers::Sentinel(group) => group.fail_over(),
            Servers::Cluster(cluster) => cluster.fail_over_owner(KEY),
        }
    }

    /// The same as nobody should ask for it.
    pub fn fail_over_at_once(&self) {
        match self {
            Servers::Sentinel(group) => group.fail_over_at_once(),
            Servers::Single(_) | Servers::Cluster(_) => panic!("there is no such way"),
        }
    }

    /// The leader is killed, another one takes its place, and it comes back.
    pub fn kill_leader(&mut self) {
        match self {
            Servers::Single(_) => panic!("there is no other server"),
            Servers::Sentinel(group) => group.kill_master(),
            Servers::Cluster(cluster) => cluster.kill_owner(KEY),
        }
    }

    /// The same for a leader whose replicas were cut off.
    pub fn kill_leader_ahead(&mut self) {
        match self {
            Servers::Sentinel(group) => group.kill_master_ahead(),
            Servers::Single(_) | Servers::Cluster(_) => panic!("nothing is cut here"),
        }
    }

    /// Our slot goes to another master.
    pub fn move_slot(&self) {
        match self {
            Servers::Cluster(cluster) => cluster.move_slot(KEY),
            Servers::Single(_) | Servers::Sentinel(_) => panic!("there are no slots"),
        }
    }

    /// Replicas hear nothing more of what the leader takes.
    pub fn cut_replication(&self) {
        match self {
            Servers::Sentinel(group) => group.cut_replication(),
            Servers::Single(_) | Servers::Cluster(_) => panic!("nothing is cut here"),
        }
    }

    /// How many events a conversation has, by its canonical id.
    pub fn recorded(&self, conversation: &str) -> usize {
        const COUNT: &str = "local count = 0 for _, key in ipairs(redis.call('KEYS', ARGV[1])) do \
                             count = count + redis.call('XLEN', key) end return count";
        let pattern = format!("*:events:{conversation}");
        number(&command(self.leader().address(), &["EVAL", COUNT, "0", &pattern]))
    }
}

fn number(answer: &str) -> usize {
    answer.strip_prefix(':').and_then(|count| count.parse().ok()).unwrap_or_else(|| panic!("{answer} is no number"))
}
