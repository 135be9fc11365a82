//! Users who write to each other. In: two replicas. Out: how many messages a second arrive, and after how long.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use super::gateway::{Gateway, token};

/// Conversations of two.
pub const PAIRS: usize = 16;

/// Messages that a sender has under way before it waits for a confirmation.
const WINDOW: usize = 32;

/// Messages a second of all pairs together, where it is their time that is measured.
pub const PACED_RATE: usize = 200;
/// Of each pair, in one run.
const PACED_MESSAGES: usize = 40;

/// How long anything may take: a message that is lost ends the run.
const PATIENCE: Duration = Duration::from_secs(30);

type Sink = SplitSink<WebSocketStream<TcpStream>, Message>;
type Stream = SplitStream<WebSocketStream<TcpStream>>;

/// A sender at one replica, and who hears it at the other.
struct Pair {
    receiver_id: String,
    sink: Sink,
    confirmations: Stream,
    /// Kept, or the receiver's socket would end.
    _receiver_sink: Sink,
    deliveries: Stream,
    /// Of its next message.
    number: usize,
}

pub struct Pairs(Vec<Pair>);

impl Pairs {
    pub async fn connect(one: &Gateway, other: &Gateway) -> Self {
        let mut pairs = Vec::with_capacity(PAIRS);
        for at in 0..PAIRS {
            let [sender, receiver] = [1, 2].map(|side| format!("302e305b-6e73-4f9c-bac7-{side:04}{at:08}"));
            let (sink, confirmations) = connect(one, &sender).await.split();
            let (receiver_sink, deliveries) = connect(other, &receiver).await.split();
            pairs.push(Pair {
                receiver_id: receiver,
                sink,
                confirmations,
                _receiver_sink: receiver_sink,
                deliveries,
                number: 0,
            });
        }
        Pairs(pairs)
    }
}

async fn connect(gateway: &Gateway, user: &str) -> WebSocketStream<TcpStream> {
    let address = gateway.address;
    let stream = TcpStream::connect(address).await.expect("a connection");
    stream.set_nodelay(true).expect("an option");
    client_async(format!("ws://{address}/ws/chat/room/?token={}", token(user)), stream).await.expect("a handshake").0
}

/// Each sender says so many, some of them under way at once; the rate at which the receivers heard all of them.
pub async fn flood(pairs: &mut Pairs, bytes: usize, each: usize) -> f64 {
    let began = Instant::now();
    join_all(pairs.0.iter_mut().map(|pair| pair.run(bytes, each, None))).await;
    (PAIRS * each) as f64 / began.elapsed().as_secs_f64()
}

/// Each sender says one now and then; how long each took from before it was written to after it was read.
pub async fn paced(pairs: &mut Pairs, bytes: usize) -> Vec<Duration> {
    let pause = Duration::from_secs(1) * PAIRS as u32 / PACED_RATE as u32;
    let runs = join_all(pairs.0.iter_mut().map(|pair| pair.run(bytes, PACED_MESSAGES, Some(pause)))).await;
    runs.into_iter().flatten().collect()
}

impl Pair {
    /// Says so many, each after a pause or when the window has room; hears all of them, each once and in order.
    async fn run(&mut self, bytes: usize, count: usize, pause: Option<Duration>) -> Vec<Duration> {
        let first = self.number;
        self.number += count;
        let window = Semaphore::new(WINDOW);
        let (sent, mut times) = tokio::sync::mpsc::channel(count);
        let say = async {
            let mut pace = pause.map(tokio::time::interval);
            for number in first..first + count {
                match &mut pace {
                    Some(pace) => drop(pace.tick().await),
                    None => window.acquire().await.expect("open").forget(),
                }
                sent.try_send(Instant::now()).expect("room for all");
                self.sink.send(message(&self.receiver_id, number, bytes)).await.expect("sent");
            }
        };
        let confirmations = async {
            for number in first..first + count {
                assert_eq!(hear(&mut self.confirmations, "conf_message").await, number);
                window.add_permits(1);
            }
        };
        let deliveries = async {
            let mut latencies = Vec::with_capacity(count);
            for number in first..first + count {
                assert_eq!(hear(&mut self.deliveries, "re_message").await, number);
                latencies.push(times.recv().await.expect("it was sent").elapsed());
            }
            latencies
        };
        tokio::join!(say, confirmations, deliveries).2
    }
}

/// A message that begins with its number.
fn message(receiver: &str, number: usize, bytes: usize) -> Message {
    let text = format!("{number:<bytes$}.");
    Message::text(json!({ "action": "text_message", "message_body": text, "receiver_id": receiver }).to_string())
}

/// The number of the next message, which must be of this action.
async fn hear(stream: &mut Stream, action: &str) -> usize {
    loop {
        let message = tokio::time::timeout(PATIENCE, stream.next()).await.expect("a frame in time");
        let message = message.expect("no end").expect("a frame");
        let Message::Text(text) = message else { continue };
        let frame: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(frame["action"], action, "{frame}");
        let number = frame["message"].as_str().and_then(|text| text.split(' ').next()?.parse().ok());
        return number.unwrap_or_else(|| panic!("no number: {frame}"));
    }
}
