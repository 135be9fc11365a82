//! What a store answers when it does not do what it was asked. In: what went wrong. Out: whose mistake it is, whether a
//! retry helps, what to change; and the refusal that a client gets.

use crate::fault::{Fault, Reason};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    #[error("no such object")]
    NotFound,
    /// A retry helps once somebody made room.
    #[error("the store has no room")]
    Full,
    /// The key is not a relative path of plain names, or not the one that the object was begun for.
    #[error("the key is not valid")]
    Key,
    /// The operator's to mend; no retry helps before.
    #[error("{mistake}: {detail}")]
    Misconfigured { mistake: Mistake, detail: String },
    /// The store's fault, and perhaps not for long.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
}

/// What is wrong between a store's settings and the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Mistake {
    #[error("there is no such bucket")]
    NoBucket,
    #[error("the access key is not known there")]
    AccessKey,
    #[error("the signature is refused, so the secret is not the access key's")]
    Secret,
    #[error("the bucket is in another region")]
    Region,
    /// The credentials are right and do not permit what was asked, or the folder does not.
    #[error("not permitted")]
    NotPermitted,
    #[error("the session token is refused")]
    SessionToken,
    #[error("the clock here is not the clock there")]
    Clock,
    #[error("the encryption is refused")]
    Encryption,
    #[error("the storage class is refused")]
    StorageClass,
    /// An upload has more parts than there may be.
    #[error("the parts are too small for so large a file")]
    PartSize,
    /// The store says no in words of its own.
    #[error("refused")]
    Refused,
    /// It answers, and not as the protocol says.
    #[error("nothing there speaks the protocol")]
    Endpoint,
}

impl StoreError {
    /// Whether the same may succeed later without anybody's doing.
    pub fn retry_helps(&self) -> bool {
        matches!(self, StoreError::Unavailable(_))
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Fault {
        let reason = match &error {
            StoreError::Full => Reason::StorageFull,
            StoreError::NotFound => Reason::FileNotFound,
            StoreError::Key => Reason::Internal,
            StoreError::Misconfigured { .. } | StoreError::Unavailable(_) => Reason::Unavailable,
        };
        Fault::new(reason).detail(error.to_string())
    }
}
