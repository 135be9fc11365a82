//! How much memory uploads to buckets may hold. A bucket takes an object in parts of at least 5 MiB, and a hundred
//! uploads at once would each hold one. So there are two budgets:
//!
//! * **gathering**, one for the process: what came of a part that is not whole yet. Where it is used up, a part goes on in
//!   an unlinked temporary file, so a client that is slow, or stops, keeps nobody from uploading.
//! * **sending**, one for each store: parts on their way to the bucket. A part in a file comes back to memory only here.
//!   Who finds it used up waits, and with it its client; it is given back by the bucket's answer or by a timeout, never by
//!   a client. A store that hangs holds its own budget only.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes that are counted as one: memory is taken in blocks.
pub(super) const BLOCK: usize = 64 * 1024;
/// Bytes that all parts together may hold while they are gathered.
const GATHERING: usize = 10 * 1024 * 1024;
/// Bytes that the parts of one store may hold on their way; at least one part.
const SENDING: usize = 20 * 1024 * 1024;

/// What all stores of a process share.
#[derive(Debug, Clone)]
pub struct Memory(Arc<Semaphore>);

impl Default for Memory {
    fn default() -> Self {
        Memory(Arc::new(Semaphore::new(GATHERING / BLOCK)))
    }
}

/// The budgets of one store.
#[derive(Debug)]
pub(super) struct Budget {
    gathering: Memory,
    sending: Arc<Semaphore>,
}

/// Memory that is counted until this is dropped.
#[derive(Debug)]
pub(super) struct Permit(#[expect(dead_code, reason = "what counts is when it is dropped")] OwnedSemaphorePermit);

impl Budget {
    pub fn new(gathering: Memory, part_size: usize) -> Self {
        Budget { gathering, sending: Arc::new(Semaphore::new(blocks(SENDING.max(part_size)))) }
    }

    /// One block to gather in, if there is one.
    pub fn block(&self) -> Option<Permit> {
        Arc::clone(&self.gathering.0).try_acquire_owned().ok().map(Permit)
    }

    /// Waits until as many bytes may be on their way.
    pub async fn send(&self, bytes: usize) -> Option<Permit> {
        let blocks = u32::try_from(blocks(bytes)).ok()?;
        Arc::clone(&self.sending).acquire_many_owned(blocks).await.ok().map(Permit)
    }

    #[cfg(test)]
    pub fn with_gathering(blocks: usize, part_size: usize) -> Self {
        Budget::new(Memory(Arc::new(Semaphore::new(blocks))), part_size)
    }

    #[cfg(test)]
    pub fn blocks_left(&self) -> usize {
        self.gathering.0.available_permits()
    }
}

fn blocks(bytes: usize) -> usize {
    bytes.div_ceil(BLOCK).max(1)
}
