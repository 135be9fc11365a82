//! An object being written to a bucket. In: chunks. Out: parts for the upload's task; the last one says what the object
//! is called. Nothing is sent before there is a whole part, so a small object is one request under its final name.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use object_store::path::Path;
use tokio::sync::oneshot::error::TryRecvError;
use uuid::Uuid;

use super::super::key::UNFINISHED;
use super::super::{Intended, Mistake, StoreError, Writing};
use super::bucket::Bucket;
use super::part::Part;
use super::upload::{self, Order, Target, Upload};
use crate::tasks::Tasks;

/// The most parts that an object may have (S3 user guide, "Multipart upload limits").
const MOST_PARTS: usize = 10_000;
/// The most bytes that one copy takes, for an object whose name comes after its bytes.
const LARGEST_COPY: u64 = 5 << 30;

pub(super) struct S3Writing {
    bucket: Arc<Bucket>,
    tasks: Tasks,
    intended: Intended,
    /// The name that its parts go under, if it has several.
    path: Path,
    part: Part,
    /// There once a part was whole.
    upload: Option<Upload>,
    parts: usize,
    size: u64,
}

impl S3Writing {
    pub fn new(bucket: &Arc<Bucket>, tasks: &Tasks, intended: &Intended) -> Result<Self, StoreError> {
        let path = match &intended.key {
            Some(key) => bucket.path(key)?,
            None => bucket.own_path(&format!("{UNFINISHED}/{}", Uuid::new_v4().simple()))?,
        };
        Ok(S3Writing {
            bucket: Arc::clone(bucket),
            tasks: tasks.clone(),
            intended: intended.clone(),
            path,
            part: Part::new(Arc::clone(&bucket.budget), &bucket.spool),
            upload: None,
            parts: 0,
            size: 0,
        })
    }

    /// Gives the part that was gathered to the upload's task.
    async fn order(&mut self, last: Option<Path>) -> Result<(), StoreError> {
        let next = Part::new(Arc::clone(&self.bucket.budget), &self.bucket.spool);
        let part = std::mem::replace(&mut self.part, next);
        let order = match last {
            Some(path) => Order::Last(part, path),
            None => Order::Part(part),
        };
        let upload = self.upload.get_or_insert_with(|| {
            let target = Target { path: self.path.clone(), content_type: self.intended.content_type.clone() };
            upload::begin(Arc::clone(&self.bucket), target, &self.tasks)
        });
        self.parts += 1;
        match upload.orders.send(order).await {
            Ok(()) => Ok(()),
            // It takes no more because it failed.
            Err(_) => Err(outcome(upload).await.err().unwrap_or_else(ended)),
        }
    }

    /// Whether the upload still goes on.
    fn check(&mut self) -> Result<(), StoreError> {
        match self.upload.as_mut().map(|upload| upload.outcome.try_recv()) {
            None | Some(Err(TryRecvError::Empty)) => Ok(()),
            Some(Ok(Err(error))) => Err(error),
            Some(Ok(Ok(())) | Err(TryRecvError::Closed)) => Err(ended()),
        }
    }

    fn check_size(&self) -> Result<(), StoreError> {
        let is_too_large = self.parts + 1 >= MOST_PARTS;
        if is_too_large {
            let detail = format!("{MOST_PARTS} parts of {} bytes are not enough", self.bucket.settings.part_size);
            return Err(StoreError::Misconfigured { mistake: Mistake::PartSize, detail });
        }
        if self.intended.key.is_none() && self.size > LARGEST_COPY {
            let detail = "an object over 5 GiB needs a key that is known before its bytes".to_owned();
            return Err(StoreError::Misconfigured { mistake: Mistake::Refused, detail });
        }
        Ok(())
    }
}

async fn outcome(upload: &mut Upload) -> Result<(), StoreError> {
    (&mut upload.outcome).await.unwrap_or_else(|_| Err(ended()))
}

fn ended() -> StoreError {
    StoreError::Unavailable("the upload has ended".to_owned())
}

#[async_trait]
impl Writing for S3Writing {
    async fn write(&mut self, mut chunk: Bytes) -> Result<(), StoreError> {
        self.check()?;
        self.size += chunk.len() as u64;
        while !chunk.is_empty() {
            let room = self.bucket.settings.part_size - self.part.size();
            if room == 0 {
                self.check_size()?;
                self.order(None).await?;
                continue;
            }
            let now = chunk.split_to(room.min(chunk.len()));
            self.part.add(now).await?;
        }
        Ok(())
    }

    async fn finish(mut self: Box<Self>, key: &str) -> Result<(), StoreError> {
        let path = self.bucket.path(key)?;
        if self.intended.key.as_ref().is_some_and(|begun| begun != key) {
            return Err(StoreError::Key);
        }
        self.order(Some(path)).await?;
        match &mut self.upload {
            Some(upload) => outcome(upload).await,
            None => Err(ended()),
        }
    }
}
