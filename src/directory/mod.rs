//! Parties and conversations that a backend knows: journaled documents behind a cache. In: principals that passed,
//! pinned conversations. Out: rooms and parties, and who may see what.

mod access;
mod room;
mod subscriptions;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::auth::Principal;
use crate::event::{Conversation, ConversationKind, ConversationState, Party, Timestamp};
use crate::fault::{Fault, Reason};
use crate::journal::{Collection, Journal, Put};
use crate::naming::{PinnedConversation, PinnedName, fault};

pub use access::{may_lead, may_see};
pub use room::{Room, folded};
pub use subscriptions::Subscriptions;

/// Rooms and parties that are kept in memory; beyond it the cache starts anew. What other replicas may change is not.
const CACHED: usize = 50_000;

pub struct Directory {
    journal: Arc<dyn Journal>,
    /// Where its conversations are kept, and what stands before their ids there.
    collection: Collection,
    prefix: String,
    rooms: Mutex<HashMap<String, Room>>,
    parties: Mutex<HashMap<String, Party>>,
}

impl Directory {
    /// The hub's own conversations.
    pub fn of_hub(journal: Arc<dyn Journal>) -> Self {
        Directory::over(journal, Collection::Conversations, String::new())
    }

    /// What is known of the conversations of an upstream.
    pub fn of_upstream(journal: Arc<dyn Journal>, upstream: &str) -> Self {
        Directory::over(journal, Collection::Bridged, format!("{upstream}/"))
    }

    fn over(journal: Arc<dyn Journal>, collection: Collection, prefix: String) -> Self {
        Directory { journal, collection, prefix, rooms: Mutex::default(), parties: Mutex::default() }
    }

    fn key(&self, id: &str) -> String {
        format!("{}{id}", self.prefix)
    }

    /// Makes pinned conversations and their named parties known.
    pub async fn pin(&self, pinned: &[PinnedConversation]) -> Result<(), Fault> {
        for pin in pinned {
            let known = self.room(&pin.name).await?;
            let mut room = known.clone().unwrap_or_default();
            let is_new = room.conversation.id.is_empty();
            room.conversation.id.clone_from(&pin.name);
            room.conversation.kind = Some(pin.kind.unwrap_or(ConversationKind::Department));
            room.conversation.department.clone_from(&pin.department);
            room.conversation.business = pin.business.clone().or(room.conversation.business);
            room.conversation.post_token = pin.post_token.clone().or(room.conversation.post_token);
            if let Some(guest) = &pin.guest {
                room.guest = guest.clone();
            }
            if is_new {
                room.conversation.state = Some(ConversationState::Open);
                room.conversation.created_at = Some(Timestamp::now());
            }
            let mut documents = Vec::new();
            room.programs = pin.names.iter().map(|(dialect, _)| dialect.clone()).collect();
            for (_, name) in &pin.names {
                self.seat(&mut room, name, &mut documents);
            }
            let documents = self.new_of(documents).await?;
            // Each write waits for its turn among those of a busy gateway; a reload finds most of them done.
            if known.as_ref() != Some(&room) || !documents.is_empty() {
                self.save(&room, documents).await?;
            }
        }
        Ok(())
    }

    /// Those that say something new. Of a party that is known more may be known than a pin says.
    async fn new_of(&self, documents: Vec<Put>) -> Result<Vec<Put>, Fault> {
        let mut new = Vec::new();
        for put in documents {
            let found = self.journal.get(put.collection, &put.key).await.map_err(fault)?;
            let is_known = found.is_some() && (found == put.value || put.collection == Collection::Parties);
            if !is_known {
                new.push(put);
            }
        }
        Ok(new)
    }

    /// Whoever a name gives a place in the room.
    fn seat(&self, room: &mut Room, name: &PinnedName, documents: &mut Vec<Put>) {
        match name {
            PinnedName::Id(_) => {}
            PinnedName::Pair(pair) => {
                for id in pair {
                    let party = Party { id: id.clone(), ..Party::default() };
                    documents.extend(document(Collection::Parties, id, &party));
                }
                // The first is a member; the second only stands for the room.
                room.members.insert(pair[0].clone());
            }
            PinnedName::Keys(keys) => {
                if let Some(owner) = keys.get("store").or_else(|| keys.get("owner")) {
                    room.members.insert(owner.clone());
                    room.conversation.owner = Some(owner.clone());
                    documents.push(self.active_session("", owner, Some(&room.conversation.id)));
                }
                let customer = keys.get("external_customer_id").or_else(|| keys.get("customer"));
                if let (Some(business), Some(customer)) = (keys.get("business"), customer) {
                    room.conversation.business = Some(business.clone());
                    room.conversation.customer = Some(customer.clone());
                    documents.push(self.active_session(business, customer, Some(&room.conversation.id)));
                }
            }
        }
    }

