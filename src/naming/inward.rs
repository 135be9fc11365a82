//! A client's names → canonical ones. In: the fields of a frame or call. Out: the same with canonical ids and the
//! conversation found, or made where the dialect says that naming one makes it.

use uuid::Uuid;

use crate::backend::Caller;
use crate::dialect::{ConversationName, CreateConversation, Dialect};
use crate::event::{ConversationKind, Field, Fields, Resource, Value};
use crate::fault::{Fault, Reason};
use crate::journal::Collection;

use super::{Naming, direct, fault, namespace};

impl Naming {
    /// Replaces the dialect's names by canonical ones.
    pub async fn inward(&self, dialect: &Dialect, caller: &Caller, fields: &mut Fields<'_>) -> Result<(), Fault> {
        for field in [Field::ProfileId, Field::ReceiverId] {
            if let Some(native) = fields.id(field).map(std::borrow::Cow::into_owned) {
                // The receiver of a pair may be a pinned stand-in, which is looked at below.
                let known = self.known_party(dialect, &native).await?;
                match known {
                    Some(canonical) => fields.set_text(field, canonical),
                    None if field == Field::ReceiverId
                        && dialect.naming.create == CreateConversation::Send
                        && dialect.naming.name != ConversationName::Pair => {}
                    None => return Err(Fault::new(Reason::PartyNotFound).at(field)),
                }
            }
        }
        if let Some(native) = fields.id(Field::ConversationId).map(std::borrow::Cow::into_owned) {
            let canonical = self.named_conversation(dialect, &native, fields).await?;
            fields.set_text(Field::ConversationId, canonical);
        } else if let Some(receiver) = fields.id(Field::ReceiverId).map(std::borrow::Cow::into_owned) {
            self.pair_conversation(dialect, caller, &receiver, fields)?;
        }
        Ok(())
    }

    /// A party that has presented a credential, or that the operator pinned.
    async fn known_party(&self, dialect: &Dialect, native: &str) -> Result<Option<String>, Fault> {
        if let Some(canonical) = self.canonical(dialect, Resource::Party, native).await? {
            return Ok(Some(canonical));
        }
        let known = self.journal.get(Collection::Parties, native).await.map_err(fault)?;
        Ok(known.map(|_| native.to_owned()))
    }

    async fn named_conversation(
        &self,
        dialect: &Dialect,
        native: &str,
        fields: &mut Fields<'_>,
    ) -> Result<String, Fault> {
        if let Some(canonical) = self.canonical(dialect, Resource::Conversation, native).await? {
            return Ok(canonical);
        }
        let is_send = fields.kind().is_some_and(|kind| kind.message().is_some());
        if dialect.naming.create != CreateConversation::Send
            || !is_send
            || dialect.naming.name == ConversationName::Pair
        {
            return Err(Fault::new(Reason::ConversationNotFound).at(Field::ConversationId));
        }
        // Two first sends at once may both come here; the id map decides which of the two new ids stays.
        let fresh = Uuid::now_v7().to_string();
        let names = namespace(dialect, Resource::Conversation);
        if self.journal.bind(&names, &fresh, native).await.is_err() {
            let settled = self.canonical(dialect, Resource::Conversation, native).await?;
            return settled.ok_or_else(|| Fault::new(Reason::Unavailable));
        }
        set_kind_if_absent(fields, dialect.naming.kind);
        Ok(fresh)
    }

    /// The conversation with another party: the pinned one, else that of the two.
    fn pair_conversation(
        &self,
        dialect: &Dialect,
        caller: &Caller,
        receiver: &str,
        fields: &mut Fields<'_>,
    ) -> Result<(), Fault> {
        if receiver == &*caller.principal.id {
            return Err(Fault::new(Reason::SelfAddressed).at(Field::ReceiverId));
        }
        if let Some(conversation) = self.pins.conversation(&dialect.name, &caller.principal.id, receiver) {
            fields.set_text(Field::ConversationId, conversation);
            fields.remove(Field::ReceiverId);
            return Ok(());
        }
        fields.set_text(Field::ConversationId, direct(&caller.principal.id, receiver));
        set_kind_if_absent(fields, dialect.naming.kind);
        Ok(())
    }
}

fn set_kind_if_absent(fields: &mut Fields<'_>, kind: ConversationKind) {
    if !fields.has(Field::ConversationKind) {
        fields.set(Field::ConversationKind, Value::text(kind.as_str()));
    }
}
