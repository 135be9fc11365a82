//! The upstream as a [`Backend`]. In: what the trait asks. Out: the rooms of this folder do it.

use std::sync::Arc;

use async_trait::async_trait;

use crate::auth::Principal;
use crate::backend::{
    Backend, Caller, Connect, Connected, FileAhead, Grant, Listed, Listing, Page, Sent, SessionRequest, UploadIntent,
};
use crate::dialect::Scope;
use crate::event::{Attachment, Conversation, ConversationState, Event, Fields, MessageKind};
use crate::fault::{Fault, Reason};
use crate::relay::Subscription;

use super::account::{Account, Listener};
use super::{Inner, Upstream};

/// Conversations whose sockets one listener holds open, at most, where the upstream has a socket for each.
const SOCKETS: usize = 64;

impl Inner {
    /// Listens first, then opens what is needed, so that nothing said in between is missed.
    async fn connect(self: &Arc<Self>, caller: &Caller, connect: Connect) -> Result<Connected, Fault> {
        let account = self.account(caller);
        self.directory.remember(&caller.principal).await?;
        let mut conversation = None;
        if let Some(id) = &connect.conversation {
            let room = self.visible(caller, &account, id).await?;
            self.ensure_named(caller, &room).await?;
            conversation = Some(room.conversation);
        } else if connect.scope == Scope::Conversation {
            return Err(Fault::new(Reason::ConversationNotFound));
        }
        let listener = Listener::new(caller.clone(), connect.conversation.clone(), connect.mailbox);
        let number = account.listen(listener);
        let left = Arc::clone(&account);
        let subscription = Subscription::new(move || left.leave(number));
        let Some(socket) = self.socket_for(caller) else { return Ok(Connected { conversation, subscription }) };
        if self.settings.dialect.sockets[socket].scope != Scope::Conversation {
            self.link(&account, caller, socket, "").ready().await?;
        } else if let Some(id) = &connect.conversation {
            self.link(&account, caller, socket, id).ready().await?;
        } else {
            self.listen_to_all(caller, &account, socket).await?;
        }
        if let Some(conversation) = &conversation
            && conversation.state == Some(ConversationState::Closed)
        {
            // The upstream took the socket: it is open again.
            self.reopened(conversation).await?;
        }
        Ok(Connected { conversation, subscription })
    }

    /// A client with one socket for all, at an upstream with a socket for each: those that are known are opened.
    async fn listen_to_all(
        self: &Arc<Self>,
        caller: &Caller,
        account: &Arc<Account>,
        socket: usize,
    ) -> Result<(), Fault> {
        let rooms = self.directory.rooms_after(None, 10_000).await?;
        let mine = rooms.into_iter().filter(|room| {
            let is_over = room.conversation.state == Some(ConversationState::Closed);
            !is_over && crate::directory::may_see(caller, room).is_ok()
        });
        for room in mine.take(SOCKETS) {
            if let Err(fault) = self.ensure_named(caller, &room).await {
                tracing::info!(upstream = %self.settings.name, %fault, "a conversation is not there");
                continue;
            }
            // One that cannot be opened now is tried again beside; the others are heard meanwhile.
            drop(self.link(account, caller, socket, &room.conversation.id));
        }
        Ok(())
    }

    async fn reopened(&self, conversation: &Conversation) -> Result<(), Fault> {
        if let Some(mut room) = self.directory.room(&conversation.id).await? {
            room.conversation.state = Some(ConversationState::Active);
            self.directory.save(&room, Vec::new()).await?;
        }
        Ok(())
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
        self.0.directory.remember(&caller.principal).await?;
        self.0.find_or_open(caller, request).await
    }

    fn permit_file(&self, caller: &Caller, file: &FileAhead<'_>) -> Result<Option<u64>, Fault> {
        self.0.permit_file(caller, file)
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
        self.0.directory.subscribe(&caller.principal, &fields).await
    }

    async fn healthy(&self) -> Result<(), Fault> {
        self.0.journal.healthy().await.map_err(crate::naming::fault)?;
        let endpoints = self.0.http.endpoints();
        if endpoints.is_empty() || endpoints.iter().any(|endpoint| endpoint.healthy) {
            return Ok(());
        }
        Err(Fault::new(Reason::Upstream).detail(format!("no endpoint of `{}` is well", self.0.settings.name)))
    }
}
