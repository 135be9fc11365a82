//! All that one side of a dialect can say: servers to their clients, or clients to their server. In: a dialect. Out: the
//! facts of each kind of event, and whether it can be said at all.

use crate::event::{EventKind, Field, MessageKind};

use super::super::carry::essentials;
use super::super::frame::FrameSet;
use super::super::model::{Call, Dialect, EventPattern, Op, Request};

/// What a file's upload tells by itself: its part has a name and a type, and it has an end.
const OF_A_FILE: &[Field] = &[Field::AttachmentName, Field::AttachmentMime, Field::AttachmentSize];

/// Where an event is said, and to or by whom, is translated and not lost.
const ADDRESSES: &[&str] = &["conversation.", "receiver.", "sender.", "media."];

/// By what a file is named differs from dialect to dialect: the gateway makes the one that is needed.
const HANDLES: &[Field] =
    &[Field::AttachmentUrl, Field::AttachmentPath, Field::AttachmentToken, Field::AttachmentChatId];

/// Calls that are events too.
const CALLS: &[(EventKind, Op)] =
    &[(EventKind::Receipt, Op::Read), (EventKind::SessionClaimed, Op::Claim), (EventKind::SessionEnded, Op::Close)];

pub(super) struct Voice<'a> {
    pub dialect: &'a Dialect,
    places: Vec<&'a FrameSet>,
    is_client: bool,
}

impl<'a> Voice<'a> {
    /// A server, speaking to its clients.
    pub fn of_server(dialect: &'a Dialect) -> Self {
        Voice { dialect, places: dialect.server_places(), is_client: false }
    }

    /// A client: its frames, and the calls by which it sends and uploads.
    pub fn of_client(dialect: &'a Dialect) -> Self {
        Voice { dialect, places: dialect.client_places(), is_client: true }
    }

    /// The facts that are told of such an event; `None` when it cannot be said.
    pub fn facts(&self, kind: EventKind) -> Option<Vec<Field>> {
        let mut facts = Vec::new();
        let mut known = self.is_client && self.has_call(kind);
        for place in &self.places {
            for (at, frame) in place.frames.iter().enumerate() {
                if !(frame.written && frame.pattern.is_some_and(|pattern| pattern.matches(kind))) {
                    continue;
                }
                known |= kind.message().is_none_or(|kind| place.has_place_for(at, kind));
                facts.extend(place.told(at));
            }
        }
        if self.is_client {
            facts.extend(kind.message().map(|kind| self.dialect.told_by_uploads(kind)).unwrap_or_default());
            facts.retain(|field| is_of_a_client(*field, kind));
        }
        facts.sort_unstable();
        facts.dedup();
        known.then_some(facts)
    }

    /// The facts that arrive when such a message is put into words.
    pub fn in_words(&self, kind: MessageKind) -> Option<Vec<Field>> {
        let mut facts = self.facts(EventKind::Message(MessageKind::Text))?;
        if self.is_client {
            facts.extend(essentials(kind));
            // The name's ending tells the type.
            facts.extend(OF_A_FILE);
        }
        Some(facts)
    }

    /// Whether the words of a file must follow it, because neither the upload nor the message has a place for them beside
    /// the file.
    pub fn sets_captions_apart(&self, kind: MessageKind) -> bool {
        if !self.is_client || !kind.is_file() || self.dialect.told_by_uploads(kind).contains(&Field::Body) {
            return false;
        }
        let event = EventKind::Message(kind);
        let beside = |place: &&FrameSet| {
            place.frames.iter().enumerate().any(|(at, frame)| {
                let exclusive = frame.need.as_ref().is_some_and(|need| need.exclusive);
                frame.is_about(Some(event)) && !exclusive && place.told(at).contains(&Field::Body)
            })
        };
        !self.places.iter().any(beside)
    }

    /// Whether messages of this kind are said at all; what is of the system is said by nobody's client.
    pub fn has(&self, kind: MessageKind) -> bool {
        self.takes(kind) && !(self.is_client && kind == MessageKind::System)
    }

    /// Events that clients bring about by a call and not by a frame.
    fn has_call(&self, kind: EventKind) -> bool {
        CALLS.iter().any(|(about, op)| *about == kind && self.dialect.calls.iter().any(|call| call.op == *op))
    }

    /// Whether the kind follows from what is told: by a frame of its own, or by the MIME type or name of the file.
    pub fn tells_kind(&self, kind: MessageKind, told: &[Field]) -> bool {
        let its_own = Some(EventPattern::One(EventKind::Message(kind)));
        let by_file = [Field::Kind, Field::AttachmentMime, Field::AttachmentName, Field::AttachmentStoredName];
        by_file.iter().any(|field| told.contains(field))
            || self
                .places
                .iter()
                .any(|place| place.frames.iter().any(|frame| frame.written && frame.pattern == its_own))
    }

    /// Whether a file of this kind is carried by some frame and not excluded by the list of types.
    pub fn takes(&self, kind: MessageKind) -> bool {
        let types = &self.dialect.types;
        let unlisted = types.kinds.is_empty() && types.any.is_none();
        !kind.is_file() || unlisted || types.any.is_some() || types.kinds.contains_key(&kind)
    }
}

/// Whether a client says this by itself, and about such an event: frames for all kinds have places for all of them.
fn is_of_a_client(field: Field, kind: EventKind) -> bool {
    let path = field.path();
    let is_file = kind.message().is_none_or(MessageKind::is_file);
    !ADDRESSES.iter().any(|address| path.starts_with(address))
        && !HANDLES.contains(&field)
        && (is_file || !path.starts_with("attachment."))
}

impl Dialect {
    /// The facts about a file that its clients tell by uploading it, whatever the message says that follows.
    pub fn told_by_uploads(&self, kind: MessageKind) -> Vec<Field> {
        let uploads: Vec<&Call> = self.calls.iter().filter(|call| call.op == Op::Upload && kind.is_file()).collect();
        let parts = uploads.iter().flat_map(|call| match &call.request {
            Request::Multipart { parts, .. } => parts.as_slice(),
            Request::Json(_) | Request::Empty => &[],
        });
        let own = if uploads.is_empty() { &[] } else { OF_A_FILE };
        parts.filter_map(|part| part.field).chain(own.iter().copied()).collect()
    }
}
