//! Real Redis servers for tests: processes of their own on free ports, with an append-only file in a folder of their own.
//! In: what they are started with. Out: an address; and the faults: killed, restarted, paused, commanded by hand.

// Each test binary includes this and uses a part of it.
#![allow(dead_code)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Tries at a port: another process may take it between our asking for a free one and the server's binding it.
const TRIES: usize = 20;

/// How long an answer to a command by hand may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// A server that runs, killed when dropped.
pub struct RedisServer {
    address: SocketAddr,
    folder: tempfile::TempDir,
    options: Vec<String>,
    /// Absent while it is stopped.
    child: Option<Child>,
}

impl RedisServer {
    /// Starts one that syncs its append-only file before it answers.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same with further options, as `["--maxmemory", "10mb"]`.
    pub fn start_with(options: &[&str]) -> Self {
        let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
        for _ in 0..TRIES {
            let folder = tempfile::tempdir().expect("a folder");
            let address = free_address();
            if let Some(child) = launch(address, folder.path(), &options) {
                return RedisServer { address, folder, options, child: Some(child) };
            }
        }
        panic!("no free port found for redis-server in {TRIES} tries");
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn url(&self) -> String {
        format!("redis://{}/0", self.address)
    }

    /// Ends it without warning; what it answered is in its append-only file.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("killed");
            child.wait().expect("gone");
        }
    }

    /// Starts it again on its port and its data.
    pub fn restart(&mut self) {
        self.kill();
        // The port was its own a moment ago; somebody else may have it for a moment.
        let mut tries = 0..TRIES;
        self.child = loop {
            assert!(tries.next().is_some(), "{} is not free again", self.address);
            if let Some(child) = launch(self.address, self.folder.path(), &self.options) {
                break Some(child);
            }
        };
    }

    /// Removes all that a stopped server had written.
    pub fn lose_data(&mut self) {
        self.kill();
        for entry in std::fs::read_dir(self.folder.path()).expect("readable") {
            let path = entry.expect("readable").path();
            if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) }.expect("removed");
        }
    }

    /// Stops it from answering while its connections stay open.
    pub fn pause(&self) {
        self.signal("-STOP");
    }

    pub fn resume(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let child = self.child.as_ref().expect("it runs");
        let sent = Command::new("kill").args([signal, &child.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// Sends one command on a connection of its own; gives the first line of the answer and, of a bulk string, its text.
    pub fn command(&self, words: &[&str]) -> String {
        command(self.address, words)
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The same for a server at this address.
pub fn command(address: SocketAddr, words: &[&str]) -> String {
    let mut request = format!("*{}\r\n", words.len());
    for word in words {
        request += &format!("${}\r\n{word}\r\n", word.len());
    }
    let stream = TcpStream::connect(address).expect("connects");
    stream.set_read_timeout(Some(PATIENCE)).expect("set");
    (&stream).write_all(request.as_bytes()).expect("sent");
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).expect("answered");
    let line = line.trim_end();
    match line.strip_prefix('$').and_then(|length| length.parse::<usize>().ok()) {
        Some(length) => {
            let mut text = vec![0; length];
            reader.read_exact(&mut text).expect("answered whole");
            String::from_utf8(text).expect("UTF-8")
        }
        None => line.to_owned(),
    }
}

/// Three masters that share the slots, and a replica of each of some.
pub struct RedisCluster {
    pub masters: Vec<RedisServer>,
    pub replicas: Vec<RedisServer>,
}

impl RedisCluster {
    /// Starts one and waits until every node says that it is whole.
    pub fn start() -> Self {
        let node = || {
            for _ in 0..TRIES {
                let address = free_address();
                // The nodes talk to each other 10,000 ports higher.
                let Some(bus) = address.port().checked_add(10_000) else { continue };
                if TcpListener::bind(("127.0.0.1", bus)).is_err() {
                    continue;
                }
                let options =
                    ["--cluster-enabled", "yes", "--cluster-node-timeout", "1000", "--repl-diskless-sync-delay", "0"];
                let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
                let folder = tempfile::tempdir().expect("a folder");
                if let Some(child) = launch(address, folder.path(), &options) {
                    return RedisServer { address, folder, options, child: Some(child) };
                }
            }
            panic!("no two free ports found in {TRIES} tries");
        };
        let masters: Vec<RedisServer> = (0..3).map(|_| node()).collect();
        let replicas: Vec<RedisServer> = (0..3).map(|_| node()).collect();
        for (master, (first, last)) in masters.iter().zip([(0, 5_460), (5_461, 10_922), (10_923, 16_383)]) {
            let answer = master.command(&["CLUSTER", "ADDSLOTSRANGE", &first.to_string(), &last.to_string()]);
            assert_eq!(answer, "+OK");
        }
        for other in masters[1..].iter().chain(&replicas) {
            let port = other.address.port().to_string();
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
        let follows =
            |replica: &RedisServer| replica.command(&["INFO", "replication"]).contains("master_link_status:up");
        wait_for("the replicas follow", || replicas.iter().all(follows));
        RedisCluster { masters, replicas }
    }

    pub fn url(&self) -> String {
        let nodes: Vec<String> =
            self.masters.iter().chain(&self.replicas).map(|node| node.address.to_string()).collect();
        format!("redis-cluster://{}", nodes.join(","))
    }

    /// The replica takes the place of its master, without loss.
    pub fn fail_over(&self, shard: usize) {
        let replica = &self.replicas[shard];
        let mut asked = None::<std::time::Instant>;
        // One that is not through in five seconds is given up by the server.
        wait_for("the replica leads", || {
            if asked.is_none_or(|asked| asked.elapsed() > Duration::from_secs(6)) {
                replica.command(&["CLUSTER", "FAILOVER"]);
                asked = Some(std::time::Instant::now());
            }
            replica.command(&["INFO", "replication"]).contains("role:master")
        });
    }
}

/// A master, a replica, and three sentinels that watch them.
pub struct SentinelGroup {
    pub master: RedisServer,
    pub replica: RedisServer,
    sentinels: Vec<(SocketAddr, Child, tempfile::TempDir)>,
}

/// What the sentinels call the master.
pub const WATCHED: &str = "chat";

impl SentinelGroup {
    pub fn start() -> Self {
        let master = RedisServer::start_with(&["--repl-diskless-sync-delay", "0"]);
        let port = master.address.port().to_string();
        let replica = RedisServer::start_with(&["--replicaof", "127.0.0.1", &port]);
        let follows = || replica.command(&["INFO", "replication"]).contains("master_link_status:up");
        wait_for("the replica follows", follows);
        let sentinels: Vec<_> = (0..3).map(|_| sentinel(master.address)).collect();
        let knows = |(address, ..): &(SocketAddr, Child, tempfile::TempDir)| {
            let others = command(*address, &["SENTINEL", "CKQUORUM", WATCHED]);
            let slaves = command(*address, &["INFO", "sentinel"]);
            others.starts_with("+OK 3") && slaves.contains("slaves=1")
        };
        wait_for("the sentinels know each other", || sentinels.iter().all(knows));
        SentinelGroup { master, replica, sentinels }
    }

    pub fn url(&self) -> String {
        let addresses: Vec<String> = self.sentinels.iter().map(|(address, ..)| address.to_string()).collect();
        format!("redis+sentinel://{}/{WATCHED}", addresses.join(","))
    }

    /// Makes the replica master.
    pub fn fail_over(&self) {
        assert_eq!(command(self.sentinels[0].0, &["SENTINEL", "FAILOVER", WATCHED]), "+OK");
        let leads = || self.replica.command(&["INFO", "replication"]).contains("role:master");
        wait_for("the replica leads", leads);
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

fn sentinel(master: SocketAddr) -> (SocketAddr, Child, tempfile::TempDir) {
    for _ in 0..TRIES {
        let (address, folder) = (free_address(), tempfile::tempdir().expect("a folder"));
        let file = folder.path().join("sentinel.conf");
        let text = format!(
            "bind 127.0.0.1\nport {}\ndir {}\nsentinel monitor {WATCHED} 127.0.0.1 {} 2\n\
             sentinel down-after-milliseconds {WATCHED} 1000\nsentinel failover-timeout {WATCHED} 6000\n",
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

/// Asks until it is so; each question is one that a server answers.
pub fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = std::time::Instant::now();
    while !is_so() {
        assert!(began.elapsed() < 6 * PATIENCE, "{what}: not within {:?}", 6 * PATIENCE);
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

/// An address that was free a moment ago.
pub fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port")
}

/// Starts a server and waits until it has loaded its data and listens; nothing when its port was taken.
fn launch(address: SocketAddr, folder: &Path, options: &[String]) -> Option<Child> {
    let mut server = Command::new("redis-server");
    server
        .args(["--bind", "127.0.0.1", "--port", &address.port().to_string(), "--dir"])
        .arg(folder)
        .args(["--save", "", "--appendonly", "yes", "--appendfsync", "always"])
        .args(options);
    launched(server, "Ready to accept connections")
}

/// A process that has said that it is ready; nothing when it ended instead.
fn launched(mut command: Command, ready: &str) -> Option<Child> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("redis-server and redis-sentinel run; ./test.sh installs them");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let is_ready = lines.by_ref().map_while(Result::ok).any(|line| line.contains(ready));
    if !is_ready {
        child.wait().expect("gone");
        return None;
    }
    // What it goes on to say is read, so that it never waits for us.
    std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
    Some(child)
}
