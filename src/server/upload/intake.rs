//! A file on its way into the store. In: pieces. Out: a whole file that is not yet visible, or why it is refused.

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::backend::FileAhead;
use crate::event::{Attachment, MessageKind};
use crate::fault::{Fault, Reason};
use crate::media::file_name;
use crate::store::{Intended, Writing};

use super::super::asked::Asked;
use super::super::sniff;
use super::extent::{Extent, Fit};

/// What became of the file part.
pub enum FilePart {
    Missing,
    Refused(Reason),
    Stored { writing: Box<dyn Writing>, kind: MessageKind, file: Box<Attachment> },
}

/// A file on its way into the store.
pub struct Intake {
    shown: String,
    /// What the name stands for; `None` when nobody takes such a file.
    accepted: Option<(MessageKind, String)>,
    writing: Option<Box<dyn Writing>>,
    hash: Sha256,
    beginning: Vec<u8>,
    size: u64,
    limit: u64,
    is_too_large: bool,
}

impl Intake {
    /// Begins with what the part declares; nothing is written of a file that the dialect, or where the route leads, does
    /// not take.
    pub async fn begin(
        asked: &Asked<'_>,
        declared: &str,
        mime: Option<&str>,
        wanted: Option<MessageKind>,
    ) -> Result<Self, Fault> {
        let shown = file_name::shown(declared);
        let mut accepted = asked.route.dialect.types.find(&shown, mime, wanted);
        let mut limit = accepted
            .as_ref()
            .map_or_else(|| asked.route.largest_upload(), |(kind, _)| asked.route.upload_limit_of(*kind));
        if let Some((kind, mime)) = &accepted {
            match asked.route.backend.permit_file(&asked.caller, &FileAhead { kind: *kind, name: &shown, mime }) {
                Ok(most) => limit = most.map_or(limit, |most| most.min(limit)),
                Err(_) => accepted = None,
            }
        }
        let stores = asked.route.stores.as_ref().ok_or_else(|| Fault::new(Reason::NotSupported))?;
        let writing = match &accepted {
            Some((kind, mime)) => {
                let intended = Intended { key: None, content_type: Some(mime.clone()) };
                Some(stores.of(*kind).create(&intended).await?)
            }
            None => None,
        };
        let (hash, beginning) = (Sha256::new(), Vec::new());
        Ok(Intake { shown, accepted, writing, hash, beginning, size: 0, limit, is_too_large: false })
    }

    /// The most bytes that it may have, and how many came.
    pub fn extent(&self) -> (u64, u64) {
        (self.limit, self.size)
    }

    /// Takes a piece. Beyond the limit nothing is kept.
    pub async fn take(&mut self, chunk: Bytes) -> Result<(), Fault> {
        self.size += chunk.len() as u64;
        if self.size > self.limit {
            self.refuse_size();
        }
        if self.is_too_large {
            return Ok(());
        }
        let missing = sniff::LOOKED_AT.saturating_sub(self.beginning.len()).min(chunk.len());
        self.beginning.extend_from_slice(&chunk[..missing]);
        if let Some(writing) = &mut self.writing {
            self.hash.update(&chunk);
            writing.write(chunk).await?;
        }
        Ok(())
    }

    /// It has more bytes than it may have; what came is not kept.
    pub fn refuse_size(&mut self) {
        self.is_too_large = true;
        self.writing = None;
    }

    /// The same before any byte of it was looked at.
    pub fn is_lost_ahead(&mut self, extent: &Extent) -> bool {
        if extent.against(self.extent()) == Fit::Outgrows {
            self.refuse_size();
        }
        self.is_lost(extent.is_below(self.limit))
    }

    /// Whether it is refused whatever comes; `fits`: it is known not to be too large.
    pub fn is_lost(&self, fits: bool) -> bool {
        // Which of two faults is told depends on the size, too.
        self.is_too_large || (self.accepted.is_none() && fits)
    }

    /// What became of it, once all pieces were taken, or as many as matter.
    pub fn end(self) -> FilePart {
        if self.is_too_large {
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
