//! The WebSockets that are open now. In: frames to say to one, some or all. Out: what each was sent.

use std::future::Future;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use futures_util::{SinkExt, StreamExt};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};

use super::super::{Failing, PATIENCE};
use super::Backstage;

/// Orders and frames that may wait for one socket; more than a test sends at once.
const WAITING: usize = 50_000;

/// A socket as the stand-in knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seat {
    pub id: u64,
    pub who: String,
}

/// What a client sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    Text(String),
    Binary,
}

enum Order {
    /// Answered when it is written.
    Say(String, Option<oneshot::Sender<()>>),
    Close(u16),
    /// Ends the connection without a close frame.
    Cut,
}

#[derive(Default)]
pub struct Sockets {
    open: Mutex<Vec<(Seat, mpsc::Sender<Order>)>>,
    next: AtomicU64,
    opened: Notify,
    /// All that ever were.
    known: Mutex<Vec<Seat>>,
    speaks_alone: AtomicBool,
}

/// One socket, in the hands of the function that serves it.
pub struct Session {
    seat: Seat,
    said: mpsc::Receiver<Said>,
    backstage: Arc<Backstage>,
}

impl Session {
    pub fn seat(&self) -> Seat {
        self.seat.clone()
    }

    pub fn backstage(&self) -> Arc<Backstage> {
        self.backstage.clone()
    }

    /// The next message of the client; none once the socket is closed. What comes during [`Failing::Silent`] is lost.
    pub async fn hear(&mut self) -> Option<Said> {
        loop {
            let said = self.said.recv().await?;
            if self.backstage.faults.now() != Failing::Silent {
                return Some(said);
            }
            self.backstage.ledger.lose();
        }
    }

    /// Says a frame on this socket alone.
    pub async fn say(&self, frame: &Value) {
        self.backstage.sockets.say(&self.seat, frame).await;
    }

    pub async fn close(&self, code: u16) {
        self.backstage.sockets.close(&self.seat, code).await;
    }
}

impl Sockets {
    pub fn count(&self) -> usize {
        self.open.lock().unwrap().len()
    }

    /// Who is connected now.
    pub fn seats(&self) -> Vec<Seat> {
        self.open.lock().unwrap().iter().map(|(seat, _)| seat.clone()).collect()
    }

    /// Whether the backend speaks although nobody listens: what it says then is only in its history.
    pub fn speak_alone(&self, alone: bool) {
        self.speaks_alone.store(alone, Ordering::SeqCst);
    }

    /// Waits until a socket like this is open, or the test fails.
    pub async fn wait_for(&self, which: impl Fn(&Seat) -> bool) -> Seat {
        if self.speaks_alone.load(Ordering::SeqCst) {
            let known = self.known.lock().unwrap();
            return known.iter().find(|seat| which(seat)).expect("there was such a socket").clone();
        }
        let found = async {
            loop {
                let opened = self.opened.notified();
                tokio::pin!(opened);
                opened.as_mut().enable();
                if let Some(seat) = self.seats().into_iter().find(&which) {
                    return seat;
                }
                opened.await;
            }
        };
        tokio::time::timeout(PATIENCE, found).await.unwrap_or_else(|_| {
            panic!("nobody listens to the backend; open are {:?}", self.seats());
        })
    }

    /// Says a frame on one socket; false when it is gone.
    pub async fn say(&self, seat: &Seat, frame: &Value) -> bool {
        self.say_where(|other| other == seat, frame).await == 1
    }

    pub async fn say_all(&self, frame: &Value) -> usize {
        self.say_where(|_| true, frame).await
    }

    /// Says a frame on every socket that is like this and waits until it is written; how many took it.
    pub async fn say_where(&self, which: impl Fn(&Seat) -> bool, frame: &Value) -> usize {
        let mut written = Vec::new();
        {
            // Under the lock, so that two who speak at once are heard in the same order everywhere.
            let open = self.open.lock().unwrap();
            for (_, orders) in open.iter().filter(|(seat, _)| which(seat)) {
                let (done, is_done) = oneshot::channel();
                if orders.try_send(Order::Say(frame.to_string(), Some(done))).is_ok() {
                    written.push(is_done);
                }
            }
        }
        let mut count = 0;
        for is_done in written {
            // A socket that is not read, or closes meanwhile, does not have it.
            if let Ok(Ok(())) = tokio::time::timeout(PATIENCE, is_done).await {
                count += 1;
            }
        }
        count
    }

