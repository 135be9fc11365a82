//! One client's part: it says its share, one message after the other, hears, and comes back when its socket ends. In: who it
//! is, where the replicas are. Out: what it heard on which connection, and what was confirmed to it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use super::harness::socket::{Heard, Socket};
use super::party::{Frame, Party};
use super::record::{Gap, Said};

/// How long a confirmation is waited for before the next message goes out; a replay may still bring it.
pub const CONFIRMED_WITHIN: Duration = Duration::from_secs(10);

/// What sockets are closed with that may have missed something, or read too slowly (`overflow` of the dialects).
const MAY_HAVE_MISSED: u16 = 1013;

/// Between two tries to connect.
const RETRY: Duration = Duration::from_millis(50);

/// What all clients share.
pub struct Shared {
    /// Where each replica is; none while it is away.
    pub replicas: Mutex<Vec<Option<SocketAddr>>>,
    pub confirmed: AtomicUsize,
    /// Everybody is there: now they talk.
    pub has_begun: AtomicBool,
    pub is_over: AtomicBool,
    /// How many messages each client sends.
    pub share: u32,
    pub pause: Duration,
    /// How long a confirmation is waited for before the next message goes out.
    pub patience: Duration,
    /// Times of the record are since then.
    pub began: Instant,
    /// When sockets were closed, and with which code.
    pub closes: Mutex<Vec<(Instant, u16)>>,
}

/// What one client knows.
#[derive(Default)]
pub struct Notes {
    pub heard: Vec<(u32, Said)>,
    /// All that was sent, and when.
    pub sent: Vec<(Said, Duration)>,
    pub confirmed: Vec<(Said, Duration)>,
    /// Each time when it was told that it may have missed something.
    pub gaps: Vec<Gap>,
    /// When it heard something last.
    heard_last: Duration,
    /// It was told so, and has heard nothing since.
    in_gap: bool,
    pub refused: usize,
    /// Neither confirmed nor refused in time.
    pub unanswered: usize,
    pub connections: u32,
    /// All of its share was sent, and each has an outcome.
    pub is_done: bool,
    /// How long each confirmation took, in milliseconds.
    pub took: Vec<u32>,
}

impl Shared {
    /// The replica of a try, if it is there.
    fn replica(&self, number: usize) -> Option<SocketAddr> {
        let replicas = self.replicas.lock().expect("whole");
        replicas[number % replicas.len()]
    }

    pub fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }
}

impl Notes {
    /// The socket was closed since it may have missed something.
    fn was_told(&mut self) {
        if !self.in_gap {
            self.gaps.push(Gap { from: self.heard_last, until: Duration::MAX });
            self.in_gap = true;
        }
    }

    /// It hears, after a gap or not.
    fn hears(&mut self, now: Duration) {
        self.heard_last = now;
        if std::mem::take(&mut self.in_gap)
            && let Some(gap) = self.gaps.last_mut()
        {
            gap.until = now;
        }
    }
}

/// A message that has no outcome yet.
struct Pending {
    said: Said,
    sent: Instant,
    until: Instant,
}

struct Talk {
    party: Party,
    shared: Arc<Shared>,
    notes: Arc<Mutex<Notes>>,
    next: u32,
    pending: Option<Pending>,
    /// When the next may be sent.
    ready: Instant,
}

/// What a message says, at some length.
fn text(said: Said) -> String {
    format!("{said} says party {} with some words that make it about as long as messages are", said.party)
}

/// A client with a socket.
pub async fn talk(party: Party, shared: Arc<Shared>, notes: Arc<Mutex<Notes>>) {
    let mut at = usize::from(party.number);
    let mut talk = Talk { party, shared, notes, next: 0, pending: None, ready: Instant::now() };
    while !talk.shared.is_over() {
        let socket = match talk.shared.replica(at) {
            Some(replica) => talk.party.connect(replica).await,
            None => None,
        };
        // To another one next time.
        at += 1;
        match socket {
            Some(socket) => {
                talk.notes.lock().expect("whole").connections += 1;
                talk.on(socket).await;
            }
            None => sleep(RETRY).await,
        }
    }
}

