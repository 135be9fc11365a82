//! A backend of bytes: it takes connections, shows a test what came in exactly as it came, and says what the test says. No
//! code of ours reads or writes HTTP here.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use crate::harness::PATIENCE;

pub struct Upstream {
    pub address: SocketAddr,
    listener: TcpListener,
}

impl Upstream {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Upstream { address: listener.local_addr().unwrap(), listener }
    }

    /// The next connection that the gateway makes.
    pub async fn connection(&self) -> Connection {
        let (stream, _) = timeout(PATIENCE, self.listener.accept()).await.expect("a connection in time").unwrap();
        Connection { stream, unread: Vec::new() }
    }

    /// Whether nobody connects while `other` runs.
    pub async fn is_left_alone<T>(&self, other: impl Future<Output = T>) -> T {
        tokio::select! {
            biased;
            found = self.connection() => {
                let mut found = found;
                panic!("a connection that must not be: {:?}", found.head().await);
            }
            done = other => done,
        }
    }

    /// Takes one request and answers it.
    pub async fn serve(&self, answer: impl AsRef<[u8]>) -> Request {
        let mut connection = self.connection().await;
        let request = connection.request().await;
        connection.say(answer).await;
        request
    }
}

pub struct Connection {
    stream: TcpStream,
    unread: Vec<u8>,
}

/// A request as it came.
#[derive(Debug)]
pub struct Request {
    /// Head lines without their ends; the first is the request line.
    pub lines: Vec<String>,
    /// Without its framing.
    pub body: Vec<u8>,
}

impl Request {
    /// All values of a header, in order.
    pub fn all(&self, name: &str) -> Vec<&str> {
        let fields = self.lines[1..].iter().filter_map(|line| line.split_once(": "));
        fields.filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value).collect()
    }

    pub fn has(&self, name: &str) -> bool {
        !self.all(name).is_empty()
    }
}

impl Connection {
    /// Reads more; false at the end.
    pub async fn read(&mut self) -> bool {
        let mut chunk = vec![0; 64 * 1024];
        match timeout(PATIENCE, self.stream.read(&mut chunk)).await.expect("bytes in time") {
            Ok(0) | Err(_) => false,
            Ok(length) => {
                self.unread.extend_from_slice(&chunk[..length]);
                true
            }
        }
    }

    pub async fn head(&mut self) -> Request {
        loop {
            if let Some(end) = self.unread.windows(4).position(|window| window == b"\r\n\r\n") {
                let rest = self.unread.split_off(end + 4);
                let head = String::from_utf8(std::mem::replace(&mut self.unread, rest)).unwrap();
                let lines = head.trim_end().split("\r\n").map(str::to_owned).collect();
                return Request { lines, body: Vec::new() };
            }
            assert!(self.read().await, "the connection ended within a head: {:?}", self.unread);
        }
    }

    /// A whole request. Fails the test if its framing leaves a doubt.
    pub async fn request(&mut self) -> Request {
        let mut request = self.head().await;
        let length: Vec<usize> = request.all("content-length").iter().map(|text| text.parse().unwrap()).collect();
        let coding = request.all("transfer-encoding");
        request.body = match (length.as_slice(), coding.as_slice()) {
            ([], []) => Vec::new(),
            ([length], []) => self.take(*length).await,
            ([], ["chunked"]) => self.chunks().await,
            other => panic!("framed as {other:?}"),
        };
        request
    }

    async fn take(&mut self, length: usize) -> Vec<u8> {
        while self.unread.len() < length {
            assert!(self.read().await, "the connection ended within a body");
        }
        let rest = self.unread.split_off(length);
        std::mem::replace(&mut self.unread, rest)
    }

    async fn line(&mut self) -> String {
        loop {
            if let Some(end) = self.unread.windows(2).position(|window| window == b"\r\n") {
                let line = self.take(end + 2).await;
                return String::from_utf8(line[..end].to_vec()).unwrap();
            }
            assert!(self.read().await, "the connection ended within a line");
        }
    }

    async fn chunks(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            let size = usize::from_str_radix(&self.line().await, 16).unwrap();
            body.extend(self.take(size).await);
            assert_eq!(self.line().await, "");
            if size == 0 {
                return body;
            }
        }
    }

    /// Counts bytes of a body of this length without keeping them.
    pub async fn swallow(&mut self, length: usize) {
        let mut left = length;
        loop {
            left -= self.unread.len().min(left);
            self.unread.clear();
            if left == 0 {
                return;
            }
            assert!(self.read().await, "the body ended {left} bytes early");
        }
    }

    pub async fn say(&mut self, bytes: impl AsRef<[u8]>) {
        timeout(PATIENCE, self.stream.write_all(bytes.as_ref())).await.expect("room to write").unwrap();
    }

    /// Whether the other side takes all of this within a moment. After a no, what follows is out of step.
    pub async fn has_room(&mut self, bytes: &[u8]) -> bool {
        timeout(std::time::Duration::from_millis(500), self.stream.write_all(bytes)).await.is_ok()
    }

    /// What was read and not taken; whether anything follows a request is looked for here.
    pub fn rest(&self) -> &[u8] {
        &self.unread
    }

    /// Ends the connection with a reset.
    pub fn reset(self) {
        self.stream.set_zero_linger().unwrap();
    }

    /// Takes the handshake and switches; `more` are further header lines of the answer.
    pub async fn socket(mut self, more: &str) -> (Request, WebSocketStream<TcpStream>) {
        let request = self.head().await;
        let accept = derive_accept_key(request.all("sec-websocket-key")[0].as_bytes());
        let head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade";
        self.say(format!("{head}\r\nSec-WebSocket-Accept: {accept}\r\n{more}\r\n")).await;
        let config = WebSocketConfig::default().max_message_size(None).max_frame_size(None);
        let socket = WebSocketStream::from_partially_read(self.stream, self.unread, Role::Server, Some(config)).await;
        (request, socket)
    }
}
