//! What is lost between two dialects, computed from their shapes, types and sizes alone: nothing here is written by
//! hand. In: two dialects. Out: per kind of message what arrives, as what, and which facts stay behind.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::event::{EventKind, Field, MessageKind};

use super::carry::is_told;
use super::frame::FrameSet;
use super::model::{Dialect, EventPattern, Request};

/// Losses of one ordered pair: what clients of `from` are told by their own server, against what clients of `to` are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairLosses {
    pub from: String,
    pub to: String,
    /// Only kinds that `from` knows.
    pub kinds: BTreeMap<MessageKind, KindLosses>,
    /// Families of events, beside messages, that `to` has no frame for.
    pub events: Vec<&'static str>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KindLosses {
    pub outcome: Outcome,
    /// Facts that do not arrive.
    pub fields: Vec<Field>,
    /// Extensions that `from` takes and `to` does not: they arrive as text with a link.
    pub types: Vec<String>,
    /// Larger files arrive as text with a link; bytes.
    pub size: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// As what it is.
    Carried,
    /// As text.
    Text,
    /// Not at all.
    Nothing,
}

impl Dialect {
    /// Places in which its clients speak.
    pub fn client_places(&self) -> Vec<&FrameSet> {
        let sockets = self.sockets.iter().map(|socket| &socket.client);
        let sends =
            self.calls.iter().filter(|call| call.op == super::model::Op::Send).filter_map(|call| match &call.request {
                Request::Json(set) => Some(set.as_ref()),
                Request::Empty | Request::Multipart { .. } => None,
            });
        sockets.chain(sends).filter(|set| !set.is_empty()).collect()
    }

    /// Places in which it speaks to its clients.
    pub fn server_places(&self) -> Vec<&FrameSet> {
        let sockets = self.sockets.iter().map(|socket| &socket.server);
        sockets.chain(self.webhooks.iter().map(|webhook| &webhook.shapes)).filter(|set| !set.is_empty()).collect()
    }

    /// The facts that its clients are told of such an event; `None` when they are told nothing.
    fn facts(&self, kind: EventKind) -> Option<Vec<Field>> {
        let mut facts = Vec::new();
        let mut known = false;
        for place in self.server_places() {
            for (at, frame) in place.frames.iter().enumerate() {
                if frame.pattern.is_some_and(|pattern| pattern.matches(kind)) {
                    known = true;
                    facts.extend(place.told(at));
                }
            }
        }
        facts.sort_unstable();
        facts.dedup();
        known.then_some(facts)
    }

    /// Whether a file of this kind is carried by some frame and not excluded by the list of types.
    fn takes(&self, kind: MessageKind) -> bool {
        let unlisted = self.types.kinds.is_empty() && self.types.any.is_none();
        !kind.is_file() || unlisted || self.types.any.is_some() || self.types.kinds.contains_key(&kind)
    }
}

/// Computes the losses of one ordered pair.
pub fn between(from: &Dialect, to: &Dialect) -> PairLosses {
    let kinds = MessageKind::ALL.iter().filter(|kind| from.takes(**kind)).filter_map(|kind| {
        let said = from.facts(EventKind::Message(*kind))?;
        Some((*kind, kind_losses(from, to, *kind, &said)))
    });
    let families = EventKind::all().filter(|kind| kind.message().is_none() && *kind != EventKind::Error);
    let events = families.filter(|kind| from.facts(*kind).is_some() && to.facts(*kind).is_none());
    PairLosses {
        from: from.name.to_string(),
        to: to.name.to_string(),
        kinds: kinds.collect(),
        events: events.map(EventKind::as_str).collect(),
    }
}

fn kind_losses(from: &Dialect, to: &Dialect, kind: MessageKind, said: &[Field]) -> KindLosses {
    let told = to.facts(EventKind::Message(kind)).filter(|_| to.takes(kind));
    let (outcome, told) = match told {
        Some(told) => (Outcome::Carried, told),
        None => match to.facts(EventKind::Message(MessageKind::Text)) {
            // The text names the file and links to it.
            Some(told) => (Outcome::Text, told),
            None => (Outcome::Nothing, Vec::new()),
        },
    };
    let fields = said
        .iter()
        .copied()
        .filter(|field| !is_told(*field, &told))
        .filter(|field| *field != Field::Kind || !tells_kind(to, kind, &told));
    let mut losses = KindLosses { outcome, fields: fields.collect(), types: Vec::new(), size: None };
    if kind.is_file() && outcome == Outcome::Carried {
        losses.types = refused_types(from, to, kind);
        losses.size = match (from.types.max(kind), to.types.max(kind)) {
            (Some(mine), Some(theirs)) if theirs < mine => Some(theirs),
            _ => None,
        };
    }
    losses
}

