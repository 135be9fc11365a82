//! Which Redis, and how it is spoken to.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::secret::Secret;

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Endpoint {
    /// A name or an address, IPv6 without brackets.
    pub host: String,
    pub port: u16,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(formatter, "[{}]:{}", self.host, self.port),
            false => write!(formatter, "{}:{}", self.host, self.port),
        }
    }
}

/// How the servers stand together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Servers {
    /// One server.
    Single(Endpoint),
    /// One master at a time, named by sentinels.
    Sentinel {
        sentinels: Vec<Endpoint>,
        /// What the sentinels call it.
        master: String,
        /// What the sentinels themselves ask for.
        username: Option<String>,
        password: Option<Secret>,
    },
    /// A cluster, by some of its nodes.
    Cluster(Vec<Endpoint>),
}

/// A Redis and how it is spoken to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisSettings {
    pub servers: Servers,
    /// TLS to all of them, sentinels too.
    pub tls: bool,
    pub username: Option<String>,
    pub password: Option<Secret>,
    pub database: u32,
    /// Stands before every key and channel (in braces, in a cluster), so that several gateways can share a server.
    pub prefix: Arc<str>,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How long an answer may take; 100 ms to 1 min.
    pub timeout: Duration,
    /// How often a connection is asked whether it lives; two questions without an answer end it.
    pub heartbeat: Duration,
}

impl RedisSettings {
    /// These servers, and the defaults for all else.
    pub fn new(servers: Servers) -> Self {
        RedisSettings {
            servers,
            tls: false,
            username: None,
            password: None,
            database: 0,
            prefix: "dragoman".into(),
            connect_timeout: Duration::from_secs(2),
            timeout: Duration::from_secs(5),
            heartbeat: Duration::from_secs(1),
        }
    }
}

fn listed(endpoints: &[Endpoint]) -> String {
    let names: Vec<String> = endpoints.iter().map(ToString::to_string).collect();
    names.join(", ")
}

/// Names the servers and no credential.
impl fmt::Display for RedisSettings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.servers {
            Servers::Single(endpoint) => write!(formatter, "Redis at {endpoint}"),
            Servers::Sentinel { sentinels, master, .. } => {
                write!(formatter, "Redis {master:?} by the sentinels {}", listed(sentinels))
            }
            Servers::Cluster(nodes) => write!(formatter, "the Redis cluster of {}", listed(nodes)),
        }
    }
}
