//! What both ends of a way call one of the `[[conversations]]`. In: fields with the speaker's names. Out: the conversation that is
//! meant, the fields as the gateway has them, and as the listener calls it. As `naming` and `upstream/names` do it with the
//! journal that a running gateway has.

use super::End;
use crate::dialect::translation::Side;
use crate::dialect::{ConversationName, family};
use crate::event::{ConversationKind, Field, Fields};
use crate::naming::{PinnedConversation, PinnedName};

impl End<'_> {
    /// An upstream's own name for it, else that of its dialect.
    fn name_of<'a>(&self, room: &'a PinnedConversation) -> Option<&'a PinnedName> {
        let own = self.upstream.and_then(|upstream| room.named_in(upstream));
        own.or_else(|| room.named_in(family(&self.dialect.name)))
    }
}

/// The conversation that the speaker names; none where several could be meant.
pub(super) fn meant<'a>(
    rooms: &'a [PinnedConversation],
    speaker: &End<'_>,
    fields: &Fields<'_>,
) -> Option<&'a PinnedConversation> {
    let is = |field: Field, wanted: &String| fields.id(field).is_some_and(|id| id == *wanted);
    let is_or_unsaid = |field: Field, wanted: &String| fields.id(field).is_none_or(|id| id == *wanted);
    let mut meant = rooms.iter().filter(|room| match speaker.name_of(room) {
        Some(PinnedName::Id(id)) => is(Field::ConversationId, id),
        Some(PinnedName::Keys(keys)) => keys.get("id").is_some_and(|id| is(Field::ConversationId, id)),
        Some(PinnedName::Pair([us, them])) => {
            let to_them = is(Field::ReceiverId, them) && is_or_unsaid(Field::SenderId, us);
            // What an upstream says goes either way.
            to_them || (speaker.side == Side::Server && is(Field::SenderId, them) && is(Field::ReceiverId, us))
        }
        None => false,
    });
    meant.next().filter(|_| meant.next().is_none())
}

/// Says of it what the gateway knows.
pub(super) fn describe(room: &PinnedConversation, fields: &mut Fields<'_>) {
    fields.set_text(Field::ConversationId, room.name.clone());
    for (field, known) in known(room) {
        fields.set_text(field, known);
    }
}

/// What the gateway knows of it, whoever speaks.
pub(super) fn known(room: &PinnedConversation) -> impl Iterator<Item = (Field, String)> {
    let kind = room.kind.unwrap_or(ConversationKind::Department).as_str().to_owned();
    let guest = room.guest.clone().unwrap_or_default();
    let all = [
        (Field::ConversationKind, Some(kind)),
        (Field::ConversationDepartment, room.department.clone()),
        (Field::ConversationBusiness, room.business.clone()),
        (Field::ConversationPostToken, room.post_token.clone()),
        (Field::GuestId, guest.id),
        (Field::GuestName, guest.name),
        (Field::GuestRoom, guest.room_number),
        (Field::GuestWhatsapp, guest.whatsapp_number),
    ];
    all.into_iter().filter_map(|(field, known)| Some((field, known?)))
}

/// Calls it what the listener calls it. False: nobody there hears of it.
pub(super) fn rename(room: &PinnedConversation, listener: &End<'_>, fields: &mut Fields<'_>) -> bool {
    let (naming, name) = (&listener.dialect.naming.name, listener.name_of(room));
    match (naming, name) {
        (ConversationName::Pair, Some(PinnedName::Pair(pair))) => see_pair(pair, listener, fields),
        (ConversationName::Pair, _) => return false,
        // Between two: no group is told of it.
        (_, _) if listener.upstream.is_none() && room.kind == Some(ConversationKind::Direct) => return false,
        (_, Some(PinnedName::Id(id))) => fields.set_text(Field::ConversationId, id.clone()),
        (_, Some(PinnedName::Keys(keys))) if keys.contains_key("id") => {
            fields.set_text(Field::ConversationId, keys["id"].clone());
        }
        // The upstream has no such conversation.
        (ConversationName::Id, None) if listener.upstream.is_some() => return false,
        // It gets an id when it is first needed.
        _ => drop(fields.remove(Field::ConversationId)),
    }
    true
}

/// One of the two says it to the other: to an upstream always we.
fn see_pair([us, them]: &[String; 2], listener: &End<'_>, fields: &mut Fields<'_>) {
    let is_ours = listener.upstream.is_some() || fields.id(Field::SenderId).is_some_and(|sender| sender == *us);
    let (sender, receiver) = if is_ours { (us, them) } else { (them, us) };
    fields.set_text(Field::SenderId, sender.clone());
    fields.set_text(Field::ReceiverId, receiver.clone());
    match listener.upstream {
        Some(_) => drop(fields.remove(Field::ConversationId)),
        None => fields.set_text(Field::OtherId, them.clone()),
    }
}
