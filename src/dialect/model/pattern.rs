//! For whom and about what a frame is.

use crate::event::{EventKind, MessageKind};

/// For whom a server's frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Audience {
    /// The very socket that said it.
    Origin,
    /// Another socket of the party that said it.
    Sender,
    Receiver,
}

/// Which events a shape is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventPattern {
    One(EventKind),
    AnyFile,
    AnyMessage,
}

impl EventPattern {
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "message/*" => Some(EventPattern::AnyMessage),
            "message/file" => Some(EventPattern::AnyFile),
            _ => match text.strip_prefix("message/") {
                Some(kind) => MessageKind::parse(kind).map(|kind| EventPattern::One(EventKind::Message(kind))),
                None => EventKind::parse(text, None).map(EventPattern::One),
            },
        }
    }

    pub fn matches(self, kind: EventKind) -> bool {
        match self {
            EventPattern::One(one) => one == kind,
            EventPattern::AnyFile => kind.message().is_some_and(MessageKind::is_file),
            EventPattern::AnyMessage => kind.message().is_some(),
        }
    }
}
