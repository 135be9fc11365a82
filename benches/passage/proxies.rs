//! The two that stand between. In: the backend's address. Out: theirs. Both end when dropped.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

pub struct Gateway {
    pub address: SocketAddr,
    _child: tokio::process::Child,
}

impl Gateway {
    /// `traced`: every request and message is recorded, and sent to the backend, which takes anything.
    pub async fn start(folder: &Path, backend: SocketAddr, traced: bool) -> Self {
        let folder = folder.join(if traced { "traced" } else { "plain" });
        std::fs::create_dir(&folder).expect("a folder");
        let journal = folder.join("journal");
        let collector = if traced { format!("http://{backend}") } else { "off".to_owned() };
        let config = format!(
            r#"
[tracing]
endpoint = "{collector}"

[server]
listen = "127.0.0.1:0"
admin  = "off"

[journal]
kind = "embedded"
path = {journal:?}

[relay]
kind = "memory"

[upstreams.backend]
dialect    = "licomed"
http       = ["http://{backend}"]
credential = {{ kind = "forward" }}

[[routes]]
name    = "same"
dialect = "licomed"
to      = "backend"
auth    = {{ kind = "upstream" }}
"#
        );
        let file = folder.join("routes.toml");
        std::fs::write(&file, config).expect("written");
        let mut child = tokio::process::Command::new(env!("CARGO_BIN_EXE_dragoman"))
            .args(["serve", "--config"])
            .arg(&file)
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("a gateway");
        let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines();
        while let Some(line) = lines.next_line().await.expect("text") {
            if let Some(address) = line.split("listening on http://").nth(1) {
                let address = address.trim().parse().expect("an address");
                return Gateway { address, _child: child };
            }
            eprintln!("{line}");
        }
        panic!("the gateway did not start");
    }
}

pub struct Nginx {
    pub address: SocketAddr,
    child: Child,
}

impl Nginx {
    /// `None` where there is none.
    pub async fn start(folder: &Path, backend: SocketAddr) -> Option<Self> {
        // It cannot be asked for any free port; this one was free a moment ago.
        let address = TcpListener::bind("127.0.0.1:0").await.ok()?.local_addr().ok()?;
        let config = format!(
            r#"
worker_processes auto;
daemon off;
pid {folder}/nginx.pid;
error_log stderr error;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_requests 1000000;
    upstream backend {{ server {backend}; keepalive 64; keepalive_requests 1000000; }}
    map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
    server {{
        listen {address};
        location / {{
            proxy_pass http://backend;
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
            proxy_set_header X-Forwarded-For $remote_addr;
        }}
    }}
}}
"#,
            folder = folder.display(),
        );
        let file = folder.join("nginx.conf");
        std::fs::write(&file, config).ok()?;
        let child = Command::new("nginx").arg("-p").arg(folder).arg("-c").arg(&file).spawn().ok()?;
        let nginx = Nginx { address, child };
        for _ in 0..200 {
            if TcpStream::connect(address).await.is_ok() {
                return Some(nginx);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        None
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Its workers end with it only when it is asked to.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}
