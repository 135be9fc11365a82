//! Who is told of an event, and in which turn.

use std::fmt::{Display, Formatter};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::model::Event;

/// A place that sockets listen at.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// All sockets within one conversation.
    Conversation(Arc<str>),
    /// All sockets of one party.
    Party(Arc<str>),
    /// All sockets of one department's staff.
    Department(Arc<str>),
    /// All sockets of those who see every conversation that is not one-to-one.
    Everyone,
}

/// Its name in records and channels; the same in every version.
impl Display for Topic {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        match self {
            Topic::Conversation(id) => write!(formatter, "conversation:{id}"),
            Topic::Party(id) => write!(formatter, "party:{id}"),
            Topic::Department(name) => write!(formatter, "department:{name}"),
            Topic::Everyone => formatter.write_str("everyone"),
        }
    }
}

/// Who is told of an event.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Audience {
    /// Whoever listens at any of these is told once.
    pub topics: Vec<Topic>,
    /// This party is told last, so that a receiver never learns of a message after its sender does.
    pub last: Option<Arc<str>>,
}

/// How far a topic has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Place {
    /// How many were told there.
    pub number: u64,
    /// By chance, of the last of them: another history has another one at the same number. 0 where it is not known.
    pub mark: u64,
}

/// A recorded event that is to be told.
#[derive(Debug, Clone)]
pub struct Announced {
    pub event: Arc<Event>,
    pub audience: Audience,
    /// The how-manyth that is told of its conversation, from 1, without holes; 0 where nobody counts.
    pub turn: u64,
    /// How far it brought each topic of its audience.
    pub places: Vec<(Topic, Place)>,
}

/// What was told while nobody here could hear it.
#[derive(Debug, Clone, Default)]
pub struct Missed {
    /// In order of their turns within each conversation. Their audiences are the topics that were asked about.
    pub announced: Vec<Announced>,
    /// How far each topic has come: all up to this one is in `announced`, or was before what was asked for.
    pub reached: Vec<(Topic, Place)>,
    /// Topics of which something is not kept any more, or whose history became another.
    pub lost: Vec<Topic>,
}
