//! Raw clients of the gateway, one a dialect, each written from its dialect's document. In: what a person does. Out: what
//! that person sees. They speak to a stand-in as well, which is how they are tested.

// The suites use different parts.
#![allow(dead_code)]

pub mod andromedia;
pub mod divar;
pub mod frontdesk;
pub mod licomed;
pub mod line;
pub mod luxmart;
pub mod mattermost;

use std::net::SocketAddr;

use async_trait::async_trait;

use crate::harness::http;

/// What came of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was confirmed in the dialect's way; where the confirmation repeats the words, these are they, else the words sent.
    Confirmed { body: String },
    /// The dialect's error, in its words.
    Error { text: String },
    /// The socket closed before either came, with this code.
    Closed { code: u16 },
}

/// What somebody else said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    Text(String),
    /// `name` is empty where the dialect tells none; `caption` where it has none (it then follows as a text).
    File {
        name: String,
        url: String,
        caption: String,
    },
}

/// A client of one dialect in its one conversation.
#[async_trait]
pub trait Client: Send {
    /// Connects, or says the status that refused it; a socket that opens and closes at once says its close code.
    async fn open(gateway: SocketAddr, token: String) -> Result<Self, u16>
    where
        Self: Sized;

    async fn connect(gateway: SocketAddr, token: String) -> Self
    where
        Self: Sized,
    {
        Self::open(gateway, token).await.unwrap_or_else(|status| panic!("refused with {status}"))
    }

    /// Sends a text without waiting for anything.
    async fn send_text(&mut self, text: &str);

    /// What came of the next message that has no outcome yet, in the order sent.
    async fn outcome(&mut self) -> Outcome;

    /// Sends a text and waits until it is confirmed; panics when it is not.
    async fn say(&mut self, text: &str) {
        self.send_text(text).await;
        assert_eq!(self.outcome().await, Outcome::Confirmed { body: text.to_owned() });
    }

    /// Uploads a file, announces it and waits until that is confirmed. Else the status and words of the refusal; status 0
    /// when it came over the socket, and its close code when that closed.
    async fn say_file(&mut self, name: &str, mime: &str, bytes: &[u8], caption: &str) -> Result<(), (u16, String)>;

    /// What somebody else said next; panics when nothing comes in time.
    async fn hears(&mut self) -> Heard;

    /// Gets a file as a browser does: no credential but what is in the URL.
    async fn fetch(&self, url: &str) -> (u16, Vec<u8>);

    /// The bodies of the conversation, oldest first: words, or the file's name where there are none. None where the
    /// dialect has no history.
    async fn history(&mut self) -> Option<Vec<String>>;

    /// Waits for the dialect's sign that the conversation ended; false when none comes.
    async fn ended(&mut self) -> bool;

    /// Waits until the socket closes: its code, 1005 when there was none, 1006 when the connection broke off.
    async fn closed(&mut self) -> u16;
}

/// A claim of a token; a real client knows its own name and id from its login.
pub fn claim(token: &str, name: &str) -> Option<String> {
    #[allow(clippy::disallowed_methods, reason = "the owner of a token reads it; there is nothing to check")]
    let claims = jsonwebtoken::dangerous::insecure_decode_claims::<serde_json::Value>(token).ok()?;
    match &claims[name] {
        serde_json::Value::String(text) => Some(text.clone()),
        serde_json::Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Gets a URL without a credential: where it says when it names an address, else from this server.
pub async fn fetch(server: SocketAddr, url: &str) -> (u16, Vec<u8>) {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    let (host, path) = match rest {
        Some(rest) => rest.split_at(rest.find('/').unwrap_or(rest.len())),
        None => ("", url),
    };
    let answer = http::get(host.parse().unwrap_or(server), path, &[]).await;
    (answer.status, answer.body)
}
