//! Who may see and use a conversation. In: a principal and a room. Out: yes, or the fault.

use crate::auth::Principal;
use crate::backend::Caller;
use crate::dialect::family;
use crate::event::Role;
use crate::fault::{Fault, Reason};

use super::room::{Room, folded};

/// Whether the principal may see, and write in, this conversation.
///
/// A member always may. Of a conversation between two nobody else may. A principal that is confined to conversations
/// sees those. Staff, agents and administrators see what is not one-to-one, staff with departments only theirs and what
/// has none. Programs see what they are members of, and what the operator named in the dialect they speak.
pub fn may_see(caller: &Caller, room: &Room) -> Result<(), Fault> {
    let principal = &caller.principal;
    if !principal.conversations.is_empty() {
        let confined = principal.conversations.contains(&room.conversation.id);
        return if confined { Ok(()) } else { Err(Fault::new(Reason::Forbidden)) };
    }
    if room.members.contains(&*principal.id) {
        return Ok(());
    }
    if room.is_direct() {
        return Err(Fault::new(Reason::Forbidden));
    }
    let serves = match principal.role {
        Some(Role::Staff | Role::Agent | Role::Admin | Role::System) => true,
        Some(Role::Bot) => room.programs.contains(family(&caller.dialect)),
        Some(Role::Guest | Role::Visitor | Role::Store | Role::User) | None => false,
    };
    let department = room.conversation.department.as_deref().map(folded);
    let same_department = principal.departments.is_empty()
        || department.is_none_or(|department| principal.departments.iter().any(|mine| folded(mine) == department));
    let same_business = match (&principal.business, &room.conversation.business) {
        (Some(mine), Some(theirs)) => mine == theirs,
        _ => true,
    };
    if serves && same_department && same_business { Ok(()) } else { Err(Fault::new(Reason::Forbidden)) }
}

/// Whether the principal answers for the house, and so may claim and close.
pub fn may_lead(principal: &Principal) -> bool {
    match principal.role {
        Some(Role::Staff | Role::Agent | Role::Admin | Role::System) => true,
        Some(Role::Guest | Role::Visitor | Role::Store | Role::User | Role::Bot) | None => false,
    }
}
