//! A file on its way into the store. In: pieces. Out: a whole file that is not yet visible, or why it is refused.

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::event::{Attachment, MessageKind};
use crate::fault::{Fault, Reason};
use crate::media::file_name;
use crate::store::{StoreError, Writing};

use super::super::asked::Asked;
use super::super::sniff;

/// What became of the file part.
pub enum FilePart {
    Missing,
    Refused(Reason),
    Stored { writing: Box<dyn Writing>, kind: MessageKind, file: Box<Attachment> },
}

/// A file on its way into the store.
pub struct Intake {
    shown: String,
    /// What the name stands for; `None` when the dialect takes no such file.
    accepted: Option<(MessageKind, String)>,
    writing: Option<Box<dyn Writing>>,
    hash: Sha256,
    beginning: Vec<u8>,
    size: u64,
    limit: u64,
}

impl Intake {
    /// Begins with what the part declares; nothing is written of a file that the dialect does not take.
    pub async fn begin(
        asked: &Asked<'_>,
        declared: &str,
        mime: Option<&str>,
        wanted: Option<MessageKind>,
    ) -> Result<Self, Fault> {
        let shown = file_name::shown(declared);
        let accepted = asked.route.dialect.types.find(&shown, mime, wanted);
        let limit = accepted
            .as_ref()
            .map_or_else(|| asked.route.largest_upload(), |(kind, _)| asked.route.upload_limit_of(*kind));
        let stores = asked.route.stores.as_ref().ok_or_else(|| Fault::new(Reason::NotSupported))?;
        let writing = match &accepted {
            Some((kind, _)) => Some(stores.of(*kind).create().await.map_err(store_fault)?),
            None => None,
        };
        Ok(Intake { shown, accepted, writing, hash: Sha256::new(), beginning: Vec::new(), size: 0, limit })
    }

    /// Takes a piece. Beyond the limit nothing is kept; the rest is only read, so that fields after it are still seen.
    pub async fn take(&mut self, chunk: Bytes) -> Result<(), Fault> {
        self.size += chunk.len() as u64;
        if self.size > self.limit {
            self.writing = None;
            return Ok(());
        }
        let missing = sniff::LOOKED_AT.saturating_sub(self.beginning.len()).min(chunk.len());
        self.beginning.extend_from_slice(&chunk[..missing]);
        if let Some(writing) = &mut self.writing {
            self.hash.update(&chunk);
            writing.write(chunk).await.map_err(store_fault)?;
        }
        Ok(())
    }

    /// What became of it, once all pieces were taken.
    pub fn end(self) -> FilePart {
        if self.size > self.limit {
            return FilePart::Refused(Reason::TooLarge);
        }
        let (Some((kind, mime)), Some(writing)) = (self.accepted, self.writing) else {
            return FilePart::Refused(Reason::UnsupportedType);
        };
        if !sniff::agrees(&self.beginning, &mime) {
            return FilePart::Refused(Reason::UnsupportedType);
        }
        let file = Attachment {
            name: Some(self.shown),
            mime: Some(mime),
            size: i64::try_from(self.size).ok(),
            sha256: Some(hexadecimal(&self.hash.finalize())),
            ..Attachment::default()
        };
        FilePart::Stored { writing, kind, file: Box::new(file) }
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write;

    bytes.iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A store's failure as a client may hear of it.
pub fn store_fault(error: StoreError) -> Fault {
    let reason = match &error {
        StoreError::Full => Reason::StorageFull,
        StoreError::NotFound => Reason::FileNotFound,
        StoreError::Key => Reason::Internal,
        StoreError::Unavailable(_) => Reason::Unavailable,
    };
    Fault::new(reason).detail(error.to_string())
}
