//! Whether a connection may become a session. In: what its handshake said. Out: an admitted connection that already
//! hears, or the fault. Checked in this order: what the connection must name, its credential, its role, its place.

use uuid::Uuid;

use crate::auth::{Principal, Secret, Standing};
use crate::backend::{Caller, Connect, Connected};
use crate::dialect::Scope;
use crate::event::{Conversation, Field, Fields};
use crate::fault::{Fault, Reason};
use crate::relay::{self, MailboxReceiver};

use super::Place;

/// The decoded query parameters of a handshake.
pub type Query = [(String, String)];

/// A connection that may become a session.
pub struct Admitted {
    pub caller: Caller,
    /// Whether its credential is good still.
    pub standing: Standing,
    /// The conversation the socket is confined to.
    pub conversation: Option<Conversation>,
    pub(super) connected: Connected,
    pub(super) mailbox: MailboxReceiver,
}

/// Admits a connection, or says why not.
pub async fn admit(
    place: &Place,
    query: &Query,
    verified: Result<Principal, Fault>,
    presented: Option<Secret>,
    connection: u64,
) -> Result<Admitted, Fault> {
    let contract = place.contract();
    let mut fields = bindings(place, query)?;
    let principal = verified?;
    if !contract.roles.is_empty() && !principal.role.is_some_and(|role| contract.roles.contains(&role)) {
        return Err(Fault::new(Reason::Role));
    }
    let caller = Caller { presented, ..place.caller(principal, connection) };
    place.naming.inward(&place.dialect, &caller, &mut fields).await?;
    let (mailbox, receiver) = relay::mailbox(place.settings.mailbox);
    let conversation = fields.id(Field::ConversationId).map(|id| id.into_owned());
    if contract.scope == Scope::Conversation && conversation.is_none() {
        return Err(Fault::new(Reason::BindingMissing).at(Field::ConversationId));
    }
    let connect = Connect {
        scope: contract.scope,
        conversation,
        mailbox,
        replay: place.settings.replay,
        presence: contract.presence,
    };
    let connected = place.backend.connect(&caller, connect).await?;
    let standing = Standing::default();
    Ok(Admitted { conversation: connected.conversation.clone(), caller, standing, connected, mailbox: receiver })
}

/// What the connection itself says, by the dialect's bindings.
fn bindings(place: &Place, query: &Query) -> Result<Fields<'static>, Fault> {
    let mut fields = Fields::new();
    for binding in &place.contract().bindings {
        let value = query.iter().find(|(name, _)| *name == binding.query).map(|(_, value)| value.as_str());
        match value.filter(|value| !value.is_empty()) {
            None if binding.required => return Err(Fault::new(Reason::BindingMissing).at(binding.field)),
            None => {}
            Some(value) if binding.uuid && Uuid::try_parse(value).is_err() => {
                return Err(Fault::new(Reason::BindingInvalid).at(binding.field));
            }
            Some(value) => fields.set_text(binding.field, value),
        }
    }
    Ok(fields)
}
