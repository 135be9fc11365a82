//! What was accepted, in order, and the id map. In: events, documents, pairs of ids. Out: the same, after they are
//! durable. One trait, one suite of promises (`journal::promises`) that every implementation runs.
//!
//! An append is confirmed only once it would survive the loss of the process and of the machine's power.

mod copy;
mod embedded;
mod feed;
mod keep;
mod lease;
mod redis;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

use crate::event::{Announced, Audience, Event, IdForm, Missed, Place, Resource, Topic};

pub use copy::{Copied, copy};
pub use embedded::{Compacted, EmbeddedJournal, JournalFile, Verified, move_file};
pub use keep::Keep;
pub use lease::Lease;
pub use redis::{RedisJournal, RedisJournalSettings};

/// An event to be recorded.
#[derive(Debug, Clone)]
pub struct Append {
    /// Gets its `id` (if empty), `sequence` and `received_at` from the journal.
    pub event: Event,
    /// Two appends of one key to one conversation are one event.
    pub key: Option<String>,
    /// Documents that must become durable in the same step.
    pub documents: Vec<Put>,
    /// Who is told of it in the same step; absent: nobody yet.
    pub audience: Option<Audience>,
}

/// What an append came to.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The event as recorded, first or earlier.
    pub event: Arc<Event>,
    /// Whether an earlier append of the same key had recorded it.
    pub repeated: bool,
}

/// A collection of documents: small JSON records found by key, each overwritten whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Collection {
    /// Conversations by canonical id.
    Conversations,
    /// Parties by canonical id.
    Parties,
    /// Uploads by upload id.
    Uploads,
    /// Any other handle of an upload (URL path, token, message id) to its upload id.
    Handles,
    /// Short-lived permissions, by token digest.
    Grants,
    /// How far a party has read a conversation, by `<conversation>/<party>`.
    ReadMarkers,
    /// Event subscriptions, by route, type and resource with U+001F between.
    Subscriptions,
    /// Active sessions by `<business>/<guest>`.
    ActiveSessions,
    /// How far each webhook and each delivery has told what there is to tell, by `webhook/<route>` and `delivery/<name>`; what
    /// became of the last messages of a delivery, by `delivered/<name>/<number>`.
    Deliveries,
    /// What is known of conversations at upstreams, by `<upstream>/<conversation>`.
    Bridged,
    /// Handles that upstreams gave for files, by `<upstream>/<scope>/<digest>`.
    RemoteFiles,
    /// Sends to upstreams that may be repeated, by `<upstream>/<digest of the key>`.
    Sends,
    /// How far clients have heard, by party, route and credential, all hashed.
    Cursors,
    /// Copies of uploads that are still to be made, by store and key.
    Copies,
    /// Files that have their name and are not known yet, by the time of their note.
    Unfinished,
    /// Which keys of a store have which content, where it has each content once; by store.
    Contents,
    /// Credentials that are not good any more, by `entry/<id>`; and what changes with them, `version`.
    Revoked,
}

impl Collection {
    /// Every one, as what is copied elsewhere is all of them.
    pub const ALL: [Collection; 17] = [
        Collection::Conversations,
        Collection::Parties,
        Collection::Uploads,
        Collection::Handles,
        Collection::Grants,
        Collection::ReadMarkers,
        Collection::Subscriptions,
        Collection::ActiveSessions,
        Collection::Deliveries,
        Collection::Bridged,
        Collection::RemoteFiles,
        Collection::Sends,
        Collection::Cursors,
        Collection::Copies,
        Collection::Unfinished,
        Collection::Contents,
        Collection::Revoked,
    ];
}

/// A document to write; no value removes it.
#[derive(Debug, Clone)]
pub struct Put {
    pub collection: Collection,
    pub key: String,
    /// JSON.
    pub value: Option<Vec<u8>>,
}

/// Which part of a conversation to read.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    /// Only sequence numbers above this one.
    pub after: Option<u64>,
    /// Only sequence numbers below this one.
    pub before: Option<u64>,
    pub limit: usize,
    /// Highest sequence number first.
    pub newest_first: bool,
}

/// Whose ids, and of what: one namespace of the id map.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Namespace {
    /// A dialect or an upstream.
    pub owner: Arc<str>,
    pub resource: Resource,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// The medium has no room; nothing was recorded.
    #[error("the journal's disk is full")]
    Full,
    /// The journal is closed or unreachable; whether the append was recorded is not known to the caller.
    #[error("the journal is unavailable: {0}")]
    Unavailable(String),
    /// What was read is not what this version writes.
    #[error("the journal holds a record this version cannot read: {0}")]
    Unreadable(String),
    /// An id is bound to something else already.
    #[error("id {native:?} is bound to {bound:?} already")]
    Bound { native: String, bound: String },
}

