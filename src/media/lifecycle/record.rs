//! What is told of uploads and objects: JSON, a record a line, for programs; operators get the same in words.

use serde::{Deserialize, Serialize};

use crate::event::Timestamp;

use super::super::library::Upload;
use super::{age, size};

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
pub enum Record {
    Upload(Found),
    /// What became of an upload or object, or would become of it.
    Removal {
        action: Action,
        /// `age`, `unused`, `unfinished` or `unknown`.
        reason: String,
        store: String,
        key: String,
        /// In bytes, where it is known.
        size: Option<u64>,
        /// Why it failed.
        #[serde(skip_serializing_if = "Option::is_none")]
        detail: Option<String>,
    },
    Problem {
        problem: Problem,
        store: String,
        key: String,
        detail: String,
    },
    /// How far it is.
    Progress(Summary),
    /// The last line of what came to its end.
    Summary(Summary),
    /// The last line of what did not.
    Failed {
        detail: String,
    },
}

/// An upload that is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    pub id: String,
    pub stores: Vec<String>,
    pub key: String,
    /// In bytes.
    pub size: u64,
    /// RFC 3339.
    pub uploaded_at: String,
    pub age_seconds: u64,
    /// In canonical names.
    pub conversation: Option<String>,
    /// The path under which it is served.
    pub handle: Option<String>,
    pub route: Option<String>,
    /// Whether a message named it.
    pub named: bool,
}

impl Found {
    pub(super) fn of(id: &str, upload: &Upload, named: bool) -> Self {
        Found {
            id: id.to_owned(),
            stores: upload.kept.stores.clone(),
            key: upload.kept.key.clone(),
            size: size(upload),
            uploaded_at: upload.uploaded_at.to_string(),
            age_seconds: age(upload, Timestamp::now()).as_secs(),
            conversation: upload.conversation.clone(),
            handle: upload.attachment.path.clone(),
            route: upload.route.clone(),
            named,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    WouldRemove,
    Removed,
    Failed,
}

/// What is wrong with an upload or an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Problem {
    /// Its object is not there.
    Missing,
    /// Its object has another size.
    Size,
    /// Its object has other bytes.
    Content,
    /// No upload names the object.
    Unknown,
    /// The store did not answer.
    Unreachable,
    /// The config has no such store.
    NoStore,
}

/// What was seen altogether.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Summary {
    pub uploads: u64,
    pub bytes: u64,
    pub objects: u64,
    /// That were removed, or would be.
    pub removals: u64,
    /// What could not be removed, and what is wrong.
    pub problems: u64,
}
