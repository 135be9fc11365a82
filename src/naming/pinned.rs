//! Conversations whose names an operator fixed in advance. In: the checked `[[conversations]]` of a config. Out: plain
//! data; the names are reserved before any id is allocated.

use std::collections::BTreeMap;

use crate::event::{ConversationKind, Guest};

/// One conversation and its name in each dialect.
#[derive(Debug, Clone, PartialEq)]
pub struct PinnedConversation {
    /// Unique in the config; also the canonical id of the conversation.
    pub name: String,
    pub kind: Option<ConversationKind>,
    pub department: Option<String>,
    pub business: Option<String>,
    /// The post that it is about, in dialects of market places.
    pub post_token: Option<String>,
    pub guest: Option<Guest>,
    /// Dialect and what it calls this conversation, in the order of the file; a dialect occurs once.
    pub names: Vec<(String, PinnedName)>,
}

impl PinnedConversation {
    /// What a dialect calls this conversation, where the file says.
    pub fn named_in(&self, dialect: &str) -> Option<&PinnedName> {
        self.names.iter().find(|(name, _)| name == dialect).map(|(_, name)| name)
    }
}

/// How a dialect names one conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PinnedName {
    /// Its id there; integers as digits.
    Id(String),
    /// Two parties, for dialects whose conversations are pairs: us, them.
    Pair([String; 2]),
    /// The keys that its session is found by.
    Keys(BTreeMap<String, String>),
}
