//! Pinned names, ready to be asked: which conversation a pair of parties means, which pair stands for a conversation.

use std::collections::HashMap;
use std::sync::Arc;

use crate::dialect::{Dialect, family};
use crate::event::Resource;
use crate::journal::Namespace;

use super::pinned::{PinnedConversation, PinnedName};

#[derive(Default)]
pub struct Pins {
    /// (dialect, us, them) → conversation.
    by_pair: HashMap<(String, String, String), String>,
    /// (dialect, conversation) → (us, them).
    by_conversation: HashMap<(String, String), (String, String)>,
    reserved: Vec<(Namespace, String, String)>,
}

impl Pins {
    pub fn new(pinned: &[PinnedConversation], dialects: &[Arc<Dialect>]) -> Self {
        let mut pins = Pins::default();
        for conversation in pinned {
            for (dialect, name) in &conversation.names {
                let known = dialects.iter().any(|known| family(&known.name) == dialect);
                if known {
                    pins.add(&conversation.name, dialect, name);
                }
            }
        }
        pins
    }

    fn add(&mut self, conversation: &str, dialect: &str, name: &PinnedName) {
        match name {
            PinnedName::Id(id) => self.reserve(dialect, Resource::Conversation, conversation, id),
            PinnedName::Keys(keys) => {
                if let Some(id) = keys.get("id") {
                    self.reserve(dialect, Resource::Conversation, conversation, id);
                }
            }
            PinnedName::Pair([us, them]) => {
                let key = (dialect.to_owned(), us.clone(), them.clone());
                self.by_pair.insert(key, conversation.to_owned());
                let pair = (us.clone(), them.clone());
                self.by_conversation.insert((dialect.to_owned(), conversation.to_owned()), pair);
                // Their ids in this dialect are what the operator wrote.
                self.reserve(dialect, Resource::Party, us, us);
                self.reserve(dialect, Resource::Party, them, them);
            }
        }
    }

    fn reserve(&mut self, dialect: &str, resource: Resource, canonical: &str, native: &str) {
        let namespace = Namespace { owner: dialect.into(), resource };
        self.reserved.push((namespace, canonical.to_owned(), native.to_owned()));
    }

    pub fn reserved(&self) -> Vec<(Namespace, String, String)> {
        self.reserved.clone()
    }

    /// The conversation that a party means by writing to another.
    pub fn conversation(&self, dialect: &str, us: &str, them: &str) -> Option<&str> {
        self.by_pair.get(&(family(dialect).to_owned(), us.to_owned(), them.to_owned())).map(String::as_str)
    }

    /// Who stands for a conversation: (us, them).
    pub fn pair(&self, dialect: &str, conversation: &str) -> Option<&(String, String)> {
        self.by_conversation.get(&(family(dialect).to_owned(), conversation.to_owned()))
    }
}
