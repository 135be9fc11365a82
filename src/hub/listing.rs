//! What is read: histories, lists of conversations, files, read marks. Answered from the journal.

use std::sync::Arc;

use crate::backend::{Caller, Listed, Listing, Page};
use crate::directory::{self, Room};
use crate::event::{ConversationState, Event, EventKind, MessageKind, Timestamp};
use crate::fault::Fault;
use crate::journal::{Collection, Put, Span};
use crate::naming::fault;

use super::Hub;

/// Rooms that are looked at for one list, and messages for one list of files. A larger hub wants an index.
const LOOKED_AT: usize = 10_000;

impl Hub {
    /// A page of a conversation's messages. `newest_first` counts pages from the end.
    pub(super) async fn messages(
        &self,
        caller: &Caller,
        conversation: &str,
        page: Page,
    ) -> Result<Vec<Arc<Event>>, Fault> {
        let room = match self.directory.room(conversation).await? {
            Some(room) => room,
            // Two parties who have not spoken have an empty history.
            None if conversation.starts_with("direct:") => return Ok(Vec::new()),
            None => return Err(Fault::new(crate::fault::Reason::ConversationNotFound)),
        };
        directory::may_see(caller, &room)?;
        let until = page.number.saturating_mul(page.size);
        let span = Span { after: None, before: None, limit: until, newest_first: page.newest_first };
        let mut events = self.journal.read(conversation, span).await.map_err(fault)?;
        events.retain(|event| event.kind.message().is_some());
        Ok(events.split_off(events.len().min(until - page.size)))
    }

    pub(super) async fn messages_with_files(
        &self,
        caller: &Caller,
        conversation: &str,
    ) -> Result<Vec<Arc<Event>>, Fault> {
        let page = Page { number: 1, size: LOOKED_AT, newest_first: true };
        let mut events = self.messages(caller, conversation, page).await?;
        events.retain(|event| event.kind.message().is_some_and(MessageKind::is_file));
        Ok(events)
    }

    /// A room as a list shows it.
    pub(super) async fn listed(&self, caller: &Caller, room: Room) -> Result<Listed, Fault> {
        let span = Span { after: None, before: None, limit: 1, newest_first: true };
        let last = self.journal.read(&room.conversation.id, span).await.map_err(fault)?.into_iter().next();
        let mut conversation = room.conversation;
        if let Some(event) = &last {
            conversation.last_message_at = event.details.sent_at;
            conversation.preview = event.details.body.clone().or(event.details.attachment.name.clone());
        }
        let seen = self.seen(caller, &conversation.id).await?;
        let newest = last.as_ref().and_then(|event| event.details.sequence).unwrap_or(0);
        conversation.unread = Some(i64::try_from(newest.saturating_sub(seen)).unwrap_or(i64::MAX));
        let mut members = Vec::new();
        for id in &room.members {
            members.extend(self.directory.party(id).await?);
        }
        Ok(Listed { conversation, guest: room.guest, members, last })
    }

    /// A page of conversations, the latest first, and how many there are.
    pub(super) async fn list(
        &self,
        caller: &Caller,
        listing: Listing,
        page: Page,
    ) -> Result<(Vec<Listed>, usize), Fault> {
        let mut rooms = self.directory.rooms_after(None, LOOKED_AT).await?;
        let me = &*caller.principal.id;
        rooms.retain(|room| {
            let wanted = match listing {
                Listing::Mine => room.members.contains(me) || room.conversation.agent.as_deref() == Some(me),
                Listing::Open => room.conversation.state == Some(ConversationState::Open),
                Listing::Visible => room.conversation.state != Some(ConversationState::Closed),
            };
            wanted && directory::may_see(caller, room).is_ok()
        });
        let mut listed = Vec::with_capacity(rooms.len());
        for room in rooms {
            listed.push(self.listed(caller, room).await?);
        }
        listed.sort_by_key(|listed| {
            std::cmp::Reverse(listed.conversation.last_message_at.or(listed.conversation.created_at))
        });
        let count = listed.len();
        let skipped = page.number.saturating_sub(1).saturating_mul(page.size);
        Ok((listed.into_iter().skip(skipped).take(page.size).collect(), count))
    }

    /// How far the caller has read a conversation.
    async fn seen(&self, caller: &Caller, conversation: &str) -> Result<u64, Fault> {
        let key = format!("{conversation}/{}", caller.principal.id);
        Ok(self.directory.find(Collection::ReadMarkers, &key).await?.unwrap_or(0))
    }

    /// Marks all that is there as read by the caller; gives the ids of what was not.
    pub(super) async fn mark_read(&self, caller: &Caller, conversation: &str) -> Result<Vec<String>, Fault> {
        let room = self.visible_room(caller, conversation).await?;
        let seen = self.seen(caller, conversation).await?;
        let span = Span { after: Some(seen), before: None, limit: LOOKED_AT, newest_first: false };
        let events = self.journal.read(conversation, span).await.map_err(fault)?;
        let Some(newest) = events.last().and_then(|event| event.details.sequence) else { return Ok(Vec::new()) };
        let key = format!("{conversation}/{}", caller.principal.id);
        let value = Some(newest.to_string().into_bytes());
        self.journal.put(vec![Put { collection: Collection::ReadMarkers, key, value }]).await.map_err(fault)?;
        let mut receipt = Event::new(EventKind::Receipt);
        receipt.details.conversation = room.conversation;
        receipt.details.sender = self.directory.remember(&caller.principal).await?;
        receipt.details.receipt.status = Some("read".to_owned());
        receipt.details.receipt.reader = caller.principal.role.map(|role| role.as_str().to_owned());
        receipt.details.sent_at = Some(Timestamp::now());
        let others = events.iter().filter(|event| event.details.sender.id != *caller.principal.id);
        // Some dialects say which message was read: the newest is, and so all before it.
        receipt.details.id = others.clone().next_back().map(|event| event.details.id.clone()).unwrap_or_default();
        self.announce(&Arc::new(receipt)).await?;
        Ok(others.map(|event| event.details.id.clone()).collect())
    }
}
