//! Canonical ids ↔ an upstream's. In: fields in canonical names on their way out, fields in native names on their way
//! in. Out: the same with the other's. The pairs are durable, and each upstream's are its own.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use uuid::Uuid;

use crate::dialect::{ConversationName, Dialect, family};
use crate::event::{Field, Fields, IdForm, Resource, Value};
use crate::fault::{Fault, Reason};
use crate::journal::{Journal, JournalError, Namespace};
use crate::naming::{PinnedConversation, PinnedName, direct, fault};

/// The names of one upstream.
pub struct Names {
    upstream: Arc<str>,
    dialect: Arc<Dialect>,
    journal: Arc<dyn Journal>,
    /// Conversation → what the operator says it is called there.
    pinned: HashMap<String, PinnedName>,
    /// (us, them) → conversation.
    by_pair: HashMap<(String, String), String>,
}

impl Names {
    /// Reserves what is pinned: by the upstream's own name, else by that of its dialect.
    pub async fn open(
        upstream: Arc<str>,
        dialect: Arc<Dialect>,
        journal: Arc<dyn Journal>,
        pinned: &[PinnedConversation],
    ) -> Result<Self, JournalError> {
        let spoken = family(&dialect.name).to_owned();
        let mut names = Names { upstream, dialect, journal, pinned: HashMap::new(), by_pair: HashMap::new() };
        for conversation in pinned {
            let Some(name) = conversation.named_in(&names.upstream).or_else(|| conversation.named_in(&spoken)) else {
                continue;
            };
            let id = match name {
                PinnedName::Id(id) => Some(id),
                PinnedName::Keys(keys) => keys.get("id"),
                PinnedName::Pair([us, them]) => {
                    names.by_pair.insert((us.clone(), them.clone()), conversation.name.clone());
                    None
                }
            };
            if let Some(id) = id {
                let namespace = names.namespace(Resource::Conversation);
                names.journal.bind(&namespace, &conversation.name, id).await?;
            }
            names.pinned.insert(conversation.name.clone(), name.clone());
        }
        Ok(names)
    }

    fn namespace(&self, resource: Resource) -> Namespace {
        // A dialect has no space in its name, so that no upstream is taken for one.
        Namespace { owner: format!("upstream {}", self.upstream).into(), resource }
    }

    /// The conversations that the operator named here.
    pub fn pinned(&self) -> impl Iterator<Item = &str> {
        self.pinned.keys().map(String::as_str)
    }

    /// Who stands for a conversation: (us, them).
    pub fn pair(&self, conversation: &str) -> Option<(&str, &str)> {
        match self.pinned.get(conversation) {
            Some(PinnedName::Pair([us, them])) => Some((us, them)),
            Some(PinnedName::Id(_) | PinnedName::Keys(_)) | None => None,
        }
    }

    /// The keys that a session is found by.
    pub fn keys(&self, conversation: &str) -> Option<&BTreeMap<String, String>> {
        match self.pinned.get(conversation) {
            Some(PinnedName::Keys(keys)) => Some(keys),
            Some(PinnedName::Id(_) | PinnedName::Pair(_)) | None => None,
        }
    }

    /// What the upstream calls a conversation, if it has a name there.
    pub async fn conversation(&self, canonical: &str) -> Result<Option<String>, Fault> {
        self.journal.bound(&self.namespace(Resource::Conversation), canonical).await.map_err(fault)
    }

    /// Fixes what the upstream calls a conversation; of two at once the first stands, and is given back.
    pub async fn name_conversation(&self, canonical: &str, native: &str) -> Result<String, Fault> {
        let namespace = self.namespace(Resource::Conversation);
        match self.journal.bind(&namespace, canonical, native).await {
            Ok(()) => Ok(canonical.to_owned()),
            Err(JournalError::Bound { bound, .. }) => Ok(bound),
            Err(error) => Err(fault(error)),
        }
    }

    /// The conversation that the upstream calls so; known from now on.
    pub async fn conversation_of(&self, native: &str) -> Result<String, Fault> {
        let namespace = self.namespace(Resource::Conversation);
        match self.journal.canonical(&namespace, native).await.map_err(fault)? {
            Some(canonical) => Ok(canonical),
            None => self.name_conversation(&Uuid::now_v7().to_string(), native).await,
        }
    }

    /// Whether a message of this native id was noted before.
    pub async fn is_known(&self, native: &str) -> Result<bool, Fault> {
        Ok(self.journal.canonical(&self.namespace(Resource::Message), native).await.map_err(fault)?.is_some())
    }

    /// Notes that a message of this native id came.
    pub async fn note(&self, native: &str) -> Result<(), Fault> {
        self.journal.bind(&self.namespace(Resource::Message), &self.message(native), native).await.map_err(fault)
    }

    /// Canonical ids of an upstream's messages: integers are as they are, so that dialects of integers need no look-up.
    fn message(&self, native: &str) -> String {
        match self.dialect.ids.message {
            IdForm::Integer => native.to_owned(),
            IdForm::Uuid | IdForm::Text => format!("{}.{native}", self.upstream),
        }
    }

