//! Names for what a dialect leaves nameless. In: an event. Out: the same id whenever the same is seen, said on a socket or
//! read in a history.

use sha2::{Digest, Sha256};

use crate::event::{Event, Field};
use crate::upstream::Inner;

impl Inner {
    /// An id for somebody whom the dialect does not name: one for each part that is played in a conversation.
    pub fn unnamed(&self, event: &Event) -> String {
        let sender = &event.details.sender;
        let side = sender.side.map(|side| side.as_str()).or(sender.role.map(|role| role.as_str())).unwrap_or_default();
        let name = sender.name.as_deref().unwrap_or_default();
        format!("{}.{}/{side}/{name}", self.settings.name, event.details.conversation.id)
    }

    /// Whether messages have ids when they are said. Those that only a history gives would be others than before.
    pub fn tells_ids(&self) -> bool {
        let places = self.settings.dialect.server_places();
        places.iter().any(|place| (0..place.frames.len()).any(|at| place.told(at).contains(&Field::Id)))
    }

    /// An id for a message that the upstream has and did not name.
    pub fn fresh_id(&self) -> String {
        format!("{}.{}", self.settings.name, uuid::Uuid::now_v7().simple())
    }

    /// The id of a message whose dialect gives none: the same whenever it is seen, on a socket or in a history.
    /// `sender` is the upstream's name of its sender: ours depends on who looks.
    pub fn synthetic_id(&self, event: &Event, sender: Option<&str>) -> String {
        use std::fmt::Write;

        let details = &event.details;
        let time = details.sent_at.map(|time| time.micros() / 1_000).unwrap_or_default();
        let mut hash = Sha256::new();
        for part in [
            details.conversation.id.as_str(),
            sender.unwrap_or(&details.sender.id),
            &time.to_string(),
            details.body.as_deref().unwrap_or_default(),
            details.attachment.url.as_deref().unwrap_or_default(),
        ] {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
        let name = format!("{}.", self.settings.name);
        hash.finalize().iter().take(16).fold(name, |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}
