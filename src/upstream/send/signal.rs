//! What is no message: typing, receipts, ends. In: the event. Out: a frame or a call where the dialect has one; it is
//! passed over where not.

use std::sync::Arc;

use crate::backend::{Caller, Sent};
use crate::event::{Event, EventKind};
use crate::fault::{Fault, Reason};
use crate::metrics;
use crate::upstream::Inner;
use crate::upstream::account::{Account, passes_by};

impl Inner {
    /// What is no message: said where there is a form for it.
    pub(super) async fn signal(
        self: &Arc<Self>,
        caller: &Caller,
        account: &Arc<Account>,
        mut event: Event,
    ) -> Result<Sent, Fault> {
        let room = self.visible(caller, account, &event.details.conversation.id).await?;
        event.details.conversation = room.conversation.clone();
        match event.kind {
            EventKind::SessionEnded => {
                return self
                    .close_at(caller, &event.details.conversation.id)
                    .await
                    .map(|_| Sent::Accepted(Arc::new(event)));
            }
            EventKind::SessionClaimed => {
                return self
                    .claim_at(caller, &event.details.conversation.id)
                    .await
                    .map(|_| Sent::Accepted(Arc::new(event)));
            }
            EventKind::Receipt => {
                return self
                    .read_at(caller, &event.details.conversation.id)
                    .await
                    .map(|()| Sent::Accepted(Arc::new(event)));
            }
            EventKind::SessionStarted | EventKind::Error => return Err(Fault::new(Reason::NotSupported)),
            EventKind::Typing | EventKind::Presence | EventKind::ConversationUpdated | EventKind::Message(_) => {}
        }
        if !self.say_signal(caller, account, &event).await? {
            metrics::count_untold(&self.settings.dialect.name, event.kind.as_str());
            if !passes_by(event.kind) {
                return Err(Fault::new(Reason::NotSupported).detail("the upstream's dialect has no form for it"));
            }
        }
        Ok(Sent::Accepted(Arc::new(event)))
    }

    /// Writes a frame that nothing confirms; says whether the dialect has one.
    pub async fn say_signal(
        self: &Arc<Self>,
        caller: &Caller,
        account: &Arc<Account>,
        event: &Event,
    ) -> Result<bool, Fault> {
        let mut fields = event.fields().into_owned();
        let Some(socket) = self.socket_for(caller) else { return Ok(false) };
        let client = &self.settings.dialect.sockets[socket].client;
        if !client.frames.iter().any(|frame| frame.is_about(fields.kind())) {
            return Ok(false);
        }
        self.names.outward(&mut fields).await?;
        let link = self.link(account, caller, socket, &event.details.conversation.id);
        if client.is_numbered {
            link.number(&mut fields);
        }
        let Ok(frames) = client.write(&fields, crate::dialect::Audience::Sender) else { return Ok(false) };
        link.ready().await?;
        link.write(frames)?;
        Ok(true)
    }
}
