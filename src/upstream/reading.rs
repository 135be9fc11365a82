//! What is read from an upstream: histories, lists, files. In: canonical ids. Out: events and conversations in canonical
//! names; what the upstream has no call for is answered from what is known of it.

use std::sync::Arc;

use crate::backend::{Caller, Listed, Listing, Page};
use crate::dialect::{Call, ListingKind, Op};
use crate::directory::Room;
use crate::event::{Conversation, ConversationState, Event, EventKind, Field, Fields, MessageKind, Value};
use crate::fault::{Fault, Reason};

use super::Inner;
use super::correlator::From;
use super::hearing::Told;

/// Conversations that are looked at for one list.
const LOOKED_AT: usize = 10_000;

impl Inner {
    /// The messages of a conversation as the upstream's history has them, in canonical names.
    pub async fn native_history(&self, caller: &Caller, conversation: &str) -> Result<Vec<Fields<'static>>, Fault> {
        let mut fields = Fields::new();
        fields.set_text(Field::ConversationId, conversation);
        self.names.outward(&mut fields).await?;
        let call = [Op::History, Op::SessionShow, Op::SessionOpen]
            .into_iter()
            .find_map(|op| self.call_for(op, caller, &fields, None).filter(|call| tells(call, Field::Messages)));
        let call = call.ok_or_else(|| Fault::new(Reason::NotSupported).detail("the upstream has no history"))?;
        let mut answer = self.ask(caller, call, &fields, None).await?;
        let mut records = self.records(caller, &mut answer).await?;
        for record in &mut records {
            record.set_text(Field::ConversationId, conversation);
        }
        // Oldest first, whatever the dialect's order is.
        if call.page.newest_first {
            records.reverse();
        }
        Ok(records)
    }

    async fn records(&self, caller: &Caller, answer: &mut Fields<'static>) -> Result<Vec<Fields<'static>>, Fault> {
        let account = self.account(caller);
        let known = account.known();
        let Some(Value::List(mut records)) = answer.remove(Field::Messages) else { return Ok(Vec::new()) };
        let us = known.id.as_deref().filter(|_| !account.shared).map(|id| (id, &*caller.principal.id));
        for record in &mut records {
            let told = Told::of(record);
            let from = self.whose(&account, &told);
            self.names.inward(record, us).await?;
            if from == From::Us
                && account.shared
                && let Some(role) = caller.principal.role
            {
                record.set_text(Field::SenderRole, role.as_str());
            }
        }
        Ok(records)
    }

    pub async fn messages(&self, caller: &Caller, conversation: &str, page: Page) -> Result<Vec<Arc<Event>>, Fault> {
        let account = self.account(caller);
        let room = self.visible(caller, &account, conversation).await?;
        self.ensure_named(caller, &room).await?;
        let mut events = Vec::new();
        for record in self.native_history(caller, conversation).await? {
            let Some(mut event) = Event::from_fields(&record) else { continue };
            event.details.conversation = room.conversation.clone();
            event.details.guest = room.guest.clone();
            event.details.origin.dialect = Some(self.settings.dialect.name.to_string());
            if event.details.sender.id.is_empty() {
                event.details.sender.id = self.unnamed(&event);
            }
            if event.details.id.is_empty() || !self.tells_ids() {
                event.details.id = self.synthetic_id(&event);
            }
            // A history tells where its files are; one that does not is not asked for again.
            if event.details.attachment.url.is_some() || event.details.attachment.path.is_some() {
                self.show_files(caller, &mut event).await?;
            }
            events.push(Arc::new(event));
        }
        let kept = self.kept(conversation).await?;
        if !kept.is_empty() {
            events.extend(kept.into_iter().map(|event| in_room(&event, &room)));
            events.sort_by_key(|event| event.details.sent_at);
        }
        let skipped = page.number.saturating_sub(1).saturating_mul(page.size);
        if page.newest_first {
            events.reverse();
        } else if events.len() > page.size && page.number == 1 {
            // Of a long history the latest are shown.
            events.drain(..events.len() - page.size);
        }
        Ok(events.into_iter().skip(skipped).take(page.size).collect())
    }

    pub async fn files(&self, caller: &Caller, conversation: &str) -> Result<Vec<Arc<Event>>, Fault> {
        let page = Page { number: 1, size: LOOKED_AT, newest_first: true };
        let mut events = self.messages(caller, conversation, page).await?;
        events.retain(|event| event.kind.message().is_some_and(MessageKind::is_file));
        Ok(events)
    }

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
        let mut listed = Vec::with_capacity(records.len());
        for record in records {
            if let Some(one) = self.listed_record(caller, &record).await?
                && (!account.shared || self.visible(caller, &account, &one.conversation.id).await.is_ok())
            {
                listed.push(one);
            }
        }
        let count = count.unwrap_or(listed.len());
        Ok((listed.into_iter().take(page.size).collect(), count))
    }

    async fn listed_record(&self, caller: &Caller, record: &Fields<'static>) -> Result<Option<Listed>, Fault> {
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
            wanted && crate::directory::may_see(caller, room).is_ok()
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

/// A kept message under its conversation's own name.
fn in_room(event: &Event, room: &Room) -> Arc<Event> {
    let mut event = event.clone();
    event.details.conversation = room.conversation.clone();
    event.details.sequence = None;
    Arc::new(event)
}

/// Whether a call's answer has a place for this.
fn tells(call: &Call, field: Field) -> bool {
    let shapes = &call.answer.shapes;
    (0..shapes.frames.len()).any(|at| shapes.told(at).contains(&field))
}
