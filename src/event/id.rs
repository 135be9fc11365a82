//! What ids name and which form a dialect wants them in. Canonical ids are texts; the id map turns them into these forms.

/// What kind of thing a native id names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Resource {
    Message,
    Conversation,
    Party,
}

/// The form of native ids that a dialect wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IdForm {
    /// The canonical id as it is.
    Text,
    /// A positive integer. The canonical id itself if it is one that is free, else allocated.
    Integer,
    /// A UUID. The canonical id itself if it is one, else derived (version 5).
    Uuid,
}