    fn rooms(&self) -> MutexGuard<'_, HashMap<String, Room>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn parties(&self) -> MutexGuard<'_, HashMap<String, Party>> {
        self.parties.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub async fn room(&self, id: &str) -> Result<Option<Room>, Fault> {
        if let Some(room) = self.rooms().get(id).filter(|_| !self.journal.is_shared()) {
            return Ok(Some(room.clone()));
        }
        let room: Option<Room> = self.find(self.collection, &self.key(id)).await?;
        if let Some(room) = &room {
            remember(&mut self.rooms(), id, room);
        }
        Ok(room)
    }

    /// Writes a room and whatever must be written with it.
    pub async fn save(&self, room: &Room, mut documents: Vec<Put>) -> Result<(), Fault> {
        documents.extend(document(self.collection, &self.key(&room.conversation.id), room));
        self.journal.put(documents).await.map_err(fault)?;
        remember(&mut self.rooms(), &room.conversation.id, room);
        Ok(())
    }

    /// A room for an event that makes one; the caller and the receiver are its members.
    pub async fn create(&self, conversation: &Conversation, members: &[&str]) -> Result<Room, Fault> {
        let mut room = Room { conversation: conversation.clone(), ..Room::default() };
        room.conversation.state = Some(ConversationState::Active);
        room.conversation.created_at = Some(Timestamp::now());
        room.members.extend(members.iter().filter(|member| !member.is_empty()).map(|member| (*member).to_owned()));
        self.save(&room, Vec::new()).await?;
        Ok(room)
    }

    pub async fn party(&self, id: &str) -> Result<Option<Party>, Fault> {
        if let Some(party) = self.parties().get(id).filter(|_| !self.journal.is_shared()) {
            return Ok(Some(party.clone()));
        }
        let party: Option<Party> = self.find(Collection::Parties, id).await?;
        if let Some(party) = &party {
            remember(&mut self.parties(), id, party);
        }
        Ok(party)
    }

    /// Makes a principal known, or what is new about it. What a credential does not say is kept.
    pub async fn remember(&self, principal: &Principal) -> Result<Party, Fault> {
        let known = self.party(&principal.id).await?;
        let mut party = known.clone().unwrap_or_default();
        party.id = principal.id.to_string();
        party.role = principal.role.or(party.role);
        party.name = principal.name.clone().or(party.name);
        if known.as_ref() != Some(&party) {
            let put = document(Collection::Parties, &party.id, &party);
            self.journal.put(put.into_iter().collect()).await.map_err(fault)?;
            remember(&mut self.parties(), &party.id, &party);
        }
        Ok(party)
    }

    /// Every room, in order of its id, a page at a time.
    pub async fn rooms_after(&self, after: Option<&str>, limit: usize) -> Result<Vec<Room>, Fault> {
        let after = after.map(|id| self.key(id));
        let found = self.journal.scan(self.collection, &self.prefix, after.as_deref(), limit).await.map_err(fault)?;
        found.iter().map(|(_, bytes)| parsed(bytes)).collect()
    }

    /// The conversation of a guest's one active session at a business.
    pub async fn session(&self, business: &str, guest: &str) -> Result<Option<String>, Fault> {
        self.find(Collection::ActiveSessions, &self.key(&session_key(business, guest))).await
    }

    /// What makes it that, once written; `None`: the guest may open another.
    pub fn active_session(&self, business: &str, guest: &str, conversation: Option<&str>) -> Put {
        let value = conversation.map(|id| serde_json::Value::from(id).to_string().into_bytes());
        Put { collection: Collection::ActiveSessions, key: self.key(&session_key(business, guest)), value }
    }

    /// A document of a collection.
    pub async fn find<T: DeserializeOwned>(&self, collection: Collection, key: &str) -> Result<Option<T>, Fault> {
        let found = self.journal.get(collection, key).await.map_err(fault)?;
        found.map(|bytes| parsed(&bytes)).transpose()
    }
}

fn remember<T: Clone>(cache: &mut HashMap<String, T>, key: &str, value: &T) {
    if cache.len() >= CACHED {
        cache.clear();
    }
    cache.insert(key.to_owned(), value.clone());
}

/// A document as it was written.
pub fn parsed<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Fault> {
    serde_json::from_slice(bytes).map_err(|error| Fault::new(Reason::Internal).detail(error.to_string()))
}

/// A document to be written; what cannot be serialised does not exist in this model.
pub fn document<T: Serialize>(collection: Collection, key: &str, value: &T) -> Option<Put> {
    let value = serde_json::to_vec(value).ok()?;
    Some(Put { collection, key: key.to_owned(), value: Some(value) })
}

/// The key of the one active session of a guest at a business. The separator cannot be part of a name in JSON text.
fn session_key(business: &str, guest: &str) -> String {
    format!("{business}\u{1f}{guest}")
}
