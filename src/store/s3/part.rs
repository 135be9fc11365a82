//! One part of an object while it is gathered. In: chunks of any size. Out: a payload that can be sent, twice if need be.
//! It lies in memory while the budget allows, else in a temporary file that has no name.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use object_store::PutPayload;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};

use super::super::{StoreError, nameless};
use super::budget::{BLOCK, Budget, Permit};

/// A part, whole or not.
pub(super) struct Part {
    budget: Arc<Budget>,
    /// Where it goes when there is no room in memory.
    spool: PathBuf,
    held: Held,
    size: usize,
}

enum Held {
    /// Blocks of one size, the last not full. They are copies: a small chunk may keep a large buffer alive.
    Memory(Vec<(BytesMut, Permit)>),
    File(File),
}

/// A part that is on its way. Dropping it gives its memory back.
pub(super) struct Loaded {
    pub payload: PutPayload,
    _permit: Permit,
}

impl Part {
    pub fn new(budget: Arc<Budget>, spool: &Path) -> Self {
        Part { budget, spool: spool.to_owned(), held: Held::Memory(Vec::new()), size: 0 }
    }

    /// In bytes.
    pub fn size(&self) -> usize {
        self.size
    }

    pub async fn add(&mut self, mut chunk: Bytes) -> Result<(), StoreError> {
        self.size += chunk.len();
        while let Held::Memory(blocks) = &mut self.held {
            if chunk.is_empty() {
                return Ok(());
            }
            match blocks.last_mut().filter(|(block, _)| block.len() < BLOCK) {
                Some((block, _)) => {
                    let taken = chunk.split_to(chunk.len().min(BLOCK - block.len()));
                    block.extend_from_slice(&taken);
                }
                None => match self.budget.block() {
                    Some(permit) => blocks.push((BytesMut::with_capacity(BLOCK), permit)),
                    None => {
                        let mut file = nameless(&self.spool).await.map_err(|error| spooling(&error))?;
                        for (block, _) in &*blocks {
                            file.write_all(block).await.map_err(|error| spooling(&error))?;
                        }
                        self.held = Held::File(file);
                    }
                },
            }
        }
        match &mut self.held {
            Held::File(file) => file.write_all(&chunk).await.map_err(|error| spooling(&error)),
            Held::Memory(_) => Ok(()),
        }
    }

    /// Takes it to memory, once it may be sent.
    pub async fn load(self) -> Result<Loaded, StoreError> {
        // The budget is never closed, and a part is smaller than four billion blocks.
        let refused = || StoreError::Unavailable("the part is too large".to_owned());
        let permit = self.budget.send(self.size).await.ok_or_else(refused)?;
        let blocks = match self.held {
            // From here on it is counted as on its way, not as gathered.
            Held::Memory(blocks) => blocks.into_iter().map(|(block, _)| block.freeze()).collect(),
            Held::File(file) => read(file, self.size).await.map_err(|error| spooling(&error))?,
        };
        Ok(Loaded { payload: PutPayload::from_iter(blocks), _permit: permit })
    }
}

async fn read(mut file: File, size: usize) -> std::io::Result<Vec<Bytes>> {
    file.flush().await?;
    file.rewind().await?;
    let mut blocks = Vec::with_capacity(size.div_ceil(BLOCK));
    let mut missing = size;
    while missing > 0 {
        let mut block = vec![0; missing.min(BLOCK)];
        file.read_exact(&mut block).await?;
        missing -= block.len();
        blocks.push(block.into());
    }
    Ok(blocks)
}

fn spooling(error: &std::io::Error) -> StoreError {
    match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => StoreError::Full,
        _ => StoreError::Unavailable(format!("the temporary file of a part: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn bytes(part: Part) -> Vec<u8> {
        let loaded = part.load().await.expect("loaded");
        loaded.payload.iter().flat_map(|block| block.to_vec()).collect()
    }

    #[tokio::test]
    async fn what_does_not_fit_in_memory_goes_on_in_a_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let budget = Arc::new(Budget::with_gathering(3, 1 << 20));
        let mut expected = Vec::new();
        let mut part = Part::new(Arc::clone(&budget), folder.path());
        for step in 0..40_u8 {
            let chunk = vec![step; 1 + usize::from(step) * 333];
            expected.extend_from_slice(&chunk);
            part.add(chunk.into()).await.expect("added");
        }
        assert!(expected.len() > 3 * BLOCK, "the test needs more");
        assert_eq!(part.size(), expected.len());
        assert_eq!(budget.blocks_left(), 3, "a part in a file holds no memory");
        assert_eq!(std::fs::read_dir(folder.path()).expect("readable").count(), 0, "and has no name");
        assert_eq!(bytes(part).await, expected);
    }

    #[tokio::test]
    async fn small_parts_stay_in_memory_and_give_it_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let budget = Arc::new(Budget::with_gathering(3, 1 << 20));
        let mut parts: Vec<Part> = (0..3).map(|_| Part::new(Arc::clone(&budget), folder.path())).collect();
        for part in &mut parts {
            for _ in 0..100 {
                part.add(Bytes::from_static(b"x")).await.expect("added");
            }
        }
        assert_eq!(budget.blocks_left(), 0);
        assert_eq!(bytes(parts.remove(0)).await, [b'x'; 100]);
        drop(parts);
        assert_eq!(budget.blocks_left(), 3);
        assert_eq!(bytes(Part::new(budget, folder.path())).await, b"");
    }

    #[tokio::test]
    async fn who_finds_the_way_full_waits() {
        let budget = Arc::new(Budget::with_gathering(0, 1 << 20));
        let on_its_way: Vec<Permit> =
            [budget.send(10 << 20).await, budget.send(10 << 20).await].into_iter().flatten().collect();
        let mut next = std::pin::pin!(budget.send(1));
        assert!(futures_util::poll!(&mut next).is_pending());
        drop(on_its_way);
        assert!(next.await.is_some());
    }
}
