//! How much a journal keeps.

use std::time::Duration;

/// How much is kept. The last event of a conversation stays whatever its age: it carries the count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Keep {
    /// Absent: as old as it gets.
    pub age: Option<Duration>,
    /// Of each conversation. Absent: as many as there are.
    pub messages: Option<u64>,
    /// Of the events of all conversations, as they are written; what is oldest goes. Absent: as large as it gets. Not for a
    /// journal in Redis, which has a `maxmemory` of its own.
    pub bytes: Option<u64>,
}

impl Keep {
    /// Whether anything is ever to go.
    pub fn is_everything(&self) -> bool {
        *self == Keep::default()
    }
}