    /// Closes one socket after what was said on it.
    pub async fn close(&self, seat: &Seat, code: u16) {
        for orders in self.chosen(|other| other == seat) {
            let _ = orders.send(Order::Close(code)).await;
        }
    }

    pub fn close_at_once(&self, code: u16) {
        for orders in self.chosen(|_| true) {
            let _ = orders.try_send(Order::Close(code));
        }
    }

    pub fn say_at_once(&self, text: &str) {
        for orders in self.chosen(|_| true) {
            let _ = orders.try_send(Order::Say(text.to_owned(), None));
        }
    }

    pub fn cut(&self) {
        for orders in self.chosen(|_| true) {
            let _ = orders.try_send(Order::Cut);
        }
    }

    fn chosen(&self, which: impl Fn(&Seat) -> bool) -> Vec<mpsc::Sender<Order>> {
        let open = self.open.lock().unwrap();
        open.iter().filter(|(seat, _)| which(seat)).map(|(_, orders)| orders.clone()).collect()
    }

    /// Registers an upgraded connection. The future drives it and must be polled beside whatever uses the session.
    pub(super) async fn open(
        &self,
        backstage: &Arc<Backstage>,
        upgraded: Upgraded,
        who: String,
    ) -> (Session, impl Future<Output = ()> + use<>) {
        let seat = Seat { id: self.next.fetch_add(1, Ordering::SeqCst), who };
        // What the gateway sends is to be seen whole, whatever its size.
        let config = WebSocketConfig::default().max_message_size(None).max_frame_size(None);
        let stream = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config)).await;
        let (orders, ordered) = mpsc::channel(WAITING);
        let (says, said) = mpsc::channel(WAITING);
        self.known.lock().unwrap().push(seat.clone());
        self.open.lock().unwrap().push((seat.clone(), orders));
        self.opened.notify_waiters();
        let session = Session { seat: seat.clone(), said, backstage: backstage.clone() };
        let backstage = backstage.clone();
        let driver = async move {
            let closing = drive(stream, ordered, says).await;
            // A socket that is being closed is no open one, however long the other side takes.
            backstage.sockets.open.lock().unwrap().retain(|(other, _)| *other != seat);
            if let Some((stream, code)) = closing {
                close(stream, code).await;
            }
        };
        (session, driver)
    }
}

/// Writes what is ordered and passes on what is read, until the other side is gone, or until it is to be closed with this
/// code.
async fn drive(
    mut stream: WebSocketStream<TokioIo<Upgraded>>,
    mut ordered: mpsc::Receiver<Order>,
    says: mpsc::Sender<Said>,
) -> Option<(WebSocketStream<TokioIo<Upgraded>>, u16)> {
    loop {
        tokio::select! {
            order = ordered.recv() => match order {
                Some(Order::Say(text, done)) => {
                    if stream.send(Message::text(text)).await.is_err() {
                        return None;
                    }
                    // Nobody may wait for it any more.
                    let _ = done.map(|done| done.send(()));
                }
                Some(Order::Close(code)) => return Some((stream, code)),
                Some(Order::Cut) | None => return None,
            },
            message = stream.next() => match message {
                // A visit that is over does not listen; the socket then closes by its order.
                Some(Ok(Message::Text(text))) => drop(says.try_send(Said::Text(text.as_str().to_owned()))),
                Some(Ok(Message::Binary(_))) => drop(says.try_send(Said::Binary)),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return None,
            },
        }
    }
}

/// Closes with this code and waits for the other side's; 1006 is what a connection that breaks off means.
async fn close(mut stream: WebSocketStream<TokioIo<Upgraded>>, code: u16) {
    if code == 1006 {
        return;
    }
    let frame = CloseFrame { code: code.into(), reason: Default::default() };
    if stream.close(Some(frame)).await.is_ok() {
        let goodbye = async { while let Some(Ok(_)) = stream.next().await {} };
        let _ = tokio::time::timeout(PATIENCE, goodbye).await;
    }
}
