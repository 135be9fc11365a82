//! What a client missed while it was away. In: a socket that opens, and cursors of sockets before it. Out: where to go on
//! from, and everything since.
//!
//! A client is known by its credential: one that comes back with another takes the place of whichever socket of the same
//! party left last, so that a renewed token misses nothing either.

use std::sync::Arc;

use async_trait::async_trait;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::backend::{Bookmark, Caller, Cursor, Filled, Replay, Window};
use crate::directory::{document, parsed};
use crate::fault::Fault;
use crate::journal::{Collection, Put};
use crate::metrics;
use crate::naming::fault;
use crate::relay::{Mailbox, MailboxMeter, Parcel, Relay, Subscription, Topic};

use super::cursors::{Cursors, Kept, milliseconds, removal};
use super::{Hub, relay_fault};

/// Cursors of one party on one route that are looked at.
const SOCKETS: usize = 64;

/// The names under which cursors are kept.
struct Key {
    /// What stands before all of this party's sockets on this route with the same topics.
    sockets: String,
    /// This client's.
    own: String,
}

impl Key {
    fn of(caller: &Caller, topics: &[Topic]) -> Self {
        // Hashed, so that no name can look like another's beginning; the credential is not kept in any readable form.
        let mut of_topics = Sha256::new().chain_update(&*caller.route).chain_update([0]);
        of_topics.update(&*caller.principal.id);
        for topic in topics {
            of_topics.update(format!("\n{topic:?}"));
        }
        let credential = caller.presented.as_ref().map_or("", |secret| secret.expose());
        let sockets = format!("{}/", hexadecimal(of_topics));
        let own = hexadecimal(Sha256::new().chain_update(&sockets).chain_update(credential));
        Key { own: format!("{sockets}{own}"), sockets }
    }
}

fn hexadecimal(digest: Sha256) -> String {
    digest.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// The cursor of one socket.
struct Marked {
    relay: Arc<dyn Relay>,
    cursors: Cursors,
    topics: Vec<Topic>,
    meter: MailboxMeter,
    key: Key,
    /// Of this socket: what another one of the same client kept since stays.
    socket: String,
    window: Window,
}

impl Marked {
    fn put(&self, cursor: Cursor, left: bool) -> Option<Put> {
        let at = milliseconds();
        let until = at + i64::try_from(self.window.0.as_millis()).unwrap_or(i64::MAX / 2);
        document(Collection::Cursors, &self.key.own, &Kept { cursor, at, until, left, socket: self.socket.clone() })
    }
}

#[async_trait]
impl Bookmark for Marked {
    fn filled(&self) -> Filled {
        let (parcels, places) = self.relay.filled(&self.topics, &self.meter);
        Filled { parcels, places }
    }

    fn keep(&self, cursor: Cursor) {
        if let Some(put) = self.put(cursor, false) {
            self.cursors.keep(put);
        }
    }

    async fn leave(&self, cursor: Cursor) {
        if let Some(put) = self.put(cursor, true) {
            self.cursors.leave(put, self.socket.clone()).await;
        }
    }
}

impl Hub {
    /// Subscribes a socket that is to hear what its client missed.
    pub(super) async fn resume(
        &self,
        caller: &Caller,
        topics: Vec<Topic>,
        mailbox: Mailbox,
        window: Window,
    ) -> Result<(Subscription, Replay), Fault> {
        let key = Key::of(caller, &topics);
        let left = self.left_cursor(&key, &topics).await?;
        // Of a client that was not here before nothing is missed but what is told while it subscribes.
        let came_back = left.is_some();
        let start = match left {
            Some(cursor) => cursor,
            None => Cursor { places: self.journal.places(&topics).await.map_err(fault)?, ..Cursor::default() },
        };
        let meter = mailbox.meter();
        let party = Arc::clone(&caller.principal.id);
        let subscription = self.relay.subscribe(party, topics.clone(), mailbox).await.map_err(relay_fault)?;
        let missed = self.journal.missed(&start.places).await.map_err(fault)?;
        if !missed.lost.is_empty() {
            tracing::warn!(route = %caller.route, topics = missed.lost.len(), "a client missed more than is kept");
        }
        metrics::count_replay(&caller.route, "lost", missed.lost.len());
        let heard = |parcel: &Parcel| {
            let conversation = parcel.event.details.conversation.id.as_str();
            start.turns.get(conversation).is_some_and(|turn| parcel.turn <= *turn)
        };
        let reached = missed.reached;
        let missed: Vec<Parcel> = missed.announced.into_iter().map(Parcel::from).filter(|one| !heard(one)).collect();
        if came_back {
            metrics::count_replay(&caller.route, "replayed", missed.len());
        }
        let (relay, cursors) = (Arc::clone(&self.relay), self.cursors.clone());
        let marked = Marked { relay, cursors, topics, meter, key, socket: Uuid::now_v7().to_string(), window };
        // Before anything is told, so that nothing is told that a client could miss without a trace.
        let first = marked.put(start.clone(), false);
        self.journal.put(first.into_iter().collect()).await.map_err(fault)?;
        Ok((subscription, Replay { missed, reached, cursor: start, window, bookmark: Box::new(marked) }))
    }

    /// Where the client's socket before this one was, if it left not too long ago.
    async fn left_cursor(&self, key: &Key, topics: &[Topic]) -> Result<Option<Cursor>, Fault> {
        let found = self.journal.scan(Collection::Cursors, &key.sockets, None, SOCKETS).await.map_err(fault)?;
        let now = milliseconds();
        let mut best: Option<(bool, Kept, String)> = None;
        for (name, bytes) in found {
            // One that cannot be read must not keep its party out.
            let Ok(kept) = parsed::<Kept>(&bytes) else { continue };
            let is_own = name == key.own;
            let covers = topics.iter().all(|topic| kept.cursor.places.iter().any(|(known, _)| known == topic));
            if kept.until < now || !covers || !(is_own || kept.left) {
                continue;
            }
            if best.as_ref().is_none_or(|(own, other, _)| (is_own, kept.at) > (*own, other.at)) {
                best = Some((is_own, kept, name));
            }
        }
        let Some((is_own, kept, name)) = best else { return Ok(None) };
        if !is_own {
            // Whoever comes next begins elsewhere.
            self.journal.put(vec![removal(name)]).await.map_err(fault)?;
        }
        Ok(Some(kept.cursor))
    }
}