#[async_trait]
pub trait Journal: Send + Sync + 'static {
    /// Records the event at the end of its conversation; resolves once durable. An event takes its place when this is
    /// called, not when the future is polled; dropping the future does not take it back.
    async fn append(&self, append: Append) -> Result<Recorded, JournalError>;

    /// Replaces a recorded event in place (same id and sequence): an announced upload, a message read. In the same step
    /// its audience, if there is one, is told.
    async fn amend(
        &self,
        event: Event,
        documents: Vec<Put>,
        audience: Option<Audience>,
    ) -> Result<Arc<Event>, JournalError>;

    /// Events of a conversation, in the order asked for.
    async fn read(&self, conversation: &str, span: Span) -> Result<Vec<Arc<Event>>, JournalError>;

    /// An event by its id: the first one recorded with it.
    async fn event(&self, id: &str) -> Result<Option<Arc<Event>>, JournalError>;

    /// Writes documents in one step.
    async fn put(&self, documents: Vec<Put>) -> Result<(), JournalError>;

    async fn get(&self, collection: Collection, key: &str) -> Result<Option<Vec<u8>>, JournalError>;

    /// Documents whose key starts with `prefix`, in key order, from after `after`.
    async fn scan(
        &self,
        collection: Collection,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Vec<u8>)>, JournalError>;

    /// The native id of something, allocated and durable at first exposure, the same for ever.
    async fn native(&self, namespace: &Namespace, canonical: &str, form: IdForm) -> Result<String, JournalError>;

    /// The native id of something that has one already.
    async fn bound(&self, namespace: &Namespace, canonical: &str) -> Result<Option<String>, JournalError>;

    /// What a native id names.
    async fn canonical(&self, namespace: &Namespace, native: &str) -> Result<Option<String>, JournalError>;

    /// Fixes a pair of ids. Repeating it is fine; a native id bound to another canonical one is an error. A canonical id
    /// that had a native one gets this one; the earlier one still names it.
    async fn bind(&self, namespace: &Namespace, canonical: &str, native: &str) -> Result<(), JournalError>;

    /// What is to be told, in order of commitment, from now on. Each call gives an independent follower; one that falls
    /// behind by more than its bound is told so by `RecvError::Lagged`. Absent where the journal tells by itself, in the
    /// step that records, and the relay hears it.
    fn follow(&self) -> Option<tokio::sync::broadcast::Receiver<Announced>>;

    /// What was told at these topics after these places, as far as that is kept: 4,096 announcements of each topic, for an
    /// hour; more, where more is reserved. Topics of which something is gone are named.
    async fn missed(&self, heard: &[(Topic, Place)]) -> Result<Missed, JournalError>;

    /// The same of one topic, and no more than the oldest so many.
    async fn told(&self, topic: &Topic, after: Place, limit: usize) -> Result<Missed, JournalError>;

    /// Keeps what is told at a topic after this number for a reader, until it reserves from a later one: for seven days
    /// after it last did, and up to 1,000,000 announcements.
    async fn reserve(&self, topic: &Topic, reader: &str, after: u64) -> Result<(), JournalError>;

    /// How far these topics have come, in the order asked for. A topic where nothing was told is at 0.
    async fn places(&self, topics: &[Topic]) -> Result<Vec<(Topic, Place)>, JournalError>;

    /// Waits until nobody else holds this name in any other process that writes here. Within a process it is for the
    /// caller to see to it that one asks at a time.
    async fn lease(&self, _name: &str) -> Result<Lease, JournalError> {
        Ok(Lease::alone())
    }

    /// Takes a name for this long, or keeps it; says whether it is the holder's now. Answers at once: a journal that is
    /// away is an error.
    async fn claim(&self, _name: &str, _holder: Uuid, _life: Duration) -> Result<bool, JournalError> {
        Ok(true)
    }

    /// Writes documents while this holder has the name, and says whether it had: one that was paused for longer than its
    /// claim lasts writes nothing over what the next one wrote.
    async fn put_claimed(&self, _name: &str, _holder: Uuid, documents: Vec<Put>) -> Result<bool, JournalError> {
        self.put(documents).await.map(|()| true)
    }

    /// Gives a name back, if it is this holder's.
    async fn disclaim(&self, _name: &str, _holder: Uuid) -> Result<(), JournalError> {
        Ok(())
    }

    /// Whether other processes write here too, so that what was read may be old.
    fn is_shared(&self) -> bool {
        false
    }

    /// Writes a copy of all of it beside its file, in place of the last one, and says where. Writes go on meanwhile.
    async fn back_up(&self) -> Result<PathBuf, JournalError> {
        Err(JournalError::Unavailable("this journal is backed up where it is kept".to_owned()))
    }

    /// Whether the journal can take appends.
    async fn healthy(&self) -> Result<(), JournalError>;

    /// Takes no further appends, makes durable what was taken, and lets go of the medium.
    async fn close(&self);
}

/// The UUID of something: the canonical id itself if it is one, else derived from all that makes it unique.
fn uuid_of(namespace: &Namespace, canonical: &str) -> String {
    match Uuid::try_parse(canonical) {
        Ok(uuid) => uuid.hyphenated().to_string(),
        Err(_) => {
            let name = format!("{}/{:?}/{canonical}", namespace.owner, namespace.resource);
            Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()).hyphenated().to_string()
        }
    }
}

#[cfg(test)]
mod carried;
#[cfg(test)]
mod promises;
