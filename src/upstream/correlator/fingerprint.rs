//! By what a message is known again. In: an event. Out: its words or the handles of its file, to be compared.

use crate::event::{Event, EventKind, MessageKind};

/// Bytes of words from which on a beginning is taken for words that were cut off.
const SHORTEST_CUT: usize = 64;

/// What is said, as far as it comes back unchanged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint {
    pub(super) class: Class,
    words: String,
    /// Of a file: every name by which it may come back.
    handles: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Words,
    File,
    Profile,
    Other,
}

impl Fingerprint {
    /// `None` for what is no message: nothing confirms it.
    pub fn of(event: &Event) -> Option<Self> {
        let class = match event.kind {
            EventKind::Message(MessageKind::Text | MessageKind::System) => Class::Words,
            EventKind::Message(MessageKind::Profile | MessageKind::Contact) => Class::Profile,
            EventKind::Message(kind) if kind.is_file() => Class::File,
            EventKind::Message(_) => Class::Other,
            _ => return None,
        };
        let file = &event.details.attachment;
        let url = file.url.as_deref().map(|url| url.split(['?', '#']).next().unwrap_or(url));
        // A backend may show its own address for a file, but keeps the last segment.
        let tail = url.and_then(|url| url.rsplit('/').next());
        let known = [url, tail, file.token.as_deref(), file.name.as_deref(), file.stored_name.as_deref()];
        let mut handles: Vec<String> =
            known.into_iter().flatten().filter(|text| !text.is_empty()).map(str::to_owned).collect();
        handles.extend(file.chat_id.as_deref().map(|id| format!("message {id}")));
        handles.extend(
            (class == Class::File && !event.details.id.is_empty()).then(|| format!("message {}", event.details.id)),
        );
        handles.extend(event.details.profile.id.clone());
        let words = event.details.body.as_deref().unwrap_or_default().trim().to_owned();
        Some(Fingerprint { class, words, handles })
    }

    /// Whether this, which came back, is that, which was sent.
    pub(super) fn is(&self, sent: &Fingerprint) -> bool {
        if self.class != sent.class {
            return false;
        }
        match self.class {
            Class::Words | Class::Other => self.words == sent.words,
            Class::File | Class::Profile => {
                self.handles.iter().any(|handle| sent.handles.contains(handle)) || sent.handles.is_empty()
            }
        }
    }

    /// Whether this, which is certainly from the same account, can be that after a backend changed it: words that were
    /// trimmed, escaped or cut off; a file that was given other names.
    pub(super) fn comes_from(&self, sent: &Fingerprint) -> bool {
        if self.class != sent.class {
            return false;
        }
        match self.class {
            Class::Words | Class::Other => {
                let (came, sent) = (bare(&self.words), bare(&sent.words));
                came == sent || (came.len() >= SHORTEST_CUT && sent.starts_with(&came))
            }
            Class::File | Class::Profile => true,
        }
    }
}

/// Words without what a backend may do to them: white space, and the five characters that HTML escapes.
fn bare(words: &str) -> String {
    let escapes = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#34;", "\""), ("&#x27;", "'"), ("&#39;", "'")];
    let plain = escapes.iter().fold(words.to_owned(), |text, (from, to)| text.replace(from, to));
    plain.replace("&amp;", "&").chars().filter(|letter| !letter.is_whitespace() && !letter.is_control()).collect()
}
