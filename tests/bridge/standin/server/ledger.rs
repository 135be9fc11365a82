//! What a stand-in was sent. In: messages, uploads, calls, complaints. Out: the same, with a deadline where one waits.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use tokio::sync::mpsc;

use super::super::{PATIENCE, Taken};

pub struct Ledger {
    messages: AtomicUsize,
    uploads: AtomicUsize,
    lost: AtomicUsize,
    taken: mpsc::Sender<Taken>,
    /// Taken out while somebody waits.
    waiting: tokio::sync::Mutex<mpsc::Receiver<Taken>>,
    calls: Mutex<Vec<String>>,
    complaints: Mutex<Vec<String>>,
}

impl Default for Ledger {
    fn default() -> Self {
        // More than any test sends.
        let (taken, waiting) = mpsc::channel(100_000);
        Ledger {
            messages: AtomicUsize::new(0),
            uploads: AtomicUsize::new(0),
            lost: AtomicUsize::new(0),
            taken,
            waiting: tokio::sync::Mutex::new(waiting),
            calls: Mutex::default(),
            complaints: Mutex::default(),
        }
    }
}

impl Ledger {
    /// A message was kept.
    pub fn take(&self, message: Taken) {
        self.messages.fetch_add(1, Ordering::SeqCst);
        self.taken.try_send(message).expect("a test that reads what it sends");
    }

    /// A file was kept.
    pub fn uploaded(&self) {
        self.uploads.fetch_add(1, Ordering::SeqCst);
    }

    /// A message came and was not kept, as ordered.
    pub fn lose(&self) {
        self.lost.fetch_add(1, Ordering::SeqCst);
    }

    pub fn lost(&self) -> usize {
        self.lost.load(Ordering::SeqCst)
    }

    /// A request came, whatever became of it: `METHOD /path`.
    pub fn call(&self, line: String) {
        self.calls.lock().unwrap().push(line);
    }

    /// Something came that no client of this dialect sends.
    pub fn complain(&self, what: String) {
        self.complaints.lock().unwrap().push(what);
    }

    /// Complains about every key of an object that is not among the known ones, and about what is no object.
    pub fn expect_keys(&self, what: &str, object: &Value, known: &[&str]) {
        let Some(object) = object.as_object() else {
            return self.complain(format!("{what}: no object: {object}"));
        };
        for key in object.keys().filter(|key| !known.contains(&key.as_str())) {
            self.complain(format!("{what}: unknown key {key:?}"));
        }
    }

    /// The next message, or the test fails.
    pub async fn next(&self) -> Taken {
        let mut waiting = self.waiting.lock().await;
        let next = tokio::time::timeout(PATIENCE, waiting.recv()).await;
        match next {
            Ok(message) => message.expect("the ledger holds the other end"),
            Err(_) => panic!(
                "the backend took no message in time; it was asked {:?} and complains {:?}",
                self.calls(),
                self.complaints()
            ),
        }
    }

    /// Messages and uploads so far.
    pub fn counts(&self) -> (usize, usize) {
        (self.messages.load(Ordering::SeqCst), self.uploads.load(Ordering::SeqCst))
    }

    pub fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }

    pub fn complaints(&self) -> Vec<String> {
        self.complaints.lock().unwrap().clone()
    }
}
