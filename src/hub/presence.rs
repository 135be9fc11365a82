//! Who is there. In: sockets of dialects that tell it. Out: those who work with the party are told that it came and, when
//! the socket is gone, that it went. Told in passing: nothing of it is kept.

use std::sync::Arc;

use crate::backend::Caller;
use crate::directory::folded;
use crate::event::{Event, EventKind, Party, Timestamp};
use crate::fault::Fault;
use crate::relay::{Parcel, Relay, RelayError, Subscription, Topic};

use super::{Hub, relay_fault};

impl Hub {
    /// Tells that the caller came; once what is given is dropped, that it went.
    pub(super) async fn present(&self, caller: &Caller, listens: Subscription) -> Result<Subscription, Fault> {
        let party = self.directory.remember(&caller.principal).await?;
        let departments = caller.principal.departments.clone();
        tell(&*self.relay, &party, &departments, "online").await.map_err(relay_fault)?;
        let (relay, tasks) = (Arc::clone(&self.relay), self.tasks.clone());
        Ok(Subscription::new(move || {
            drop(listens);
            tasks.spawn(async move {
                if let Err(error) = tell(&*relay, &party, &departments, "offline").await {
                    tracing::warn!(%error, "nobody is told that somebody went");
                }
            });
        }))
    }
}

/// Once for each department, as those who hear it hear departments.
async fn tell(relay: &dyn Relay, party: &Party, departments: &[String], state: &str) -> Result<(), RelayError> {
    let everywhere = departments.is_empty().then_some(None);
    for department in departments.iter().map(Some).chain(everywhere) {
        let mut event = Event::new(EventKind::Presence);
        event.details.sender = party.clone();
        event.details.conversation.department = department.cloned();
        event.details.presence.state = Some(state.to_owned());
        event.details.sent_at = Some(Timestamp::now());
        let of_department = department.map(|name| Topic::Department(folded(name).into()));
        let topics = of_department.into_iter().chain([Topic::Everyone]).collect();
        relay.publish(Parcel::new(Arc::new(event), topics)).await?;
    }
    Ok(())
}
