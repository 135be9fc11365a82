//! Starts the real binary for a test: its own folder, free ports, tokens, killed when dropped. In: what the config holds
//! beside the five routes. Out: addresses, and raw HTTP and WebSocket clients that no code of ours encodes for.

// Every test binary includes the harness whole and uses a part of it.
#![allow(dead_code)]

pub mod http;
pub mod identity;
pub mod socket;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

/// How long anything that must happen may take.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// The dialects, which are also the names of the routes.
pub const DIALECTS: [&str; 5] = ["frontdesk", "andromedia", "licomed", "divar", "luxmart"];

/// divar knows its callers by fixed tokens: the key of an app, and the token of the user whom it acts for.
pub const API_KEY: &str = "key-of-the-app-2b7e151628aed2a6";
pub const ACCESS_TOKEN: &str = "token-of-the-seller-abf7158809cf4f3c";

/// The key of the tokens that [`Gateway::token`] makes.
pub const SECRET: &str = "0f6b8d1c4e2a97355d7e9b10c3a8f462";

/// A running gateway.
pub struct Gateway {
    pub address: SocketAddr,
    pub admin: SocketAddr,
    child: Child,
    folder: tempfile::TempDir,
    level: &'static str,
    log: Arc<Mutex<Vec<String>>>,
}

/// Everything there is to log, so that a credential in a log is found.
const EVERYTHING: &str = "trace";

impl Gateway {
    /// Starts one with the five routes; `more` is TOML after them.
    pub async fn start(more: &str) -> Self {
        Self::start_with(more, |_| String::new()).await
    }

    /// The same, with further lines for a route, by the name of its dialect.
    pub async fn start_with(more: &str, options: impl Fn(&str) -> String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("routes.toml"), config(folder.path(), more, &options)).unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let (child, address, admin) = launch(folder.path(), EVERYTHING, log.clone()).await;
        Gateway { address, admin, child, folder, level: EVERYTHING, log }
    }

    /// The same for many clients: only what is a warning is logged.
    pub async fn start_quiet(more: &str, options: impl Fn(&str) -> String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("routes.toml"), config(folder.path(), more, &options)).unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let level = "warn,dragoman=info";
        let (child, address, admin) = launch(folder.path(), level, log.clone()).await;
        Gateway { address, admin, child, folder, level, log }
    }

    /// Starts one with the five routes, whose config is changed as a text.
    pub async fn start_changed(change: impl Fn(String) -> String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text = change(config(folder.path(), "", &|_| String::new()));
        std::fs::write(folder.path().join("routes.toml"), text).unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let (child, address, admin) = launch(folder.path(), EVERYTHING, log.clone()).await;
        Gateway { address, admin, child, folder, level: EVERYTHING, log }
    }

    /// Starts one with these routes and whatever else they need, beside a journal and the store `local`.
    pub async fn start_routes(routes: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("routes.toml"), base(folder.path()) + routes).unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let (child, address, admin) = launch(folder.path(), EVERYTHING, log.clone()).await;
        Gateway { address, admin, child, folder, level: EVERYTHING, log }
    }

    /// Starts one with the five routes whose journal and relay are in a Redis, so that several are one.
    pub async fn start_replica(redis: &str, more: &str) -> Self {
        Self::start_replica_with(redis, more, |_| String::new()).await
    }

    /// The same, with further lines for a route, by the name of its dialect.
    pub async fn start_replica_with(redis: &str, more: &str, options: impl Fn(&str) -> String) -> Self {
        Self::start_logging_replica(redis, more, options, EVERYTHING).await
    }

    /// The same for a long run: only what is a warning is logged.
    pub async fn start_quiet_replica(redis: &str, more: &str, options: impl Fn(&str) -> String) -> Self {
        Self::start_logging_replica(redis, more, options, "warn,dragoman=info").await
    }

    async fn start_logging_replica(
        redis: &str,
        more: &str,
        options: impl Fn(&str) -> String,
        level: &'static str,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let embedded = format!("kind = \"embedded\"\npath = \"{}/journal\"", folder.path().display());
        let written = config(folder.path(), more, &options);
        let shared = format!("kind = \"redis\"\nurl = \"{redis}\"");
        let written = written.replace(&embedded, &shared);
        let written = written.replace("[server]", &format!("[server]\nvisitor_secret = \"{SECRET}\""));
        let written = written + "\n[redis]\nheartbeat = \"200ms\"\n";
        std::fs::write(folder.path().join("routes.toml"), written).unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let (child, address, admin) = launch(folder.path(), level, log.clone()).await;
        Gateway { address, admin, child, folder, level, log }
    }

    /// Ends the process without warning and starts it again on the same folder.
    pub async fn kill_and_restart(&mut self) {
        self.kill().await;
        self.restart().await;
    }

    /// Ends the process without warning.
    pub async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// Starts it again on the same folder, once it has ended.
    pub async fn restart(&mut self) {
        let (child, address, admin) = launch(self.folder.path(), self.level, self.log.clone()).await;
        (self.child, self.address, self.admin) = (child, address, admin);
    }

    /// Asks the process to stop.
    pub fn terminate(&self) {
        self.signal("-TERM");
    }

    /// Stops it from running while its connections stay open.
    pub fn pause(&self) {
        self.signal("-STOP");
    }

    pub fn resume(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let kill = std::process::Command::new("kill").args([signal, &self.process_id().to_string()]).status();
        assert!(kill.unwrap().success());
    }

    /// Waits for the end of a process that was asked to stop.
    pub async fn ended(&mut self) -> std::process::ExitStatus {
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        ended.unwrap_or_else(|_| panic!("it does not stop:\n{}", self.log())).unwrap()
    }

    /// Whether the process still runs.
    pub fn is_alive(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Where uploads are kept.
    pub fn uploads(&self) -> PathBuf {
        self.folder.path().join("uploads")
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn process_id(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// What it wrote to standard error so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().join("\n")
    }

    /// A token of these claims, good for an hour.
    pub fn token(&self, claims: Value) -> String {
        sign(claims, SECRET, 3600)
    }

    /// A token that ended an hour ago.
    pub fn expired(&self, claims: Value) -> String {
        sign(claims, SECRET, -3600)
    }

    /// A token that somebody else signed.
    pub fn forged(&self, claims: Value) -> String {
        sign(claims, "another secret, as long as the first", 3600)
    }
}

/// A token of the claims, HS256, that ends this many seconds from now.
fn sign(mut claims: Value, secret: &str, seconds: i64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64;
    claims["exp"] = json!(now + seconds);
    let key = jsonwebtoken::EncodingKey::from_secret(secret.as_bytes());
    jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap()
}

/// Listeners, a journal and a store.
fn base(folder: &Path) -> String {
    let folder = folder.display();
    format!(
        r#"
[server]
listen = "127.0.0.1:0"
admin  = "127.0.0.1:0"

[journal]
kind = "embedded"
path = "{folder}/journal"

[stores.local]
kind = "fs"
root = "{folder}/uploads"
"#
    )
}

fn config(folder: &Path, more: &str, options: &impl Fn(&str) -> String) -> String {
    let mut text = base(folder);
    for dialect in DIALECTS {
        let auth = match dialect {
            "divar" => format!(
                r#"{{ kind = "tokens", tokens = [
  {{ token = "{API_KEY}", party = "app-1", role = "bot" }},
  {{ token = "{ACCESS_TOKEN}", credential = "access_token", party = "seller-1", role = "user" }},
] }}"#
            ),
            _ => format!(r#"{{ kind = "jwt", secret = "{SECRET}" }}"#),
        };
        text += &format!(
            r#"
[[routes]]
name    = "{dialect}"
dialect = "{dialect}"
to      = "hub"
uploads = "local"
auth    = {auth}
{}
"#,
            options(dialect)
        );
    }
    text + more
}

