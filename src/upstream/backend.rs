//! The upstream as a [`Backend`]. In: what the trait asks. Out: the rooms of this folder do it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream::{self, StreamExt};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::auth::Principal;
use crate::backend::{
    Backend, Caller, Connect, Connected, FileAhead, Grant, Handover, Listed, Listing, Page, Sent, SessionRequest,
    UploadIntent,
};
use crate::dialect::Scope;
use crate::directory::Room;
use crate::event::{Attachment, Conversation, ConversationState, Event, Fields, MessageKind};
use crate::fault::{Fault, Reason};
use crate::relay::Subscription;

use super::account::{Account, Listener};
use super::{Inner, Upstream};

/// Conversations whose sockets one listener holds open, at most, where the upstream has a socket for each.
const SOCKETS: usize = 64;
/// How many of those are opened at once.
const AT_ONCE: usize = 8;
/// How long a client waits for them.
const OPENING: Duration = Duration::from_secs(2);

impl Inner {
    /// Listens first, then opens what is needed, so that nothing said in between is missed.
    async fn connect(self: &Arc<Self>, caller: &Caller, connect: Connect) -> Result<Connected, Fault> {
        let account = self.account(caller);
        let room = match &connect.conversation {
            Some(id) => {
                let room = self.visible(caller, &account, id).await?;
                self.ensure_named(caller, &account, &room).await?;
                Some(room)
            }
            None if connect.scope == Scope::Conversation => return Err(Fault::new(Reason::ConversationNotFound)),
            None => None,
        };
        let listener = Listener::new(caller.clone(), connect.conversation.clone(), connect.mailbox);
        let number = account.listen(listener);
        let left = Arc::clone(&account);
        let subscription = Subscription::new(move || left.leave(number));
        let taken = self.open_sockets(caller, &account, connect.conversation.as_deref()).await?;
        // Not before the upstream took a credential that nobody else may have looked at.
        self.directory.remember(&caller.principal).await?;
        let conversation = match room {
            Some(room) if taken => Some(self.taken_part(caller, &account, room).await?.conversation),
            Some(room) => Some(room.conversation),
            None => None,
        };
        Ok(Connected { conversation, subscription, replay: None })
    }

    /// The sockets by which the caller hears; whether the upstream opened one for this very conversation.
    async fn open_sockets(
        self: &Arc<Self>,
        caller: &Caller,
        account: &Arc<Account>,
        conversation: Option<&str>,
    ) -> Result<bool, Fault> {
        let Some(socket) = self.socket_for(caller) else { return Ok(false) };
        if self.settings.dialect.sockets[socket].scope != Scope::Conversation {
            self.link(account, caller, socket, "").ready().await?;
            return Ok(false);
        }
        match conversation {
            Some(id) => self.link(account, caller, socket, id).ready().await.map(|()| true),
            None => self.listen_to_all(caller, account, socket).await.map(|()| false),
        }
    }

    /// A client with one socket for all, at an upstream with a socket for each: those that are known are opened.
    async fn listen_to_all(
        self: &Arc<Self>,
        caller: &Caller,
        account: &Arc<Account>,
        socket: usize,
    ) -> Result<(), Fault> {
        let mut rooms = self.directory.rooms_after(None, 10_000).await?;
        rooms.retain(|room| {
            let is_over = room.conversation.state == Some(ConversationState::Closed);
            !is_over && crate::directory::may_see(caller, room).is_ok()
        });
        // The latest are the likeliest to go on.
        rooms.sort_by_key(|room| std::cmp::Reverse(room.conversation.updated_at.max(room.conversation.created_at)));
        rooms.truncate(SOCKETS);
        let (inner, caller, account) = (Arc::clone(self), caller.clone(), Arc::clone(account));
        let (stop, (done, opened)) = (self.tasks.stopping(), oneshot::channel());
        self.tasks.spawn(async move {
            tokio::select! {
                () = inner.open_each(&caller, &account, socket, rooms) => {}
                () = stop.cancelled() => {}
            }
            // Whoever waited may have gone on.
            let _ = done.send(());
        });
        // Those that take longer are opened all the same; the others are heard meanwhile.
        let _ = timeout(OPENING, opened).await;
        Ok(())
    }

