//! A file on its way into its stores. In: pieces. Out: a whole file that is not yet visible, or why it is refused. Its
//! beginning is held back until it is known what it is: then it is decided where it goes.

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::backend::{Caller, FileAhead};
use crate::dialect::OnLoss;
use crate::event::{Attachment, Fields, MessageKind};
use crate::fault::{Fault, Reason};
use crate::images::{Images, Otherwise};
use crate::media::file_name;

use super::super::asked::Asked;
use super::super::route::Stores;
use super::super::sniff;
use super::extent::{Extent, Fit};
use super::picture;
use super::place::{self, About, Placed};
use super::spool::Spool;

/// Bytes that are held back at most: of a file with no more, all is known before any of it is written.
const HELD: u64 = 64 * 1024;

/// What became of the file part.
pub enum FilePart {
    Missing,
    /// It has more bytes than this.
    TooLarge(u64),
    UnsupportedType,
    Taken(Box<Taken>),
}

/// A whole file that nobody sees yet.
pub struct Taken {
    pub content: Content,
    pub kind: MessageKind,
    pub declared: Option<String>,
    pub file: Attachment,
}

/// Where the bytes of a file are before it is finished.
pub enum Content {
    /// Here: it has few.
    Held(Vec<Bytes>),
    /// In a temporary file: something is done to it before it goes into its stores.
    Spooled(Spool),
    /// On their way into its stores.
    Placed(Placed),
}

impl Content {
    /// Writes what was gathered.
    pub async fn pour(self, asked: &Asked<'_>, placed: &mut Placed) -> Result<(), Fault> {
        match self {
            Content::Held(held) => {
                for chunk in held {
                    placed.write(asked, chunk).await?;
                }
            }
            Content::Spooled(mut spool) => {
                spool.rewind().await?;
                while let Some(chunk) = spool.next().await? {
                    placed.write(asked, chunk).await?;
                }
            }
            Content::Placed(_) => {}
        }
        Ok(())
    }
}

/// A file on its way into its stores.
pub struct Intake {
    shown: String,
    /// As the part says.
    declared: Option<String>,
    /// What the name stands for; `None` when nobody takes such a file.
    accepted: Option<(MessageKind, String)>,
    content: Content,
    hash: Sha256,
    beginning: Vec<u8>,
    size: u64,
    limit: u64,
    is_too_large: bool,
}

impl Intake {
    /// Begins with what the part declares; nothing is kept of a file that the dialect, or where the route leads, does not
    /// take.
    pub fn begin(
        asked: &Asked<'_>,
        named: &str,
        declared: Option<&str>,
        wanted: Option<MessageKind>,
    ) -> Result<Self, Fault> {
        if asked.route.stores.is_none() {
            return Err(Fault::new(Reason::NotSupported));
        }
        let shown = file_name::shown(named);
        let mut accepted = asked.route.dialect.types.find(&shown, declared, wanted);
        let kind = accepted.as_ref().map(|(kind, _)| *kind).or(wanted);
        let mut limit = asked.route.upload_limit_of(kind);
        if let Some((kind, mime)) = &accepted {
            let file = FileAhead { kind: *kind, name: &shown, mime };
            match asked.route.backend.permit_file(&as_it_is_kept(asked), &file) {
                Ok(most) => limit = most.map_or(limit, |most| most.min(limit)),
                Err(_) => accepted = None,
            }
        }
        let images = accepted.as_ref().and_then(|(_, mime)| picture::of(asked, mime)).map(Images::settings);
        if let Some(images) = images.filter(|images| images.otherwise == Otherwise::Refuse) {
            limit = limit.min(images.up_to);
        }
        Ok(Intake {
            shown,
            declared: declared.map(str::to_owned),
            accepted,
            content: Content::Held(Vec::new()),
            hash: Sha256::new(),
            beginning: Vec::new(),
            size: 0,
            limit,
            is_too_large: false,
        })
    }

    /// The most bytes that it may have, and how many came.
    pub fn extent(&self) -> (u64, u64) {
        (self.limit, self.size)
    }

