//! Conversations as a list. In: a caller and what it wants to see. Out: the upstream's list where it has one, else what is
//! known of it here; only what the caller may see.

use std::sync::Arc;

use crate::backend::{Caller, Listed, Listing, Page};
use crate::dialect::{Call, ListingKind, Op};
use crate::directory::{Room, may_see};
use crate::event::{Conversation, ConversationState, Event, EventKind, Field, Fields, Value};
use crate::fault::{Fault, Reason};
use crate::upstream::Inner;

/// Conversations that are looked at for one list.
const LOOKED_AT: usize = 10_000;

impl Inner {
    /// A page of conversations: the upstream's list where it has one, else those that are known here.
    pub async fn list(&self, caller: &Caller, listing: Listing, page: Page) -> Result<(Vec<Listed>, usize), Fault> {
        let mut fields = Fields::new();
        fields.set(Field::PageNumber, Value::Integer(i64::try_from(page.number).unwrap_or(1)));
        fields.set(Field::PageSize, Value::Integer(i64::try_from(page.size).unwrap_or(10)));
        let wanted = match listing {
            Listing::Mine => ListingKind::Mine,
            Listing::Open => ListingKind::Open,
            Listing::Visible => ListingKind::Visible,
        };
        let call = [Op::SessionList, Op::Threads].into_iter().find_map(|op| {
            let call = self.call_for(op, caller, &fields, None)?;
            let same_listing = |other: &&Call| other.op == op && other.listing == wanted && other.roles == call.roles;
            Some(self.settings.dialect.calls.iter().find(same_listing).unwrap_or(call))
        });
        let Some(call) = call else { return self.known(caller, listing, page).await };
        let mut answer = self.ask(caller, call, &fields, None).await?;
        let count = answer.integer(Field::Count).and_then(|count| usize::try_from(count).ok());
        let account = self.account(caller);
        let records = self.names.inward_list(&mut answer, Field::Conversations, None).await?;
        let all = records.len();
        let mut listed = Vec::with_capacity(all);
        for record in records {
            let Some(one) = self.listed_record(caller, &record).await? else { continue };
            let room = Room { conversation: one.conversation.clone(), ..Room::default() };
            // The upstream lists it for an account of its own; for a shared one the gateway decides.
            let room = self.admit(&account, caller, room).await?;
            if may_see(caller, &room).is_ok() {
                listed.push(one);
            }
        }
        // How many there are is not told to whom they are not shown.
        let before = page.number.saturating_sub(1).saturating_mul(page.size);
        let count = count.filter(|_| listed.len() == all).unwrap_or(before.saturating_add(listed.len()));
        Ok((listed.into_iter().take(page.size).collect(), count))
    }

    /// A record of a list of conversations.
    pub async fn listed_record(&self, caller: &Caller, record: &Fields<'static>) -> Result<Option<Listed>, Fault> {
        let mut about = Fields::about(EventKind::ConversationUpdated);
        for (field, value) in record.iter() {
            about.set(field, value.clone());
        }
        let Some(mut event) = Event::from_fields(&about) else { return Ok(None) };
        let mut last = None;
        if let Some(mut inner) = record.list(Field::LastMessage).first().cloned() {
            self.names.inward(&mut inner, None).await?;
            if event.details.conversation.id.is_empty() {
                event.details.conversation.id = inner.id(Field::ConversationId).unwrap_or_default().into_owned();
            }
            if let Some(mut message) = Event::from_fields(&inner) {
                self.show_files(caller, &mut message).await?;
                message.details.conversation.id.clone_from(&event.details.conversation.id);
                last = Some(Arc::new(message));
            }
        }
        if event.details.conversation.id.is_empty() {
            return Ok(None);
        }
        let room = self.room_of(&event).await?;
        let said = std::mem::replace(&mut event.details.conversation, room.conversation.clone());
        let conversation = Conversation {
            last_message_at: said.last_message_at,
            preview: said.preview,
            unread: said.unread,
            state: said.state.or(room.conversation.state),
            created_at: said.created_at.or(room.conversation.created_at),
            updated_at: said.updated_at,
            ..room.conversation.clone()
        };
        let guest = if event.details.guest.is_empty() { room.guest } else { event.details.guest };
        Ok(Some(Listed { conversation, guest, members: Vec::new(), last }))
    }

    /// One conversation, as it is known here.
    pub async fn one(&self, caller: &Caller, conversation: &str) -> Result<Listed, Fault> {
        let account = self.account(caller);
        let room = self.visible(caller, &account, conversation).await?;
        if may_see(caller, &room).is_ok() {
            return self.as_listed(room).await;
        }
        // Where the caller is an account of its own, the upstream says whether it takes part.
        self.native_history(caller, conversation).await.map_err(|fault| match fault.reason {
            Reason::NotSupported => Fault::new(Reason::ConversationNotFound),
            _ => fault,
        })?;
        let room = self.admit(&account, caller, room).await?;
        self.as_listed(room).await
    }

    async fn as_listed(&self, room: Room) -> Result<Listed, Fault> {
        let mut members = Vec::new();
        for id in &room.members {
            members.extend(self.directory.party(id).await?);
        }
        Ok(Listed { conversation: room.conversation, guest: room.guest, members, last: None })
    }

    async fn known(&self, caller: &Caller, listing: Listing, page: Page) -> Result<(Vec<Listed>, usize), Fault> {
        let me = &*caller.principal.id;
        let mut rooms = self.directory.rooms_after(None, LOOKED_AT).await?;
        rooms.retain(|room| {
            let wanted = match listing {
                Listing::Mine => room.members.contains(me),
                Listing::Open => room.conversation.state == Some(ConversationState::Open),
                Listing::Visible => room.conversation.state != Some(ConversationState::Closed),
            };
            wanted && may_see(caller, room).is_ok()
        });
        let count = rooms.len();
        let skipped = page.number.saturating_sub(1).saturating_mul(page.size);
        let mut listed = Vec::new();
        for room in rooms.into_iter().skip(skipped).take(page.size) {
            listed.push(self.as_listed(room).await?);
        }
        Ok((listed, count))
    }
}
