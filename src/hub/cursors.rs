//! Keeps cursors: many sockets, few writes. In: cursors as they advance, and those of sockets that ended. Out: documents of
//! the journal; those that nobody came back for are removed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::backend::Cursor;
use crate::directory::parsed;
use crate::event::Timestamp;
use crate::fault::Fault;
use crate::journal::{Collection, Journal, Put};
use crate::naming::fault;
use crate::tasks::Tasks;

/// How often what advanced is written, and how much of it may wait.
const WRITE: (Duration, usize) = (Duration::from_millis(200), 20_000);
/// Documents of one write.
const BATCH: usize = 512;
/// How often cursors that nobody came back for are looked for, and a page of them.
const SWEEP: (Duration, usize) = (Duration::from_secs(600), 256);

/// A cursor as it is kept.
#[derive(Debug, Serialize, Deserialize)]
pub struct Kept {
    pub cursor: Cursor,
    /// Milliseconds since 1970.
    pub at: i64,
    /// Until when a client may come back for it, likewise.
    pub until: i64,
    /// Whether its socket has ended.
    pub left: bool,
    /// Which socket this was: a name that no other one has.
    pub socket: String,
}

enum Order {
    Keep(Put),
    Leave(Put, String, oneshot::Sender<()>),
}

/// Where cursors are handed in; clones share it.
#[derive(Clone)]
pub struct Cursors(mpsc::Sender<Order>);

impl Cursors {
    pub fn open(journal: Arc<dyn Journal>, tasks: &Tasks) -> Self {
        let (orders, arriving) = mpsc::channel(WRITE.1);
        tasks.spawn(sweep(Arc::clone(&journal), tasks.stopping()));
        tasks.spawn(write_all(journal, arriving, tasks.stopping()));
        Cursors(orders)
    }

    /// Soon. Where too much waits the next one will do.
    pub fn keep(&self, put: Put) {
        let _ = self.0.try_send(Order::Keep(put));
    }

    /// At once, unless another socket of the same client has kept its own since.
    pub async fn leave(&self, put: Put, socket: String) {
        let (written, done) = oneshot::channel();
        if self.0.send(Order::Leave(put, socket, written)).await.is_ok() {
            let _ = done.await;
        }
    }
}

pub fn removal(key: String) -> Put {
    Put { collection: Collection::Cursors, key, value: None }
}

pub fn milliseconds() -> i64 {
    Timestamp::now().micros() / 1000
}

async fn write_all(journal: Arc<dyn Journal>, mut orders: mpsc::Receiver<Order>, stop: CancellationToken) {
    let mut waiting: BTreeMap<String, Put> = BTreeMap::new();
    let mut turns = interval(WRITE.0);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            order = orders.recv() => match order {
                Some(Order::Keep(put)) => _ = waiting.insert(put.key.clone(), put),
                Some(Order::Leave(put, socket, written)) => {
                    waiting.remove(&put.key);
                    leave(&*journal, put, socket).await;
                    let _ = written.send(());
                }
                // The hub is gone.
                None => return write(&*journal, &mut waiting).await,
            },
            _ = turns.tick() => write(&*journal, &mut waiting).await,
            // Sockets left before this; what is still here came with no one to wait for it.
            () = stop.cancelled() => return write(&*journal, &mut waiting).await,
        }
    }
}

async fn write(journal: &dyn Journal, waiting: &mut BTreeMap<String, Put>) {
    while !waiting.is_empty() {
        let mut batch = Vec::new();
        while batch.len() < BATCH
            && let Some((_, put)) = waiting.pop_first()
        {
            batch.push(put);
        }
        if let Err(error) = journal.put(batch).await {
            tracing::warn!(%error, "how far clients have heard could not be kept");
        }
    }
}

async fn leave(journal: &dyn Journal, put: Put, socket: String) {
    let result = async {
        let known = journal.get(Collection::Cursors, &put.key).await?;
        let others = known.and_then(|bytes| parsed::<Kept>(&bytes).ok()).is_some_and(|kept| kept.socket != socket);
        if others { Ok(()) } else { journal.put(vec![put]).await }
    };
    if let Err(error) = result.await {
        tracing::warn!(%error, "how far a client has heard could not be kept");
    }
}

/// Removes cursors that nobody came back for, now and then, until told to stop.
async fn sweep(journal: Arc<dyn Journal>, stop: CancellationToken) {
    let mut turns = interval(SWEEP.0);
    loop {
        tokio::select! {
            _ = turns.tick() => {}
            () = stop.cancelled() => return,
        }
        if let Err(fault) = remove_old(&*journal).await {
            tracing::debug!(%fault, "old cursors could not be removed");
        }
    }
}

async fn remove_old(journal: &dyn Journal) -> Result<(), Fault> {
    let (now, mut after) = (milliseconds(), None::<String>);
    loop {
        let page = journal.scan(Collection::Cursors, "", after.as_deref(), SWEEP.1).await.map_err(fault)?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        after = Some(last.clone());
        let is_old = |bytes: &[u8]| parsed::<Kept>(bytes).is_ok_and(|kept| kept.until < now);
        let old: Vec<Put> = page.into_iter().filter(|(_, bytes)| is_old(bytes)).map(|(key, _)| removal(key)).collect();
        if !old.is_empty() {
            journal.put(old).await.map_err(fault)?;
        }
    }
}
