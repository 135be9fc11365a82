//! One upload, as a task of its own: what was begun is ended whatever becomes of who writes. In: parts, then where the
//! object goes. Out: an object, or nothing. A writer that is dropped, a part that fails: the upload is aborted.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use object_store::multipart::PartId;
use object_store::path::Path;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::super::StoreError;
use super::bucket::Bucket;
use super::part::Part;
use crate::tasks::Tasks;

/// Parts of one upload that are on their way at a time.
const AT_ONCE: usize = 4;
/// How long parts on their way may take to arrive when the upload is given up: one that arrives after the abort would
/// stay.
const LAST_PARTS: Duration = Duration::from_secs(5);
/// How long an abort is tried again while the bucket is away; then the next sweep finds it.
const ABORT_WITHIN: Duration = Duration::from_secs(600);

/// What the writer says.
pub(super) enum Order {
    /// A part; more bytes follow it.
    Part(Part),
    /// The rest, and what the object is to be called.
    Last(Part, Path),
}

/// The writer's end.
pub(super) struct Upload {
    pub orders: mpsc::Sender<Order>,
    /// How it ended.
    pub outcome: oneshot::Receiver<Result<(), StoreError>>,
}

/// What an upload is.
pub(super) struct Target {
    /// The name that its parts go under, if it has several.
    pub path: Path,
    pub content_type: Option<String>,
}

/// What lies in the bucket when an upload has ended.
enum Left {
    Nothing,
    Object(Path),
    /// An upload in parts, of this id.
    Parts(String),
}

pub(super) fn begin(bucket: Arc<Bucket>, target: Target, tasks: &Tasks) -> Upload {
    // One part may wait while others are on their way; then the writer waits, and its client.
    let (orders, to_do) = mpsc::channel(1);
    let (said, outcome) = oneshot::channel();
    let task = Task { bucket, target, stopping: tasks.stopping() };
    tasks.spawn(task.run(to_do, said));
    Upload { orders, outcome }
}

struct Task {
    bucket: Arc<Bucket>,
    target: Target,
    stopping: CancellationToken,
}

impl Task {
    async fn run(self, mut orders: mpsc::Receiver<Order>, said: oneshot::Sender<Result<(), StoreError>>) {
        let (outcome, left) = match orders.recv().await {
            Some(Order::Last(part, path)) => match self.put(&path, part).await {
                Ok(()) => (Ok(()), Left::Object(path)),
                Err(error) => (Err(error), Left::Nothing),
            },
            Some(Order::Part(first)) => self.in_parts(first, &mut orders).await,
            None => return,
        };
        // Who waits is told first: cleaning up after a bucket that is away can take minutes.
        drop(orders);
        let is_known = said.send(outcome).is_ok();
        match left {
            Left::Nothing => {}
            Left::Object(_) if is_known => {}
            // Nobody heard that it is there, so nobody will ever name it.
            Left::Object(path) => self.remove(&path).await,
            Left::Parts(id) => self.abort(&id).await,
        }
    }

    /// An object of one part.
    async fn put(&self, path: &Path, part: Part) -> Result<(), StoreError> {
        let loaded = part.load().await?;
        self.bucket.put(path, self.target.content_type.as_deref(), loaded.payload.clone()).await
    }

    /// An object of several parts.
    async fn in_parts(&self, first: Part, orders: &mut mpsc::Receiver<Order>) -> (Result<(), StoreError>, Left) {
        let begun = &self.target.path;
        let id = match self.bucket.begin(begun, self.target.content_type.as_deref()).await {
            Ok(id) => id,
            Err(error) => return (Err(error), Left::Nothing),
        };
        let sent = match self.send(&id, first, orders).await {
            Ok(sent) => sent,
            Err(error) => return (Err(error), Left::Parts(id)),
        };
        if let Err(error) = self.bucket.complete(begun, &id, sent.parts).await {
            // Perhaps the answer was lost and not the request. Then there is nothing to abort, and the object is there.
            let is_gone = matches!(self.bucket.abort(begun, &id).await, Ok(false));
            let is_there = is_gone && self.bucket.about(begun).await.is_ok_and(|about| about.size == sent.size);
            if !is_there {
                return (Err(error), Left::Parts(id));
            }
        }
        if sent.path == *begun {
            return (Ok(()), Left::Object(sent.path));
        }
        let copied = self.bucket.copy(begun, &sent.path).await;
        self.remove(begun).await;
        match copied {
            Ok(()) => (Ok(()), Left::Object(sent.path)),
            Err(error) => (Err(error), Left::Nothing),
        }
    }

    /// Sends parts as they come until the last.
    async fn send(&self, id: &str, first: Part, orders: &mut mpsc::Receiver<Order>) -> Result<Sent, StoreError> {
        let send_one = |at: usize, part: Part| async move {
            let loaded = part.load().await?;
            let sent = self.bucket.put_part(&self.target.path, id, at, loaded.payload.clone()).await?;
            Ok::<_, StoreError>((at, sent))
        };
        let mut size = first.size() as u64;
        let mut under_way = FuturesUnordered::from_iter([send_one(0, first)]);
        let mut parts = BTreeMap::new();
        let mut begun = 1;
        let path = loop {
            let order = tokio::select! {
                Some(sent) = under_way.next() => {
                    parts.extend([sent?]);
                    continue;
                }
                order = orders.recv(), if under_way.len() < AT_ONCE => order,
            };
            let (part, path) = match order {
                Some(Order::Part(part)) => (part, None),
                Some(Order::Last(part, path)) => (part, Some(path)),
                None => {
                    let rest = async { while under_way.next().await.is_some() {} };
                    let _ = tokio::time::timeout(LAST_PARTS, rest).await;
                    return Err(StoreError::Unavailable("given up by who wrote it".to_owned()));
                }
            };
            size += part.size() as u64;
            under_way.push(send_one(begun, part));
            begun += 1;
            if let Some(path) = path {
                break path;
            }
        };
        while let Some(sent) = under_way.next().await {
            parts.extend([sent?]);
        }
        Ok(Sent { path, size, parts: parts.into_values().collect() })
    }

    async fn remove(&self, path: &Path) {
        if let Err(error) = self.bucket.remove(path).await {
            tracing::warn!(%error, %path, "an object that nobody asked for could not be removed");
        }
    }

    /// Aborts, if need be again until the bucket is back.
    async fn abort(&self, id: &str) {
        let began = Instant::now();
        let mut wait = Duration::from_secs(1);
        while let Err(error) = self.bucket.abort(&self.target.path, id).await {
            if !error.retry_helps() || began.elapsed() > ABORT_WITHIN || self.stopping.is_cancelled() {
                let path = &self.target.path;
                tracing::warn!(%error, %path, "an unfinished upload could not be aborted; a later sweep will find it");
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => wait = (wait * 2).min(Duration::from_secs(30)),
                () = self.stopping.cancelled() => {}
            }
        }
    }
}

/// What was sent.
struct Sent {
    /// What the object is to be called.
    path: Path,
    /// Bytes of all parts.
    size: u64,
    /// In their order.
    parts: Vec<PartId>,
}