    fn native_message<'a>(&self, canonical: &'a str) -> &'a str {
        canonical.strip_prefix(&*self.upstream).and_then(|rest| rest.strip_prefix('.')).unwrap_or(canonical)
    }

    /// The party that the upstream calls so. UUIDs are the same everywhere; other ids are told apart by the upstream.
    async fn party_of(&self, native: &str) -> Result<String, Fault> {
        let namespace = self.namespace(Resource::Party);
        if let Some(canonical) = self.journal.canonical(&namespace, native).await.map_err(fault)? {
            return Ok(canonical);
        }
        let canonical = match Uuid::try_parse(native) {
            Ok(_) => native.to_owned(),
            Err(_) => format!("{}.{native}", self.upstream),
        };
        match self.journal.bind(&namespace, &canonical, native).await {
            Ok(()) => Ok(canonical),
            Err(JournalError::Bound { bound, .. }) => Ok(bound),
            Err(error) => Err(fault(error)),
        }
    }

    /// Replaces the upstream's names by canonical ones, in lists and records too. `us` is how the upstream calls the
    /// account that reads, and who that is here.
    pub async fn inward(&self, fields: &mut Fields<'static>, us: Option<(&str, &str)>) -> Result<(), Fault> {
        let natives = [Field::SenderId, Field::ReceiverId].map(|field| fields.id(field).map(|id| id.into_owned()));
        for field in Field::PARTIES {
            let Some(native) = fields.id(field).map(|id| id.into_owned()) else { continue };
            let canonical = match us {
                Some((here, me)) if here == native => me.to_owned(),
                Some(_) | None => self.party_of(&native).await?,
            };
            fields.set_text(field, canonical);
        }
        if let Some(id) = fields.id(Field::Id).map(|id| self.message(&id)) {
            fields.set_text(Field::Id, id);
        }
        match (&self.dialect.naming.name, &natives) {
            (ConversationName::Pair, [Some(sender), Some(receiver)]) => {
                let (one, other) = (fields.id(Field::SenderId), fields.id(Field::ReceiverId));
                let unpinned = direct(&one.unwrap_or_default(), &other.unwrap_or_default());
                fields.set_text(Field::ConversationId, self.pair_of(sender, receiver).unwrap_or(unpinned));
            }
            (ConversationName::Pair, _) => {}
            (ConversationName::Id | ConversationName::Keys(_), _) => {
                if let Some(native) = fields.id(Field::ConversationId).map(|id| id.into_owned()) {
                    fields.set_text(Field::ConversationId, self.conversation_of(&native).await?);
                }
            }
        }
        Ok(())
    }

    /// The conversation that the operator gave two parties of the upstream.
    pub fn pair_of(&self, one: &str, other: &str) -> Option<String> {
        let key = |one: &str, other: &str| (one.to_owned(), other.to_owned());
        self.by_pair.get(&key(one, other)).or_else(|| self.by_pair.get(&key(other, one))).cloned()
    }

    /// Replaces canonical names by the upstream's. The conversation must have a name there.
    pub async fn outward(&self, fields: &mut Fields<'static>) -> Result<(), Fault> {
        if let Some(id) = fields.id(Field::ConversationId).map(|id| id.into_owned()) {
            match (&self.dialect.naming.name, self.pair(&id)) {
                (ConversationName::Pair, Some((us, them))) => {
                    fields.set_text(Field::SenderId, us);
                    fields.set_text(Field::ReceiverId, them);
                    fields.remove(Field::ConversationId);
                }
                (ConversationName::Pair, None) => {
                    return Err(Fault::new(Reason::ConversationNotFound).detail("it names nobody there"));
                }
                (ConversationName::Id | ConversationName::Keys(_), _) => {
                    let native = self.conversation(&id).await?;
                    let native = native.ok_or_else(|| Fault::new(Reason::ConversationNotFound))?;
                    fields.set_text(Field::ConversationId, native);
                }
            }
        }
        if let Some(id) = fields.id(Field::Id).map(|id| self.native_message(&id).to_owned()) {
            fields.set_text(Field::Id, id);
        }
        for field in Field::PARTIES {
            let is_set = self.dialect.naming.name == ConversationName::Pair
                && matches!(field, Field::SenderId | Field::ReceiverId);
            let Some(canonical) = fields.id(field).map(|id| id.into_owned()).filter(|_| !is_set) else { continue };
            match self.journal.bound(&self.namespace(Resource::Party), &canonical).await.map_err(fault)? {
                Some(native) => fields.set_text(field, native),
                // Whoever the upstream has not named is nobody there.
                None => drop(fields.remove(field)),
            }
        }
        Ok(())
    }

    /// Every record of a list in canonical names.
    pub async fn inward_list(
        &self,
        fields: &mut Fields<'static>,
        list: Field,
        us: Option<(&str, &str)>,
    ) -> Result<Vec<Fields<'static>>, Fault> {
        let Some(Value::List(mut records)) = fields.remove(list) else { return Ok(Vec::new()) };
        for record in &mut records {
            self.inward(record, us).await?;
        }
        Ok(records)
    }
}

#[cfg(test)]
mod tests;
