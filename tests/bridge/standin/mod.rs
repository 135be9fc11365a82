//! Backends for tests, each written from its dialect's document and from nothing of ours: it refuses what the document
//! refuses, and says what the document shows. In: what to say and how to fail. Out: what it was sent.

// The suites use different parts.
#![allow(dead_code)]

pub mod andromedia;
pub mod credentials;
pub mod divar;
pub mod frontdesk;
pub mod licomed;
pub mod luxmart;
pub mod mattermost;
pub mod server;

use std::time::Duration;

use async_trait::async_trait;
use server::Server;

/// How long a stand-in waits for what must happen.
pub const PATIENCE: Duration = Duration::from_secs(8);

/// A message as the backend took it, in plain words.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Taken {
    /// `text`, `image`, `video`, `audio`, `document`, `file` (where the dialect does not tell kinds apart) or `profile`.
    pub kind: String,
    /// The words, or the caption.
    pub body: String,
    /// The backend's own id of the conversation; of a pair, `us/them`.
    pub conversation: String,
    /// The file's name as the backend knows it.
    pub name: Option<String>,
    /// The bytes of the file, where the message names one that was uploaded here.
    pub file: Option<Vec<u8>>,
}

/// What goes wrong, from the moment it is set until it is cleared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failing {
    /// Nothing does.
    No,
    /// Calls and handshakes are answered 500.
    Status500,
    /// Calls, handshakes and messages are taken and never answered; those that came meanwhile never will be.
    Silent,
    /// Connections are reset as soon as they open, and those that are open at once.
    Down,
    /// A connection is reset in the middle of the next answer or frame on it.
    Reset,
    /// The next message is taken and neither kept nor confirmed, a call with it is not answered; then nothing fails any
    /// more.
    DropNext,
    /// The next message is kept and confirmed after this many milliseconds.
    LateNext(u64),
    /// Handshakes are refused with this status.
    RefuseHandshake(u16),
    /// What is no JSON is said on every socket at once, and is the answer to every call.
    Garbage,
    /// A text frame of 20 MB is said on every socket at once, and is the answer to every call.
    HugeFrame,
    /// Every socket is closed with this code (1006: without a close frame), at once and as soon as it opens.
    CloseWith(u16),
}

/// A backend that listens on a free port of the loopback until it is dropped.
#[async_trait]
pub trait Standin: Send + Sync {
    /// What it runs on; everything below that has a body comes from there.
    fn server(&self) -> &Server;

    /// The other side of the one conversation says something; waits until a socket (or a webhook) has it.
    async fn say(&self, text: &str);

    /// The other side sends a file that the backend keeps and serves.
    async fn say_file(&self, name: &str, mime: &str, bytes: &[u8], caption: &str);

    /// The backend ends the conversation, in its dialect's way; false where the dialect has none.
    async fn end(&self) -> bool;

    /// `http://127.0.0.1:…`, without a slash at the end.
    fn http(&self) -> String {
        format!("http://{}", self.server().address())
    }

    /// `ws://127.0.0.1:…`
    fn socket(&self) -> String {
        format!("ws://{}", self.server().address())
    }

    /// The next message it kept. Fails the test when none comes in time.
    async fn taken(&self) -> Taken {
        self.server().backstage().ledger.next().await
    }

    /// How many messages, and how many uploads, it has kept so far.
    fn counts(&self) -> (usize, usize) {
        self.server().backstage().ledger.counts()
    }

    /// How many messages it was sent that it did not keep, because it was to fail.
    fn lost(&self) -> usize {
        self.server().backstage().ledger.lost()
    }

    /// Every request so far, whatever became of it: `METHOD /path`.
    fn calls(&self) -> Vec<String> {
        self.server().backstage().ledger.calls()
    }

    /// What was sent here that no client of this dialect sends: unknown keys, fields, frames and calls.
    fn complaints(&self) -> Vec<String> {
        self.server().backstage().ledger.complaints()
    }

    /// Begins to fail like this.
    fn fail(&self, failing: Failing) {
        self.server().backstage().fail(failing);
    }

    /// How many sockets are open now.
    fn sockets(&self) -> usize {
        self.server().backstage().sockets.count()
    }
}
