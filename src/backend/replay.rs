//! What lets a client that comes back hear what it missed. In: how far its socket was heard. Out: where to go on from.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::event::{Place, Topic};
use crate::relay::Parcel;

/// How far a client has heard.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Cursor {
    /// All that was told at a topic up to its place.
    pub places: Vec<(Topic, Place)>,
    /// Of these conversations also what was told after that, up to this turn.
    pub turns: BTreeMap<Arc<str>, u64>,
}

/// How far a mailbox was filled.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filled {
    /// How many parcels were put into it so far.
    pub parcels: u64,
    /// How far its topics had come with them.
    pub places: Vec<(Topic, Place)>,
}

/// Where a socket's cursor is kept.
#[async_trait]
pub trait Bookmark: Send + Sync {
    /// How far its mailbox is filled now.
    fn filled(&self) -> Filled;

    /// Keeps the cursor, soon, for when the client comes back.
    fn keep(&self, cursor: Cursor);

    /// Keeps it for the last time: the socket has ended. Resolves once it is kept.
    async fn leave(&self, cursor: Cursor);
}

/// What a socket begins with where its route replays.
pub struct Replay {
    /// What the client missed, in order within each conversation. What of this comes through the mailbox too is the same.
    pub missed: Vec<Parcel>,
    /// How far the topics had come with it.
    pub reached: Vec<(Topic, Place)>,
    /// How far it had heard before.
    pub cursor: Cursor,
    /// How long a cursor that is kept holds: one of a socket that is open must be kept again before.
    pub window: Window,
    pub bookmark: Box<dyn Bookmark>,
}

/// For how long a client that went may come back and hear what it missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window(pub Duration);
