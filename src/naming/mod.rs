//! Names: what each dialect calls a conversation, a party, a message. In: fields with a dialect's names, or an event
//! with canonical ones. Out: the other. Between clients and the backend, so that neither sees the other's ids.

mod inward;
mod outward;
mod pinned;
mod pins;

use std::sync::Arc;

use crate::dialect::{Dialect, family};
use crate::event::Resource;
use crate::fault::{Fault, Reason};
use crate::journal::{Journal, JournalError, Namespace};

pub use pinned::{PinnedConversation, PinnedName};
use pins::Pins;

/// The names of all dialects.
pub struct Naming {
    journal: Arc<dyn Journal>,
    pins: Pins,
}

impl Naming {
    /// Reserves what is pinned, before any id is allocated.
    pub async fn open(
        journal: Arc<dyn Journal>,
        pinned: &[PinnedConversation],
        dialects: &[Arc<Dialect>],
    ) -> Result<Self, JournalError> {
        let pins = Pins::new(pinned, dialects);
        for (namespace, canonical, native) in pins.reserved() {
            // Each write waits for its turn among those of a busy gateway; a reload finds most of them done.
            let is_bound = journal.bound(&namespace, &canonical).await?.as_ref() == Some(&native);
            if !is_bound || journal.canonical(&namespace, &native).await?.as_ref() != Some(&canonical) {
                journal.bind(&namespace, &canonical, &native).await?;
            }
        }
        Ok(Naming { journal, pins })
    }

    /// The native id of something in a dialect.
    async fn native(&self, dialect: &Dialect, resource: Resource, canonical: &str) -> Result<String, Fault> {
        self.journal.native(&namespace(dialect, resource), canonical, dialect.ids.form(resource)).await.map_err(fault)
    }

    /// What a native id names, if it names anything.
    async fn canonical(&self, dialect: &Dialect, resource: Resource, native: &str) -> Result<Option<String>, Fault> {
        self.journal.canonical(&namespace(dialect, resource), native).await.map_err(fault)
    }
}

/// Variants of a dialect share its ids: a client that changes variant keeps what it knows.
fn namespace(dialect: &Dialect, resource: Resource) -> Namespace {
    let owner = family(&dialect.name);
    Namespace { owner: owner.into(), resource }
}

/// A journal that fails is the gateway's fault; its words are for the log.
pub fn fault(error: JournalError) -> Fault {
    let reason = match &error {
        JournalError::Full => Reason::StorageFull,
        JournalError::Unavailable(_) => Reason::Unavailable,
        JournalError::Unreadable(_) | JournalError::Bound { .. } => Reason::Internal,
    };
    Fault::new(reason).detail(error.to_string())
}

/// The conversation of two parties: the same whoever writes first.
pub fn direct(one: &str, other: &str) -> String {
    let (first, second) = if one <= other { (one, other) } else { (other, one) };
    format!("direct:{first}:{second}")
}