/// Starts the process and waits until it says where it listens.
async fn launch(folder: &Path, level: &str, log: Arc<Mutex<Vec<String>>>) -> (Child, SocketAddr, SocketAddr) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_dragoman"))
        .args(["serve", "--config"])
        .arg(folder.join("routes.toml"))
        .current_dir(folder)
        .env("DRAGOMAN_LOG", level)
        // Whom it trusts as a client of TLS: what stands in for others here.
        .env("SSL_CERT_FILE", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys/localhost.pem"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let (said, mut hears) = mpsc::channel::<(bool, SocketAddr)>(2);
    let kept = log.clone();
    #[allow(clippy::disallowed_methods, reason = "the drain of the gateway is not concerned by a reader in a test")]
    tokio::spawn(async move {
        while let Ok(Some(line)) = lines.next_line().await {
            let heard = line.replace("on https://", "on http://");
            for (is_admin, words) in [(false, "listening on http://"), (true, "admin on http://")] {
                if let Some(address) =
                    heard.split(words).nth(1).and_then(|rest| rest.trim().trim_end_matches('/').parse().ok())
                {
                    // Nobody waits any more after the start.
                    let _ = said.try_send((is_admin, address));
                }
            }
            kept.lock().unwrap().push(line);
        }
    });
    let (mut address, mut admin) = (None, None);
    while address.is_none() || admin.is_none() {
        match tokio::time::timeout(PATIENCE, hears.recv()).await {
            Ok(Some((true, found))) => admin = Some(found),
            Ok(Some((false, found))) => address = Some(found),
            Ok(None) | Err(_) => {
                panic!("the gateway did not start:\n{}", log.lock().unwrap().join("\n"));
            }
        }
    }
    (child, address.unwrap(), admin.unwrap())
}
