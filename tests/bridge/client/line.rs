//! A socket whose frames are sorted into outcomes, what others say and the end, so that a test can wait for one of them
//! while another comes. In: frames, read by the dialect's reader. Out: whichever is waited for.

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::Value;
use tokio_tungstenite::tungstenite::Message;

use super::{Heard, Outcome};
use crate::harness::socket::{self, Socket};

/// How long what must come may take: longer than the deadline of a confirmation in any test.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long the sign of an end may take; where the dialect has none, it is waited for in vain.
const END: Duration = Duration::from_secs(3);

/// What a frame means to one client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read {
    Outcome(Outcome),
    Heard(Heard),
    /// The conversation ended.
    End,
    /// Nothing that a test waits for.
    Nothing,
}

/// Knows one dialect's frames, and what was sent and has no outcome yet.
pub trait Reader: Send {
    fn read(&mut self, frame: &Value) -> Read;
}

pub struct Line<R> {
    socket: Socket,
    pub reader: R,
    outcomes: VecDeque<Outcome>,
    heard: VecDeque<Heard>,
    ended: bool,
    closed: Option<u16>,
    /// Every frame, for the message of a test that fails.
    frames: Vec<Value>,
}

impl<R: Reader> Line<R> {
    pub fn new(socket: Socket, reader: R) -> Self {
        Line {
            socket,
            reader,
            outcomes: VecDeque::new(),
            heard: VecDeque::new(),
            ended: false,
            closed: None,
            frames: Vec::new(),
        }
    }

    pub async fn say(&mut self, frame: &Value) {
        self.socket.say(&frame.to_string()).await;
    }

    /// Sends what is no frame of the dialect.
    pub async fn send(&mut self, message: Message) {
        self.socket.send(message).await;
    }

    pub async fn outcome(&mut self) -> Outcome {
        loop {
            if let Some(outcome) = self.outcomes.pop_front() {
                return outcome;
            }
            if let Some(code) = self.closed {
                return Outcome::Closed { code };
            }
            self.next("an outcome").await;
        }
    }

    /// The outcome of a file that was uploaded and announced.
    pub async fn announced(&mut self) -> Result<(), (u16, String)> {
        match self.outcome().await {
            Outcome::Confirmed { .. } => Ok(()),
            Outcome::Error { text } => Err((0, text)),
            Outcome::Closed { code } => Err((code, String::new())),
        }
    }

    pub async fn hears(&mut self) -> Heard {
        loop {
            if let Some(heard) = self.heard.pop_front() {
                return heard;
            }
            assert_eq!(self.closed, None, "the socket closed; it said {:?}", self.frames);
            self.next("what somebody else says").await;
        }
    }

    pub async fn ended(&mut self) -> bool {
        while !self.ended && self.closed.is_none() && self.step(END).await {}
        self.ended
    }

    pub async fn closed(&mut self) -> u16 {
        loop {
            if let Some(code) = self.closed {
                return code;
            }
            self.next("a close").await;
        }
    }

    /// The next frame as it came.
    pub async fn frame(&mut self) -> Value {
        let known = self.frames.len();
        while self.frames.len() == known {
            self.next("a frame").await;
        }
        self.frames[known].clone()
    }

    /// Reads one frame; it must come in time.
    async fn next(&mut self, what: &str) {
        assert!(self.step(PATIENCE).await, "waited for {what} in vain; the socket said {:?}", self.frames);
    }

    /// Reads one frame, if one comes.
    async fn step(&mut self, patience: Duration) -> bool {
        let frame = match self.socket.hear_within(patience).await {
            None => return false,
            Some(socket::Heard::Closed(code)) => {
                self.closed = Some(code);
                return true;
            }
            Some(socket::Heard::Frame(frame)) => frame,
        };
        match self.reader.read(&frame) {
            Read::Outcome(outcome) => self.outcomes.push_back(outcome),
            Read::Heard(heard) => self.heard.push_back(heard),
            Read::End => self.ended = true,
            Read::Nothing => {}
        }
        self.frames.push(frame);
        true
    }
}
