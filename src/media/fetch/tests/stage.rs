//! The stage: names that a test hands out, a connector that notes every dial, a host that says what a test wrote, and a
//! tripwire: a listener on loopback that nobody may reach.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::super::dial::{Connect, Resolve, Stream};
use super::super::{FetchSettings, Fetcher};
use crate::tasks::Tasks;

/// A public address that nothing in these tests really calls.
pub const PUBLIC: IpAddr = IpAddr::V4(Ipv4Addr::new(93, 184, 215, 14));

/// Longer than any good case takes on a slow machine.
const LONG: Duration = Duration::from_secs(60);

/// The bounds of a test, with nothing to fetch from.
pub fn settings() -> FetchSettings {
    FetchSettings { own: Vec::new(), allowed: Vec::new(), largest: 1 << 20, timeout: LONG, idle: LONG, redirects: 3 }
}

/// What a name resolves to, one answer after the other; the last one stays.
#[derive(Default)]
pub struct Names {
    answers: Mutex<HashMap<String, VecDeque<Vec<IpAddr>>>>,
    asked: Mutex<Vec<String>>,
}

impl Names {
    pub fn set(&self, name: &str, answers: &[&[&str]]) {
        let addresses = |answer: &&[&str]| answer.iter().map(|address| address.parse().unwrap()).collect();
        self.answers.lock().unwrap().insert(name.to_owned(), answers.iter().map(addresses).collect());
    }

    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

#[async_trait]
impl Resolve for Names {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        self.asked.lock().unwrap().push(name.to_owned());
        let mut answers = self.answers.lock().unwrap();
        let answers = answers.get_mut(name).ok_or(io::ErrorKind::NotFound)?;
        let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        answer.ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

/// Takes every dial down. A loopback address is really called; whatever else leads to the host of the stage, without
/// TLS, so that a test needs no certificate.
pub struct Wire {
    host: SocketAddr,
    dials: Mutex<Vec<Dial>>,
}

/// An address and the name that a certificate must bear.
pub type Dial = (SocketAddr, Option<String>);

#[async_trait]
impl Connect for Wire {
    async fn connect(&self, address: SocketAddr, certified: Option<&str>) -> io::Result<Box<dyn Stream>> {
        self.dials.lock().unwrap().push((address, certified.map(str::to_owned)));
        let target = if address.ip().to_canonical().is_loopback() { address } else { self.host };
        Ok(Box::new(TcpStream::connect(target).await?))
    }
}

/// What the host does after it has read the head of a request; then it closes.
#[derive(Clone)]
pub enum Act {
    Send(Vec<u8>),
    /// The same again and again with pauses, until the other side has gone.
    Repeat(Vec<u8>, Duration),
    /// Nothing, until the other side has gone.
    Wait,
}

/// Text to send.
pub fn say(text: impl Into<String>) -> Vec<Act> {
    vec![Act::Send(text.into().into_bytes())]
}

/// An answer with a body and its length.
pub fn file(body: &str) -> Vec<Act> {
    say(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()))
}

pub fn redirect(location: &str) -> Vec<Act> {
    say(format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"))
}

pub struct Stage {
    pub names: Arc<Names>,
    wire: Arc<Wire>,
    /// Where the host of the stage listens.
    pub host: SocketAddr,
    /// The heads of all requests that the host has read.
    heads: Arc<Mutex<Vec<String>>>,
    tripwire: SocketAddr,
    tripped: mpsc::Receiver<SocketAddr>,
    pub settings: FetchSettings,
}

impl Stage {
    /// Sets the stage; the host answers a request by its path and query.
    pub async fn new(script: impl Fn(&str) -> Vec<Act> + Send + Sync + 'static) -> Self {
        let tasks = Tasks::new();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap();
        let heads: Arc<Mutex<Vec<String>>> = Arc::default();
        let (noted, script, playing) = (Arc::clone(&heads), Arc::new(script), tasks.clone());
        tasks.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (noted, script) = (Arc::clone(&noted), Arc::clone(&script));
                playing.spawn(async move {
                    // The other side may go at any time.
                    let _ = play(stream, &noted, &*script).await;
                });
            }
        });
        let (tripwire, tripped) = tripwire(&tasks).await;
        let wire = Arc::new(Wire { host, dials: Mutex::default() });
        Stage { names: Arc::default(), wire, host, heads, tripwire, tripped, settings: settings() }
    }

    /// A stage whose host should not be asked at all.
    pub async fn silent() -> Self {
        Stage::new(|_| file("should not have been asked")).await
    }

    pub fn own(mut self, endpoint: &str) -> Self {
        self.settings.own.push(self.filled(endpoint).parse().unwrap());
        self
    }

    /// Allows a host and gives it the public address.
    pub fn allowed(mut self, host: &str) -> Self {
        self.settings.allowed.push(host.to_owned());
        self.names.set(host, &[&[&PUBLIC.to_string()]]);
        self
    }

    pub fn fetcher(&self) -> Fetcher {
        Fetcher::through(self.settings.clone(), Arc::clone(&self.names) as _, Arc::clone(&self.wire) as _)
    }

    /// Text with the ports of host and tripwire: `{host}`, `{trap}`.
    pub fn filled(&self, text: &str) -> String {
        text.replace("{host}", &self.host.port().to_string()).replace("{trap}", &self.tripwire.port().to_string())
    }

    /// All dials up to now.
    pub fn dials(&self) -> Vec<Dial> {
        self.wire.dials.lock().unwrap().clone()
    }

    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    /// How many connections the tripwire saw. Connections are accepted in their order, so ours comes after all others.
    pub async fn tripped(&mut self) -> usize {
        let own = TcpStream::connect(self.tripwire).await.unwrap().local_addr().unwrap();
        let mut others = 0;
        while self.tripped.recv().await.expect("the tripwire listens") != own {
            others += 1;
        }
        others
    }
}

async fn tripwire(tasks: &Tasks) -> (SocketAddr, mpsc::Receiver<SocketAddr>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (trip, tripped) = mpsc::channel(1000);
    tasks.spawn(async move {
        while let Ok((_, from)) = listener.accept().await {
            if trip.send(from).await.is_err() {
                return;
            }
        }
    });
    (address, tripped)
}

async fn play(
    mut stream: TcpStream,
    heads: &Mutex<Vec<String>>,
    script: &(dyn Fn(&str) -> Vec<Act> + Send + Sync),
) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    heads.lock().unwrap().push(head);
    for act in script(&path) {
        match act {
            Act::Send(bytes) => stream.write_all(&bytes).await?,
            Act::Repeat(bytes, pause) => loop {
                stream.write_all(&bytes).await?;
                tokio::time::sleep(pause).await;
            },
            Act::Wait => while stream.read(&mut [0; 64]).await? > 0 {},
        }
    }
    stream.shutdown().await
}
