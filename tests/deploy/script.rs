//! `scripts/replicas.sh`: what it starts is one gateway, and nothing is left of it.

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::dragoman;
use super::harness::http;
use super::harness::socket::{Heard, Socket};

const ALICE: &str = "302e305b-6e73-4f9c-bac7-551a92b106b0";
const BOB: &str = "75140d72-8b20-4549-885c-20599badb486";

/// How long it may take to stop: sockets leave first.
const STOP: Duration = Duration::from_secs(20);

/// The script while it runs; asked to stop when dropped.
struct Replicas {
    script: Child,
    redis: SocketAddr,
    /// Where clients connect, where operators ask, and the process.
    gateways: Vec<(SocketAddr, SocketAddr, u32)>,
}

impl Replicas {
    fn start(data: &Path) -> Self {
        let mut script = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/replicas.sh"))
            .args(["--binary", env!("CARGO_BIN_EXE_dragoman"), "--data"])
            .arg(data)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it runs");
        let (mut redis, mut gateways) = (None, Vec::new());
        let mut lines = BufReader::new(script.stdout.take().expect("piped")).lines().map_while(Result::ok);
        for line in lines.by_ref().take_while(|line| !line.starts_with("ready")) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let address = |word: &str| word.trim_start_matches("http://").parse().expect("an address");
            match words[..] {
                ["redis", url] => {
                    redis = url.trim_start_matches("redis://").trim_end_matches("/0").parse().ok();
                }
                [name, listen, "admin", admin, "process", process] if name.starts_with("replica-") => {
                    gateways.push((address(listen), address(admin), process.parse().expect("a number")));
                }
                _ => {}
            }
        }
        // What it goes on to say is read, so that it never waits for us.
        std::thread::spawn(move || lines.for_each(drop));
        let redis = redis.expect("it says where Redis is");
        Replicas { script, redis, gateways }
    }

    fn interrupt(&self) {
        signal("-INT", self.script.id());
    }

    fn ended(&mut self) -> ExitStatus {
        let began = Instant::now();
        while began.elapsed() < STOP {
            if let Some(status) = self.script.try_wait().expect("it is ours") {
                return status;
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
        panic!("it does not stop within {STOP:?}");
    }
}

impl Drop for Replicas {
    fn drop(&mut self) {
        // Gone already, unless the test failed.
        if let Ok(None) = self.script.try_wait() {
            signal("-TERM", self.script.id());
            let _ = self.script.wait();
        }
    }
}

fn signal(signal: &str, process: u32) {
    let sent = Command::new("kill").args([signal, &process.to_string()]).status();
    assert!(sent.expect("kill runs").success());
}

async fn connect(secrets: &Path, address: SocketAddr, user: &str) -> Socket {
    let said = dragoman(secrets, &["token", "--route", "users", "--sub", user, "--role", "user"]);
    let token = String::from_utf8(said.stdout).expect("UTF-8");
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    Socket::open(address, &format!("/ws/chat/room/?token={}", token.trim()), None).await.expect("open")
}

async fn say(socket: &mut Socket, text: &str) {
    let frame = json!({ "action": "text_message", "message_body": text, "receiver_id": BOB });
    socket.say(&frame.to_string()).await;
}

async fn hear(socket: &mut Socket, action: &str, text: &str) {
    let frame: Value = socket.frame().await;
    assert_eq!((frame["action"].as_str(), frame["message"].as_str()), (Some(action), Some(text)), "{frame}");
}

#[tokio::test]
async fn three_replicas_are_one_gateway_and_stop_together() {
    let folder = tempfile::tempdir().unwrap();
    let mut replicas = Replicas::start(folder.path());
    let secrets = folder.path().join("secrets");
    let [(one, ..), (other, ..), (_, third_admin, third)] = replicas.gateways[..] else { panic!("three replicas") };
    assert_eq!(http::get(third_admin, "/readyz", &[]).await.status, 200);
    let (mut alice, mut bob) = (connect(&secrets, one, ALICE).await, connect(&secrets, other, BOB).await);
    say(&mut alice, "hello").await;
    hear(&mut alice, "conf_message", "hello").await;
    hear(&mut bob, "re_message", "hello").await;
    // The third dies; nobody else notices.
    signal("-KILL", third);
    say(&mut alice, "still here").await;
    hear(&mut bob, "re_message", "still here").await;
    replicas.interrupt();
    for socket in [&mut alice, &mut bob] {
        // Confirmations that were under way come first.
        while let Heard::Frame(_) = socket.hear().await {}
    }
    assert!(replicas.ended().success());
    let addresses = replicas.gateways.iter().map(|(address, ..)| *address).chain([replicas.redis]);
    for address in addresses {
        assert!(TcpStream::connect(address).is_err(), "{address} still listens");
    }
}
