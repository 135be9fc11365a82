//! What is read from an upstream: histories, lists, files. In: canonical ids. Out: events and conversations in canonical
//! names; what the upstream has no call for is answered from what is known of it.

mod file;
mod kept;
mod listing;

use std::sync::Arc;

use crate::backend::{Caller, Page};
use crate::dialect::{Call, Op};
use crate::directory::Room;
use crate::event::{Event, Field, Fields, MessageKind, Value};
use crate::fault::{Fault, Reason};

use super::Inner;
use super::correlator::From;
use super::hearing::Told;

/// Conversations that are looked at for one list.
const LOOKED_AT: usize = 10_000;

/// A message of an upstream's history, in canonical names.
pub struct Record {
    pub fields: Fields<'static>,
    /// The same sender in the upstream's names.
    pub told: Told,
}

impl Inner {
    /// The messages of a conversation as the upstream's history has them, oldest first, at most [`LOOKED_AT`].
    pub async fn native_history(&self, caller: &Caller, conversation: &str) -> Result<Vec<Record>, Fault> {
        let mut fields = Fields::new();
        fields.set_text(Field::ConversationId, conversation);
        self.names.outward(&mut fields).await?;
        let call = self.history_call(caller, &fields);
        let call = call.ok_or_else(|| Fault::new(Reason::NotSupported).detail("the upstream has no history"))?;
        // As much as one page may hold.
        fields.set(Field::PageNumber, Value::Integer(1));
        fields.set(Field::PageSize, Value::Integer(i64::try_from(call.page.max).unwrap_or(i64::MAX)));
        let mut answer = self.ask(caller, call, &fields, None).await?;
        let Some(Value::List(mut read)) = answer.remove(Field::Messages) else { return Ok(Vec::new()) };
        // Oldest first, whatever the dialect's order is.
        if call.page.newest_first {
            read.reverse();
        }
        let surplus = read.len().saturating_sub(LOOKED_AT);
        let mut records = Vec::with_capacity(read.len() - surplus);
        for record in read.into_iter().skip(surplus) {
            records.push(self.record(caller, conversation, record).await?);
        }
        Ok(records)
    }

    /// The call that reads a conversation's messages; `fields` are in the upstream's names.
    pub fn history_call(&self, caller: &Caller, fields: &Fields<'_>) -> Option<&Call> {
        [Op::History, Op::SessionShow, Op::SessionOpen]
            .into_iter()
            .find_map(|op| self.call_for(op, caller, fields, None).filter(|call| tells(call, Field::Messages)))
    }

    async fn record(&self, caller: &Caller, conversation: &str, mut fields: Fields<'static>) -> Result<Record, Fault> {
        let account = self.account(caller);
        let known = account.known();
        let us = known.id.as_deref().filter(|_| !account.shared).map(|id| (id, &*caller.principal.id));
        let told = Told::of(&fields);
        let from = self.whose(&account, &told);
        self.names.inward(&mut fields, us).await?;
        if from == From::Us
            && account.shared
            && let Some(role) = caller.principal.role
        {
            fields.set_text(Field::SenderRole, role.as_str());
        }
        fields.set_text(Field::ConversationId, conversation);
        Ok(Record { fields, told })
    }

    /// The message that a record is, under the id that it also has when it is said; its file as the upstream names it.
    pub fn recorded(&self, record: &Record) -> Option<Event> {
        let mut event = Event::from_fields(&record.fields)?;
        event.details.origin.dialect = Some(self.settings.dialect.name.to_string());
        if event.details.sender.id.is_empty() {
            event.details.sender.id = self.unnamed(&event);
        }
        if event.details.id.is_empty() || !self.tells_ids() {
            event.details.id = self.synthetic_id(&event, record.told.id.as_deref());
        }
        Some(event)
    }

    pub async fn messages(&self, caller: &Caller, conversation: &str, page: Page) -> Result<Vec<Arc<Event>>, Fault> {
        let account = self.account(caller);
        let room = self.visible(caller, &account, conversation).await?;
        self.ensure_named(caller, &account, &room).await?;
        let records = self.native_history(caller, conversation).await?;
        // The upstream has shown it.
        let room = self.admit(&account, caller, room).await?;
        let senders = self.noted_senders(&account, conversation).await?;
        let mut events = Vec::with_capacity(records.len());
        for record in &records {
            let Some(mut event) = self.recorded(record) else { continue };
            if let Some(sender) = senders.get(&event.details.id) {
                event.details.sender = sender.clone();
            }
            event.details.conversation = room.conversation.clone();
            event.details.guest = room.guest.clone();
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
