//! What is told to a room. In: events. Out: parcels at the relay: at once what is only told, and what is recorded once the
//! journal says so, by one task, so that the order of delivery is the order of the journal.

use std::sync::Arc;

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use crate::event::{Announced, Event};
use crate::fault::Fault;
use crate::relay::{Parcel, Relay, Topic};

use super::{Hub, relay_fault};

/// The receipt of a message that exists and is not yet announced.
pub const UPLOADED: &str = "uploaded";

/// Tells what the journal has recorded, where the journal does not tell by itself.
pub async fn run(relay: Arc<dyn Relay>, mut journal: Receiver<Announced>, stop: CancellationToken) {
    loop {
        let next = tokio::select! {
            next = journal.recv() => next,
            () = stop.cancelled() => return,
        };
        match next {
            Ok(announced) => {
                if let Err(error) = relay.publish(announced.into()).await {
                    tracing::error!(%error, "a recorded event could not be relayed");
                }
            }
            Err(RecvError::Lagged(missed)) => tracing::error!(missed, "the relay fell behind the journal"),
            Err(RecvError::Closed) => return,
        }
    }
}

impl Hub {
    /// Tells everybody in the event's room.
    pub(super) async fn announce(&self, event: &Arc<Event>) -> Result<(), Fault> {
        let Some(room) = self.directory.room(&event.details.conversation.id).await? else { return Ok(()) };
        let last = Some(event.details.sender.id.as_str().into());
        let parcel = Parcel { last, ..Parcel::new(Arc::clone(event), room.topics()) };
        self.relay.publish(parcel).await.map_err(relay_fault)
    }

    /// Tells only who sent it: a confirmation once more.
    pub(super) async fn confirm_again(&self, event: &Arc<Event>) -> Result<(), Fault> {
        let topics = vec![Topic::Party(event.details.sender.id.as_str().into())];
        self.relay.publish(Parcel::new(Arc::clone(event), topics)).await.map_err(relay_fault)
    }
}