impl Talk {
    /// Until the socket ends.
    async fn on(&mut self, mut socket: Socket) {
        while !self.shared.is_over() {
            let wake = self.pending.as_ref().map_or(self.ready, |pending| pending.until);
            let has_begun = self.shared.has_begun.load(Ordering::Relaxed);
            let is_waiting = has_begun && (self.pending.is_some() || self.next < self.shared.share);
            tokio::select! {
                heard = socket.hear_within(Duration::from_millis(200)) => match heard {
                    Some(Heard::Frame(frame)) => self.hear(&frame),
                    Some(Heard::Closed(code)) => {
                        self.shared.closes.lock().expect("whole").push((Instant::now(), code));
                        if code == MAY_HAVE_MISSED {
                            self.notes.lock().expect("whole").was_told();
                        }
                        if let Some(pending) = &mut self.pending {
                            // What it came to is told soon after the client is back, or never.
                            pending.until = pending.until.min(Instant::now() + Duration::from_secs(3));
                        }
                        return;
                    }
                    None => {}
                },
                () = sleep_until(wake), if is_waiting => self.go_on(&mut socket).await,
            }
        }
    }

    /// Gives up what has no outcome, or sends the next.
    async fn go_on(&mut self, socket: &mut Socket) {
        if self.pending.take().is_some() {
            self.notes.lock().expect("whole").unanswered += 1;
            self.finish();
            return;
        }
        let (said, now) = (Said { party: self.party.number, number: self.next }, Instant::now());
        self.next += 1;
        self.pending = Some(Pending { said, sent: now, until: now + self.shared.patience });
        self.notes.lock().expect("whole").sent.push((said, now - self.shared.began));
        socket.say(&self.party.frame(&text(said))).await;
    }

    fn hear(&mut self, frame: &serde_json::Value) {
        match self.party.read(frame) {
            Frame::Text(text) => {
                let said = Said::parse(&text).unwrap_or_else(|| panic!("nobody said {frame}"));
                let mut notes = self.notes.lock().expect("whole");
                let (connection, now) = (notes.connections, self.shared.began.elapsed());
                notes.hears(now);
                notes.heard.push((connection, said));
                if said.party != self.party.number {
                    return;
                }
                notes.confirmed.push((said, now));
                self.shared.confirmed.fetch_add(1, Ordering::Relaxed);
                drop(notes);
                if let Some(pending) = self.pending.take_if(|pending| pending.said == said) {
                    let took = u32::try_from(pending.sent.elapsed().as_millis()).unwrap_or(u32::MAX);
                    self.notes.lock().expect("whole").took.push(took);
                    self.finish();
                }
            }
            Frame::Refused(_) => {
                self.notes.lock().expect("whole").refused += 1;
                self.pending = None;
                self.finish();
            }
            Frame::Nothing => {}
        }
    }

    fn finish(&mut self) {
        self.ready = Instant::now() + self.shared.pause;
        if self.next >= self.shared.share {
            self.notes.lock().expect("whole").is_done = true;
        }
    }
}

/// An app in one conversation: it sends by calls; what it hears it is called with.
pub async fn call(party: Party, shared: Arc<Shared>, notes: Arc<Mutex<Notes>>) {
    let mut at = usize::from(party.number);
    for number in 0..shared.share {
        let said = Said { party: party.number, number };
        let replica = loop {
            at += 1;
            match shared.replica(at) {
                Some(replica) => break replica,
                None => sleep(RETRY).await,
            }
        };
        let began = Instant::now();
        notes.lock().expect("whole").sent.push((said, began - shared.began));
        let is_confirmed = party.call(replica, &text(said)).await;
        {
            let mut notes = notes.lock().expect("whole");
            match is_confirmed {
                true => {
                    notes.confirmed.push((said, shared.began.elapsed()));
                    notes.took.push(u32::try_from(began.elapsed().as_millis()).unwrap_or(u32::MAX));
                    shared.confirmed.fetch_add(1, Ordering::Relaxed);
                }
                false => notes.unanswered += 1,
            }
        }
        sleep(shared.pause).await;
    }
    notes.lock().expect("whole").is_done = true;
}
