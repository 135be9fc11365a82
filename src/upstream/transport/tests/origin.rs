//! A server that does what it is told, byte by byte, and remembers what it was asked.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

use crate::tasks::Tasks;

/// A request with this header has its body left where it is.
pub const UNREAD: &str = "x-unread";

/// What it does with a request.
#[derive(Debug, Clone)]
pub enum Does {
    /// Answers with a status and a body.
    Answer(u16, &'static str),
    /// Writes this, then closes.
    Write(&'static str),
    /// Writes this, then nothing.
    Stall(&'static str),
    /// Resets the connection.
    Reset,
    /// Answers a handshake; with the key's own accept key unless another is given, and with further headers.
    Switch { accept: Option<&'static str>, headers: &'static str },
}

/// What it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The first line and the headers.
    pub head: String,
    pub body: String,
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }
}

#[derive(Clone)]
pub struct Origin {
    /// Host and port.
    pub authority: String,
    does: Arc<Mutex<Does>>,
    asked: Arc<Mutex<Vec<Asked>>>,
    hung_up: Arc<AtomicUsize>,
}

impl Origin {
    pub async fn start(does: Does) -> Origin {
        Dead::new().start(does)
    }

    pub fn does(&self, does: Does) {
        *self.does.lock().unwrap() = does;
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// How often the other side closed while it stalled.
    pub fn hung_up(&self) -> usize {
        self.hung_up.load(Ordering::SeqCst)
    }

    pub fn http(&self) -> String {
        format!("http://{}", self.authority)
    }

    pub fn ws(&self) -> String {
        format!("ws://{}", self.authority)
    }

    async fn serve(self, mut stream: TcpStream) {
        while let Some(asked) = read(&mut stream).await {
            let unread = asked.header(UNREAD).is_some();
            let key = asked.header("sec-websocket-key").unwrap_or_default().to_owned();
            self.asked.lock().unwrap().push(asked);
            let does = self.does.lock().unwrap().clone();
            let written = match does {
                Does::Answer(status, body) => {
                    let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n{body}", body.len());
                    stream.write_all(answer.as_bytes()).await
                }
                Does::Write(bytes) => {
                    let _ = stream.write_all(bytes.as_bytes()).await;
                    return;
                }
                Does::Stall(bytes) => {
                    let _ = stream.write_all(bytes.as_bytes()).await;
                    if unread {
                        return std::future::pending().await;
                    }
                    let _ = stream.read_to_end(&mut Vec::new()).await;
                    self.hung_up.fetch_add(1, Ordering::SeqCst);
                    return;
                }
                Does::Reset => {
                    let _ = stream.set_zero_linger();
                    return;
                }
                Does::Switch { accept, headers } => {
                    let accept = accept.map_or_else(|| derive_accept_key(key.as_bytes()), str::to_owned);
                    let answer = format!(
                        "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\
                         sec-websocket-accept: {accept}\r\n{headers}\r\n"
                    );
                    let _ = stream.write_all(answer.as_bytes()).await;
                    return echo(stream).await;
                }
            };
            if written.is_err() {
                return;
            }
        }
    }
}

/// An address where nobody listens, and nobody else can.
pub struct Dead(TcpSocket);

impl Dead {
    pub fn new() -> Dead {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        Dead(socket)
    }

    pub fn authority(&self) -> String {
        self.0.local_addr().unwrap().to_string()
    }

    pub fn http(&self) -> String {
        format!("http://{}", self.authority())
    }

    /// Somebody listens from now on.
    pub fn start(self, does: Does) -> Origin {
        let authority = self.authority();
        let listener: TcpListener = self.0.listen(64).unwrap();
        let origin =
            Origin { authority, does: Arc::new(Mutex::new(does)), asked: Arc::default(), hung_up: Arc::default() };
        let (tasks, serving) = (Tasks::new(), origin.clone());
        tasks.clone().spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tasks.spawn(serving.clone().serve(stream));
            }
        });
        origin
    }
}

/// One request with its body; nothing at the end of the connection.
async fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let mut asked = Asked { head: String::from_utf8(head).unwrap(), body: String::new() };
    if asked.header(UNREAD).is_some() {
        return Some(asked);
    }
    let mut body = Vec::new();
    if let Some(length) = asked.header("content-length") {
        body.resize(length.parse().unwrap(), 0);
        stream.read_exact(&mut body).await.ok()?;
    } else if asked.header("transfer-encoding").is_some() {
        loop {
            let mut size = Vec::new();
            while !size.ends_with(b"\r\n") {
                size.push(stream.read_u8().await.ok()?);
            }
            let size = usize::from_str_radix(std::str::from_utf8(&size).unwrap().trim(), 16).unwrap();
            let mut chunk = vec![0; size + 2];
            stream.read_exact(&mut chunk).await.ok()?;
            if size == 0 {
                break;
            }
            body.extend_from_slice(&chunk[..size]);
        }
    }
    asked.body = String::from_utf8(body).unwrap();
    Some(asked)
}

/// Sends every message back until the other side closes.
async fn echo(stream: TcpStream) {
    use futures_util::{SinkExt, StreamExt};
    let mut socket = tokio_tungstenite::WebSocketStream::from_raw_socket(stream, Role::Server, None).await;
    let echo = async {
        while let Some(Ok(message)) = socket.next().await {
            if message.is_text() && socket.send(message).await.is_err() {
                return;
            }
        }
    };
    let _ = tokio::time::timeout(Duration::from_secs(30), echo).await;
}
