//! Real Redis servers for tests: processes of their own on free ports, with an append-only file in a folder of their own.
//! In: what they are started with. Out: an address; and the faults: killed, restarted, paused, commanded by hand.

// Each test binary includes this and uses a part of it.
#![allow(dead_code, unused_imports)]

#[path = "redis/cluster.rs"]
mod cluster;
#[path = "redis/sentinel.rs"]
mod sentinel;

pub use cluster::RedisCluster;
pub use sentinel::{SentinelGroup, WATCHED};

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

    pub fn is_running(&self) -> bool {
        self.child.is_some()
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
    // A server whose role changes ends its connections.
    let asked = (0..TRIES).find_map(|_| ask(address, words).and_then(|mut reader| answer(&mut reader)).ok());
    asked.unwrap_or_else(|| panic!("{address} does not answer {words:?}"))
}

/// The same for a command that is answered with a list.
pub fn list(address: SocketAddr, words: &[&str]) -> Vec<String> {
    let mut reader = ask(address, words).expect("asked");
    let mut answer = || answer(&mut reader).expect("answered");
    let head = answer();
    let count = head.strip_prefix('*').and_then(|count| count.parse::<usize>().ok());
    let count = count.unwrap_or_else(|| panic!("{words:?} is answered with {head}"));
    (0..count).map(|_| answer()).collect()
}

fn ask(address: SocketAddr, words: &[&str]) -> std::io::Result<BufReader<TcpStream>> {
    let mut request = format!("*{}\r\n", words.len());
    for word in words {
        request += &format!("${}\r\n{word}\r\n", word.len());
    }
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    (&stream).write_all(request.as_bytes())?;
    Ok(BufReader::new(stream))
}

/// A line, or the text of a bulk string.
fn answer(reader: &mut BufReader<TcpStream>) -> std::io::Result<String> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    let line = line.trim_end();
    match line.strip_prefix('$').and_then(|length| length.parse::<usize>().ok()) {
        Some(length) => {
            let mut text = vec![0; length + 2];
            reader.read_exact(&mut text)?;
            text.truncate(length);
            Ok(String::from_utf8(text).expect("UTF-8"))
        }
        None => Ok(line.to_owned()),
    }
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