    /// Takes a piece. Beyond the limit nothing is kept. `fields` are what came before the file, and `extent` says how large
    /// it may become.
    pub async fn take(
        &mut self,
        asked: &Asked<'_>,
        fields: &Fields<'static>,
        extent: &Extent,
        chunk: Bytes,
    ) -> Result<(), Fault> {
        self.size += chunk.len() as u64;
        if self.size > self.limit {
            self.refuse_size();
        }
        if self.is_too_large || self.accepted.is_none() {
            return Ok(());
        }
        let missing = sniff::LOOKED_AT.saturating_sub(self.beginning.len()).min(chunk.len());
        self.beginning.extend_from_slice(&chunk[..missing]);
        self.hash.update(&chunk);
        match &mut self.content {
            Content::Placed(placed) => placed.write(asked, chunk).await,
            Content::Held(held) => {
                held.push(chunk);
                if self.size > HELD { self.place(asked, fields, extent).await } else { Ok(()) }
            }
            Content::Spooled(spool) => {
                spool.write(&chunk).await?;
                self.place(asked, fields, extent).await
            }
        }
    }

    /// Decides where it goes, with what is known now, and writes what was held back.
    async fn place(&mut self, asked: &Asked<'_>, fields: &Fields<'static>, extent: &Extent) -> Result<(), Fault> {
        let Some((kind, mime)) = &self.accepted else { return Ok(()) };
        if !sniff::agrees(&self.beginning, mime) {
            self.accepted = None;
            self.content = Content::Held(Vec::new());
            return Ok(());
        }
        if picture::of(asked, mime).is_some_and(|images| self.size <= images.settings().up_to) {
            return self.spool().await;
        }
        // What was read beyond the end of the file makes it seem smaller.
        let largest = extent.largest(self.size).map_or(self.limit, |largest| largest.max(self.size));
        let size = largest.min(self.limit);
        let about = About {
            kind: *kind,
            name: &self.shown,
            mime: sniff::told(&self.beginning, mime),
            declared: self.declared.as_deref(),
            size,
            all_came: extent.is_of_file(),
        };
        let mut placed = place::open(asked, fields, &about).await?;
        let gathered = std::mem::replace(&mut self.content, Content::Held(Vec::new()));
        gathered.pour(asked, &mut placed).await?;
        self.content = Content::Placed(placed);
        Ok(())
    }

    /// Waits for the rest of an image outside of memory.
    async fn spool(&mut self) -> Result<(), Fault> {
        if let Content::Held(held) = &mut self.content {
            let mut spool = Spool::begin().await?;
            for chunk in held {
                spool.write(chunk).await?;
            }
            self.content = Content::Spooled(spool);
        }
        Ok(())
    }

    /// It has more bytes than it may have; what came is not kept.
    pub fn refuse_size(&mut self) {
        self.is_too_large = true;
        self.content = Content::Held(Vec::new());
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
            return FilePart::TooLarge(self.limit);
        }
        let Some((kind, mime)) = self.accepted.filter(|(_, mime)| sniff::agrees(&self.beginning, mime)) else {
            return FilePart::UnsupportedType;
        };
        let file = Attachment {
            name: Some(self.shown),
            mime: Some(mime),
            size: i64::try_from(self.size).ok(),
            sha256: Some(hexadecimal(&self.hash.finalize())),
            ..Attachment::default()
        };
        FilePart::Taken(Box::new(Taken { content: self.content, kind, declared: self.declared, file }))
    }
}

/// The caller, on a route where nobody but the backend gets files: what the backend does not take is lost whatever the route
/// says, as there is nothing to link to.
fn as_it_is_kept(asked: &Asked<'_>) -> Caller {
    let mut caller = asked.caller.clone();
    let nobody_else = |stores: &Stores| stores.rules.iter().all(|rule| rule.store.is_none());
    if asked.route.stores.as_ref().is_some_and(nobody_else) {
        caller.terms.on_loss = OnLoss::Refuse;
    }
    caller
}

pub fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write;

    bytes.iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