/// Whether the kind follows from what is told: by a frame of its own, or by the MIME type or name of the file.
fn tells_kind(to: &Dialect, kind: MessageKind, told: &[Field]) -> bool {
    let its_own = Some(EventPattern::One(EventKind::Message(kind)));
    let by_file = [Field::Kind, Field::AttachmentMime, Field::AttachmentName, Field::AttachmentStoredName];
    by_file.iter().any(|field| told.contains(field))
        || to.server_places().iter().any(|place| place.frames.iter().any(|frame| frame.pattern == its_own))
}

/// What one takes and the other does not: extensions, or all but those listed where the one takes anything.
fn refused_types(from: &Dialect, to: &Dialect, kind: MessageKind) -> Vec<String> {
    let Some(mine) = from.types.kinds.get(&kind) else {
        let listed = to.types.kinds.get(&kind).filter(|_| to.types.any.is_none());
        let names = listed.map(|types| types.extensions.keys().map(String::as_str).collect::<Vec<_>>().join(" "));
        return names.map(|names| format!("all but {names}")).into_iter().collect();
    };
    let refused = mine.extensions.keys().filter(|extension| {
        let name = format!("file.{extension}");
        to.types.find(&name, mine.extensions.get(*extension).map(String::as_str), Some(kind)).is_none()
    });
    refused.cloned().collect()
}

impl PairLosses {
    /// A line per kind and one for events, for people.
    pub fn describe(&self) -> String {
        let mut out = String::new();
        for (kind, losses) in &self.kinds {
            // Writing into a text cannot fail.
            let _ = writeln!(out, "- {}: {}", kind.as_str(), losses.describe());
        }
        if !self.events.is_empty() {
            let _ = writeln!(out, "- not told: {}", self.events.join(", "));
        }
        out
    }

    /// The cell of the overview: how many kinds arrive as themselves, as text, not at all, and how many facts are lost.
    pub fn summary(&self) -> String {
        let count = |outcome| self.kinds.values().filter(|losses| losses.outcome == outcome).count();
        let mut facts: Vec<Field> = self.kinds.values().flat_map(|losses| losses.fields.iter().copied()).collect();
        facts.sort_unstable();
        facts.dedup();
        let mut parts = vec![format!("{} kept", count(Outcome::Carried))];
        for (outcome, word) in [(Outcome::Text, "as text"), (Outcome::Nothing, "dropped")] {
            match count(outcome) {
                0 => {}
                number => parts.push(format!("{number} {word}")),
            }
        }
        if !facts.is_empty() {
            parts.push(format!("{} fact{} lost", facts.len(), if facts.len() == 1 { "" } else { "s" }));
        }
        parts.join(", ")
    }
}

impl KindLosses {
    fn describe(&self) -> String {
        let mut parts = vec![
            match self.outcome {
                Outcome::Carried => "kept",
                Outcome::Text => "as text",
                Outcome::Nothing => "dropped",
            }
            .to_owned(),
        ];
        if !self.fields.is_empty() {
            let names: Vec<String> = self.fields.iter().map(|field| format!("`{}`", field.path())).collect();
            parts.push(format!("without {}", names.join(", ")));
        }
        if !self.types.is_empty() {
            parts.push(format!("{} as a link", self.types.join(", ")));
        }
        if let Some(size) = self.size {
            parts.push(format!("above {} bytes as a link", size));
        }
        parts.join("; ")
    }
}

/// The whole matrix as a Markdown page.
pub fn matrix(dialects: &[&Dialect]) -> String {
    let mut out = String::from("| from \\ to |");
    for to in dialects {
        let _ = write!(out, " {} |", to.name);
    }
    out.push_str("\n|---|");
    out.push_str(&"---|".repeat(dialects.len()));
    out.push('\n');
    for from in dialects {
        let _ = write!(out, "| **{}** |", from.name);
        for to in dialects {
            let _ = write!(out, " {} |", between(from, to).summary());
        }
        out.push('\n');
    }
    for from in dialects {
        for to in dialects {
            let losses = between(from, to);
            let _ = write!(out, "\n### {} to {}\n\n{}", from.name, to.name, losses.describe());
        }
    }
    out
}
