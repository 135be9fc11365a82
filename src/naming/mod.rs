//! Names: what each dialect calls a conversation, and who sits in it. In: pinned names and the id map. Out: canonical ids.

mod pinned;

pub use pinned::{PinnedConversation, PinnedName};