    async fn open_each(self: &Arc<Self>, caller: &Caller, account: &Arc<Account>, socket: usize, rooms: Vec<Room>) {
        let open = async |room: Room| {
            let opened = match self.ensure_named(caller, account, &room).await {
                Ok(()) => self.link(account, caller, socket, &room.conversation.id).ready().await,
                Err(fault) => Err(fault),
            };
            if let Err(fault) = opened {
                tracing::info!(upstream = %self.settings.name, %fault, "a conversation is not there now");
            }
        };
        let opening = stream::iter(rooms).map(open).buffer_unordered(AT_ONCE);
        opening.for_each(|()| std::future::ready(())).await;
    }

    /// The upstream took the socket of a conversation: the caller takes part, and it goes on if it had ended.
    async fn taken_part(&self, caller: &Caller, account: &Account, room: Room) -> Result<Room, Fault> {
        let room = self.admit(account, caller, room).await?;
        if room.conversation.state != Some(ConversationState::Closed) {
            return Ok(room);
        }
        self.change_room(room, |room| room.conversation.state = Some(ConversationState::Active)).await
    }
}

#[async_trait]
impl Backend for Upstream {
    async fn connect(&self, caller: &Caller, connect: Connect) -> Result<Connected, Fault> {
        self.0.connect(caller, connect).await
    }

    async fn send(&self, caller: &Caller, event: Event) -> Result<Sent, Fault> {
        self.0.send_event(caller, event).await
    }

    async fn open_session(&self, caller: &Caller, request: SessionRequest) -> Result<Conversation, Fault> {
        let opened = self.0.find_or_open(caller, request).await?;
        self.0.directory.remember(&caller.principal).await?;
        Ok(opened)
    }

    fn permit_file(&self, caller: &Caller, file: &FileAhead<'_>) -> Result<Option<u64>, Fault> {
        self.0.permit_file(caller, file)
    }

    async fn begin_upload(
        &self,
        caller: &Caller,
        intent: &UploadIntent,
        file: &FileAhead<'_>,
        size: Option<u64>,
    ) -> Result<Box<dyn Handover>, Fault> {
        self.0.straight(caller, intent, file, size).await
    }

    async fn permit_upload(&self, caller: &Caller, intent: &UploadIntent) -> Result<(), Fault> {
        self.0.permit(caller, intent).await
    }

    async fn upload(
        &self,
        caller: &Caller,
        intent: UploadIntent,
        kind: MessageKind,
        file: Attachment,
    ) -> Result<Arc<Event>, Fault> {
        self.0.register(caller, intent, kind, file).await
    }

    async fn grant_upload(&self, caller: &Caller) -> Result<Grant, Fault> {
        self.0.library.grant(caller).await
    }

    async fn redeem(&self, token: &str) -> Result<Principal, Fault> {
        self.0.library.granted(token).await
    }

    async fn may_see(&self, caller: &Caller, conversation: &str) -> Result<(), Fault> {
        self.0.visible(caller, &self.0.account(caller), conversation).await.map(|_| ())
    }

    async fn conversation(&self, caller: &Caller, conversation: &str) -> Result<Listed, Fault> {
        self.0.one(caller, conversation).await
    }

    async fn conversations(
        &self,
        caller: &Caller,
        listing: Listing,
        page: Page,
    ) -> Result<(Vec<Listed>, usize), Fault> {
        self.0.list(caller, listing, page).await
    }

    async fn history(&self, caller: &Caller, conversation: &str, page: Page) -> Result<Vec<Arc<Event>>, Fault> {
        self.0.messages(caller, conversation, page).await
    }

    async fn files(&self, caller: &Caller, conversation: &str) -> Result<Vec<Arc<Event>>, Fault> {
        self.0.files(caller, conversation).await
    }

    async fn claim(&self, caller: &Caller, conversation: &str) -> Result<Conversation, Fault> {
        self.0.claim_at(caller, conversation).await
    }

    async fn close(&self, caller: &Caller, conversation: &str) -> Result<Conversation, Fault> {
        self.0.close_at(caller, conversation).await
    }

    async fn read(&self, caller: &Caller, conversation: &str) -> Result<Vec<String>, Fault> {
        self.0.read_at(caller, conversation).await.map(|()| Vec::new())
    }

    async fn subscribe(&self, caller: &Caller, fields: Fields<'static>) -> Result<(), Fault> {
        self.0.subscribe_at(caller, &fields).await
    }

    /// Readiness is the gateway's own: one upstream that is down must not take the other routes away. Of upstreams the
    /// gauges of endpoints and sockets tell.
    async fn healthy(&self) -> Result<(), Fault> {
        self.0.journal.healthy().await.map_err(crate::naming::fault)
    }
}
