//! A host of files, in bytes. In: what it says to a request's head, and how the connection ends then. Out: the heads that came.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// How a connection ends after what was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Close,
    Reset,
    /// It stays open.
    Never,
}

pub struct Origin {
    pub address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Origin {
    #[allow(clippy::disallowed_methods, reason = "the drain of the gateway is not concerned by a host in a test")]
    pub async fn start(answer: impl Fn(&str) -> (Vec<u8>, End) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let (seen, answer) = (Arc::clone(&heads), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                tokio::spawn(async move {
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        if stream.read_buf(&mut head).await.unwrap_or(0) == 0 {
                            return;
                        }
                    }
                    let head = String::from_utf8_lossy(&head).into_owned();
                    seen.lock().unwrap().push(head.clone());
                    let (bytes, end) = answer(&head);
                    // The other side may have heard enough.
                    let _ = stream.write_all(&bytes).await;
                    match end {
                        End::Close => drop(stream.shutdown().await),
                        End::Reset => drop(stream.set_zero_linger()),
                        End::Never => std::future::pending().await,
                    }
                });
            }
        });
        Origin { address, heads }
    }

    /// The heads of all requests so far.
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

/// A file whose head says that it has this many bytes, and whose body has these.
pub fn file(mime: &str, declared: usize, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {mime}\r\nContent-Length: {declared}\r\n\r\n");
    [head.as_bytes(), body].concat()
}
