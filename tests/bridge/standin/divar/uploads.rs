//! The first two of divar's three steps: upload tokens, and the files that were uploaded with one. In: a key, a kind of
//! the path, a name and bytes. Out: tokens, or the refusal with which the document answers.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::bodies::Refused;

/// How long an upload token is good.
const GRANT_LASTS: Duration = Duration::from_secs(15 * 60);

const MEGABYTE: usize = 1_048_576;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Image,
    File,
    Voice,
    Video,
}

impl Kind {
    /// From the last segment of `/upload/…`.
    pub fn of_path(name: &str) -> Option<Kind> {
        match name {
            "image" => Some(Kind::Image),
            "file" => Some(Kind::File),
            "voice" => Some(Kind::Voice),
            "video" => Some(Kind::Video),
            _ => None,
        }
    }

    /// What a message with such a file is called.
    pub fn message_type(self) -> &'static str {
        match self {
            Kind::Image => "IMAGE",
            Kind::File => "FILE",
            Kind::Voice => "VOICE",
            Kind::Video => "VIDEO",
        }
    }

    /// The same in the plain words of [`Taken`](super::super::Taken).
    pub fn plain(self) -> &'static str {
        match self {
            Kind::Image => "image",
            Kind::File => "document",
            Kind::Voice => "audio",
            Kind::Video => "video",
        }
    }

    /// Bytes; as many are still taken.
    pub fn limit(self) -> usize {
        match self {
            Kind::Image | Kind::File => 5 * MEGABYTE,
            Kind::Voice => 3 * MEGABYTE / 2,
            Kind::Video => 50 * MEGABYTE,
        }
    }

    /// Whether name and first bytes agree on one format of this kind.
    fn takes(self, name: &str, bytes: &[u8]) -> bool {
        let Some((_, extension)) = name.rsplit_once('.') else { return false };
        let is_box_of_media = bytes.get(4..8) == Some(b"ftyp");
        match (self, extension.to_ascii_lowercase().as_str()) {
            (Kind::Image, "png") => bytes.starts_with(b"\x89PNG\r\n\x1a\n"),
            (Kind::Image, "jpg" | "jpeg") => bytes.starts_with(b"\xff\xd8\xff"),
            (Kind::File, "pdf") => bytes.starts_with(b"%PDF-"),
            (Kind::File, "doc" | "xls" | "ppt") => bytes.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
            (Kind::File, "docx" | "xlsx" | "pptx") => bytes.starts_with(b"PK\x03\x04"),
            (Kind::Voice, "m4a" | "3gp") | (Kind::Video, "mp4") => is_box_of_media,
            _ => false,
        }
    }
}

/// A file that was uploaded; its token is bound to the key whose upload token it came with.
#[derive(Debug, Clone)]
pub struct Media {
    pub kind: Kind,
    pub name: String,
    pub mime: String,
    pub bytes: Bytes,
    key: String,
}

struct Grant {
    key: String,
    until: Instant,
}

#[derive(Default)]
pub struct Uploads {
    grants: HashMap<String, Grant>,
    /// By token.
    media: HashMap<String, Media>,
    /// The tokens that are not good any more; their links still are.
    forgotten: HashSet<String>,
}

impl Uploads {
    /// The first step.
    pub fn grant(&mut self, key: &str) -> String {
        let token = token();
        self.grants.insert(token.clone(), Grant { key: key.to_owned(), until: Instant::now() + GRANT_LASTS });
        token
    }

    /// Whether the second step may begin.
    pub fn is_granted(&self, grant: &str) -> bool {
        self.grants.get(grant).is_some_and(|grant| Instant::now() < grant.until)
    }

    /// The second step; `grant` was checked.
    pub fn take(&mut self, grant: &str, kind: Kind, name: &str, mime: &str, bytes: Bytes) -> Result<String, Refused> {
        if bytes.len() > kind.limit() {
            return Err(Refused::new(413, 3, format!("{} bytes are more than {}", bytes.len(), kind.limit())));
        }
        if !kind.takes(name, &bytes) {
            return Err(Refused::new(400, 3, format!("{name} has no format of {}", kind.message_type())));
        }
        let Some(grant) = self.grants.get(grant) else { return Err(Refused::no_credential("the upload token")) };
        let token = token();
        let mime = if mime.is_empty() { "application/octet-stream" } else { mime }.to_owned();
        let media = Media { kind, name: name.to_owned(), mime, bytes, key: grant.key.clone() };
        self.media.insert(token.clone(), media);
        Ok(token)
    }

    /// The file of a media token, for the key that uploaded it.
    pub fn media(&self, token: &str, key: &str) -> Option<&Media> {
        self.linked(token).filter(|media| media.key == key && !self.forgotten.contains(token))
    }

    /// The file that a link names.
    pub fn linked(&self, token: &str) -> Option<&Media> {
        self.media.get(token)
    }

    /// As if 15 minutes had passed.
    pub fn expire_grants(&mut self) {
        self.grants.clear();
    }

    /// As if a day had passed.
    pub fn forget_media(&mut self) {
        self.forgotten.extend(self.media.keys().cloned());
    }
}

/// Random, and in the letters of base64.
fn token() -> String {
    format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple())
}
