//! An upload that is gathered before it goes into a store: in a temporary file without a name, not in memory. In: pieces.
//! Out: the same bytes, piece by piece or at once.

use bytes::{Bytes, BytesMut};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};

use crate::fault::{Fault, Reason};
use crate::store::nameless;

/// Bytes that are read at a time.
const PIECE: usize = 64 * 1024;

/// Pieces that wait for the rest of their file.
pub struct Spool {
    file: File,
    size: u64,
}

impl Spool {
    /// In the system's folder for such files.
    pub async fn begin() -> Result<Self, Fault> {
        let file = nameless(&std::env::temp_dir()).await.map_err(failed)?;
        Ok(Spool { file, size: 0 })
    }

    pub async fn write(&mut self, piece: &[u8]) -> Result<(), Fault> {
        self.size += piece.len() as u64;
        self.file.write_all(piece).await.map_err(failed)
    }

    /// From now on it is read.
    pub async fn rewind(&mut self) -> Result<(), Fault> {
        self.file.flush().await.map_err(failed)?;
        self.file.rewind().await.map(|_| ()).map_err(failed)
    }

    /// The next piece; none at its end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Fault> {
        let mut piece = BytesMut::with_capacity(PIECE);
        let length = self.file.read_buf(&mut piece).await.map_err(failed)?;
        Ok((length > 0).then(|| piece.freeze()))
    }

    /// All of it, in memory.
    pub async fn whole(&mut self) -> Result<Bytes, Fault> {
        self.rewind().await?;
        let mut bytes = Vec::with_capacity(usize::try_from(self.size).unwrap_or(0));
        self.file.read_to_end(&mut bytes).await.map_err(failed)?;
        Ok(bytes.into())
    }
}

fn failed(error: std::io::Error) -> Fault {
    let reason = match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Reason::StorageFull,
        _ => Reason::Unavailable,
    };
    Fault::new(reason).detail(format!("the temporary file of an upload: {error}"))
}
