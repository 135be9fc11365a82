//! Canonical names → a dialect's, from the viewer's point of view. In: an event or a conversation. Out: fields ready to
//! be written, or nothing where the dialect has no name for such a conversation.

use crate::auth::Principal;
use crate::dialect::{ConversationName, Dialect};
use crate::event::{ConversationKind, Event, Field, Fields, IdForm, Resource};
use crate::fault::Fault;

use super::Naming;

impl Naming {
    /// The event in the dialect's names, as this viewer sees it; `None` when it is not for clients of this dialect.
    pub async fn outward(
        &self,
        dialect: &Dialect,
        viewer: &Principal,
        event: &Event,
    ) -> Result<Option<Fields<'static>>, Fault> {
        if !self.is_visible(dialect, event) {
            return Ok(None);
        }
        let mut fields = event.fields().into_owned();
        self.see_pair(dialect, viewer, event, &mut fields);
        self.rename(dialect, &mut fields).await?;
        Ok(Some(fields))
    }

    /// Replaces canonical ids by the dialect's in any record of fields.
    pub async fn rename(&self, dialect: &Dialect, fields: &mut Fields<'static>) -> Result<(), Fault> {
        let rest = Field::PARTIES.into_iter().map(|field| (field, Resource::Party));
        let all =
            [(Field::Id, Resource::Message), (Field::ConversationId, Resource::Conversation)].into_iter().chain(rest);
        for (field, resource) in all {
            let Some(canonical) = fields.text(field) else { continue };
            if let Some(native) = self.renamed(dialect, resource, canonical).await? {
                fields.set_text(field, native);
            }
        }
        Ok(())
    }

    /// `None` where the canonical id is the native one.
    async fn renamed(&self, dialect: &Dialect, resource: Resource, canonical: &str) -> Result<Option<String>, Fault> {
        // Message ids are decimal numbers of the journal: integer dialects use them as they are, without a look-up.
        let is_number = resource == Resource::Message && canonical.bytes().all(|byte| byte.is_ascii_digit());
        match dialect.ids.form(resource) {
            IdForm::Integer if is_number => Ok(None),
            IdForm::Text if resource != Resource::Conversation => Ok(None),
            IdForm::Integer | IdForm::Uuid | IdForm::Text => self.native(dialect, resource, canonical).await.map(Some),
        }
    }

    /// One-to-one content never reaches a group, and a group has no pair unless the operator gave it one.
    fn is_visible(&self, dialect: &Dialect, event: &Event) -> bool {
        let conversation = &event.details.conversation;
        let direct = conversation.kind == Some(ConversationKind::Direct);
        match dialect.naming.name {
            ConversationName::Pair => direct || self.pins.pair(&dialect.name, &conversation.id).is_some(),
            ConversationName::Id | ConversationName::Keys(_) => !direct,
        }
    }

    /// In a dialect of pairs a message is from one of two to the other.
    fn see_pair(&self, dialect: &Dialect, viewer: &Principal, event: &Event, fields: &mut Fields<'static>) {
        if dialect.naming.name != ConversationName::Pair {
            return;
        }
        let Some((us, them)) = self.pins.pair(&dialect.name, &event.details.conversation.id) else {
            let other =
                if event.details.sender.id == *viewer.id { &event.details.receiver } else { &event.details.sender };
            fields.set_text(Field::OtherId, other.id.clone());
            if let Some(name) = &other.name {
                fields.set_text(Field::OtherName, name.clone());
            }
            return;
        };
        let (sender, receiver) = if event.details.sender.id == *us { (us, them) } else { (them, us) };
        fields.set_text(Field::SenderId, sender.clone());
        fields.set_text(Field::ReceiverId, receiver.clone());
        fields.set_text(Field::OtherId, them.clone());
    }
}
