//! The gateway itself as the chat backend. In: calls with canonical ids. Out: what was accepted, after the journal has
//! it; deliveries through the relay, in the journal's order. Knows no clients and no dialects.

mod announcer;
mod cursors;
mod files;
mod healer;
mod listing;
mod messages;
mod presence;
mod replay;
mod sessions;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;

use crate::backend::{
    Backend, Caller, Connect, Connected, Grant, Listed, Listing, Page, Sent, SessionRequest, UploadIntent,
};
use crate::dialect::Scope;
use crate::directory::{self, Directory, Room, Subscriptions};
use crate::event::{Attachment, Conversation, ConversationState, Event, Fields, MessageKind};
use crate::fault::{Fault, Reason};
use crate::journal::{Journal, Lease};
use crate::media::Library;
use crate::naming::{PinnedConversation, fault};
use crate::relay::{Relay, RelayError, Topic};
use crate::tasks::Tasks;

use cursors::Cursors;

/// The hub of one gateway.
#[derive(Clone)]
pub struct Hub {
    journal: Arc<dyn Journal>,
    relay: Arc<dyn Relay>,
    directory: Arc<Directory>,
    library: Library,
    cursors: Cursors,
    tasks: Tasks,
    /// Held while a decision is taken that must be taken once: one active session, one claim, one announcement.
    decisions: Arc<tokio::sync::Mutex<()>>,
}

impl Hub {
    /// Opens the hub over a journal and a relay.
    pub fn open(journal: Arc<dyn Journal>, relay: Arc<dyn Relay>, tasks: &Tasks) -> Self {
        let directory = Arc::new(Directory::of_hub(Arc::clone(&journal)));
        let library = Library::new(Arc::clone(&journal));
        let cursors = Cursors::open(Arc::clone(&journal), tasks);
        let hub = Hub { journal, relay, directory, library, cursors, tasks: tasks.clone(), decisions: Arc::default() };
        if let Some(journal) = hub.journal.follow() {
            tasks.spawn(announcer::run(Arc::clone(&hub.relay), journal, tasks.stopping()));
        }
        if let Some(gaps) = hub.relay.gaps() {
            let (journal, relay) = (Arc::clone(&hub.journal), Arc::clone(&hub.relay));
            tasks.spawn(healer::run(journal, relay, gaps, tasks.stopping()));
        }
        hub
    }

    /// Makes pinned conversations known.
    pub async fn pin(&self, pinned: &[PinnedConversation]) -> Result<(), Fault> {
        self.directory.pin(pinned).await
    }

    /// Waits until this may be decided: nobody else here or on another replica decides about it meanwhile.
    async fn decide(&self, about: &str) -> Result<Decision<'_>, Fault> {
        let here = self.decisions.lock().await;
        let everywhere = self.journal.lease(about).await.map_err(fault)?;
        Ok(Decision { _everywhere: everywhere, _here: here })
    }

    /// The room, if it is there and the caller may see it.
    async fn visible_room(&self, caller: &Caller, conversation: &str) -> Result<Room, Fault> {
        let room = self.directory.room(conversation).await?.ok_or_else(|| Fault::new(Reason::ConversationNotFound))?;
        directory::may_see(caller, &room)?;
        Ok(room)
    }
}

/// Held while something is decided.
struct Decision<'hub> {
    _everywhere: Lease,
    _here: tokio::sync::MutexGuard<'hub, ()>,
}

/// A relay that fails is the gateway's fault.
fn relay_fault(error: RelayError) -> Fault {
    Fault::new(Reason::Unavailable).detail(error.to_string())
}

