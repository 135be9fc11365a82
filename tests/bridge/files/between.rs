//! What stands between the gateway and a backend's calls: it passes each request on, or does what a test orders. In: the
//! backend's address, how to behave. Out: how many requests came, and how much of each.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::standin::PATIENCE;

/// How the next requests fare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conduct {
    /// They are passed on.
    Pass,
    /// Their head is read; the rest is when the conduct changes, and then they are passed on.
    Hold,
    /// They are read whole and answered with this status and `{}`.
    Answer(u16),
    /// Their head is answered with this status and words at once; what comes after it is thrown away.
    Refuse(u16),
    /// The connection is reset after this many bytes of the body.
    ResetAfter(usize),
    /// They are read whole and never answered.
    Silent,
    /// This many bytes of the body are read, then none.
    StallAfter(usize),
}

/// A request that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// `METHOD /path`
    pub line: String,
    /// Bytes of the body that its head declares.
    pub declared: usize,
    /// Bytes of the body that were taken.
    pub taken: usize,
}

pub struct Between {
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    backend: OnceLock<SocketAddr>,
    conduct: watch::Sender<Conduct>,
    seen: Mutex<Vec<Seen>>,
}

impl Between {
    #[allow(clippy::disallowed_methods, reason = "the drain of the gateway is not concerned by a host in a test")]
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (conduct, seen) = (watch::Sender::new(Conduct::Pass), Mutex::default());
        let shared = Arc::new(Shared { backend: OnceLock::new(), conduct, seen });
        let all = Arc::clone(&shared);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = Arc::clone(&all);
                // A connection that breaks is what a test is about.
                tokio::spawn(async move { drop(shared.serve(stream).await) });
            }
        });
        Between { address, shared }
    }

    /// The backend that stands behind it, known before the first request comes.
    pub fn stand_before(&self, backend: SocketAddr) {
        self.shared.backend.set(backend).expect("one backend");
    }

    pub fn behave(&self, conduct: Conduct) {
        self.shared.conduct.send_replace(conduct);
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().unwrap().clone()
    }

    /// Waits until so many requests have come.
    pub async fn has_seen(&self, count: usize) -> Vec<Seen> {
        self.until(|seen| seen.len() >= count).await
    }

    pub async fn until(&self, wanted: impl Fn(&[Seen]) -> bool) -> Vec<Seen> {
        let waiting = async {
            loop {
                let seen = self.seen();
                if wanted(&seen) {
                    return seen;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("not in time: {:?}", self.seen()))
    }
}

impl Shared {
    /// Serves one request; every answer says that the connection is over.
    async fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut read = Vec::new();
        let end = loop {
            if let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            if stream.read_buf(&mut read).await? == 0 {
                return Ok(());
            }
        };
        let head = String::from_utf8_lossy(&read[..end]).into_owned();
        let line = head.split(' ').take(2).collect::<Vec<_>>().join(" ");
        let declared = head.lines().filter_map(|line| line.split_once(": "));
        let declared = declared.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        let declared = declared.filter_map(|(_, value)| value.parse().ok()).next().unwrap_or(0);
        let at = {
            let mut seen = self.seen.lock().unwrap();
            seen.push(Seen { line, declared, taken: 0 });
            seen.len() - 1
        };
        let mut body = Body { stream, shared: self, at, first: read.split_off(end), taken: 0, declared };
        let mut conduct = *self.conduct.borrow();
        if conduct == Conduct::Hold {
            let mut changes = self.conduct.subscribe();
            // The sender lives as long as this.
            let _ = changes.wait_for(|conduct| *conduct != Conduct::Hold).await;
            conduct = Conduct::Pass;
        }
        match conduct {
            Conduct::Pass | Conduct::Hold => body.pass_on(&head).await,
            Conduct::Answer(status) => {
                body.take(declared).await?;
                body.answer(status, "{}").await
            }
            Conduct::Refuse(status) => {
                body.answer(status, r#"{"code":3,"message":"not that one","details":[]}"#).await?;
                // As servers do that want their answer to be read; what comes still is not looked at.
                copy(&mut body.stream, &mut tokio::io::sink()).await.map(drop)
            }
            Conduct::ResetAfter(bytes) => {
                body.take(bytes).await?;
                body.stream.set_zero_linger()
            }
            Conduct::Silent => {
                body.take(declared).await?;
                std::future::pending().await
            }
            Conduct::StallAfter(bytes) => {
                body.take(bytes).await?;
                std::future::pending().await
            }
        }
    }
}

/// The body of a request on its connection.
struct Body<'a> {
    stream: TcpStream,
    shared: &'a Shared,
    at: usize,
    /// What was read with the head.
    first: Vec<u8>,
    taken: usize,
    declared: usize,
}

impl Body<'_> {
    async fn next(&mut self) -> std::io::Result<Vec<u8>> {
        let mut piece = std::mem::take(&mut self.first);
        if piece.is_empty() {
            piece.reserve(64 * 1024);
            if self.stream.read_buf(&mut piece).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
        }
        self.taken += piece.len();
        self.shared.seen.lock().unwrap()[self.at].taken = self.taken;
        Ok(piece)
    }

    async fn take(&mut self, bytes: usize) -> std::io::Result<()> {
        while self.taken < bytes.min(self.declared) {
            self.next().await?;
        }
        Ok(())
    }

    async fn answer(&mut self, status: u16, body: &str) -> std::io::Result<()> {
        let length = body.len();
        let head = format!("HTTP/1.1 {status} Said\r\nContent-Type: application/json\r\nContent-Length: {length}");
        self.stream.write_all(format!("{head}\r\nConnection: close\r\n\r\n{body}").as_bytes()).await?;
        self.stream.shutdown().await
    }

    async fn pass_on(&mut self, head: &str) -> std::io::Result<()> {
        let mut backend = TcpStream::connect(self.shared.backend.get().expect("a backend")).await?;
        let (first, rest) = head.split_once("\r\n").unwrap_or((head, ""));
        backend.write_all(format!("{first}\r\nConnection: close\r\n{rest}").as_bytes()).await?;
        while self.taken < self.declared {
            let piece = self.next().await?;
            backend.write_all(&piece).await?;
        }
        copy(&mut backend, &mut self.stream).await?;
        self.stream.shutdown().await
    }
}
