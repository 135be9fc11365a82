//! Who may see a conversation of the upstream, and what is known of it. In: a caller and a conversation. Out: its room. Of
//! what others made known, a caller with an account of its own is told nothing before the upstream let it take part.

use crate::backend::Caller;
use crate::directory::{Room, may_see};
use crate::event::Conversation;
use crate::fault::{Fault, Reason};

use super::Inner;
use super::account::Account;

impl Inner {
    /// The room, if the caller may see it. Where each caller is an account of its own the upstream decides that, call by
    /// call; until it did, the room is empty.
    pub async fn visible(&self, caller: &Caller, account: &Account, conversation: &str) -> Result<Room, Fault> {
        let room = match self.directory.room(conversation).await? {
            Some(room) => room,
            None if self.names.conversation(conversation).await?.is_some() => {
                let conversation = Conversation { id: conversation.to_owned(), ..Conversation::default() };
                Room { conversation, ..Room::default() }
            }
            None => return Err(Fault::new(Reason::ConversationNotFound)),
        };
        match may_see(caller, &room) {
            Ok(()) => Ok(room),
            Err(_) if !account.shared && !is_confined_elsewhere(caller, conversation) => Ok(unseen(room)),
            Err(fault) => Err(fault),
        }
    }

    /// Notes that the upstream let the caller take part: it sees the room from now on.
    pub async fn admit(&self, account: &Account, caller: &Caller, room: Room) -> Result<Room, Fault> {
        let known = self.directory.room(&room.conversation.id).await?.unwrap_or(room);
        if account.shared || may_see(caller, &known).is_ok() || is_confined_elsewhere(caller, &known.conversation.id) {
            return Ok(known);
        }
        self.join(caller, known).await
    }

    /// Makes the caller a member.
    pub async fn join(&self, caller: &Caller, room: Room) -> Result<Room, Fault> {
        let join = |room: &mut Room| {
            room.members.insert(caller.principal.id.to_string());
        };
        self.change_room(room, join).await
    }

    /// Changes what is known of a room: as it is now, and one change after the other. `room` stands in for one that is not
    /// known yet.
    pub async fn change_room(&self, room: Room, change: impl FnOnce(&mut Room)) -> Result<Room, Fault> {
        let _turn = self.turns.take(format!("room/{}", room.conversation.id)).await;
        let known = self.directory.room(&room.conversation.id).await?;
        let mut room = known.clone().unwrap_or(room);
        change(&mut room);
        if known.as_ref() != Some(&room) {
            self.directory.save(&room, Vec::new()).await?;
        }
        Ok(room)
    }
}

fn is_confined_elsewhere(caller: &Caller, conversation: &str) -> bool {
    let confined = &caller.principal.conversations;
    !confined.is_empty() && !confined.iter().any(|known| known == conversation)
}

/// What may be told of a room to somebody who knows its name only.
pub fn unseen(room: Room) -> Room {
    let Conversation { id, kind, department, business, .. } = room.conversation;
    Room { conversation: Conversation { id, kind, department, business, ..Conversation::default() }, ..Room::default() }
}