#[async_trait]
impl Backend for Hub {
    async fn connect(&self, caller: &Caller, connect: Connect) -> Result<Connected, Fault> {
        self.directory.remember(&caller.principal).await?;
        let me = Topic::Party(Arc::clone(&caller.principal.id));
        let mut conversation = None;
        let topics = match (connect.scope, &connect.conversation) {
            (Scope::Conversation, Some(id)) => {
                let room = self.visible_room(caller, id).await?;
                if room.conversation.state == Some(ConversationState::Closed) {
                    return Err(Fault::new(Reason::Ended));
                }
                let topic = Topic::Conversation(room.conversation.id.as_str().into());
                conversation = Some(room.conversation);
                vec![topic]
            }
            (Scope::Conversation, None) => return Err(Fault::new(Reason::ConversationNotFound)),
            (Scope::Party, _) => vec![me],
            (Scope::Department, _) if !caller.principal.departments.is_empty() => {
                let departments =
                    caller.principal.departments.iter().map(|name| Topic::Department(directory::folded(name).into()));
                // What belongs to no department is everybody's.
                departments.chain([Topic::Department("".into()), me]).collect()
            }
            (Scope::Department | Scope::Everyone, _) => vec![Topic::Everyone, me],
        };
        let party = Arc::clone(&caller.principal.id);
        let (subscription, replay) = match connect.replay {
            Some(window) => {
                let (subscription, replay) = self.resume(caller, topics, connect.mailbox, window).await?;
                (subscription, Some(replay))
            }
            None => (self.relay.subscribe(party, topics, connect.mailbox).await.map_err(relay_fault)?, None),
        };
        let subscription = match connect.presence {
            true => self.present(caller, connect.scope, subscription).await?,
            false => subscription,
        };
        Ok(Connected { conversation, subscription, replay })
    }

    async fn send(&self, caller: &Caller, event: Event) -> Result<Sent, Fault> {
        self.take(caller, event).await.map(Sent::Accepted)
    }

    async fn open_session(&self, caller: &Caller, request: SessionRequest) -> Result<Conversation, Fault> {
        self.find_or_open(caller, request).await
    }

    async fn permit_upload(&self, caller: &Caller, intent: &UploadIntent) -> Result<(), Fault> {
        self.permit(caller, intent).await
    }

    async fn upload(
        &self,
        caller: &Caller,
        intent: UploadIntent,
        kind: MessageKind,
        file: Attachment,
    ) -> Result<Arc<Event>, Fault> {
        self.register(caller, intent, kind, file).await
    }

    async fn grant_upload(&self, caller: &Caller) -> Result<Grant, Fault> {
        self.directory.remember(&caller.principal).await?;
        self.library.grant(caller).await
    }

    async fn redeem(&self, token: &str) -> Result<crate::auth::Principal, Fault> {
        self.library.granted(token).await
    }

    async fn may_see(&self, caller: &Caller, conversation: &str) -> Result<(), Fault> {
        self.visible_room(caller, conversation).await.map(|_| ())
    }

    async fn conversation(&self, caller: &Caller, conversation: &str) -> Result<Listed, Fault> {
        let room = self.visible_room(caller, conversation).await?;
        self.listed(caller, room).await
    }

    async fn conversations(
        &self,
        caller: &Caller,
        listing: Listing,
        page: Page,
    ) -> Result<(Vec<Listed>, usize), Fault> {
        self.list(caller, listing, page).await
    }

    async fn history(&self, caller: &Caller, conversation: &str, page: Page) -> Result<Vec<Arc<Event>>, Fault> {
        self.messages(caller, conversation, page).await
    }

    async fn files(&self, caller: &Caller, conversation: &str) -> Result<Vec<Arc<Event>>, Fault> {
        self.messages_with_files(caller, conversation).await
    }

    async fn claim(&self, caller: &Caller, conversation: &str) -> Result<Conversation, Fault> {
        self.take_over(caller, conversation).await
    }

    async fn close(&self, caller: &Caller, conversation: &str) -> Result<Conversation, Fault> {
        self.end(caller, conversation).await
    }

    async fn read(&self, caller: &Caller, conversation: &str) -> Result<Vec<String>, Fault> {
        self.mark_read(caller, conversation).await
    }

    async fn subscribe(&self, caller: &Caller, fields: Fields<'static>) -> Result<(), Fault> {
        Subscriptions::new(Arc::clone(&self.journal)).add(&caller.route, &fields).await
    }

    async fn healthy(&self) -> Result<(), Fault> {
        self.journal.healthy().await.map_err(fault)?;
        self.relay.healthy().await.map_err(relay_fault)
    }
}
