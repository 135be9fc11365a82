//! What is lost between two dialects, computed from their shapes, types and sizes alone: nothing here is written by
//! hand. In: two dialects. Out: per kind of message what arrives, as what, and which facts stay behind.

mod variants;
mod voice;

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::event::{EventKind, Field, MessageKind};

use super::buttons::is_grid;
use super::carry::is_told;
use super::frame::FrameSet;
use super::model::{Dialect, Request};
use voice::Voice;

pub use variants::of_variants;

/// Losses of one ordered pair, of what servers say or of what clients do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairLosses {
    pub from: String,
    pub to: String,
    /// Only kinds that `from` knows.
    pub kinds: BTreeMap<MessageKind, KindLosses>,
    /// Buttons of messages arrive as lines of their words.
    pub buttons_as_lines: bool,
    /// Families of events, beside messages, that cannot be said in `to`.
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
    /// The words of a file follow it, as a text of their own.
    pub caption_apart: bool,
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
            self.calls.iter().filter(|call| call.written && call.op == super::model::Op::Send).filter_map(|call| {
                match &call.request {
                    Request::Json(set) => Some(set.as_ref()),
                    Request::Empty | Request::Multipart { .. } => None,
                }
            });
        sockets.chain(sends).filter(|set| !set.is_empty()).collect()
    }

    /// Places in which it speaks to its clients.
    pub fn server_places(&self) -> Vec<&FrameSet> {
        let sockets = self.sockets.iter().map(|socket| &socket.server);
        sockets.chain(self.webhooks.iter().map(|webhook| &webhook.shapes)).filter(|set| !set.is_empty()).collect()
    }
}

/// What clients of one are told by their own server, against what clients of the other are.
pub fn between(from: &Dialect, to: &Dialect) -> PairLosses {
    losses(&Voice::of_server(from), &Voice::of_server(to), None)
}

/// What clients of one can say, against what can be said as a client of the other. `upload` is the largest file that
/// clients may upload where that is not what their dialect says; bytes.
pub fn towards(from: &Dialect, to: &Dialect, upload: Option<u64>) -> PairLosses {
    losses(&Voice::of_client(from), &Voice::of_client(to), upload)
}

fn losses(from: &Voice<'_>, to: &Voice<'_>, upload: Option<u64>) -> PairLosses {
    let kinds = MessageKind::ALL.iter().filter(|kind| from.has(**kind)).filter_map(|kind| {
        let said = from.facts(EventKind::Message(*kind))?;
        Some((*kind, kind_losses(from, to, *kind, &said, upload)))
    });
    let families = EventKind::all().filter(|kind| kind.message().is_none() && *kind != EventKind::Error);
    let events = families.filter(|kind| from.facts(*kind).is_some() && to.facts(*kind).is_none());
    PairLosses {
        from: from.dialect.name.to_string(),
        to: to.dialect.name.to_string(),
        kinds: kinds.collect(),
        buttons_as_lines: from.dialect.has_buttons() && !to.dialect.has_buttons(),
        events: events.map(EventKind::as_str).collect(),
    }
}

fn kind_losses(from: &Voice<'_>, to: &Voice<'_>, kind: MessageKind, said: &[Field], upload: Option<u64>) -> KindLosses {
    let told = to.facts(EventKind::Message(kind)).filter(|_| to.takes(kind));
    let (outcome, told) = match told {
        Some(told) => (Outcome::Carried, told),
        None => match to.in_words(kind) {
            // The text names the file and links to it.
            Some(told) => (Outcome::Text, told),
            None => (Outcome::Nothing, Vec::new()),
        },
    };
    let fields = said
        .iter()
        .copied()
        .filter(|field| !is_told(*field, &told))
        .filter(|field| to.dialect.has_buttons() || !is_grid(*field))
        .filter(|field| *field != Field::Kind || !to.tells_kind(kind, &told));
    let mut fields: Vec<Field> = fields.collect();
    let caption_apart = outcome == Outcome::Carried && to.sets_captions_apart(kind) && said.contains(&Field::Body);
    fields.retain(|field| !caption_apart || *field != Field::Body);
    let mut losses = KindLosses { outcome, fields, types: Vec::new(), size: None, caption_apart };
    if kind.is_file() && outcome == Outcome::Carried {
        losses.types = refused_types(from.dialect, to.dialect, kind);
        losses.size = match (upload.or(from.dialect.types.max(kind)), to.dialect.types.max(kind)) {
            (Some(mine), Some(theirs)) if theirs < mine => Some(theirs),
            _ => None,
        };
    }
    losses
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
        if self.buttons_as_lines {
            out.push_str("- buttons: as lines of text\n");
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
        if self.buttons_as_lines {
            parts.push("buttons as text".to_owned());
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
        if self.caption_apart {
            parts.push("its words after it".to_owned());
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
