//! Who is there. In: sockets of dialects that tell it. Out: those who work with the party, or who talk to it alone, are told
//! that it came and, when the socket is gone, that it went. Told in passing: nothing of it is kept.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::backend::Caller;
use crate::dialect::Scope;
use crate::directory::folded;
use crate::event::{ConversationKind, Event, EventKind, Party, Timestamp};
use crate::fault::Fault;
use crate::relay::{Parcel, Relay, RelayError, Subscription, Topic};

use super::{Hub, relay_fault};

/// Rooms that are looked at for those whom a party talks to, and how many of those are told.
const LOOKED_AT: usize = 10_000;
const PARTNERS: usize = 1_000;

/// Some of those who are told, as one event.
#[derive(Default)]
struct Circle {
    department: Option<String>,
    kind: Option<ConversationKind>,
    topics: Vec<Topic>,
}

impl Hub {
    /// Tells that the caller came; once what is given is dropped, that it went. Whose sockets hear conversations of their own
    /// is told to those on the other side of them, everybody else's to their departments.
    pub(super) async fn present(
        &self,
        caller: &Caller,
        scope: Scope,
        listens: Subscription,
    ) -> Result<Subscription, Fault> {
        let party = self.directory.remember(&caller.principal).await?;
        let circles = match scope {
            Scope::Party => vec![self.partners(&party.id).await?],
            Scope::Conversation | Scope::Department | Scope::Everyone => departments(&caller.principal.departments),
        };
        tell(&*self.relay, &party, &circles, "online").await.map_err(relay_fault)?;
        let (relay, tasks) = (Arc::clone(&self.relay), self.tasks.clone());
        Ok(Subscription::new(move || {
            drop(listens);
            tasks.spawn(async move {
                if let Err(error) = tell(&*relay, &party, &circles, "offline").await {
                    tracing::warn!(%error, "nobody is told that somebody went");
                }
            });
        }))
    }

    /// Those with whom a party has a conversation of two.
    async fn partners(&self, party: &str) -> Result<Circle, Fault> {
        let mut rooms = self.directory.rooms_after(None, LOOKED_AT).await?;
        rooms.retain(|room| room.is_direct() && room.members.contains(party));
        let partners: BTreeSet<String> = rooms.into_iter().flat_map(|room| room.members).collect();
        let partners = partners.into_iter().filter(|partner| partner != party).take(PARTNERS);
        let topics = partners.map(|partner| Topic::Party(partner.into())).collect();
        Ok(Circle { kind: Some(ConversationKind::Direct), topics, ..Circle::default() })
    }
}

/// One for each department, as those who hear it hear departments.
fn departments(names: &[String]) -> Vec<Circle> {
    let everywhere = names.is_empty().then_some(None);
    let circle = |department: Option<&String>| {
        let of_department = department.map(|name| Topic::Department(folded(name).into()));
        let topics = of_department.into_iter().chain([Topic::Everyone]).collect();
        Circle { department: department.cloned(), topics, ..Circle::default() }
    };
    names.iter().map(Some).chain(everywhere).map(circle).collect()
}

async fn tell(relay: &dyn Relay, party: &Party, circles: &[Circle], state: &str) -> Result<(), RelayError> {
    for circle in circles.iter().filter(|circle| !circle.topics.is_empty()) {
        let mut event = Event::new(EventKind::Presence);
        event.details.sender = party.clone();
        event.details.conversation.department.clone_from(&circle.department);
        event.details.conversation.kind = circle.kind;
        event.details.presence.state = Some(state.to_owned());
        event.details.sent_at = Some(Timestamp::now());
        relay.publish(Parcel::new(Arc::new(event), circle.topics.clone())).await?;
    }
    Ok(())
}
