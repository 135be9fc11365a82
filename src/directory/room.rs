//! A conversation as the hub keeps it, and who is told of what happens in it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::event::{Audience, Conversation, ConversationKind, Guest, Topic};

/// A conversation, its members and its guest.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Room {
    pub conversation: Conversation,
    /// Parties that belong to it by name, not by department or role.
    pub members: BTreeSet<String>,
    /// Dialects in which the operator named it: their programs, which present a key and no user, sit here.
    #[serde(default)]
    pub programs: BTreeSet<String>,
    #[serde(default)]
    pub guest: Guest,
}

impl Room {
    /// Whether it is between two parties and nobody else's.
    pub fn is_direct(&self) -> bool {
        self.conversation.kind == Some(ConversationKind::Direct)
    }

    /// Who is told of what this party does here: everybody, and the party last.
    pub fn audience(&self, of: &str) -> Audience {
        Audience { topics: self.topics(), last: Some(of.into()) }
    }

    /// Everybody who hears of what happens here.
    pub fn topics(&self) -> Vec<Topic> {
        let mut topics = vec![Topic::Conversation(self.conversation.id.as_str().into())];
        topics.extend(self.members.iter().map(|member| Topic::Party(member.as_str().into())));
        if !self.is_direct() {
            topics.push(Topic::Everyone);
            let department = self.conversation.department.as_deref().map(folded).unwrap_or_default();
            topics.push(Topic::Department(department.into()));
        }
        topics
    }
}

/// Departments are the same however they are written: `Front Office`, `front_office`.
pub fn folded(department: &str) -> String {
    department.to_lowercase().replace(' ', "_")
}
