//! One replica. In: where Redis is. Out: where clients connect, and their tokens. It ends when dropped.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};

const SECRET: &str = "a secret of this benchmark, long enough";

const TOKEN_LIFETIME: Duration = Duration::from_secs(3600);

pub struct Gateway {
    pub address: SocketAddr,
    _child: tokio::process::Child,
}

impl Gateway {
    pub async fn start(folder: &Path, name: &str, redis: &str) -> Self {
        let config = format!(
            r#"
[server]
listen = "127.0.0.1:0"
admin  = "off"
visitor_secret = "{SECRET}"

[journal]
kind = "redis"

[redis]
url = "{redis}"

[[routes]]
name    = "users"
dialect = "licomed"
to      = "hub"
limits  = {{ rate = "100000/s" }}
auth    = {{ kind = "jwt", secret = "{SECRET}" }}
"#
        );
        let file = folder.join(format!("{name}.toml"));
        std::fs::write(&file, config).expect("written");
        let mut child = tokio::process::Command::new(env!("CARGO_BIN_EXE_dragoman"))
            .args(["serve", "--config"])
            .arg(&file)
            .env("DRAGOMAN_LOG", "dragoman=warn")
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("a gateway");
        let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines();
        while let Some(line) = lines.next_line().await.expect("text") {
            if let Some(address) = line.split("listening on http://").nth(1) {
                let address = address.trim().parse().expect("an address");
                drain(lines);
                return Gateway { address, _child: child };
            }
            eprintln!("{line}");
        }
        panic!("the gateway did not start");
    }
}

/// What it goes on to say is shown, so that it never waits for us.
#[allow(clippy::disallowed_methods, reason = "the process ends with the benchmark")]
fn drain(mut lines: tokio::io::Lines<BufReader<tokio::process::ChildStderr>>) {
    tokio::spawn(async move {
        while let Ok(Some(line)) = lines.next_line().await {
            eprintln!("{line}");
        }
    });
}

/// A token of a user, good at every replica.
pub fn token(user: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    let claims = json!({ "sub": user, "role": "user", "name": "A user", "exp": (now + TOKEN_LIFETIME).as_secs() });
    let key = jsonwebtoken::EncodingKey::from_secret(SECRET.as_bytes());
    jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).expect("signed")
}
